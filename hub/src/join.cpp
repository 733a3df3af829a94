// SPDX-License-Identifier: MIT
// Joining one and several, and killing several.
#include <grove/hub/join.hpp>

#include <exception>
#include <stdexcept>
#include <string>

#include <grove/hub/greenlet.hpp>
#include <grove/hub/wait.hpp>

#include "extras.hpp"
#include "hub_impl.hpp"
#include "schedule.hpp"

namespace grove {

namespace detail {

WaitNode& joiners_of(Identity* identity) {
  return identity->ops->accept == nullptr ? state_of(identity)->joiners
                                          : extras_of(identity).joiners;
}

namespace {
// Away from those that throw nothing: their frames stay small.
[[noreturn, gnu::noinline, gnu::cold]] void throw_empty(const char* what) {
  throw std::logic_error(what);
}
[[noreturn, gnu::noinline, gnu::cold]] void throw_own_end(Identity* self) {
  throw std::logic_error("grove: " + name_of(self) + " waits for its own end");
}
} // namespace

bool join_identity(IdentityRef ref, Deadline deadline) {
  if (ref.identity == nullptr)
    throw_empty("grove: join of an empty reference");
  if (ref.identity->home == no_hub_index) // a reference to no actor
    return true;
  check_home(ref.identity->home, "join");
  check_interrupts();
  if (!ref.alive())
    return true;
  if (ref.identity == here().current)
    throw_own_end(ref.identity);
  Waiter waiter;
  WaitList::push_back(joiners_of(ref.identity), waiter);
  return park_until("join", deadline) == Wake::ready;
}

} // namespace detail

using detail::state_of;

namespace {
// One of several, or with a time limit.
[[gnu::noinline]] bool join_in_line(detail::Identity* self, Deadline deadline) {
  detail::Waiter waiter;
  detail::WaitList::push_back(state_of(self)->joiners, waiter);
  return detail::park_until("join", deadline) == detail::Wake::ready;
}

// The running one, which has nothing to be thrown and is not `self`.
[[gnu::always_inline]] inline detail::Identity* look_before_join(detail::Identity* self) {
  if (self == nullptr) [[unlikely]]
    detail::throw_empty("grove: join of an empty GreenletRef");
  detail::check_home(self->home, "join");
  detail::Identity* me = detail::this_hub->current;
  if ((me->flags & detail::flag::interrupts) != 0) [[unlikely]] {
    detail::deliver_interrupts();
    me = detail::this_hub->current; // the same: it need not be kept over the call
  }
  return me;
}
[[gnu::always_inline]] inline bool is_alone(const detail::Identity* me, detail::Identity* self,
                                            Deadline deadline) {
  if (self == me) [[unlikely]]
    detail::throw_own_end(self);
  const detail::GreenletState* state = state_of(self);
  return deadline.is_never() && state->joiner == nullptr && state->joiners.next == nullptr &&
         (me->flags & detail::flag::interrupts) == 0;
}
bool has_ended(const detail::Identity* self) { return (self->flags & detail::flag::finished) != 0; }
} // namespace

GROVE_NO_CANARY bool GreenletRef<void>::join(Deadline deadline) const {
  detail::Identity* const self = self_;
  detail::Identity* const me = look_before_join(self);
  if (has_ended(self))
    return true;
  if (!is_alone(me, self, deadline)) [[unlikely]]
    return join_in_line(self, deadline);
  detail::join_alone(*detail::this_hub, me, self);
  return true;
}

void detail::throw_no_value(detail::Identity* self) {
  detail::add_reference(self);
  const auto greenlet = GreenletRef<>::adopt(self);
  const detail::GreenletState* state = state_of(self);
  if (!greenlet.ready())
    throw TimeoutError("get: " + greenlet.name() + " has not ended in time");
  if (state->end == detail::End::killed)
    throw Killed("get: " + greenlet.name() + " was killed");
  std::rethrow_exception(state->error);
}

namespace {
[[gnu::noinline]] void get_slowly(detail::Identity* self, Deadline deadline) {
  if (!(has_ended(self) || join_in_line(self, deadline)) ||
      state_of(self)->end != detail::End::value)
    detail::throw_no_value(self);
}
} // namespace

// Its ways on are calls at the end, so that it saves no register.
GROVE_NO_CANARY void GreenletRef<void>::get(Deadline deadline) const {
  detail::Identity* const self = self_;
  detail::Identity* const me = look_before_join(self);
  if (!has_ended(self) && is_alone(me, self, deadline)) [[likely]]
    detail::get_alone(*detail::this_hub, me, self);
  else
    get_slowly(self, deadline);
}

// -- several -------------------------------------------------------------------------------------

bool join_all(std::span<const Joinable> all, Deadline deadline) {
  for (const Joinable& one : all) {
    if (one.ref().identity == detail::here().current)
      detail::join_identity(one.ref(), deadline);
  }
  for (const Joinable& one : all) {
    if (!detail::join_identity(one.ref(), deadline))
      return false;
  }
  return true;
}
bool join_all(std::initializer_list<Joinable> all, Deadline deadline) {
  return join_all(std::span<const Joinable>(all.begin(), all.size()), deadline);
}

bool kill_all(std::span<const Joinable> all, Deadline deadline) {
  for (const Joinable& one : all) {
    if (one.ref().alive())
      detail::kill_identity(one.ref().identity, nullptr);
  }
  return join_all(all, deadline);
}
bool kill_all(std::initializer_list<Joinable> all, Deadline deadline) {
  return kill_all(std::span<const Joinable>(all.begin(), all.size()), deadline);
}

std::size_t join_all(std::span<const Joinable> all, const JoinOptions& options) {
  std::size_t ended = 0;
  for (const Joinable& one : wait(all, {options.deadline, options.count})) {
    ++ended;
    const detail::Identity* identity = one.ref().identity;
    if (!options.raise_error || identity->home == detail::no_hub_index ||
        identity->ops->accept != nullptr)
      continue; // no greenlet
    const detail::GreenletState* state = detail::state_of(one.ref().identity);
    if (one.ref().generation == identity->generation && state->end == detail::End::error)
      std::rethrow_exception(state->error);
  }
  return ended;
}

} // namespace grove
