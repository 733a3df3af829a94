// SPDX-License-Identifier: MIT
// What the rest of the hub needs of the scheduler.
#pragma once

#include <exception>

#include <grove/hub/detail/hub_state.hpp>

// For the hottest code there is, which has no buffers that a canary could guard.
#define GROVE_NO_CANARY __attribute__((no_stack_protector))

namespace grove::detail {

// No stack can be had for one that has not begun: it ends with that error.
void fail_to_begin(Identity* identity, std::exception_ptr error) noexcept;

// park_held() without a time limit.
Wake park_and_hold(const char* what);

// `me`, which runs and has nothing to be thrown, waits for the end of `self`, a greenlet that has
// no other joiner. The second form throws what GreenletRef::get() does if there is no value then.
void join_alone(HubState& hub, Identity* me, Identity* self);
void get_alone(HubState& hub, Identity* me, Identity* self);

// Runs what was linked to it, in greenlets of their own.
void start_links(Identity* self);

// Resumes a parked identity for the length of f(argument), on its own stack and under its name, and
// leaves it parked as it was. f neither waits nor throws.
struct Visit {
  void (*f)(void*);
  void* argument;
  Identity* visitor;
  Context* context;
  void* sp;
};
void visit(HubState& hub, Identity* parked, void (*f)(void*), void* argument) noexcept;
// The other side: called first of all by a parked one that was woken by an interrupt.
void receive_visits(HubState& hub, Identity* me) noexcept;

} // namespace grove::detail
