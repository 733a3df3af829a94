// SPDX-License-Identifier: MIT
// ThreadPool: functions that block, or compute for long, on threads of their own.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <type_traits>
#include <utility>

#include <grove/hub/async_result.hpp>
#include <grove/hub/deadline.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/pool.hpp>
#include <grove/hub/timeout.hpp>

namespace grove {

namespace detail {

// A function on its way through a pool. Made on a hub; run or failed once, on any thread.
class Job {
public:
  Job() = default;
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;
  virtual ~Job() = default;
  // `prepare`, if any, is called first; what it throws is the job's result.
  virtual void run(const std::function<void()>& prepare) noexcept = 0;
  virtual void fail(std::exception_ptr error) noexcept = 0;
};

template <class T, class F>
class JobOf final : public Job {
public:
  template <class... Args>
  JobOf(AsyncResult<T> result, std::shared_ptr<std::atomic<bool>> abandoned, Args&&... args)
      : hub_(&Hub::current()), attachment_(hub_->attach()), result_(std::move(result)),
        abandoned_(std::move(abandoned)), function_(std::in_place, std::forward<Args>(args)...) {}

  void run(const std::function<void()>& prepare) noexcept override {
    if (abandoned_ != nullptr && abandoned_->load(std::memory_order_relaxed)) {
      fail(std::make_exception_ptr(Killed("ThreadPool: who waited for the job has gone")));
      return;
    }
    std::optional<std::conditional_t<std::is_void_v<T>, bool, T>> value;
    try {
      if (prepare)
        prepare();
      if constexpr (std::is_void_v<T>) {
        (*function_)();
        value.emplace(true);
      } else {
        value.emplace((*function_)());
      }
    } catch (...) {
      fail(std::current_exception());
      return;
    }
    function_.reset(); // arguments go before the result is told
    if constexpr (std::is_void_v<T>)
      answer([](const AsyncResult<T>& result) { result.set(); });
    else
      answer([v = std::move(*value)](const AsyncResult<T>& result) mutable {
        result.set(std::move(v));
      });
  }
  void fail(std::exception_ptr error) noexcept override {
    function_.reset();
    answer(
        [error = std::move(error)](const AsyncResult<T>& result) { result.set_exception(error); });
  }

private:
  // Everything that belongs to the waiting hub goes back there, in one closure. If that hub has
  // shut down it is dropped.
  template <class Set>
  void answer(Set set) {
    post_inline(*hub_, [result = std::move(result_), attachment = std::move(attachment_),
                        set = std::move(set)]() mutable {
      try {
        set(result);
      } catch (...) { // the value could not be moved
        result.set_exception(std::current_exception());
      }
    });
  }

  Hub* hub_;
  Hub::Attachment attachment_; // a job under way will wake somebody: no Deadlock
  AsyncResult<T> result_;
  std::shared_ptr<std::atomic<bool>> abandoned_;
  std::optional<F> function_;
};

} // namespace detail

// How the threads of a pool are made.
struct ThreadPoolOptions {
  std::string name = "grove-pool";        // of the threads: 15 characters of it
  std::function<void()> on_start{};       // on each thread, before its first job
  std::chrono::milliseconds idle{10'000}; // a thread that had no job for so long ends
};

// ThreadPool runs functions on up to so many threads, first come, first served. Threads are
// started when jobs need them, have all signals blocked, and have no hub: a function there waits by
// blocking its thread. Any hub's greenlets may use a pool, and wait for results on their own hub;
// a job that is under way is no Deadlock. A greenlet that is killed or timed out while it waits
// abandons its job: one that has begun goes on, so give jobs what they use by value.
// Destroying a pool waits, green on a hub and behind a Shield, until its jobs are done.
class ThreadPool {
public:
  // std::invalid_argument if negative. With 0 jobs wait for resize().
  explicit ThreadPool(std::ptrdiff_t max_threads, ThreadPoolOptions options = {});
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();

  // -- jobs ----------------------------------------------------------------------------------
  // Runs f(args...), copied or moved as std::thread does, on a thread, and waits for its result or
  // for what it throws. If the wait is interrupted before the job has begun, it never does. On a
  // thread of this very pool f is simply called. std::system_error if there is no thread and none
  // can be started.
  template <class F, class... Args>
  requires SpawnCallable<F, Args...> SpawnResult<F, Args...> run(F&& f, Args&&... args);
  // The same without waiting. If nobody asks for the result, its error is lost.
  template <class F, class... Args>
  requires SpawnCallable<F, Args...> AsyncResult<SpawnResult<F, Args...>> submit(F&& f,
                                                                                 Args&&... args);
  // f(item) for each item; the results in their order, as Pool::map() gives them. For imap and
  // imap_unordered give Pool's a function that calls run().
  template <class F, std::ranges::input_range R>
  auto map(F f, R&& items) {
    Pool waiters(static_cast<std::ptrdiff_t>(std::max<std::size_t>(max_threads(), 1)));
    return waiters.map([&]<class Item>(Item&& item) { return run(f, std::forward<Item>(item)); },
                       std::forward<R>(items));
  }

  // Waits until no job waits or runs. False if the deadline came first.
  bool join(Deadline deadline = {});
  // Jobs that have not begun never will: their results are Killed.
  void kill_pending();

  // -- threads: any thread -------------------------------------------------------------------
  // More threads are started if jobs wait for them; fewer: the idle ones end, the busy ones as they
  // finish. std::invalid_argument if negative.
  void resize(std::ptrdiff_t max_threads);
  std::size_t max_threads() const;
  std::size_t threads() const; // that live
  std::size_t pending() const; // jobs that have not begun
  bool on_own_thread() const;  // called from a job of this pool

private:
  struct Core;
  void put(std::unique_ptr<detail::Job> job);
  Core& core() const;
  mutable std::shared_ptr<Core> core_; // shared with its threads
};

// The pool for what has none of its own: at most 10 threads; resize() it as you like.
ThreadPool& default_thread_pool();

// Runs f(args...) on a thread of the default pool and waits for its result.
template <class F, class... Args>
requires SpawnCallable<F, Args...> SpawnResult<F, Args...> run_blocking(F&& f, Args&&... args) {
  return default_thread_pool().run(std::forward<F>(f), std::forward<Args>(args)...);
}

template <class F, class... Args>
requires SpawnCallable<F, Args...> SpawnResult<F, Args...> ThreadPool::run(F&& f, Args&&... args) {
  using Call = detail::Bound<std::decay_t<F>, std::decay_t<Args>...>;
  using Result = SpawnResult<F, Args...>;
  if (on_own_thread())
    return Call(std::forward<F>(f), std::forward<Args>(args)...)();
  AsyncResult<Result> result;
  const auto abandoned = std::make_shared<std::atomic<bool>>(false);
  put(std::make_unique<detail::JobOf<Result, Call>>(result, abandoned, std::forward<F>(f),
                                                    std::forward<Args>(args)...));
  try {
    result.wait();
  } catch (...) {
    abandoned->store(true, std::memory_order_relaxed);
    throw;
  }
  const Shield shield; // it is there: nothing that comes now takes it away
  return std::move(result).get();
}

template <class F, class... Args>
requires SpawnCallable<F, Args...> AsyncResult<SpawnResult<F, Args...>>
ThreadPool::submit(F&& f, Args&&... args) {
  using Call = detail::Bound<std::decay_t<F>, std::decay_t<Args>...>;
  using Result = SpawnResult<F, Args...>;
  AsyncResult<Result> result;
  put(std::make_unique<detail::JobOf<Result, Call>>(result, nullptr, std::forward<F>(f),
                                                    std::forward<Args>(args)...));
  return result;
}

} // namespace grove
