// SPDX-License-Identifier: MIT
// Mutex: one greenlet at a time, also across its waits.
#pragma once

#include <cstddef>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/owned_lock.hpp>
#include <grove/hub/detail/wait.hpp>

namespace grove {

// Mutex has an owner, a greenlet or an actor; only the owner may unlock it. Between two waits a
// greenlet is alone on its hub anyway: a Mutex is for what stays inconsistent over a wait. Works
// with std::lock_guard, std::unique_lock and std::scoped_lock. First come, first served: unlock()
// makes the one who has waited longest the owner, and does not switch. A kill, a Timeout scope or a
// passed deadline takes the waiter out of the line and changes nothing else. An owner that ends
// without unlocking leaves it locked. Hub-local. Destroying it wakes its waiters with Closed.
class Mutex {
public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;
  ~Mutex() = default;

  // False if the deadline came first. std::logic_error if the caller holds it already.
  bool lock(Deadline deadline = {}) {
    home_("Mutex.lock");
    detail::check_interrupts();
    if (state_.take_free())
      return true;
    if (state_.owner.is_current())
      state_.owner.throw_mine_already("Mutex.lock");
    return state_.wait("Mutex.lock", deadline);
  }
  // What std::unique_lock calls when it is given a time. They wait, whatever their names say.
  bool try_lock_for(Deadline deadline) { return lock(deadline); }
  bool try_lock_until(Deadline deadline) { return lock(deadline); }

  // False if somebody holds it, be it the caller.
  [[nodiscard]] bool try_lock() {
    home_("Mutex.try_lock");
    return state_.take_free();
  }

  // std::logic_error unless the caller holds it.
  void unlock() {
    home_("Mutex.unlock");
    if (!state_.owner.is_current()) [[unlikely]]
      state_.owner.throw_not_mine("Mutex.unlock");
    state_.pass_on();
  }

  bool locked() const { return state_.owner.exists(); }
  bool locked_by_caller() const { return state_.owner.is_current(); }
  std::size_t waiters() const { return state_.line.size(); }

  // For wait_any().
  using LockOp = detail::LockOp<Mutex>;
  [[nodiscard]] LockOp lock_op() {
    home_("Mutex.lock_op");
    return LockOp(*this);
  }

private:
  friend LockOp;
  bool can_lock_now() const { return !locked(); }
  void join_line(detail::Waiter& waiter) {
    if (state_.owner.is_current())
      state_.owner.throw_mine_already("wait_any(Mutex.lock)");
    state_.line.push_back(waiter);
  }

  detail::HomeCheck home_;
  detail::OwnedLock state_;
};

} // namespace grove
