// SPDX-License-Identifier: MIT
// RWLock: many who read, or one who writes.
#pragma once

#include <cstddef>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/operation.hpp>
#include <grove/hub/detail/owned_lock.hpp>
#include <grove/hub/detail/wait.hpp>

namespace grove {

// RWLock is held by any number of readers or by one writer. One line for both, first come, first
// served: a writer that waits holds back the readers behind it, so that neither side starves. Works
// with std::shared_lock, std::unique_lock and std::lock_guard. The writer is its owner, a greenlet
// or an actor; of readers only the number is known: one that asks for more (lock() while it reads,
// or lock_shared() again behind a waiting writer) waits for itself. Unlocking does not switch. A
// kill, a Timeout scope or a passed deadline takes the waiter out of the line, and lets in the
// readers whom it held back. Hub-local. Destroying it wakes its waiters with Closed.
class RWLock {
public:
  RWLock() = default;
  RWLock(const RWLock&) = delete;
  RWLock& operator=(const RWLock&) = delete;
  ~RWLock() { line_.break_all(); }

  // -- to write ------------------------------------------------------------------------------
  // False if the deadline came first. std::logic_error if the caller holds it as the writer.
  bool lock(Deadline deadline = {});
  [[nodiscard]] bool try_lock();
  // std::logic_error unless the caller is the writer.
  void unlock();

  // -- to read -------------------------------------------------------------------------------
  // False if the deadline came first. std::logic_error if the caller holds it as the writer.
  bool lock_shared(Deadline deadline = {});
  // False while a writer holds it or waits for it.
  [[nodiscard]] bool try_lock_shared();
  // std::logic_error if nobody reads.
  void unlock_shared();

  // What the guards of std call when they are given a time. They wait, whatever their names say.
  bool try_lock_for(Deadline deadline) { return lock(deadline); }
  bool try_lock_until(Deadline deadline) { return lock(deadline); }
  bool try_lock_shared_for(Deadline deadline) { return lock_shared(deadline); }
  bool try_lock_shared_until(Deadline deadline) { return lock_shared(deadline); }

  std::size_t readers() const { return readers_; }
  bool has_writer() const { return writer_.exists(); }
  std::size_t waiters() const { return line_.size(); }

  // -- for wait_any() ------------------------------------------------------------------------
  class Op : public detail::Operation {
  public:
    using Result = void;
    Op(RWLock& lock, bool exclusive) : lock_(lock) { waiter_.item = exclusive ? &lock : nullptr; }
    bool ready() { return lock_.can_take_now(waiter_); }
    void arm();
    void disarm() { lock_.leave(waiter_); }
    void take();
    static constexpr const char* name = "wait_any(RWLock)";

  private:
    RWLock& lock_;
  };
  [[nodiscard]] Op lock_op() {
    home_("RWLock.lock_op");
    return Op(*this, true);
  }
  [[nodiscard]] Op lock_shared_op() {
    home_("RWLock.lock_shared_op");
    return Op(*this, false);
  }

private:
  // A waiter's `item` tells what it wants: not null is to write.
  static bool wants_to_write(const detail::Waiter& waiter) { return waiter.item != nullptr; }
  bool can_take_now(const detail::Waiter& waiter);
  void take_now(const detail::Waiter& waiter);
  bool wait(const char* what, detail::Waiter& waiter, Deadline deadline);
  void leave(detail::Waiter& waiter);
  void admit();

  detail::HomeCheck home_;
  detail::Owner writer_;
  std::size_t readers_ = 0;
  detail::WaitList line_;
};

} // namespace grove
