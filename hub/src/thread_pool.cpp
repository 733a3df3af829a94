// SPDX-License-Identifier: MIT
// Thread pools: their threads, and the line of jobs.
#include <grove/hub/thread_pool.hpp>

#include <pthread.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <deque>
#include <list>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include <grove/hub/timeout.hpp>

#include "hub_impl.hpp"
#include "simulated_jobs.hpp"

namespace grove {

namespace {

[[noreturn]] void throw_negative(const std::string& what, const std::string& quantity) {
  throw std::invalid_argument("grove: " + what + ": " + quantity + " is negative");
}

std::size_t checked_size(const char* what, std::ptrdiff_t threads) {
  if (threads < 0)
    throw_negative(what, "a size of " + std::to_string(threads));
  return static_cast<std::size_t>(threads);
}

ThreadPoolOptions checked(ThreadPoolOptions options) {
  if (options.idle < options.idle.zero())
    throw_negative("ThreadPool", "an idle time of " + std::to_string(options.idle.count()) + " ms");
  return options;
}

// Threads inherit the mask: what a signal is meant for is the program's own business.
class AllSignalsBlocked {
public:
  AllSignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;
  ~AllSignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
  sigset_t before_;
};

thread_local const void* pool_of_this_thread = nullptr;

} // namespace

struct ThreadPool::Core : std::enable_shared_from_this<Core> {
  // Somebody who waits for the end of something, on a hub.
  struct Joiner {
    AsyncResult<void> result;
    Hub::Attachment attachment;
    Joiner() : attachment(Hub::current().attach()) {}
  };
  using Threads = std::list<std::thread>;
  using Jobs = std::deque<std::unique_ptr<detail::Job>>;

  Core(std::size_t max_threads, ThreadPoolOptions o) : options(std::move(o)), max(max_threads) {}

  const ThreadPoolOptions options;
  const pid_t process = ::getpid();
  mutable std::mutex mutex;
  std::condition_variable work;
  std::condition_variable gone; // the last thread of a pool that closes
  Jobs queue;
  detail::SimulatedJobs simulated;
  std::size_t max;
  std::size_t idle = 0;
  std::size_t running = 0; // jobs
  bool closing = false;
  Threads living;
  Threads ended;                                // the last to end: joined by the next
  std::list<std::shared_ptr<Joiner>> joiners{}; // for the end of all jobs
  std::optional<Joiner> destructor;             // for the end of all threads

  // -- all of these hold the mutex -----------------------------------------------------------
  void start_thread() {
    living.emplace_back();
    const auto self = std::prev(living.end());
    try {
      const AllSignalsBlocked blocked;
      *self = std::thread([core = shared_from_this(), self] { core->live(self); });
    } catch (...) {
      living.erase(self);
      throw;
    }
    ++idle; // it is on its way to a job
  }
  void start_what_is_needed() {
    while (queue.size() > idle && living.size() < max) {
      try {
        start_thread();
      } catch (...) {
        if (living.empty())
          throw;
        return; // those that live will do
      }
    }
  }
  bool has_jobs() const { return running != 0 || !queue.empty() || !simulated.empty(); }
  bool over() const { return living.empty() && simulated.over(); }
  void tell_joiners() {
    if (has_jobs())
      return;
    for (const auto& one : joiners)
      one->result.set();
    joiners.clear();
  }
  void tell_the_destructor() {
    if (!closing || !over())
      return;
    gone.notify_all();
    if (destructor)
      destructor->result.set();
    destructor.reset();
  }
  Jobs take_all() {
    Jobs all;
    all.swap(queue);
    simulated.move_to(all);
    return all;
  }

  // -- a thread ------------------------------------------------------------------------------
  void be_named() const {
    pool_of_this_thread = this;
    pthread_setname_np(pthread_self(), options.name.substr(0, 15).c_str());
  }
  void run(std::unique_ptr<detail::Job> job, bool& prepared) const {
    static const std::function<void()> nothing;
    job->run(prepared ? nothing : [&] {
      options.on_start();
      prepared = true;
    });
  }
  void live(Threads::iterator self) {
    be_named();
    bool prepared = !options.on_start;
    std::unique_lock lock(mutex);
    --idle;
    for (;;) {
      if (living.size() > max)
        break;
      if (!queue.empty()) {
        std::unique_ptr<detail::Job> job = std::move(queue.front());
        queue.pop_front();
        ++running;
        lock.unlock();
        run(std::move(job), prepared);
        lock.lock();
        --running;
        tell_joiners();
        continue;
      }
      if (closing)
        break;
      ++idle;
      const bool wanted = work.wait_for(
          lock, options.idle, [&] { return !queue.empty() || closing || living.size() > max; });
      --idle;
      if (!wanted)
        break;
    }
    // Whoever joins waits for what the thread's own objects do as it ends: that is no hub, and
    // nobody who holds the mutex.
    Threads before;
    before.splice(before.end(), ended);
    ended.splice(ended.end(), living, self);
    if (!queue.empty())
      work.notify_one(); // the call may have been for a job
    tell_the_destructor();
    lock.unlock();
    for (std::thread& one : before)
      one.join();
  }

  // -- under a Simulation: on the hub, which stands still ------------------------------------
  // One of the jobs that would be under way by now: the first so many.
  void run_simulated(Hub& hub) {
    std::unique_lock lock(mutex);
    std::unique_ptr<detail::Job> job = simulated.take(hub, max);
    if (job == nullptr)
      return;
    ++running;
    lock.unlock();
    try {
      std::thread thread;
      {
        const AllSignalsBlocked blocked;
        thread = std::thread([this, &job] {
          be_named();
          bool prepared = !options.on_start;
          run(std::move(job), prepared);
        });
      }
      thread.join();
    } catch (const std::system_error&) {
      job->fail(std::current_exception());
    }
    lock.lock();
    --running;
    simulated.done();
    tell_joiners();
    tell_the_destructor();
  }
  // The hub shuts down.
  void drop_simulated(Hub& hub) {
    std::unique_ptr<detail::Job> job;
    {
      const std::lock_guard lock(mutex);
      job = simulated.take(hub, 1);
    }
    if (job == nullptr)
      return;
    job->fail(std::make_exception_ptr(Closed("ThreadPool: the hub has shut down")));
    const std::lock_guard lock(mutex);
    simulated.done();
    tell_joiners();
    tell_the_destructor();
  }

  // The turn of a hub to run a job.
  struct SimulatedTurn {
    std::shared_ptr<Core> core;
    Hub* hub;
    SimulatedTurn(std::shared_ptr<Core> c, Hub& h) : core(std::move(c)), hub(&h) {}
    SimulatedTurn(SimulatedTurn&&) noexcept = default;
    SimulatedTurn& operator=(SimulatedTurn&&) = delete;
    ~SimulatedTurn() {
      if (core != nullptr)
        core->drop_simulated(*hub);
    }
    void operator()() { std::exchange(core, nullptr)->run_simulated(*hub); }
  };
};

ThreadPool::ThreadPool(std::ptrdiff_t max_threads, ThreadPoolOptions options)
    : core_(std::make_shared<Core>(checked_size("ThreadPool", max_threads),
                                   checked(std::move(options)))) {}

// In a child of fork() none of the threads exist: it begins anew, and what was under way is the
// parent's.
ThreadPool::Core& ThreadPool::core() const {
  if (core_->process != ::getpid()) {
    auto fresh = std::make_shared<Core>(core_->max, core_->options);
    [[maybe_unused]] const auto* leaked = new std::shared_ptr<Core>(std::exchange(core_, fresh));
  }
  return *core_;
}

ThreadPool::~ThreadPool() {
  Core& all = core();
  Core::Jobs dropped;
  {
    std::unique_lock lock(all.mutex);
    all.closing = true;
    if (all.max == 0 || (all.living.empty() && all.simulated.over())) // nobody would ever run them
      dropped = all.take_all();
    all.work.notify_all();
    if (detail::this_hub->index == detail::no_hub_index) {
      all.gone.wait(lock, [&] { return all.over(); });
    } else if (!all.over()) {
      const AsyncResult<void> ended = all.destructor.emplace().result;
      lock.unlock();
      const Shield shield;
      ended.wait();
    }
  }
  for (const auto& job : dropped)
    job->fail(std::make_exception_ptr(Closed("ThreadPool: it was destroyed")));
  Core::Threads last;
  {
    const std::lock_guard lock(all.mutex);
    last.swap(all.ended);
  }
  for (std::thread& one : last)
    one.join();
}

void ThreadPool::put(std::unique_ptr<detail::Job> job) {
  Core& all = core();
  detail::HubImpl& hub = detail::HubImpl::here();
  if (hub.simulation != nullptr) {
    const detail::AsMain nobodys_child;
    spawn(Core::SimulatedTurn(core_, hub));
    const std::lock_guard lock(all.mutex);
    all.simulated.put(hub, std::move(job));
    return;
  }
  const std::lock_guard lock(all.mutex);
  all.queue.push_back(std::move(job));
  try {
    all.start_what_is_needed();
  } catch (...) {
    all.queue.pop_back();
    throw;
  }
  if (all.idle != 0)
    all.work.notify_one();
}

bool ThreadPool::join(Deadline deadline) {
  detail::here();
  detail::check_interrupts();
  Core& all = core();
  const auto me = std::make_shared<Core::Joiner>();
  {
    const std::lock_guard lock(all.mutex);
    if (!all.has_jobs())
      return true;
    all.joiners.push_back(me);
  }
  const auto leave = [&] {
    const std::lock_guard lock(all.mutex);
    all.joiners.remove(me);
  };
  try {
    if (me->result.wait(deadline))
      return true;
  } catch (...) {
    leave();
    throw;
  }
  leave();
  return false;
}

void ThreadPool::kill_pending() {
  Core& all = core();
  Core::Jobs dropped;
  {
    const std::lock_guard lock(all.mutex);
    dropped = all.take_all();
  }
  for (const auto& job : dropped)
    job->fail(std::make_exception_ptr(Killed("ThreadPool: the job was killed before it began")));
  const std::lock_guard lock(all.mutex);
  all.tell_joiners();
}

void ThreadPool::resize(std::ptrdiff_t max_threads) {
  const std::size_t max = checked_size("ThreadPool.resize", max_threads);
  Core& all = core();
  std::vector<Hub*> overdue;
  {
    const std::lock_guard lock(all.mutex);
    all.max = max;
    all.start_what_is_needed();
    all.work.notify_all();
    if (max != 0)
      overdue = all.simulated.overdue();
  }
  for (Hub* const hub : overdue)
    hub->post(Core::SimulatedTurn(core_, *hub));
}

std::size_t ThreadPool::max_threads() const {
  const std::lock_guard lock(core().mutex);
  return core_->max;
}
std::size_t ThreadPool::threads() const {
  const std::lock_guard lock(core().mutex);
  return core_->living.size();
}
std::size_t ThreadPool::pending() const {
  const std::lock_guard lock(core().mutex);
  return core_->queue.size() + core_->simulated.size();
}
bool ThreadPool::on_own_thread() const { return pool_of_this_thread == core_.get(); }

ThreadPool& default_thread_pool() {
  // Never destroyed: jobs may be under way when the statics go.
  static auto* const pool = new ThreadPool(10, {.name = "grove-blocking"});
  return *pool;
}

} // namespace grove
