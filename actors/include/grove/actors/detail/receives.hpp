// SPDX-License-Identifier: MIT
// Which messages an actor class receives: checked at compile time, by exact type.
#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

namespace grove::detail {

// The reply of A to an M, if overload resolution finds any receive() at all.
template <class A, class M>
using ReplyOf = decltype(std::declval<A&>().receive(std::declval<M>()));

// Overload resolution also accepts what converts to the parameter; a cast of the member's address
// accepts only the type itself. A noexcept member converts to one that is not.
template <class A, class M, class R>
concept ReceivesExactly = requires {
  static_cast<R (A::*)(const M&)>(&A::receive);
}
|| requires { static_cast<R (A::*)(const M&) const>(&A::receive); }
|| requires { static_cast<R (A::*)(M)>(&A::receive); }
|| requires { static_cast<R (A::*)(M) const>(&A::receive); }
|| requires { static_cast<R (A::*)(M &&)>(&A::receive); }
|| requires { static_cast<R (A::*)(M &&) const>(&A::receive); };

} // namespace grove::detail

namespace grove {

// A has a public receive() for exactly the message type M.
template <class A, class M>
concept Receives = requires {
  typename detail::ReplyOf<A, M>;
}
&&detail::ReceivesExactly<A, M, detail::ReplyOf<A, M>>;

} // namespace grove
