// SPDX-License-Identifier: MIT
// Park and wake: the one way to stop running and the one way to become runnable.
//
// Every blocking operation has this shape: try; else link a Waiter; park_until(); look at what came
// back; unlink (the destructor does it), whatever happened.
#pragma once

#include <cstddef>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/hub_life.hpp>
#include <grove/hub/detail/hub_state.hpp>

namespace grove::detail {

// One wait of one greenlet for one object. Lives on the waiting stack; hub-local. When park()
// returns ready one mark is set at least; both, if the object went after it had granted.
struct Waiter : WaitNode {
  Identity* who;
  void* item = nullptr; // where what is handed over goes, or comes from
  bool granted = false; // the waker has handed it over
  bool broken = false;  // the object was closed or is gone: do not touch it

  Waiter() : who(here().current) {}
  explicit Waiter(void* where) : who(here().current), item(where) {}
  Waiter(Identity* me, void* where) : who(me), item(where) {}
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  ~Waiter() { unlink(); }
};

// Suspends the current greenlet until somebody wakes it. Returns ready or timeout; a kill or an
// expired Timeout scope is thrown from here, before or instead of the wait. `what` is a literal
// such as "Queue.get": reports show it. The one function that suspends.
Wake park(const char* what);

// The same with a time limit of the call's own.
Wake park_timed(const char* what, Deadline deadline);
inline Wake park_until(const char* what, Deadline deadline) {
  return deadline.is_never() ? park(what) : park_timed(what, deadline);
}

// The same, for those who may not be thrown through: the frames of C code. A kill, or a Timeout
// scope that runs out, stays due for the next suspension point, and Wake::interrupt says so: before
// the wait, or instead of the rest of it.
Wake park_held(const char* what, Deadline deadline);
// yield_now() likewise: it throws nothing.
void yield_held();

// Lets everybody else who is runnable go first. A suspension point even if nobody is.
void yield_now();

// Throws if a kill or an expired Timeout scope is due for the current greenlet. Every call that may
// wait does this first, even if it then need not wait; try_...() never does.
void deliver_interrupts();
inline void check_interrupts() {
  if ((here().current->flags & flag::interrupts) != 0) [[unlikely]]
    deliver_interrupts();
}

// Makes a parked identity runnable, at the tail of the run queue. False if it is not parked, or was
// woken already: the first waker wins. Its own hub only.
inline bool wake(Identity* identity, Wake why = Wake::ready) {
  if ((identity->flags & flag::parked) == 0)
    return false;
  identity->flags = static_cast<std::uint16_t>(identity->flags & ~flag::parked);
  identity->wake = why;
  this_hub->push(identity);
  return true;
}

// First come, first served. Hub-local.
class WaitList {
public:
  WaitList() = default;
  WaitList(const WaitList&) = delete;
  WaitList& operator=(const WaitList&) = delete;

  bool empty() const { return head_.next == nullptr || head_.next == &head_; }
  std::size_t size() const {
    std::size_t count = 0;
    if (head_.next != nullptr) {
      for (const WaitNode* node = head_.next; node != &head_; node = node->next)
        ++count;
    }
    return count;
  }
  void push_back(Waiter& waiter) { push_back(head_, waiter); }
  void push_front(Waiter& waiter) {
    close(head_);
    waiter.prev = &head_;
    waiter.next = head_.next;
    head_.next->prev = &waiter;
    head_.next = &waiter;
  }

  // Unlinks and returns the first who is still parked; null if there is none. Those who were woken
  // by something else in the meantime are dropped from the line.
  Waiter* pop_parked() {
    Waiter* waiter = first_parked();
    if (waiter != nullptr)
      waiter->unlink();
    return waiter;
  }
  // The same, but it stays in the line.
  Waiter* first_parked() {
    if (head_.next == nullptr)
      return nullptr;
    for (WaitNode* node = head_.next; node != &head_;) {
      auto* waiter = static_cast<Waiter*>(node);
      if ((waiter->who->flags & flag::parked) != 0)
        return waiter;
      node = node->next;
      waiter->unlink();
    }
    return nullptr;
  }

  // Hands the turn to the first in line: grants and wakes it. False if nobody waits.
  bool grant_one() {
    Waiter* waiter = pop_parked();
    if (waiter == nullptr)
      return false;
    waiter->granted = true;
    wake(waiter->who);
    return true;
  }
  // Wakes all who wait now, in their order; returns how many.
  std::size_t grant_all() {
    std::size_t count = 0;
    while (grant_one())
      ++count;
    return count;
  }
  // The same; who was woken stands in `woken` until it runs, so that the object can tell it of its
  // own end.
  void grant_all_into(WaitList& woken) {
    if (head_.next == nullptr)
      return;
    for (WaitNode* node = head_.next; node != &head_;) {
      auto* waiter = static_cast<Waiter*>(node);
      node = node->next;
      if (wake(waiter->who))
        waiter->granted = true;
      else
        waiter->unlink();
    }
    woken.take_all(*this);
  }
  // For such a list: the object goes before they run.
  void forsake_all() {
    if (head_.next == nullptr)
      return;
    for (WaitNode* node = head_.next; node != &head_;) {
      auto* waiter = static_cast<Waiter*>(node);
      node = node->next;
      waiter->broken = true;
      waiter->unlink();
    }
  }
  // Wakes all: the object is being closed or destroyed.
  void break_all() {
    while (Waiter* waiter = pop_parked()) {
      waiter->broken = true;
      wake(waiter->who);
    }
  }
  // The same for one of them.
  void break_those_of(const Identity* who) {
    if (head_.next == nullptr)
      return;
    for (WaitNode* node = head_.next; node != &head_;) {
      auto* waiter = static_cast<Waiter*>(node);
      node = node->next;
      if (waiter->who != who)
        continue;
      waiter->broken = true;
      waiter->unlink();
      wake(waiter->who);
    }
  }

  static void push_back(WaitNode& head, Waiter& waiter) {
    waiter.next = &head;
    if (head.next == nullptr) {
      waiter.prev = &head;
      head.next = head.prev = &waiter;
      return;
    }
    waiter.prev = head.prev;
    head.prev->next = &waiter;
    head.prev = &waiter;
  }

private:
  // They stand behind its own.
  void take_all(WaitList& other) {
    if (other.empty())
      return;
    close(head_);
    WaitNode* first = other.head_.next;
    WaitNode* last = other.head_.prev;
    first->prev = head_.prev;
    head_.prev->next = first;
    last->next = &head_;
    head_.prev = last;
    other.head_.prev = other.head_.next = nullptr;
  }
  static void close(WaitNode& head) {
    if (head.next == nullptr)
      head.prev = head.next = &head;
  }
  WaitNode head_;
};

// std::logic_error unless the calling thread is that of hub `home`.
[[noreturn]] void throw_wrong_hub(const char* what);
inline void check_home(std::uint16_t home, const char* what) {
  if (this_hub->index != home) [[unlikely]]
    throw_wrong_hub(what);
}
#if defined(GROVE_DEBUG_CHECKS) && GROVE_DEBUG_CHECKS
inline constexpr bool debug_checks = true;
#else
inline constexpr bool debug_checks = false;
#endif
// In debug builds it is told of each park: see net/patch/src/mutexes.cpp. Null: nobody is.
using ParkObserver = void (*)(const char* what);
inline constinit ParkObserver park_observer = nullptr;
inline void observe_park([[maybe_unused]] const char* what) {
  if constexpr (debug_checks) {
    if (park_observer != nullptr)
      park_observer(what);
  }
}

// A member of every hub-local object: remembers its hub, and checks in debug builds that it is used
// there, and not on a later hub with the same index.
class HomeCheck {
public:
  HomeCheck() : home_(here().index) {
    if constexpr (debug_checks)
      life_ = static_cast<std::uint16_t>(life_of_this_hub());
  }
  void operator()([[maybe_unused]] const char* what) const {
    if constexpr (debug_checks) {
      check_home(home_, what);
      if (life_ != static_cast<std::uint16_t>(life_of_this_hub()))
        throw_wrong_hub(what);
    }
  }

private:
  std::uint16_t home_;
  std::uint16_t life_ = 0;
};

} // namespace grove::detail
