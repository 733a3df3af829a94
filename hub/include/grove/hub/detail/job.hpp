// SPDX-License-Identifier: MIT
// A function on its way through a ThreadPool, and back with its result.
#pragma once

#include <atomic>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <grove/hub/async_result.hpp>
#include <grove/hub/exceptions.hpp>
#include <grove/hub/hub.hpp>

namespace grove::detail {

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
  // `attachment`: none if who waits for the result is attached, and may leave before the job ends.
  template <class... Args>
  JobOf(AsyncResult<T> result, std::optional<Hub::Attachment> attachment,
        std::shared_ptr<std::atomic<bool>> abandoned, Args&&... args)
      : hub_(&Hub::current()), attachment_(std::move(attachment)), result_(std::move(result)),
        abandoned_(std::move(abandoned)), function_(std::in_place, std::forward<Args>(args)...) {}

  void run(const std::function<void()>& prepare) noexcept override {
    if (abandoned_ != nullptr && abandoned_->load(std::memory_order_relaxed)) {
      fail(std::make_exception_ptr(Killed("ThreadPool: who waited for the job has gone")));
      return;
    }
    std::optional<std::conditional_t<std::is_void_v<T>, bool, T>> value;
    std::exception_ptr error;
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
      error = std::current_exception();
    }
    if (error != nullptr) { // moved from here: the last reference to it goes on the hub
      fail(std::move(error));
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
    answer([error = std::move(error)](const AsyncResult<T>& result) mutable {
      result.set_exception(std::move(error));
    });
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
  std::optional<Hub::Attachment> attachment_; // a job under way will wake somebody: no Deadlock
  AsyncResult<T> result_;
  std::shared_ptr<std::atomic<bool>> abandoned_;
  std::optional<F> function_;
};

} // namespace grove::detail
