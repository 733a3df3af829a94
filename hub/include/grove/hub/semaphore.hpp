// SPDX-License-Identifier: MIT
// Semaphore: a number of permits that greenlets take and give back.
#pragma once

#include <cstddef>
#include <limits>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/operation.hpp>
#include <grove/hub/detail/wait.hpp>
#include <grove/hub/exceptions.hpp>

namespace grove {

namespace detail {
[[noreturn]] void throw_negative_permits(const char* what, std::ptrdiff_t count);
[[noreturn]] void throw_above_bound(std::ptrdiff_t bound);
} // namespace detail

// Semaphore holds permits. Whoever waits is served first come, first served: a permit that is
// released goes straight to the one who has waited longest, never to a passer-by, and release()
// does not switch. Anybody may release. A kill, a Timeout scope or a passed deadline takes the
// waiter out of the line and no permit with it. Hub-local. Destroying it wakes its waiters with
// Closed.
class Semaphore {
public:
  // Passed as the second argument: no more permits than at the start.
  struct Bounded {};
  static constexpr Bounded bounded{};

  // std::invalid_argument if the count is negative.
  explicit Semaphore(std::ptrdiff_t count = 1) : Semaphore(count, unbounded) {}
  Semaphore(std::ptrdiff_t count, Bounded) : Semaphore(count, count) {}
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;
  ~Semaphore() {
    acquirers_.break_all();
    watchers_.break_all();
    woken_watchers_.forsake_all();
  }

  // Takes a permit. False if the deadline came first.
  bool acquire(Deadline deadline = {}) {
    home_("Semaphore.acquire");
    detail::check_interrupts();
    if (take_free())
      return true;
    detail::Waiter waiter;
    acquirers_.push_back(waiter);
    if (detail::park_until("Semaphore.acquire", deadline) == detail::Wake::timeout)
      return false;
    if (!waiter.granted)
      throw Closed("Semaphore.acquire: the semaphore was destroyed");
    return true;
  }
  [[nodiscard]] bool try_acquire() {
    home_("Semaphore.try_acquire");
    return take_free();
  }

  // Gives n permits. std::logic_error if a bounded one would then have more than at the start,
  // std::invalid_argument if n is negative: nothing was released.
  void release(std::ptrdiff_t n = 1) {
    home_("Semaphore.release");
    if (n < 0) [[unlikely]]
      detail::throw_negative_permits("Semaphore.release: a number", n);
    if (n > bound_ - count_) [[unlikely]]
      detail::throw_above_bound(bound_);
    if (!acquirers_.empty()) {
      while (n > 0 && acquirers_.grant_one())
        --n;
    }
    count_ += n;
    if (n > 0 && !watchers_.empty())
      watchers_.grant_all_into(woken_watchers_);
  }

  // What std::lock_guard and std::unique_lock call: one permit for the length of a block.
  void lock() { acquire(); }
  [[nodiscard]] bool try_lock() { return try_acquire(); }
  void unlock() { release(); }

  // Waits until a permit is free and takes none: right after it, try_acquire() succeeds. False if
  // the deadline came first.
  bool wait(Deadline deadline = {}) {
    home_("Semaphore.wait");
    detail::check_interrupts();
    while (count_ == 0) {
      detail::Waiter waiter;
      watchers_.push_back(waiter);
      if (detail::park_until("Semaphore.wait", deadline) == detail::Wake::timeout)
        return false;
      if (waiter.broken)
        throw Closed("Semaphore.wait: the semaphore was destroyed");
    }
    return true;
  }

  // How many permits are free. While there are any, nobody waits.
  std::ptrdiff_t value() const { return count_; }
  std::size_t waiters() const { return acquirers_.size() + watchers_.size(); }

  // -- for wait_any() ------------------------------------------------------------------------
  // Takes a permit.
  class AcquireOp : public detail::Operation {
  public:
    using Result = void;
    explicit AcquireOp(Semaphore& semaphore) : semaphore_(semaphore) {}
    bool ready() const { return semaphore_.count_ > 0; }
    void arm() { semaphore_.acquirers_.push_back(waiter_); }
    void take() {
      if (waiter_.granted)
        return;
      if (waiter_.broken)
        throw Closed("wait_any: the semaphore was destroyed");
      semaphore_.take_free();
    }
    static constexpr const char* name = "wait_any(Semaphore.acquire)";

  private:
    Semaphore& semaphore_;
  };
  [[nodiscard]] AcquireOp acquire_op() {
    home_("Semaphore.acquire_op");
    return AcquireOp(*this);
  }

  // Takes nothing: tells that a permit was free. By now somebody else may have it.
  class WaitOp : public detail::Operation {
  public:
    using Result = void;
    explicit WaitOp(Semaphore& semaphore) : semaphore_(semaphore) {}
    bool ready() const { return semaphore_.count_ > 0; }
    void arm() { semaphore_.watchers_.push_back(waiter_); }
    void take() {
      if (waiter_.broken && !waiter_.granted)
        throw Closed("wait_any: the semaphore was destroyed");
    }
    static constexpr const char* name = "wait_any(Semaphore.wait)";

  private:
    Semaphore& semaphore_;
  };
  [[nodiscard]] WaitOp wait_op() {
    home_("Semaphore.wait_op");
    return WaitOp(*this);
  }

private:
  static constexpr std::ptrdiff_t unbounded = std::numeric_limits<std::ptrdiff_t>::max();
  Semaphore(std::ptrdiff_t count, std::ptrdiff_t bound) : count_(count), bound_(bound) {
    if (count < 0)
      detail::throw_negative_permits("Semaphore: a count", count);
  }
  bool take_free() {
    if (count_ == 0)
      return false;
    --count_;
    return true;
  }

  detail::HomeCheck home_;
  std::ptrdiff_t count_;
  std::ptrdiff_t bound_;
  detail::WaitList acquirers_;
  detail::WaitList watchers_;
  detail::WaitList woken_watchers_; // they have not run yet
};

} // namespace grove
