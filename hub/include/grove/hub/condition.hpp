// SPDX-License-Identifier: MIT
// Condition: waits, without the mutex, for what others change under it.
#pragma once

#include <concepts>
#include <cstddef>
#include <mutex>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/wait.hpp>
#include <grove/hub/mutex.hpp>

namespace grove {

// Condition lets greenlets wait for something that a Mutex guards. wait() gives the mutex up, and
// has it again when it is left, in whatever way: a kill or a Timeout scope is thrown only after the
// mutex was taken back, which nothing interrupts. Notifying does not switch, needs no mutex, and
// wakes in the order of waiting; there are no spurious wake-ups, but whoever holds the mutex first
// may change things back: prefer the forms with a predicate. A notification that comes after a
// kill goes to the next in line. Hub-local. Destroying it wakes its waiters with Closed. The mutex
// is taken back after the wait, and must outlive whoever waits here.
class Condition {
public:
  Condition() = default;
  Condition(const Condition&) = delete;
  Condition& operator=(const Condition&) = delete;
  ~Condition() { waiters_.break_all(); }

  // True when notified, false if the deadline came first; the mutex is held either way.
  // std::logic_error unless the caller holds it through this lock. Closed without the mutex if that
  // was destroyed meanwhile.
  bool wait(std::unique_lock<Mutex>& lock, Deadline deadline = {});

  // Waits until the predicate holds, which is asked under the mutex. What it gives at the end.
  template <std::predicate Predicate>
  bool wait(std::unique_lock<Mutex>& lock, Predicate predicate, Deadline deadline = {}) {
    detail::check_interrupts();
    while (!predicate()) {
      if (!wait(lock, deadline))
        return predicate();
    }
    return true;
  }

  // False if nobody waits.
  bool notify_one() {
    home_("Condition.notify_one");
    return waiters_.grant_one();
  }
  // Returns how many were woken.
  std::size_t notify_all() {
    home_("Condition.notify_all");
    return waiters_.grant_all();
  }
  std::size_t waiters() const { return waiters_.size(); }

private:
  detail::HomeCheck home_;
  detail::WaitList waiters_;
};

} // namespace grove
