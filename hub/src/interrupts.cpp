// SPDX-License-Identifier: MIT
// Kill, Timeout scopes, shields: how they reach a greenlet's suspension point.
#include "interrupts.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include <grove/hub/detail/wait.hpp>
#include <grove/hub/join.hpp>

#include "extras.hpp"
#include "hub_impl.hpp"
#include "schedule.hpp"

namespace grove {

namespace detail {

namespace {
void clear(Identity* identity, std::uint16_t flags) {
  identity->flags = static_cast<std::uint16_t>(identity->flags & ~flags);
}
} // namespace

void Interrupts::before(HubState& hub, Identity* me) {
  deliver(hub, me);
  if ((me->flags & flag::asserts) != 0)
    Asserts::suspended(me);
}

void Interrupts::after(HubState& hub, Identity* me) {
  if ((me->flags & flag::asserts) != 0)
    Asserts::resumed(me);
  deliver(hub, me);
}

void Interrupts::resume(HubState& hub, Identity* me) {
  if (me->wake == Wake::interrupt)
    receive_visits(hub, me);
  if ((me->flags & flag::asserts) != 0)
    Asserts::resumed(me);
  if (me->wake == Wake::interrupt)
    deliver(hub, me);
}

void Interrupts::deliver(HubState& hub, Identity* me) {
  if ((me->flags & flag::probed) != 0)
    HubImpl::of(hub).probe->suspension_point(me);
  if ((me->flags & flag::asserts) != 0)
    Asserts::check(hub, me);
  if (!allowed(*hub.context, *hub.eh))
    return;
  if ((me->flags & flag::kill_pending) != 0) {
    clear(me, flag::kill_pending); // delivered once
    if ((me->flags & flag::kill_delivered) != 0)
      ++HubImpl::of(hub).counters.declined_kills;
    me->flags |= flag::kill_delivered;
    std::exception_ptr error = std::exchange(extras_of(me).kill_error, nullptr);
    if (error != nullptr)
      std::rethrow_exception(error);
    throw GreenletExit{};
  }
  if ((me->flags & flag::expired) != 0) {
    Timeout* scope = me->extras->first_expired;
    forget(*scope);
    if (scope->error_ != nullptr)
      std::rethrow_exception(*scope->error_);
    throw TimeoutExpired{scope};
  }
  if ((me->flags & flag::deadlock) != 0) {
    const std::string text = HubImpl::of(hub).deadlock_text();
    clear(me, flag::deadlock);
    throw Deadlock(text);
  }
}

bool Interrupts::due(HubState& hub, Identity* me) {
  if ((me->flags & flag::probed) != 0)
    HubImpl::of(hub).probe->suspension_point(me);
  if ((me->flags & flag::asserts) != 0) {
    try {
      Asserts::check(hub, me);
      Asserts::suspended(me);
    } catch (...) {
      request_kill(me, std::current_exception());
    }
  }
  return allowed(*hub.context, *hub.eh) &&
         (me->flags & (flag::kill_pending | flag::expired | flag::deadlock)) != 0;
}

void Interrupts::request_kill(Identity* identity, std::exception_ptr error) {
  if ((identity->flags & flag::kill_pending) != 0)
    return; // the first one counts
  if (error != nullptr || identity->extras != nullptr) {
    extras_of(identity).kill_error = std::move(error);
  }
  identity->flags |= flag::kill_pending;
  knock(identity);
}

void Interrupts::knock(Identity* identity) noexcept {
  if ((identity->flags & flag::parked) == 0)
    return;
  // On the stack that runs the loop that state is still the thread's: a switch will save it.
  const HubState& hub = *this_hub;
  const Context& context = *identity->context;
  if (allowed(context, &context == hub.context ? *hub.eh : context.eh))
    wake(identity, Wake::interrupt);
}

void Interrupts::expire(Timeout& scope) noexcept {
  if (!scope.owner().alive())
    return;
  Identity* owner = scope.owner_;
  Timeout** at = &owner->extras->first_expired;
  while (*at != nullptr)
    at = &(*at)->next_;
  *at = &scope;
  scope.next_ = nullptr;
  scope.expired_ = true;
  owner->flags |= flag::expired;
  knock(owner);
}

void Interrupts::forget(Timeout& scope) noexcept {
  if (!scope.expired_)
    return;
  scope.expired_ = false;
  if (!scope.owner().alive())
    return;
  Identity* owner = scope.owner_;
  Timeout** at = &owner->extras->first_expired;
  while (*at != &scope)
    at = &(*at)->next_;
  *at = scope.next_;
  if (owner->extras->first_expired == nullptr)
    clear(owner, flag::expired);
}

void deliver_interrupts() { Interrupts::deliver(*this_hub, this_hub->current); }

void kill_identity(Identity* identity, std::exception_ptr error) {
  check_home(identity->home, "kill");
  if ((identity->flags & (flag::live | flag::finished)) != flag::live)
    return;
  if ((identity->flags & flag::kill_pending) != 0 && identity != this_hub->current)
    return; // the first one counts
  HubState& hub = *this_hub;
  if (identity->context != nullptr || identity == hub.current) {
    Interrupts::request_kill(identity, std::move(error));
    if (identity == hub.current)
      Interrupts::deliver(hub, identity);
    return;
  }
  if (error != nullptr || identity->extras != nullptr) {
    extras_of(identity).kill_error = std::move(error);
  }
  identity->ops->kill(identity);
}

} // namespace detail

// The usual way in and out touches as little as it can: a scope that is left in time is all that
// most of them ever are.
Timeout::Timeout(Deadline deadline) {
  detail::HubState& hub = *detail::this_hub;
  if (hub.index != detail::no_hub_index && hub.current->extras != nullptr &&
      detail::HubImpl::of(hub).timers.has_room()) [[likely]]
    begin(hub, deadline);
  else
    begin_slowly(deadline);
}

void Timeout::begin_slowly(Deadline deadline) {
  detail::HubState& hub = detail::here();
  detail::extras_of(hub.current); // expiry must not have to allocate
  if (!detail::HubImpl::of(hub).timers.has_room())
    detail::HubImpl::of(hub).timers.make_room();
  begin(hub, deadline);
}

[[gnu::always_inline]] inline void Timeout::begin(detail::HubState& hub,
                                                  Deadline deadline) noexcept {
  detail::Identity* me = hub.current;
  fire = [](detail::Timer& timer) noexcept {
    detail::Interrupts::expire(static_cast<Timeout&>(timer));
  };
  if (!deadline.is_never())
    detail::HubImpl::of(hub).timers.add_idle(*this, deadline.nanoseconds());
  expired_ = false;
  error_ = nullptr;
  owner_ = me;
  generation_ = me->generation;
  outer_ = me->extras->scopes;
  me->extras->scopes = this;
}

Timeout::~Timeout() {
  detail::HubState& hub = *detail::this_hub;
  detail::Extras* extras = hub.current != nullptr ? hub.current->extras : nullptr;
  if (extras != nullptr && extras->scopes == this && error_ == nullptr &&
      detail::HubImpl::of(hub).timers.remove_last(*this)) [[likely]]
    extras->scopes = outer_;
  else
    end_slowly();
}

void Timeout::end_slowly() noexcept {
  cancel();
  delete error_;
  if (!owner().alive() || owner_->extras == nullptr) // main's, after its hub
    return;
  Timeout** at = &owner_->extras->scopes;
  while (*at != this)
    at = &(*at)->outer_;
  *at = outer_;
}

void Timeout::cancel() noexcept {
  detail::disarm(*this);
  detail::Interrupts::forget(*this);
}

Deadline current_deadline() {
  const detail::Extras* extras = detail::here().current->extras;
  std::int64_t due = Deadline().nanoseconds();
  if (extras != nullptr) {
    for (const Timeout* scope = extras->scopes; scope != nullptr; scope = scope->outer_) {
      if (scope->expired_ || scope->armed())
        due = std::min(due, scope->due);
    }
  }
  return Deadline::Clock::time_point(std::chrono::nanoseconds(due));
}

Shield::Shield() : context_(detail::here().context) { ++context_->shields; }
Shield::~Shield() { --context_->shields; }

} // namespace grove
