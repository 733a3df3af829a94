// SPDX-License-Identifier: MIT
// ask_all(): several questions at once.
#pragma once

#include <concepts>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <grove/actors/actor_ref.hpp>
#include <grove/hub/async_result.hpp>
#include <grove/hub/deadline.hpp>

namespace grove {

namespace detail {
template <class A, class M>
struct PendingQuestion {
  ActorRef<A> to;
  M message;
};
template <class R>
ValueOr<R> take_answer(AsyncResult<R>&& answer) {
  if constexpr (std::is_void_v<R>) {
    answer.get();
    return {};
  } else {
    return std::move(answer).get();
  }
}
} // namespace detail

// A message and whom to ask, for ask_all().
template <class A, class M>
auto question(ActorRef<A> to, M&& message) {
  return detail::PendingQuestion<A, std::decay_t<M>>{to, std::forward<M>(message)};
}

// Asks all at once, and waits until all have answered:
//
//   auto [price, stock] = ask_all(200ms, question(prices, Get{id}), question(store, Count{id}));
//
// A tuple of the answers, std::monostate for void ones. Throws what the first of them, in the order
// given, that has no answer would throw (see ActorRef::ask); the other answers are dropped then.
template <class... A, class... M>
auto ask_all(Deadline deadline, detail::PendingQuestion<A, M>... questions) {
  auto answers = std::tuple(questions.to.ask_async(std::move(questions.message), deadline)...);
  return std::apply(
      [](auto&... each) {
        (each.wait(), ...); // in braces: from left to right
        return std::tuple<decltype(detail::take_answer(std::move(each)))...>{
            detail::take_answer(std::move(each))...};
      },
      answers);
}

// The same message to all of them: the answers in their order, or nothing for void ones.
template <std::ranges::input_range Refs, class M>
auto ask_all(Deadline deadline, Refs&& refs, const M& message) {
  using Answer = decltype(std::ranges::begin(refs)->ask_async(message, deadline));
  using R = std::remove_cvref_t<decltype(std::declval<Answer>().get())>;
  std::vector<Answer> answers;
  if constexpr (std::ranges::sized_range<Refs>)
    answers.reserve(std::ranges::size(refs));
  for (const auto& ref : refs)
    answers.push_back(ref.ask_async(message, deadline));
  if constexpr (std::is_void_v<R>) {
    for (auto& each : answers)
      each.get();
  } else {
    std::vector<R> values;
    values.reserve(answers.size());
    for (auto& each : answers)
      values.push_back(std::move(each).get());
    return values;
  }
}

} // namespace grove
