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

namespace grove {

namespace {

std::size_t checked_size(std::ptrdiff_t threads) {
  if (threads < 0) {
    throw std::invalid_argument("grove: ThreadPool: a size of " + std::to_string(threads) +
                                " is negative");
  }
  return static_cast<std::size_t>(threads);
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

  Core(std::size_t max_threads, ThreadPoolOptions o) : options(std::move(o)), max(max_threads) {}

  const ThreadPoolOptions options;
  const pid_t process = ::getpid();
  mutable std::mutex mutex;
  std::condition_variable work;
  std::condition_variable gone; // the last thread of a pool that closes
  std::deque<std::unique_ptr<detail::Job>> queue;
  std::size_t max;
  std::size_t idle = 0;
  std::size_t running = 0; // jobs
  bool closing = false;
  Threads living;
  Threads ended;                    // to be joined
  std::vector<Joiner> joiners;      // for the end of all jobs
  std::optional<Joiner> destructor; // for the end of all threads

  // -- all of these hold the mutex -----------------------------------------------------------
  void start_thread() {
    ended_threads_are_joined();
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
  // They have given the mutex up for the last time, or will at once.
  void ended_threads_are_joined() {
    for (std::thread& one : ended)
      one.join();
    ended.clear();
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
  void tell_joiners() {
    if (running != 0 || !queue.empty())
      return;
    for (const Joiner& one : joiners)
      one.result.set();
    joiners.clear();
  }

  // -- a thread ------------------------------------------------------------------------------
  void live(Threads::iterator self) {
    pool_of_this_thread = this;
    pthread_setname_np(pthread_self(), options.name.substr(0, 15).c_str());
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
        static const std::function<void()> nothing;
        job->run(prepared ? nothing : [&] {
          options.on_start();
          prepared = true;
        });
        job.reset();
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
    ended.splice(ended.end(), living, self);
    if (!queue.empty())
      work.notify_one(); // the call may have been for a job
    if (closing && living.empty()) {
      gone.notify_all();
      if (destructor)
        destructor->result.set();
      destructor.reset();
    }
  }
};

ThreadPool::ThreadPool(std::ptrdiff_t max_threads, ThreadPoolOptions options)
    : core_(std::make_shared<Core>(checked_size(max_threads), std::move(options))) {}

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
  std::deque<std::unique_ptr<detail::Job>> dropped; // with 0 threads nobody would ever run them
  {
    std::unique_lock lock(all.mutex);
    all.closing = true;
    if (all.max == 0)
      dropped.swap(all.queue);
    all.work.notify_all();
    if (detail::this_hub->index == detail::no_hub_index) {
      all.gone.wait(lock, [&] { return all.living.empty(); });
    } else if (!all.living.empty()) {
      const AsyncResult<void> ended = all.destructor.emplace().result;
      lock.unlock();
      const Shield shield;
      ended.wait();
    }
  }
  for (const auto& job : dropped)
    job->fail(std::make_exception_ptr(Closed("ThreadPool: it was destroyed")));
  const std::lock_guard lock(all.mutex);
  all.ended_threads_are_joined();
}

void ThreadPool::put(std::unique_ptr<detail::Job> job) {
  Core& all = core();
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
  std::optional<AsyncResult<void>> done;
  {
    const std::lock_guard lock(all.mutex);
    if (all.running == 0 && all.queue.empty())
      return true;
    done = all.joiners.emplace_back().result;
  }
  return done->wait(deadline);
}

void ThreadPool::kill_pending() {
  Core& all = core();
  std::deque<std::unique_ptr<detail::Job>> dropped;
  {
    const std::lock_guard lock(all.mutex);
    dropped.swap(all.queue);
  }
  for (const auto& job : dropped)
    job->fail(std::make_exception_ptr(Killed("ThreadPool: the job was killed before it began")));
  const std::lock_guard lock(all.mutex);
  all.tell_joiners();
}

void ThreadPool::resize(std::ptrdiff_t max_threads) {
  const std::size_t max = checked_size(max_threads);
  Core& all = core();
  const std::lock_guard lock(all.mutex);
  all.max = max;
  all.start_what_is_needed();
  all.work.notify_all();
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
  return core_->queue.size();
}
bool ThreadPool::on_own_thread() const { return pool_of_this_thread == core_.get(); }

ThreadPool& default_thread_pool() {
  // Never destroyed: jobs may be under way when the statics go.
  static auto* const pool = new ThreadPool(10, {.name = "grove-blocking"});
  return *pool;
}

} // namespace grove
