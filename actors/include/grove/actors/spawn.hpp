// SPDX-License-Identifier: MIT
// spawn<A>(args...): makes an actor.
#pragma once

#include <concepts>
#include <exception>
#include <new>
#include <type_traits>
#include <utility>

#include <grove/actors/actor.hpp>
#include <grove/actors/actor_ref.hpp>
#include <grove/actors/detail/actor_class.hpp>
#include <grove/actors/detail/actor_state.hpp>
#include <grove/actors/detail/api_table.hpp>
#include <grove/actors/detail/stash.hpp>
#include <grove/actors/inbox.hpp>
#include <grove/hub/detail/greenlet_state.hpp>
#include <grove/hub/detail/wait.hpp>

namespace grove {

namespace detail {

// A spawn() that waits for its child's on_start; on the spawner's stack.
struct Birth {
  Identity* spawner;
  Inbox* inbox; // of the child; null once on_start is over
  std::exception_ptr error;
  bool killed = false;
  ~Birth() {
    if (inbox != nullptr)
      inbox->sidecar.set_birth(nullptr); // the spawner was interrupted
  }
};

void set_inbox(Identity* actor, const InboxOptions& options);
void run_actor(Identity* self) noexcept;
void accept_mail(Identity* self, Mail* mail) noexcept;
void kill_idle_actor(Identity* self) noexcept;
// Switches to a host that runs the child's on_start, and comes back after it.
void wait_for_start(HubState& hub, Identity* child);
// There is no on_start to run: the child takes its place among the idle or the runnable.
inline void end_birth(HubState& hub, Identity* self) {
  if (inbox_of(self).head != nullptr ||
      (self->flags & (flag::stopping | flag::kill_pending | flag::special)) != 0) [[unlikely]] {
    hub.push(self);
  } else {
    self->flags = static_cast<std::uint16_t>(self->flags & ~flag::scheduled);
  }
}
// The constructor threw: its mail, if it has any, is dropped, and the slot is free.
void abandon_actor(HubState& hub, Identity* self) noexcept;
[[noreturn]] void throw_actor_not_first(const char* type);

template <class A>
void destroy_actor(Identity* self) noexcept {
  object_of<A>(self)->A::~A();
}

template <class A>
inline constexpr ActorOps actor_ops{{run_actor, destroy_actor<A>, accept_mail, kill_idle_actor,
                                     actor_class_name<A>.data(),
                                     size_class_of(actor_offset + sizeof(A))},
                                    &actor_class<A>,
                                    declared_table<A>()};

template <class A>
inline constexpr bool has_default_start = requires {
  requires std::same_as<decltype(&A::on_start), void (Actor::*)()>;
};

// Makes it, not yet started: its reference is known, nothing of it has run but the constructor.
template <class A, class... Args>
Identity* make_actor(HubState& hub, Args&&... args) {
  static_assert(alignof(A) <= 16,
                "actors are aligned to 16 bytes: hold such a member by a pointer");
  static_assert(actor_offset + sizeof(A) <= largest_slot,
                "this actor is larger than 64 KiB: hold its large members by pointers");
  check_interrupts();
  Identity* self = take_identity(hub, &actor_ops<A>);
  self->flags |= flag::scheduled; // mail that its constructor sends it must not run it yet
  auto* inbox = ::new (static_cast<void*>(self + 1)) Inbox;
  A* object = nullptr;
  try {
    if constexpr (HasStash<A>)
      set_stash(self, A::stash_capacity);
    object = ::new (static_cast<void*>(inbox + 1)) A(std::forward<Args>(args)...);
  } catch (...) {
    abandon_actor(hub, self);
    throw;
  }
  if (static_cast<void*>(static_cast<Actor*>(object)) != static_cast<void*>(object)) {
    destroy_actor<A>(self);
    abandon_actor(hub, self);
    throw_actor_not_first(actor_class_name<A>.data());
  }
  return self;
}
template <class A>
ActorRef<A> start_actor(HubState& hub, Identity* self) {
  const ActorRef<A> ref(self, self->generation);
  if constexpr (has_default_start<A>)
    end_birth(hub, self);
  else
    wait_for_start(hub, self);
  if (--hub.spawns == 0) [[unlikely]] {
    hub.spawns = 64;
    yield_now();
  }
  return ref;
}

// Before the child runs.
void adopt_child(Identity* parent, Identity* child);
void link_child(Identity* parent, Identity* child);
std::uint64_t monitor_child(Identity* parent, Identity* child);
// prepare(child) between birth and start.
template <class A, class Prepare, class... Args>
ActorRef<A> spawn_prepared(Prepare prepare, Args&&... args) {
  HubState& hub = here();
  Identity* self = make_actor<A>(hub, std::forward<Args>(args)...);
  try {
    prepare(self);
  } catch (...) { // no memory for it
    destroy_actor<A>(self);
    abandon_actor(hub, self);
    throw;
  }
  return start_actor<A>(hub, self);
}

} // namespace detail

// Makes an actor of class A on this hub: constructs it from args (under the identity of the
// caller), runs its on_start on a stack of its own, and returns then. What the constructor or
// on_start throws, spawn() throws, and there is no actor; ActorDown if it was killed in on_start. A
// kill of the caller while on_start waits leaves the actor alive. Gives way now and then, so that a
// spawner of many does not keep those it has made from running.
template <std::derived_from<Actor> A, class... Args>
requires std::constructible_from<A, Args...> ActorRef<A> spawn(Args&&... args) {
  detail::HubState& hub = detail::here();
  return detail::start_actor<A>(hub, detail::make_actor<A>(hub, std::forward<Args>(args)...));
}

// The same, with options: `spawn<A>(ActorOptions{.inbox = {.capacity = 1024}}, args...)`.
template <std::derived_from<Actor> A, class... Args>
requires std::constructible_from<A, Args...> ActorRef<A> spawn(const ActorOptions& options,
                                                               Args&&... args) {
  return detail::spawn_prepared<A>(
      [&options](detail::Identity* self) { detail::set_inbox(self, options.inbox); },
      std::forward<Args>(args)...);
}

template <std::derived_from<Actor> A, class... Args>
requires std::constructible_from<A, Args...> ActorRef<A> Actor::spawn_child(Args&&... args) {
  detail::Identity* me = detail::slot_of_actor(this);
  return detail::spawn_prepared<A>(
      [me](detail::Identity* child) { detail::adopt_child(me, child); },
      std::forward<Args>(args)...);
}
template <std::derived_from<Actor> A, class... Args>
requires std::constructible_from<A, Args...> ActorRef<A> Actor::spawn_link(Args&&... args) {
  detail::Identity* me = detail::slot_of_actor(this);
  return detail::spawn_prepared<A>([me](detail::Identity* child) { detail::link_child(me, child); },
                                   std::forward<Args>(args)...);
}
template <std::derived_from<Actor> A, class... Args>
requires std::constructible_from<A, Args...> std::pair<ActorRef<A>, Monitor>
Actor::spawn_monitor(Args&&... args) {
  detail::Identity* me = detail::slot_of_actor(this);
  Monitor monitor; // of a child that does not come to life: cancelled
  const ActorRef<A> child = detail::spawn_prepared<A>(
      [&](detail::Identity* made) {
        monitor = Monitor({me, me->generation}, detail::monitor_child(me, made));
      },
      std::forward<Args>(args)...);
  return {child, std::move(monitor)};
}

} // namespace grove
