// SPDX-License-Identifier: MIT
// What locks have in common: an owner, a line, and the hand-over from one to the next.
#pragma once

#include <cstddef>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/operation.hpp>
#include <grove/hub/detail/wait.hpp>
#include <grove/hub/exceptions.hpp>

namespace grove::detail {

// Who holds a lock: an identity with its generation, so that whoever comes into the same slot
// later is not mistaken for it.
class Owner {
public:
  bool exists() const { return who_.identity != nullptr; }
  bool is_current() const {
    return who_.identity != nullptr && who_.identity == this_hub->current &&
           who_.generation == who_.identity->generation;
  }
  IdentityRef ref() const { return who_; }
  void set(Identity* who) { who_ = {who, who->generation}; }
  void clear() { who_ = {}; }

  // std::logic_error: "grove: Mutex.unlock: worker-2 does not hold it; worker-1 does".
  [[noreturn]] void throw_not_mine(const char* what) const;
  // std::logic_error: "grove: Mutex.lock: worker-1 holds it already".
  [[noreturn]] void throw_mine_already(const char* what) const;

private:
  IdentityRef who_;
};

// A lock that one holds. It passes straight to whoever has waited longest.
struct OwnedLock {
  Owner owner;
  WaitList line;

  OwnedLock() = default;
  OwnedLock(const OwnedLock&) = delete;
  OwnedLock& operator=(const OwnedLock&) = delete;
  ~OwnedLock() { line.break_all(); }

  bool take_free() {
    if (owner.exists())
      return false;
    owner.set(this_hub->current);
    return true;
  }
  // False if the deadline came first.
  bool wait(const char* what, Deadline deadline);
  void pass_on() {
    Waiter* next = line.pop_parked();
    if (next == nullptr) {
      owner.clear();
      return;
    }
    owner.set(next->who);
    next->granted = true;
    wake(next->who);
  }
};

// For wait_any(): takes a Mutex or RMutex.
template <class Lock>
class LockOp : public Operation {
public:
  using Result = void;
  explicit LockOp(Lock& lock) : lock_(lock) {}
  bool ready() const { return lock_.can_lock_now(); }
  void arm() { lock_.join_line(waiter_); }
  void take() {
    if (waiter_.granted)
      return;
    if (waiter_.broken)
      throw Closed("wait_any: the lock was destroyed");
    (void)lock_.try_lock();
  }
  static constexpr const char* name = "wait_any(lock)";

private:
  Lock& lock_;
};

} // namespace grove::detail
