// SPDX-License-Identifier: MIT
// ActorRef: tell, ask, stop, join, from anywhere.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <type_traits>
#include <utility>

#include <grove/actors/detail/actor_state.hpp>
#include <grove/actors/detail/ask.hpp>
#include <grove/actors/detail/receives.hpp>
#include <grove/actors/errors.hpp>
#include <grove/actors/exit_reason.hpp>
#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/identity.hpp>

namespace grove {

// ActorRef<A> names an actor of class A. It is two words, copied freely, usable on any thread, and
// keeps nothing alive: once the actor has ended, tell() drops the message (counted as a dead
// letter) and ask() throws ActorDown. A default one names nobody and behaves so from the start.
template <class A>
class ActorRef {
public:
  ActorRef() = default;
  ActorRef(detail::Identity* slot, std::uint32_t generation)
      : slot_(slot), generation_(generation) {}

  // An ActorRef<Actor> names any actor: to stop, join and watch it.
  template <class B>
  requires(std::same_as<A, Actor>&& std::derived_from<B, Actor>) ActorRef(const ActorRef<B>& other)
      : slot_(other.joinable().identity), generation_(other.joinable().generation) {}

  friend bool operator==(const ActorRef&, const ActorRef&) = default;

  // -- messages --------------------------------------------------------------------------------
  // Puts the message into the actor's inbox. Never waits, never switches. Messages of one sender
  // arrive in their order.
  template <class M>
  void tell(M&& message) const {
    using Message = std::decay_t<M>;
    check_message<Message>();
    detail::tell<A, Message>(slot_, generation_, std::forward<M>(message));
  }

  // Waits for what receive() returns (for a void one: until it was handled). Throws what the
  // handler threw; ActorDown if the actor has ended or ends first; AskTimeout if the deadline came
  // first. A kill or a Timeout scope of the caller is thrown here, and the answer dropped. On a
  // thread that has no hub it blocks the thread.
  template <class M>
  auto ask(M&& message, Deadline deadline = {}) const {
    using Message = std::decay_t<M>;
    check_message<Message>();
    return detail::ask<A, Message>(slot_, generation_, std::forward<M>(message), deadline);
  }

  // -- life --------------------------------------------------------------------------------------
  // Ends the actor. Stop::drained keeps its place among the messages of its sender. Does not wait.
  void stop(Stop how = Stop::drained) const { detail::stop_actor(slot_, generation_, how); }
  // Ends the actor now: a handler that waits is unwound at its suspension point, the inbox dropped.
  // Waits for the end; false if the deadline came first.
  bool kill(Deadline deadline = {}) const {
    return detail::kill_actor(slot_, generation_, deadline);
  }
  // Waits for the end. False if the deadline came first. std::logic_error from its own handler.
  bool join(Deadline deadline = {}) const {
    return detail::join_actor(slot_, generation_, deadline);
  }

  // For join_all() and kill_all(), on the actor's own hub.
  detail::IdentityRef joinable() const { return {slot_, generation_}; }

private:
  template <class M>
  static constexpr void check_message() {
    static_assert(
        requires { typename detail::ReplyOf<A, M>; },
        "this actor has no receive() for this message: is it public? is it hidden by an "
        "overload in a derived class (then say `using Base::receive;`)?");
    if constexpr (requires { typename detail::ReplyOf<A, M>; }) {
      static_assert(Receives<A, M>,
                    "this actor has no receive() for exactly this type of message, only one that "
                    "it converts to: send that type, or add an overload");
    }
    static_assert(alignof(M) <= 16, "messages are aligned to 16 bytes: hold it by a pointer");
  }

  detail::Identity* slot_ = &detail::nobody;
  std::uint32_t generation_ = 0;
};

} // namespace grove

template <class A>
struct std::hash<grove::ActorRef<A>> {
  std::size_t operator()(const grove::ActorRef<A>& ref) const noexcept {
    const auto id = ref.joinable();
    return std::hash<const void*>()(id.identity) * 31 + id.generation;
  }
};
