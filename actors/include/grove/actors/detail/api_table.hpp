// SPDX-License-Identifier: MIT
// What stands behind a reference to an Api: the handlers of a class, one row for each signature.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <string_view>
#include <tuple>
#include <type_traits>

#include <grove/actors/detail/handle.hpp>
#include <grove/actors/detail/handlers.hpp>
#include <grove/hub/detail/type_name.hpp>

namespace grove::detail {

template <class S>
struct SignatureParts {
  static constexpr bool valid = false;
};
template <class R, class M>
struct SignatureParts<R(M)> {
  using Reply = R;
  using Message = M;
  static constexpr bool valid =
      std::same_as<M, std::decay_t<M>> && std::same_as<R, std::remove_cvref_t<R>>;
};
template <class S>
using MessageIn = typename SignatureParts<S>::Message;
template <class S>
using ReplyIn = typename SignatureParts<S>::Reply;

// A signature, R(M), compared by address.
struct Signature {
  const char* text; // "Pong(Ping)", whatever the compiler writes
};
template <class S>
constexpr auto make_signature_text() {
  constexpr std::string_view reply = type_name_view<ReplyIn<S>>();
  constexpr std::string_view message = type_name_view<MessageIn<S>>();
  return join_text<reply.size() + message.size() + 2>(reply, "(", message, ")");
}
template <class S>
inline constexpr auto signature_text = make_signature_text<S>();
template <class S>
inline constexpr Signature signature{signature_text<S>.data()};

struct ApiRow {
  const Signature* signature = nullptr; // null: the end of a table
  Handler tell = nullptr;
  Handler ask = nullptr;      // a greenlet that waits
  Handler ask_from = nullptr; // whoever else
};
// Null if the table has none.
const ApiRow* find_row(const ApiRow* table, const Signature* wanted) noexcept;

// -- of a class -----------------------------------------------------------------------------------

template <class A, class S>
concept Serves = Receives<A, MessageIn<S>> && std::same_as<AnswerOf<A, MessageIn<S>>, ReplyIn<S>>;

// Says of one signature what is wrong.
template <class A, class S>
constexpr void check_serves() {
  using M = MessageIn<S>;
  constexpr bool found = requires { typename ReplyOf<A, M>; };
  static_assert(found, "this actor class has no receive() for a message that the Api lists: is it "
                       "public? is it hidden by an overload in a derived class (then say `using "
                       "Base::receive;`)?");
  if constexpr (found) {
    static_assert(Receives<A, M>, "this actor class has no receive() for exactly a message that "
                                  "the Api lists, only one that it converts to");
    if constexpr (Receives<A, M>)
      static_assert(Serves<A, S>, "this actor class replies to a message with another type than "
                                  "the Api lists");
  }
}

template <class A, class S>
constexpr ApiRow api_row() {
  if constexpr (Serves<A, S>) {
    using M = MessageIn<S>;
    return {&signature<S>, handle_tell<A, M>, handle_ask<A, M, Asker>,
            handle_ask<A, M, ReplyTo<ReplyIn<S>>>};
  } else {
    return {};
  }
}
template <class A, class... S>
inline constexpr std::array<ApiRow, sizeof...(S) + 1> api_table{api_row<A, S>()..., ApiRow{}};

// -- of nobody ------------------------------------------------------------------------------------

template <class M>
void drop_told(Identity*, Mail* mail) {
  lose_told<M>(mail);
}
template <class M, class R, class From>
void drop_asked(Identity*, Mail* mail) {
  drop_question<R, Question<M, From>>(mail);
}
template <class S, class M = MessageIn<S>, class R = ReplyIn<S>>
inline constexpr ApiRow dropping_row{&signature<S>, drop_told<M>, drop_asked<M, R, Asker>,
                                     drop_asked<M, R, ReplyTo<R>>};
template <class... S>
inline constexpr std::array<ApiRow, sizeof...(S) + 1> table_of_nobody{dropping_row<S>..., ApiRow{}};

// -- of a reference -------------------------------------------------------------------------------

template <class M, class... S>
constexpr std::size_t count_of = (std::size_t{std::same_as<M, MessageIn<S>>} + ... + 0);
// The place of the signature of M; how many there are if it is not listed.
template <class M, class... S>
constexpr std::size_t place_of() {
  std::size_t place = 0;
  static_cast<void>(((std::same_as<M, MessageIn<S>> || (++place, false)) || ...));
  return place;
}
template <class S, class... Listed>
concept ListedIn = (std::same_as<S, Listed> || ...);

// A reference that was narrowed keeps the table of the wide one: a signature is at its own place,
// or has to be looked for.
template <class... S>
class HandlersOf<Api<S...>> {
  static_assert(sizeof(Api<S...>) != 0); // its own checks

  template <class M>
  using SignatureOf = std::tuple_element_t<place_of<M, S...>(), std::tuple<S..., void(M)>>;

public:
  template <class M>
  using Answer = ReplyIn<SignatureOf<M>>;

  HandlersOf() : table_(table_of_nobody<S...>.data()) {}
  explicit HandlersOf(const ApiRow* table) : table_(table) {}
  template <class A>
  explicit HandlersOf(const HandlersOf<A>&) : table_(api_table<A, S...>.data()) {
    static_assert(!std::same_as<A, Actor>, "an ActorRef<Actor> does not know what its actor "
                                           "receives: api_cast<Api<...>>() finds out");
    if constexpr (!std::same_as<A, Actor>)
      (check_serves<A, S>(), ...);
  }
  template <class... Wide>
  explicit HandlersOf(const HandlersOf<Api<Wide...>>& wide) : table_(wide.table()) {
    static_assert((ListedIn<S, Wide...> && ...),
                  "this Api lists a message, or a reply, that the one it is made from does not: an "
                  "Api can be narrowed, not widened");
  }

  template <class M>
  static constexpr void check() {
    static_assert(count_of<M, S...> == 1,
                  "this Api does not list this message: send exactly a type that it lists");
    static_assert(alignof(M) <= 16, "messages are aligned to 16 bytes: hold it by a pointer");
  }

  template <class M>
  Handler tell() const {
    return row<M>().tell;
  }
  template <class M, class From>
  Handler ask() const {
    if constexpr (std::same_as<From, Asker>)
      return row<M>().ask;
    else
      return row<M>().ask_from;
  }
  const ApiRow* table() const { return table_; }

private:
  template <class M>
  const ApiRow& row() const {
    constexpr const Signature* wanted = &signature<SignatureOf<M>>;
    const ApiRow& own = table_[place_of<M, S...>()];
    return own.signature == wanted ? own : *find_row(table_, wanted);
  }

  const ApiRow* table_;
};

// -- of an actor ----------------------------------------------------------------------------------

// What its class declares: `using Api = grove::Api<...>;`. Null: nothing.
template <class A, class... S>
constexpr const ApiRow* declared_table(std::type_identity<Api<S...>>) {
  static_assert(sizeof(Api<S...>) != 0);
  (check_serves<A, S>(), ...);
  return api_table<A, S...>.data();
}
template <class A>
constexpr const ApiRow* declared_table() {
  if constexpr (requires { typename A::Api; }) {
    static_assert(is_api<typename A::Api>, "`using Api = ...;` in an actor class names an Api");
    return declared_table<A>(std::type_identity<typename A::Api>());
  } else {
    return nullptr;
  }
}

} // namespace grove::detail
