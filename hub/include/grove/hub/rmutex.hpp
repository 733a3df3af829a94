// SPDX-License-Identifier: MIT
// RMutex: a Mutex whose owner may lock it again.
#pragma once

#include <cstddef>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/owned_lock.hpp>
#include <grove/hub/detail/wait.hpp>

namespace grove {

// RMutex is a Mutex that its owner, a greenlet or an actor, may lock any number of times; it is
// free when it was unlocked as often. In all else as Mutex: works with the guards of std, first
// come, first served, hub-local; who leaves by a kill, a Timeout scope or a passed deadline changes
// nothing.
class RMutex {
public:
  RMutex() = default;
  RMutex(const RMutex&) = delete;
  RMutex& operator=(const RMutex&) = delete;
  ~RMutex() = default;

  // False if the deadline came first.
  bool lock(Deadline deadline = {}) {
    home_("RMutex.lock");
    detail::check_interrupts();
    return take_now() || state_.wait("RMutex.lock", deadline);
  }
  // What std::unique_lock calls when it is given a time. They wait, whatever their names say.
  bool try_lock_for(Deadline deadline) { return lock(deadline); }
  bool try_lock_until(Deadline deadline) { return lock(deadline); }

  // False if somebody else holds it.
  [[nodiscard]] bool try_lock() {
    home_("RMutex.try_lock");
    return take_now();
  }

  // std::logic_error unless the caller holds it.
  void unlock() {
    home_("RMutex.unlock");
    if (!state_.owner.is_current()) [[unlikely]]
      state_.owner.throw_not_mine("RMutex.unlock");
    if (again_ > 0)
      --again_;
    else
      state_.pass_on();
  }

  bool locked() const { return state_.owner.exists(); }
  bool locked_by_caller() const { return state_.owner.is_current(); }
  std::size_t depth() const { return locked() ? again_ + 1 : 0; }
  std::size_t waiters() const { return state_.line.size(); }

  // For wait_any().
  using LockOp = detail::LockOp<RMutex>;
  [[nodiscard]] LockOp lock_op() {
    home_("RMutex.lock_op");
    return LockOp(*this);
  }

private:
  friend LockOp;
  bool can_lock_now() const { return !locked() || locked_by_caller(); }
  void join_line(detail::Waiter& waiter) { state_.line.push_back(waiter); }
  bool take_now() {
    if (state_.take_free())
      return true;
    if (!state_.owner.is_current())
      return false;
    ++again_;
    return true;
  }

  detail::HomeCheck home_;
  detail::OwnedLock state_;
  std::size_t again_ = 0; // how often beyond the first time
};

} // namespace grove
