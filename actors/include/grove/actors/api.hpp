// SPDX-License-Identifier: MIT
// Api: the messages that an actor takes, without its class.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <stdexcept>
#include <type_traits>

#include <grove/actors/actor_ref.hpp>
#include <grove/actors/detail/api_table.hpp>

namespace grove {

// Api<Pong(Ping), void(Stop)> lists messages, each with its reply. It is only named: who holds an
// ActorRef<Api<...>> can send these messages, whatever the class of the actor.
//
//   using PongApi = Api<Pong(Ping), void(Stop)>;
//   ActorRef<PongApi> any = spawn<Ponger>();       // Ponger receives both: checked when compiled
//   ActorRef<Api<void(Stop)>> stopper = any;       // fewer: always; more: does not compile
//
// The reply is what the asker gets: of a handler that returns an AsyncResult<R> or a Forward<R> it
// is R. A class that says `using Api = grove::Api<...>;` is checked at spawn<A>() to receive all of
// it (a derived class's overload may hide some), and found at run time by api_cast().
template <class... Signatures>
class Api {
  static_assert(
      (detail::SignatureParts<Signatures>::valid && ...),
      "an Api lists signatures of plain types, as Pong(Ping): one message, no references");
  static_assert(((detail::count_of<detail::MessageIn<Signatures>, Signatures...> == 1) && ...),
                "an Api lists each message once");
};

namespace detail {
template <class A, class P>
inline constexpr bool implements = false;
template <class A, class... S>
inline constexpr bool implements<A, Api<S...>> = (Serves<A, S> && ...);
template <class... Wide, class... S>
inline constexpr bool implements<Api<Wide...>, Api<S...>> = (ListedIn<S, Wide...> && ...);
} // namespace detail

// An ActorRef<A>, of a class or of an Api, becomes an ActorRef<P>: for overloads and templates that
// have to choose. (A reference that is not one of P does not compile either way.)
template <class A, class P>
concept Implements = detail::is_api<P> && detail::implements<A, P>;

// ApiMismatch: the actor's class does not declare what api_cast() was to find.
class ApiMismatch : public std::runtime_error {
  using runtime_error::runtime_error;
};

namespace detail {
// The table that the actor's class declares; it has all of `wanted`, which ends with null.
const ApiRow* cast_to_api(IdentityRef actor, const Signature* const* wanted);

template <class P>
struct SignaturesOf;
template <class... S>
struct SignaturesOf<Api<S...>> {
  static constexpr std::array<const Signature*, sizeof...(S) + 1> list{&signature<S>..., nullptr};
};
} // namespace detail

// The same actor as an ActorRef<P>, P an Api; the actor's class declares one (`using Api = ...;`)
// that lists at least as much: else ApiMismatch, which says what is missing. ActorDown if it has
// ended. Any hub; for an actor of another one it waits for that one, and a kill or a Timeout scope
// ends the wait.
template <class P>
requires(detail::is_api<P>) ActorRef<P> api_cast(const ActorRef<Actor>& actor) {
  const detail::IdentityRef id = actor.joinable();
  const auto* table = detail::cast_to_api(id, detail::SignaturesOf<P>::list.data());
  return {id.identity, id.generation, detail::HandlersOf<P>(table)};
}

} // namespace grove
