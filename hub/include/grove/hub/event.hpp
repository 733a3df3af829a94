// SPDX-License-Identifier: MIT
// Event: a flag that greenlets can wait for.
#pragma once

#include <cstddef>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/operation.hpp>
#include <grove/hub/detail/wait.hpp>
#include <grove/hub/exceptions.hpp>

namespace grove {

// Event is a flag, down at first. set() wakes everybody who waits at that moment, in their order,
// and lets later ones pass until clear(). Hub-local. Destroying it wakes its waiters with Closed. A
// kill or a Timeout scope takes the waiter out of the line and changes nothing else.
class Event {
public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() {
    waiters_.break_all();
    woken_.forsake_all();
  }

  // Never switches.
  void set() {
    home_("Event.set");
    set_ = true;
    waiters_.grant_all_into(woken_);
  }
  void clear() {
    home_("Event.clear");
    set_ = false;
  }
  bool is_set() const { return set_; }

  // True once the flag was raised, even if it has been lowered since. False if the deadline came
  // first.
  bool wait(Deadline deadline = {}) {
    home_("Event.wait");
    detail::check_interrupts();
    if (set_) {
      if (!woken_.empty())
        detail::yield_now(); // those whom set() has woken came first
      return true;
    }
    detail::Waiter waiter;
    waiters_.push_back(waiter);
    if (detail::park_until("Event.wait", deadline) == detail::Wake::timeout)
      return false;
    if (!waiter.granted)
      throw Closed("Event.wait: the event was destroyed");
    return true;
  }
  std::size_t waiters() const { return waiters_.size(); }

  // For wait_any().
  class WaitOp : public detail::Operation {
  public:
    using Result = void;
    explicit WaitOp(Event& event) : event_(event) {}
    bool ready() const { return event_.set_; }
    void arm() { event_.waiters_.push_back(waiter_); }
    void take() {
      if (waiter_.broken && !waiter_.granted)
        throw Closed("wait_any: the event was destroyed");
    }
    static constexpr const char* name = "wait_any(Event)";

  private:
    Event& event_;
  };
  [[nodiscard]] WaitOp wait_op() {
    home_("Event.wait_op");
    return WaitOp(*this);
  }

private:
  detail::HomeCheck home_;
  detail::WaitList waiters_;
  detail::WaitList woken_; // by set(), and have not run yet
  bool set_ = false;
};

} // namespace grove
