// SPDX-License-Identifier: MIT
// How a reference finds the handlers of its actor.
#pragma once

#include <type_traits>

#include <grove/actors/detail/handle.hpp>
#include <grove/actors/detail/receives.hpp>

namespace grove {
template <class... Signatures>
class Api;
}

namespace grove::detail {

using Handler = void (*)(Identity*, Mail*);

template <class A>
inline constexpr bool is_api = false;
template <class... Signatures>
inline constexpr bool is_api<Api<Signatures...>> = true;

// The handlers of class A are constants; there is nothing to keep. Those of an Api are found
// through a table: see api.hpp. What both have is all that tell() and ask() know of an actor.
template <class A>
struct HandlersOf {
  static_assert(!is_api<A>, "include <grove/actors/api.hpp>");

  // What an asker gets.
  template <class M>
  using Answer = AnswerOf<A, M>;

  template <class M>
  static constexpr void check() {
    static_assert(
        requires { typename ReplyOf<A, M>; },
        "this actor has no receive() for this message: is it public? is it hidden by an "
        "overload in a derived class (then say `using Base::receive;`)?");
    if constexpr (requires { typename ReplyOf<A, M>; }) {
      static_assert(Receives<A, M>,
                    "this actor has no receive() for exactly this type of message, only one that "
                    "it converts to: send that type, or add an overload");
    }
    static_assert(alignof(M) <= 16, "messages are aligned to 16 bytes: hold it by a pointer");
  }

  template <class M>
  static constexpr Handler tell() {
    return handle_tell<A, M>;
  }
  template <class M, class From>
  static constexpr Handler ask() {
    return handle_ask<A, M, From>;
  }
};

template <class Handlers, class M>
using AnswerBy = typename Handlers::template Answer<M>;

} // namespace grove::detail
