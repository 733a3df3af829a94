// SPDX-License-Identifier: MIT
// Queue, Semaphore, Mutex, RMutex, Condition, RWLock: what is not inlined.
#include <mutex>
#include <stdexcept>
#include <string>

#include <grove/hub/condition.hpp>
#include <grove/hub/detail/owned_lock.hpp>
#include <grove/hub/detail/queue_common.hpp>
#include <grove/hub/detail/report.hpp>
#include <grove/hub/detail/waker_hint.hpp>
#include <grove/hub/exceptions.hpp>
#include <grove/hub/mutex.hpp>
#include <grove/hub/rw_lock.hpp>
#include <grove/hub/semaphore.hpp>
#include <grove/hub/timeout.hpp>

namespace grove {

namespace detail {

void throw_negative_maxsize(const char* whose, std::size_t maxsize) {
  throw std::invalid_argument(std::string("grove: ") + whose + ": a maxsize of " +
                              std::to_string(static_cast<std::ptrdiff_t>(maxsize)) +
                              " is negative");
}
void throw_negative_permits(const char* what, std::ptrdiff_t count) {
  throw std::invalid_argument(std::string("grove: ") + what + " of " + std::to_string(count) +
                              " permits is negative");
}
void throw_above_bound(std::ptrdiff_t bound) {
  throw std::logic_error("grove: Semaphore.release: above its bound of " + std::to_string(bound));
}

// -- Owner, OwnedLock ----------------------------------------------------------------------------

void Owner::throw_not_mine(const char* what) const {
  std::string text =
      std::string("grove: ") + what + ": " + name_of(here().current) + " does not hold it; ";
  if (who_.identity == nullptr)
    text += "nobody does";
  else if (who_.identity->generation != who_.generation)
    text += "one that has ended does";
  else
    text += name_of(who_.identity) + (who_.alive() ? " does" : ", which has ended, does");
  throw std::logic_error(text);
}

void Owner::throw_mine_already(const char* what) const {
  throw std::logic_error(std::string("grove: ") + what + ": " + name_of(who_.identity) +
                         " holds it already");
}

bool OwnedLock::wait(const char* what, Deadline deadline) {
  Waiter waiter;
  line.push_back(waiter);
  const WakerHint hint("held by", this, [](const void* lock) {
    return static_cast<const OwnedLock*>(lock)->owner.ref();
  });
  if (park_until(what, deadline) == Wake::timeout)
    return false;
  if (!waiter.granted)
    throw Closed(std::string(what) + ": the lock was destroyed");
  return true;
}

} // namespace detail

// -- Condition -----------------------------------------------------------------------------------

bool Condition::wait(std::unique_lock<Mutex>& lock, Deadline deadline) {
  home_("Condition.wait");
  detail::check_interrupts();
  if (!lock.owns_lock() || !lock.mutex()->locked_by_caller()) {
    throw std::logic_error("grove: Condition.wait: " + detail::name_of(detail::this_hub->current) +
                           " does not hold the mutex through this lock");
  }
  detail::Waiter waiter;
  waiters_.push_back(waiter);
  lock.unlock();
  detail::Wake why = detail::Wake::ready;
  try {
    why = detail::park_until("Condition.wait", deadline);
  } catch (...) {
    const Shield shield;
    try {
      lock.lock();
    } catch (const Closed&) { // the mutex has gone; what interrupts the wait comes first
    }
    throw;
  }
  {
    const Shield shield;
    lock.lock();
  }
  if (why == detail::Wake::timeout)
    return false;
  if (!waiter.granted)
    throw Closed("Condition.wait: the condition was destroyed");
  return true;
}

// -- RWLock --------------------------------------------------------------------------------------

bool RWLock::lock(Deadline deadline) {
  home_("RWLock.lock");
  detail::check_interrupts();
  detail::Waiter writer(this);
  return wait("RWLock.lock", writer, deadline);
}

bool RWLock::lock_shared(Deadline deadline) {
  home_("RWLock.lock_shared");
  detail::check_interrupts();
  detail::Waiter reader;
  return wait("RWLock.lock_shared", reader, deadline);
}

bool RWLock::try_lock() {
  home_("RWLock.try_lock");
  const detail::Waiter writer(this);
  if (!can_take_now(writer))
    return false;
  take_now(writer);
  return true;
}

bool RWLock::try_lock_shared() {
  home_("RWLock.try_lock_shared");
  const detail::Waiter reader;
  if (!can_take_now(reader))
    return false;
  take_now(reader);
  return true;
}

void RWLock::unlock() {
  home_("RWLock.unlock");
  if (!writer_.is_current())
    writer_.throw_not_mine("RWLock.unlock");
  writer_.clear();
  admit();
}

void RWLock::unlock_shared() {
  home_("RWLock.unlock_shared");
  if (readers_ == 0) {
    throw std::logic_error("grove: RWLock.unlock_shared: " +
                           detail::name_of(detail::here().current) + " unlocks, but nobody reads");
  }
  --readers_;
  admit();
}

bool RWLock::can_take_now(const detail::Waiter& waiter) {
  admit();
  if (writer_.exists() || line_.first_parked() != nullptr)
    return false;
  return !wants_to_write(waiter) || readers_ == 0;
}

void RWLock::take_now(const detail::Waiter& waiter) {
  if (wants_to_write(waiter))
    writer_.set(waiter.who);
  else
    ++readers_;
}

bool RWLock::wait(const char* what, detail::Waiter& waiter, Deadline deadline) {
  if (can_take_now(waiter)) {
    take_now(waiter);
    return true;
  }
  if (writer_.is_current())
    writer_.throw_mine_already(what);
  line_.push_back(waiter);
  detail::Wake why = detail::Wake::ready;
  try {
    why = detail::park_until(what, deadline);
  } catch (...) {
    leave(waiter);
    throw;
  }
  if (why == detail::Wake::timeout) {
    leave(waiter);
    return false;
  }
  if (!waiter.granted)
    throw Closed(std::string(what) + ": the lock was destroyed");
  return true;
}

// Whoever is no longer linked was granted or dropped from the line by admit(), or the lock is gone.
void RWLock::leave(detail::Waiter& waiter) {
  if (!waiter.linked())
    return;
  waiter.unlink();
  admit();
}

// Lets in whoever may go, from the head of the line. Drops those who were woken by something else.
void RWLock::admit() {
  while (!writer_.exists()) {
    detail::Waiter* first = line_.first_parked();
    if (first == nullptr || (wants_to_write(*first) && readers_ != 0))
      return;
    first->unlink();
    take_now(*first);
    first->granted = true;
    detail::wake(first->who);
  }
}

void RWLock::Op::arm() {
  if (lock_.writer_.is_current())
    lock_.writer_.throw_mine_already(name);
  lock_.line_.push_back(waiter_);
}

void RWLock::Op::take() {
  if (waiter_.granted)
    return;
  if (waiter_.broken)
    throw Closed("wait_any: the lock was destroyed");
  lock_.take_now(waiter_);
}

} // namespace grove
