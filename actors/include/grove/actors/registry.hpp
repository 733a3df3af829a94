// SPDX-License-Identifier: MIT
// The registry: actors found by name, in this process.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <grove/actors/actor.hpp>
#include <grove/actors/actor_ref.hpp>
#include <grove/actors/detail/actor_class.hpp>
#include <grove/hub/deadline.hpp>

namespace grove {

namespace detail {

void register_actor(std::string_view name, IdentityRef actor, const ActorClass* type);
// `type` null: any.
std::optional<IdentityRef> find_actor(std::string_view name, const ActorClass* type);
IdentityRef await_actor(std::string_view name, const ActorClass* type, Deadline deadline);

template <class A>
constexpr const ActorClass* class_or_any() {
  return std::same_as<A, Actor> ? nullptr : &actor_class<A>;
}

} // namespace detail

// Any thread may call what follows; register_actor() only those that have a hub.

// Gives the actor a name, until it ends for good (a restart keeps it) or unregister_actor(). An
// actor has one name at most; to give it that one again changes nothing. std::logic_error: the name
// is taken, or the actor has another; ActorDown: it has ended; std::invalid_argument: an empty
// name.
template <class A>
void register_actor(std::string_view name, const ActorRef<A>& actor) {
  static_assert(!detail::is_api<A>, "an actor is registered by its class, not by an Api");
  detail::register_actor(name, actor.joinable(), &detail::actor_class<A>);
}
// False if there was none of that name.
bool unregister_actor(std::string_view name);

// Who has that name now. A is the class that it was registered with, or Actor; std::logic_error if
// it is another one.
template <class A>
std::optional<ActorRef<A>> find_actor(std::string_view name) {
  static_assert(!detail::is_api<A>, "find it as an Actor, then api_cast<Api<...>>() it");
  const auto found = detail::find_actor(name, detail::class_or_any<A>());
  if (!found)
    return std::nullopt;
  return ActorRef<A>(found->identity, found->generation);
}

// Waits until there is one of that name. TimeoutError if the deadline comes first; otherwise as
// find_actor(). A kill or a Timeout scope ends the wait. On a hub only.
template <class A>
ActorRef<A> await_actor(std::string_view name, Deadline deadline = {}) {
  static_assert(!detail::is_api<A>, "wait for it as an Actor, then api_cast<Api<...>>() it");
  const detail::IdentityRef found = detail::await_actor(name, detail::class_or_any<A>(), deadline);
  return {found.identity, found.generation};
}

} // namespace grove
