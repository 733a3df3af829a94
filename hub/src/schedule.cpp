// SPDX-License-Identifier: MIT
// Park, yield and the host's loop: everything that changes stacks is in this file.
#include <new>
#include <system_error>
#include <utility>

#include <grove/hub/detail/greenlet_state.hpp>
#include <grove/hub/detail/wait.hpp>

#include "extras.hpp"
#include "hub_impl.hpp"
#include "interrupts.hpp"
#include "schedule.hpp"
#include "switch.hpp"

namespace grove::detail {

namespace {

inline Identity* next_runnable(HubState& hub) {
  if (--hub.tick == 0) [[unlikely]]
    HubImpl::of(hub).tick();
  Identity* next = hub.pop();
  if (next == nullptr) [[unlikely]]
    next = HubImpl::of(hub).idle();
  return next;
}

// Who runs next, and on what.
struct Turn {
  Identity* identity;
  Context* context;
  void* sp;
};

// A stack for one that has not begun, at rest or new. If none can be had it ends with that error,
// and the next runnable one is looked at.
[[gnu::noinline]] Turn new_context_for(HubState& hub, Identity* next) {
  for (;;) {
    try {
      const bool own = (next->flags & flag::own_stack) != 0;
      Stacks& stacks = HubImpl::of(hub).stacks;
      Context* host = own ? stacks.take(next->extras->stack_size) : stacks.take_warm(hub);
      host->eh = {}; // whoever switches to it that way takes what it finds
      return {next, host, host->sp};
    } catch (...) {
      fail_to_begin(next, std::current_exception());
    }
    next = next_runnable(hub);
    if (next->context != nullptr)
      return {next, next->context, next->sp};
  }
}

// Leaves `self` for that turn, and comes back when it is one of who left. Whatever the other side
// needs is set on this one: there it would come from the resumed stack, and as the next switch
// begins with the identity that runs, each would wait for the loads of the one before.
template <Switch How = Switch::between_two>
[[gnu::always_inline]] inline void leave(HubState& hub, Context* self, void** save, Turn turn) {
  hub.current = turn.identity;
  if (How != Switch::to_host) // that one has none
    turn.identity->context = nullptr;
  // What woke us may have come while the others were looked at. Nobody is parked on one that rests.
  if (How != Switch::between_two || turn.context != self)
    switch_context<How>(hub, self, save, turn.context, turn.sp);
}
// The context that runs `next`: its own, or a host that will pick it up. Inlined, as a ret after
// the switch would be that of another call.
[[gnu::always_inline]] inline void leave_for(HubState& hub, Context* self, void** save,
                                             Identity* next) {
  if (Context* to = next->context) [[likely]] {
    leave(hub, self, save, {next, to, next->sp});
  } else if (hub.idle_hosts != nullptr && (next->flags & flag::own_stack) == 0) [[likely]] {
    Context* host = Stacks::take_idle(hub);
    leave<Switch::to_host>(hub, self, save, {next, host, host->sp});
  } else {
    leave(hub, self, save, new_context_for(hub, next));
  }
}
[[gnu::always_inline]] inline void suspend(HubState& hub, Identity* me, Context* self) {
  me->context = self; // before idle(): what wakes us may come in there, and no switch is needed
  leave_for(hub, self, &me->sp, next_runnable(hub));
}

} // namespace

namespace {
// park() of one that has something to be thrown, or that asserts something of its switches.
[[gnu::noinline, gnu::cold]] Wake park_slowly(HubState& hub, Identity* me, const char* what) {
  Interrupts::before(hub, me);
  Context* self = hub.context;
  self->waits_for = what;
  self->parked_at = hub.time;
  me->flags |= flag::parked;
  suspend(hub, me, self);
  me = hub.current;
  Interrupts::resume(hub, me);
  return me->wake;
}
} // namespace

GROVE_NO_CANARY Wake park(const char* what) {
  observe_park(what);
  HubState& hub = *this_hub;
  Identity* me = hub.current;
  Context* self = hub.context;
  if ((me->flags & flag::interrupts) != 0) [[unlikely]]
    return park_slowly(hub, me, what);
  self->waits_for = what;
  self->parked_at = hub.time;
  me->flags |= flag::parked;
  suspend(hub, me, self);
  me = hub.current; // the same, sooner known
  if (me->wake == Wake::interrupt) [[unlikely]]
    Interrupts::resume(hub, me);
  return me->wake;
}

GROVE_NO_CANARY void yield_now() {
  HubState& hub = here();
  Identity* me = hub.current;
  if ((me->flags & flag::interrupts) != 0) [[unlikely]]
    Interrupts::before(hub, me);
  if (--hub.tick == 0) [[unlikely]]
    HubImpl::of(hub).tick(); // may make others runnable
  Identity* next = hub.run_head;
  if (next == nullptr)
    return;
  Context* self = hub.context;
  hub.push(me); // behind at least one: no need to look whether the queue is empty again
  hub.run_head = next->next;
  me->context = self;
  leave_for(hub, self, &me->sp, next);
  me = hub.current; // the same, sooner known
  if ((me->flags & flag::interrupts) != 0) [[unlikely]]
    Interrupts::after(hub, me);
}

Wake park_and_hold(const char* what) {
  observe_park(what);
  HubState& hub = *this_hub;
  Identity* me = hub.current;
  if ((me->flags & flag::interrupts) != 0 && Interrupts::due(hub, me))
    return Wake::interrupt;
  Context* self = hub.context;
  self->waits_for = what;
  self->parked_at = hub.time;
  me->flags |= flag::parked;
  suspend(hub, me, self);
  me = hub.current;
  if (me->wake == Wake::interrupt)
    receive_visits(hub, me);
  if ((me->flags & flag::asserts) != 0)
    Asserts::resumed(me);
  return me->wake;
}

void yield_held() {
  HubState& hub = *this_hub;
  Identity* me = hub.current;
  if ((me->flags & flag::interrupts) != 0) // whoever has something due, or on its mind, goes on
    return;
  if (--hub.tick == 0)
    HubImpl::of(hub).tick();
  Identity* next = hub.run_head;
  if (next == nullptr)
    return;
  Context* self = hub.context;
  hub.push(me);
  hub.run_head = next->next;
  me->context = self;
  leave_for(hub, self, &me->sp, next);
}

GROVE_NO_CANARY void park_behind(HubState& hub, Identity* child, const char* what) {
  Identity* me = hub.current;
  Context* self = hub.context;
  self->waits_for = what;
  self->parked_at = hub.time;
  me->flags |= flag::parked;
  me->context = self;
  leave_for(hub, self, &me->sp, child);
  me = hub.current; // the same, sooner known
  if (me->wake == Wake::interrupt) [[unlikely]]
    Interrupts::resume(hub, me);
}

namespace {
[[gnu::noinline, gnu::cold]] void resume_joiner(HubState& hub, Identity* me, Identity* self) {
  try {
    Interrupts::resume(hub, me);
  } catch (...) {
    if (state_of(self)->joiner == me) // else it has ended as well
      state_of(self)->joiner = nullptr;
    throw;
  }
}
// Inlined, with its few registers, where a Waiter and park() were a third of a greenlet's life.
[[gnu::always_inline]] inline void park_for_end(HubState& hub, Identity* me, Identity* self) {
  observe_park("join");
  state_of(self)->joiner = me;
  Context* context = hub.context;
  context->waits_for = "join";
  context->parked_at = hub.time;
  me->flags |= flag::parked;
  suspend(hub, me, context);
  me = hub.current; // the same, sooner known
  if (me->wake == Wake::interrupt) [[unlikely]]
    resume_joiner(hub, me, self);
}
} // namespace

GROVE_NO_CANARY void join_alone(HubState& hub, Identity* me, Identity* self) {
  park_for_end(hub, me, self);
}
GROVE_NO_CANARY void get_alone(HubState& hub, Identity* me, Identity* self) {
  park_for_end(hub, me, self);
  if (state_of(self)->end != End::value) [[unlikely]]
    throw_no_value(self);
}

void visit(HubState& hub, Identity* parked, void (*f)(void*), void* argument) noexcept {
  Context* self = hub.context;
  Visit visit{f, argument, hub.current, self, nullptr};
  HubImpl::of(hub).visit = &visit;
  Context* host = parked->context;
  parked->context = nullptr;
  parked->wake = Wake::interrupt; // whoever wakes it in earnest says why anew
  hub.current = parked;
  switch_context(hub, self, &visit.sp, host, parked->sp);
}

void receive_visits(HubState& hub, Identity* me) noexcept {
  while (Visit* visit = std::exchange(HubImpl::of(hub).visit, nullptr)) {
    visit->f(visit->argument);
    Context* self = hub.context;
    hub.current = visit->visitor;
    me->context = self;
    switch_context(hub, self, &me->sp, visit->context, visit->sp);
  }
}

void wake_next(Identity* identity) noexcept {
  if ((identity->flags & flag::parked) == 0)
    return;
  identity->flags = static_cast<std::uint16_t>(identity->flags & ~flag::parked);
  identity->wake = Wake::ready;
  this_hub->push_front(identity);
}

namespace {
// A turn of a stack of its own size, which runs one greenlet at a time. Inlined: no frame of a back
// trace.
[[gnu::always_inline]] inline void run_alone(HubState& hub, Context* self) noexcept {
  hub.current->ops->run(hub.current);
  Identity* next = next_runnable(hub);
  const Turn turn =
      next->context != nullptr ? Turn{next, next->context, next->sp} : new_context_for(hub, next);
  HubImpl::of(hub).stacks.give(hub, self); // last: `next` must not get it
  leave<Switch::from_host>(hub, self, &self->sp, turn);
}
// The next in line wants a stack of its own size.
[[gnu::noinline]] void rest_for_other(HubState& hub, Context* self, Identity* next) noexcept {
  const Turn turn = new_context_for(hub, next);
  HubImpl::of(hub).stacks.give(hub, self); // last: `next` must not get it
  leave<Switch::from_host>(hub, self, &self->sp, turn);
}
} // namespace

// What every stack does: run what is runnable and owns no context, as plain calls; when the next
// one has a context, rest, and let it have the thread.
[[noreturn]] void stack_main() noexcept {
#if defined(__x86_64__)
  asm volatile(".cfi_undefined rip"); // the bottom frame: unwinders stop here
#endif
#if GROVE_ASAN
  __sanitizer_finish_switch_fiber(nullptr, nullptr, nullptr);
#endif
  HubState& hub = *this_hub;
  Context* self = hub.context;
  while (self->own_size)
    run_alone(hub, self);
  for (;;) {
    Identity* next = hub.current; // set by whoever switched here
    for (;;) {
      next->ops->run(next);
      next = next_runnable(hub);
      if (next->context != nullptr || (next->flags & flag::own_stack) != 0)
        break;
      hub.current = next;
    }
    if (Context* to = next->context) [[likely]] {
      self->next = hub.idle_hosts;
      hub.idle_hosts = self;
      leave<Switch::from_host>(hub, self, &self->sp, {next, to, next->sp});
    } else {
      rest_for_other(hub, self, next);
    }
  }
}

#if GROVE_INLINE_SWITCH
extern "C" [[noreturn]] void grove_stack_main() { stack_main(); }
asm(".text\n"
    ".globl grove_stack_entry\n"
    ".type grove_stack_entry, @function\n"
    "grove_stack_entry:\n"
    ".cfi_startproc\n"
    ".cfi_undefined rip\n"
    "xorl %ebp, %ebp\n"
    "call grove_stack_main\n"
    "ud2\n"
    ".cfi_endproc\n"
    ".size grove_stack_entry, .-grove_stack_entry\n");
#endif

} // namespace grove::detail
