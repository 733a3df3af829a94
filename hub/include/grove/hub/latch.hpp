// SPDX-License-Identifier: MIT
// Latch: opens once, when it was counted down to zero.
#pragma once

#include <cstddef>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/operation.hpp>
#include <grove/hub/detail/wait.hpp>

namespace grove {

// Latch holds back whoever waits until its count is zero; then it stays open. Counting down does
// not switch, and wakes the waiters in their order. A kill, a Timeout scope or a passed deadline
// takes the waiter out of the line and changes nothing else: what was counted stays counted.
// Hub-local. Destroying it wakes its waiters with Closed.
class Latch {
public:
  // std::invalid_argument if the count is negative. One of zero is open.
  explicit Latch(std::ptrdiff_t count);
  Latch(const Latch&) = delete;
  Latch& operator=(const Latch&) = delete;
  ~Latch() { line_.break_all(); }

  // std::logic_error below zero, std::invalid_argument if n is negative: nothing was counted.
  void count_down(std::ptrdiff_t n = 1);
  // False if the deadline came first.
  bool wait(Deadline deadline = {});
  bool arrive_and_wait(Deadline deadline = {}) {
    count_down();
    return wait(deadline);
  }

  bool is_open() const { return count_ == 0; }
  std::ptrdiff_t count() const { return count_; }
  std::size_t waiters() const { return line_.size(); }

  // For wait_any().
  class WaitOp : public detail::Operation {
  public:
    using Result = void;
    explicit WaitOp(Latch& latch) : latch_(latch) {}
    bool ready() const { return latch_.is_open(); }
    void arm() { latch_.line_.push_back(waiter_); }
    void take();
    static constexpr const char* name = "wait_any(Latch)";

  private:
    Latch& latch_;
  };
  [[nodiscard]] WaitOp wait_op() {
    home_("Latch.wait_op");
    return WaitOp(*this);
  }

private:
  detail::HomeCheck home_;
  std::ptrdiff_t count_;
  detail::WaitList line_;
};

} // namespace grove
