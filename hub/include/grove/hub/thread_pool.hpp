// SPDX-License-Identifier: MIT
// ThreadPool: functions that block, or compute for long, on threads of their own.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include <grove/hub/async_result.hpp>
#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/job.hpp>
#include <grove/hub/exceptions.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/pool.hpp>
#include <grove/hub/timeout.hpp>

namespace grove {

namespace detail {
struct UnattachedJobs;
}

// How the threads of a pool are made.
struct ThreadPoolOptions {
  std::string name = "grove-pool";        // of the threads: 15 characters of it
  std::function<void()> on_start{};       // on each thread, before its first job
  std::chrono::milliseconds idle{10'000}; // a thread that had no job for so long ends
};

// ThreadPool runs functions on up to so many threads, first come, first served. Threads are
// started when jobs need them, have all signals blocked, and have no hub: a function there waits by
// blocking its thread. Any hub's greenlets may use a pool, and wait for results on their own hub;
// a job that somebody waits for, or that was submitted, is no Deadlock. A greenlet that is killed
// or timed out while it waits abandons its job: one that has begun goes on, so give jobs what they
// use by value. Destroying a pool waits, green on a hub and behind a Shield, until its jobs are
// done. Under a Simulation jobs begin when the seed says so, and the hub stands still while one
// runs: it must not wait for a greenlet of that hub.
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
  // can be started. With a time limit: with_timeout(limit, [&] { return pool.run(f); }), or
  // submit() and the result's get(limit).
  template <class F, class... Args>
  requires SpawnCallable<F, Args...> SpawnResult<F, Args...> run(F&& f, Args&&... args);
  // The same without waiting. If nobody asks for the result, its error is lost.
  template <class F, class... Args>
  requires SpawnCallable<F, Args...> AsyncResult<SpawnResult<F, Args...>> submit(F&& f,
                                                                                 Args&&... args);
  // f(item) for each item, each in a job; the results in their order, as Pool::map() gives them.
  // TimeoutError if the deadline, one for all of it, came first; then, as at the first error, no
  // more begin, and the results of those that have begun are dropped.
  template <class F, std::ranges::input_range R>
  auto map(F f, R&& items, Deadline deadline = {}) {
    const Timeout limit(deadline, TimeoutError("ThreadPool.map: not all is done in time"));
    Pool waiters(slots());
    return waiters.map(caller_of(std::move(f)), std::forward<R>(items));
  }
  // The results as an input range, in the order of the items, or as they come, as Pool::imap() and
  // Pool::imap_unordered() give them. They must not outlive the pool.
  template <class F, std::ranges::input_range R>
  auto imap(F f, R&& items, std::size_t maxsize = 0) {
    return stream<true>("ThreadPool.imap", std::move(f), std::forward<R>(items), maxsize);
  }
  template <class F, std::ranges::input_range R>
  auto imap_unordered(F f, R&& items, std::size_t maxsize = 0) {
    return stream<false>("ThreadPool.imap_unordered", std::move(f), std::forward<R>(items),
                         maxsize);
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
  friend struct detail::UnattachedJobs;
  template <class F, class... Args>
  AsyncResult<SpawnResult<F, Args...>> submit_as(std::optional<Hub::Attachment> attachment, F&& f,
                                                 Args&&... args);
  void put(std::unique_ptr<detail::Job> job);
  Core& core() const;
  // Of the greenlets that wait for the jobs of one map.
  std::ptrdiff_t slots() const {
    return static_cast<std::ptrdiff_t>(std::max<std::size_t>(max_threads(), 1));
  }
  template <class F>
  auto caller_of(F f) {
    return [pool = this, f = std::move(f)]<class Item>(Item&& item) {
      return pool->run(f, std::forward<Item>(item));
    };
  }
  template <bool Ordered, class F, class R>
  auto stream(const char* what, F f, R&& items, std::size_t maxsize);
  mutable std::shared_ptr<Core> core_; // shared with its threads
};

// The pool for what has none of its own: at most 10 threads; resize() it as you like.
ThreadPool& default_thread_pool();

// Runs f(args...) on a thread of the default pool and waits for its result, as ThreadPool::run().
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
  detail::here();
  detail::check_interrupts(); // who is to end begins no job
  AsyncResult<Result> result;
  const auto abandoned = std::make_shared<std::atomic<bool>>(false);
  const Hub::Attachment attachment = Hub::current().attach(); // as long as we wait
  put(std::make_unique<detail::JobOf<Result, Call>>(
      result, std::nullopt, abandoned, std::forward<F>(f), std::forward<Args>(args)...));
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
  return submit_as(Hub::current().attach(), std::forward<F>(f), std::forward<Args>(args)...);
}

template <class F, class... Args>
AsyncResult<SpawnResult<F, Args...>>
ThreadPool::submit_as(std::optional<Hub::Attachment> attachment, F&& f, Args&&... args) {
  using Call = detail::Bound<std::decay_t<F>, std::decay_t<Args>...>;
  using Result = SpawnResult<F, Args...>;
  AsyncResult<Result> result;
  put(std::make_unique<detail::JobOf<Result, Call>>(
      result, std::move(attachment), nullptr, std::forward<F>(f), std::forward<Args>(args)...));
  return result;
}

namespace detail {

// submit() for grove's libraries: whoever waits for the result attaches the hub, while it does.
struct UnattachedJobs {
  template <class F>
  static AsyncResult<SpawnResult<F>> submit(ThreadPool& pool, F&& f) {
    return pool.submit_as(std::nullopt, std::forward<F>(f));
  }
};

// The greenlets that wait for the jobs: they go after those who use them.
struct JobWaiters {
  Pool waiters;
  explicit JobWaiters(std::ptrdiff_t bound) : waiters(bound) {}
};
template <class T, class F, class R>
class JobStream final : private JobWaiters, public Stream<T, F, R> {
public:
  JobStream(std::ptrdiff_t bound, bool ordered, std::size_t maxsize, F f, R items)
      : JobWaiters(bound), Stream<T, F, R>(waiters, ordered, maxsize, std::move(f),
                                           std::forward<R>(items)) {}
};

} // namespace detail

template <bool Ordered, class F, class R>
auto ThreadPool::stream(const char* what, F f, R&& items, std::size_t maxsize) {
  detail::checked_maxsize(what, maxsize);
  auto call = caller_of(std::move(f));
  using Call = decltype(call);
  using Made = std::invoke_result_t<Call&, std::ranges::range_value_t<R>>;
  using T = std::conditional_t<std::is_void_v<Made>, std::monostate, std::decay_t<Made>>;
  auto state = std::make_unique<detail::JobStream<T, Call, R>>(
      slots(), Ordered, maxsize, std::move(call), std::forward<R>(items));
  state->start();
  return Results<T>(std::move(state));
}

} // namespace grove
