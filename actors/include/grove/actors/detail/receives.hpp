// SPDX-License-Identifier: MIT
// Which messages an actor class receives: checked at compile time, by exact type.
#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

namespace grove {

class Message;

namespace detail {

// What overload resolution finds for an M, if anything.
template <class A, class M>
using OwnReplyOf = decltype(std::declval<A&>().receive(std::declval<M>()));

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

template <class A, class M>
concept ReceivesItself = requires {
  typename OwnReplyOf<A, M>;
}
&&ReceivesExactly<A, M, OwnReplyOf<A, M>>;

// A has a receive(Message&), see Message.
template <class A>
concept HasCatchAll = requires {
  static_cast<void (A::*)(Message&)>(&A::receive);
};

// What the handler of A for an M returns: its own, else void, of the catch-all.
template <class A, class M>
struct ReplyFrom {};
template <class A, class M>
requires(ReceivesItself<A, M> ||
         (!HasCatchAll<A> && requires { typename OwnReplyOf<A, M>; })) struct ReplyFrom<A, M> {
  using type = OwnReplyOf<A, M>;
};
template <class A, class M>
requires(HasCatchAll<A> && !ReceivesItself<A, M>) struct ReplyFrom<A, M> {
  using type = void;
};
template <class A, class M>
using ReplyOf = typename ReplyFrom<A, M>::type;

} // namespace detail

// A has a public receive() for exactly the message type M, or one that takes every message.
template <class A, class M>
concept Receives = detail::ReceivesItself<A, M> || detail::HasCatchAll<A>;

} // namespace grove
