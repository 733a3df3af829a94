// SPDX-License-Identifier: MIT
// tell_after(), tell_every(): ticks, and how they end.
#include <grove/actors/tell_timer.hpp>

#include <stdexcept>
#include <string>
#include <utility>

#include <grove/actors/trace.hpp>
#include <grove/hub/deadline.hpp>

#include "actor_extras.hpp"

namespace grove {

namespace detail {

namespace {

// A tick in the inbox: the message is made when its turn has come, unless the timer was cancelled.
using Tick = std::shared_ptr<TimedTell>;
void handle_tick(Identity* actor, Mail* mail) {
  const Envelope<Tick> envelope(mail);
  TimedTell& timer = *envelope.body();
  timer.under_way.store(false, std::memory_order_relaxed);
  if (actor == nullptr) {
    timer.orphaned.store(true, std::memory_order_relaxed);
    return;
  }
  if (timer.cancelled.load(std::memory_order_acquire))
    return;
  const MessageContext context{timer.trace, {}};
  const ContextScope scope(context);
  Mail* message = timer.make_message(*this_hub);
  message->handle(actor, message);
}

// In the hub's poll.
void send_tick(TimedTell& timer) {
  HubState& hub = *this_hub;
  const bool local = is_here(hub, timer.slot);
  if (local && !admit_tick(timer.slot)) {
    lose(Loss::dropped_message, timer.lost());
    return;
  }
  Mail* mail = make_mail<Tick>(hub, handle_tick, timer.shared_from_this());
  timer.under_way.store(true, std::memory_order_relaxed);
  if (local)
    append(hub, timer.slot, mail);
  else
    send_elsewhere(timer.slot, timer.generation, mail);
}

void fire_timed_tell(Timer& timer) noexcept {
  auto& self = static_cast<TimedTell&>(timer);
  const auto keep = self.shared_from_this();
  if (self.orphaned.load(std::memory_order_relaxed)) {
    self.end();
    return;
  }
  try {
    if (!self.under_way.load(std::memory_order_relaxed))
      send_tick(self);
    if (self.period == 0) {
      self.end();
      return;
    }
    const std::int64_t late = now_nanoseconds() - self.due;
    const std::int64_t periods = late > 0 ? late / self.period + 1 : 1;
    arm(self, self.due + periods * self.period);
  } catch (...) { // no memory: it ends
    self.end();
  }
}

} // namespace

TimedTell::~TimedTell() = default;

void TimedTell::start(IdentityRef target, std::int64_t when) {
  fire = fire_timed_tell;
  slot = target.identity;
  generation = target.generation;
  trace = current_trace();
  const bool local = is_here(here(), slot);
  if (slot == &nobody || (local && slot->generation != generation)) {
    lose(Loss::dead_letter, lost());
    return;
  }
  if (local) {
    TimedTell*& first = need_extras(slot).inbox.timers;
    next = first;
    at = &first;
    if (next != nullptr)
      next->at = &next;
    first = this;
  }
  try {
    arm(*this, when);
  } catch (...) {
    end();
    throw;
  }
}

void TimedTell::end() noexcept {
  disarm(*this);
  if (at != nullptr) {
    *at = next;
    if (next != nullptr)
      next->at = at;
    at = nullptr;
    next = nullptr;
  }
  const auto last = std::move(self); // perhaps this
}

std::int64_t checked_period(std::chrono::nanoseconds period) {
  if (period.count() <= 0)
    throw std::invalid_argument("grove: tell_every: a period of " + std::to_string(period.count()) +
                                " ns is not above zero");
  return period.count();
}

} // namespace detail

std::optional<std::chrono::nanoseconds> TellTimer::cancel() noexcept {
  const auto timer = std::move(timer_);
  if (timer == nullptr)
    return std::nullopt;
  timer->home("TellTimer.cancel");
  timer->cancelled.store(true, std::memory_order_release);
  if (!timer->armed())
    return std::nullopt;
  const std::int64_t left = timer->due - detail::now_nanoseconds();
  timer->end();
  return std::chrono::nanoseconds(left > 0 ? left : 0);
}

void TellTimer::release() noexcept {
  const auto timer = std::move(timer_);
  if (timer != nullptr && timer->armed())
    timer->self = timer;
}

} // namespace grove
