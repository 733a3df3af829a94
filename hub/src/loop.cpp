// SPDX-License-Identifier: MIT
// The event loop: when to look at the world outside, and how to sleep until it stirs.
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include <grove/hub/detail/mail.hpp>
#include <grove/hub/detail/wait.hpp>
#include <grove/hub/detail/watch.hpp>

#include "descriptors.hpp"
#include "hub_impl.hpp"
#include "interrupts.hpp"
#include "schedule.hpp"
#include "simulation.hpp"

namespace grove::detail {

namespace {

constexpr std::uint32_t ticks_per_forced_poll = 16;
constexpr std::int64_t poll_interval_nanoseconds = 100'000;

// idle() may call poll(), by way of a simulation.
struct InLoop {
  HubState& state;
  bool before;
  explicit InLoop(HubState& s) : state(s), before(std::exchange(s.in_loop, true)) {}
  InLoop(const InLoop&) = delete;
  InLoop& operator=(const InLoop&) = delete;
  ~InLoop() { state.in_loop = before; }
};
inline void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

} // namespace

// -- when -----------------------------------------------------------------------------------------

// Work keeps the hub busy: look outside every 100 us, and every 1024 dispatches in any case.
void HubImpl::tick() {
  if (simulation != nullptr) [[unlikely]] {
    wind(1);
    if (Simulation::Access::step(*simulation, *this))
      poll();
    return;
  }
  wind(dispatches_per_tick);
  if (++ticks_since_poll < ticks_per_forced_poll &&
      cycles() - last_poll_cycles < poll_interval_cycles) {
    return;
  }
  poll();
}

std::uint64_t look_at_turn(HubState& state, std::uint64_t began) noexcept {
  HubImpl& hub = HubImpl::of(state);
  if (hub.simulation != nullptr)
    return 1;
  const std::uint64_t now = cycles();
  if (began == 0)
    return now;
  if (now - began < hub.poll_interval_cycles)
    return began;
  hub.wind(1);
  return 0;
}

void HubImpl::poll() {
  const InLoop in_loop(state);
  ++counters.polls;
  ticks_since_poll = 0;
  last_poll_cycles = cycles();
  state.time = clock.sync();
  poll_interval_cycles = clock.cycles_in(poll_interval_nanoseconds);
  drain_inbox();
  timers.fire_due(state.time);
  if (watches != 0 && state.unserved == 0)
    poller.poll(false);
}

// Whether there is something to look at after all, be it that a timer is due. Hubs that talk to
// each other find their mail here instead of waking each other, and a server its next requests.
bool HubImpl::look_out() {
  if (lookout_nanoseconds == 0 || !lookout.is_due())
    return false;
  ++counters.lookouts;
  const std::int64_t until_timer =
      timers.empty() ? lookout_nanoseconds : timers.earliest() - state.time;
  const std::uint64_t begin = cycles();
  const std::uint64_t limit = clock.cycles_in(std::min(lookout_nanoseconds, until_timer));
  looking_out.store(true, std::memory_order_relaxed);
  bool come = false;
  while (!come && cycles() - begin < limit) {
    come = watches != 0 && poller.poll(false);
    for (int i = 0; i < 16 && !come; ++i) {
      relax();
      come = inbox.load(std::memory_order_relaxed) != nullptr;
    }
  }
  looking_out.store(false, std::memory_order_relaxed);
  if (state.run_head != nullptr || inbox.load(std::memory_order_relaxed) != nullptr)
    lookout.paid();
  else // nothing, or nothing that anybody waits for
    lookout.in_vain();
  return come || until_timer < lookout_nanoseconds;
}

void HubImpl::sleep() {
  ++counters.sleeps;
  const std::uint64_t begin = cycles();
  poller.poll(true);
  lookout.slept(cycles() - begin <= clock.cycles_in(poll_interval_nanoseconds));
}

Identity* HubImpl::idle() {
  const InLoop in_loop(state);
  for (bool slept = false;; slept = true) {
    ticks_since_poll = 0;
    wind(dispatches_per_tick);
    drain_inbox();
    if (!timers.empty()) {
      state.time = clock.sync();
      timers.fire_due(state.time);
    } else if (slept) {
      state.time = clock.is_fresh(poll_interval_cycles) ? clock.now() : clock.sync();
    }
    if (simulation != nullptr) [[unlikely]] {
      wind(1);
      Simulation::Access::choose(*simulation, *this);
    }
    if (Identity* next = state.pop()) {
      last_poll_cycles = cycles();
      return next;
    }
    if (survivor.identity != nullptr && !survivor.alive())
      end_orphan();
    if (!can_be_woken()) {
      if (watches != 0)
        poller.poll(false); // a signal may have come, though it counts not
      if (state.run_head == nullptr && survivor.identity != nullptr)
        end_orphan();
      if (state.run_head == nullptr)
        report_deadlock();
      continue;
    }
    flush_returns();
    if (clock.is_virtual() && !timers.empty()) {
      if (watches != 0)
        poller.poll(false);
      if (state.run_head == nullptr && inbox.load(std::memory_order_relaxed) == nullptr)
        clock.jump_to(timers.earliest()); // nobody can run, nor is there what a timer has posted
      continue;
    }
    if (look_out())
      continue;
    if (!timers.empty() && (timer_armed_for == 0 || timers.earliest() < timer_armed_for)) {
      timer_armed_for = timers.earliest();
      itimerspec when{};
      when.it_value.tv_sec = timer_armed_for / 1'000'000'000;
      when.it_value.tv_nsec = timer_armed_for % 1'000'000'000;
      timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &when, nullptr);
    }
    // The queue's head and "the owner sleeps" are one word: whoever sends finds out, by the very
    // act of sending, whether to write the eventfd.
    Mail* expected = nullptr;
    if (!inbox.compare_exchange_strong(expected, sleeping_mark(), std::memory_order_acq_rel)) {
      continue;
    }
    sleep();
    expected = sleeping_mark();
    inbox.compare_exchange_strong(expected, nullptr, std::memory_order_acq_rel);
  }
}

// -- mail from outside ----------------------------------------------------------------------------

bool HubImpl::send(Mail* sent) {
  Mail* old = inbox.load(std::memory_order_relaxed);
  do {
    if (old == closed_mark())
      return false;
    sent->next = old == sleeping_mark() ? nullptr : old;
  } while (!inbox.compare_exchange_weak(old, sent, std::memory_order_acq_rel,
                                        std::memory_order_relaxed));
  if (old == sleeping_mark()) {
    // Not write(): a patched program has that go through net/patch.
    eventfd_write(wake_fd, 1); // cannot fill up
  }
  return true;
}

bool send_mail(std::uint16_t home, Mail* mail) noexcept { return hub_at(home)->send(mail); }

void HubImpl::drain_inbox() {
  if (inbox.load(std::memory_order_relaxed) == nullptr)
    return;
  Mail* newest = inbox.exchange(nullptr, std::memory_order_acquire);
  Mail* oldest = nullptr;
  while (newest != nullptr) {
    Mail* next = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = next;
  }
  while (oldest != nullptr) {
    Mail* one = oldest;
    oldest = one->next;
    Identity* target = one->target;
    if (target != nullptr && target->generation == one->generation)
      target->ops->accept(target, one);
    else // it delivers itself; or its actor has ended, and it is dropped
      one->handle(nullptr, one);
  }
}

// -- deadlock -------------------------------------------------------------------------------------

bool HubImpl::can_be_woken() const {
  return !timers.empty() || counted_watches != 0 || state.awaiting != 0 || attachments != 0 ||
         living_hubs() > 1 || inbox.load(std::memory_order_acquire) != nullptr;
}

// -- timers ---------------------------------------------------------------------------

void arm(Timer& timer, std::int64_t due) { HubImpl::here().timers.add(timer, due); }

void disarm(Timer& timer) noexcept {
  if (timer.armed())
    HubImpl::here().timers.remove(timer);
}

namespace {
template <Wake (*Park)(const char*)>
Wake with_call_timer(const char* what, Deadline deadline) {
  struct CallTimer : Timer {
    Identity* who;
    ~CallTimer() { disarm(*this); }
  } timer;
  timer.who = this_hub->current;
  timer.fire = [](Timer& t) noexcept { wake(static_cast<CallTimer&>(t).who, Wake::timeout); };
  arm(timer, deadline.nanoseconds());
  return Park(what);
}
} // namespace

Wake park_timed(const char* what, Deadline deadline) {
  return with_call_timer<park>(what, deadline);
}
Wake park_held(const char* what, Deadline deadline) {
  return deadline.is_never() ? park_and_hold(what) : with_call_timer<park_and_hold>(what, deadline);
}

void HubImpl::drop_watches() {
  state.unserved = state.awaiting = 0;
  for (DescriptorTable::Entry& entry : descriptors->entries) {
    for (Direction* direction : {entry.read.get(), entry.write.get()}) {
      while (direction != nullptr && direction->waiters.pop_parked() != nullptr) {
      }
    }
  }
  poller.stop_all();
  counted_watches = 0; // those who stood in line will not leave it any more
}

} // namespace grove::detail
