// SPDX-License-Identifier: MIT
// ask_first(): the same question to several, whoever answers first.
#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <ranges>
#include <type_traits>
#include <utility>

#include <grove/actors/actor_ref.hpp>
#include <grove/hub/async_result.hpp>
#include <grove/hub/deadline.hpp>

namespace grove {

namespace detail {
template <class R>
struct Race {
  AsyncResult<R> first;
  std::size_t open = 1; // who has not answered; one for who is still asking
  std::exception_ptr last;
  void drop_out() {
    if (--open == 0 && !first.ready())
      first.set_exception(last);
  }
  void fail(const std::exception_ptr& error) {
    last = error;
    drop_out();
  }
};
template <class R>
struct Racer : Sequel<AsyncValue<R>> {
  std::shared_ptr<Race<R>> race;
  explicit Racer(std::shared_ptr<Race<R>> r) : race(std::move(r)) {}
  void run(const std::exception_ptr& error, AsyncValue<R>* value) noexcept override {
    if (error != nullptr) {
      race->fail(error);
      return;
    }
    if (race->first.ready())
      return;
    try {
      if constexpr (std::is_void_v<R>)
        race->first.set();
      else
        race->first.set(std::move(*value));
    } catch (...) { // it cannot be moved
      race->fail(std::current_exception());
    }
  }
};
} // namespace detail

// Asks all of them at once, and returns the first answer that is one. The others are asked all the
// same; what they answer later is dropped. When all have failed it throws what the last of them
// would have thrown (see ActorRef::ask), with nobody to ask ActorDown. A kill or a Timeout scope of
// the caller ends the wait. Who has a bounded inbox that lets senders wait is waited for before the
// next one is asked. On a hub.
template <std::ranges::input_range Refs, class M>
auto ask_first(Deadline deadline, Refs&& refs, const M& message) {
  using Answer = decltype(std::ranges::begin(refs)->ask_async(message, deadline));
  using R = std::remove_cvref_t<decltype(std::declval<Answer>().get())>;
  const auto race = std::make_shared<detail::Race<R>>();
  race->last = std::make_exception_ptr(ActorDown("ask_first: there is nobody to ask"));
  for (const auto& ref : refs) {
    const Answer answer = ref.ask_async(message, deadline);
    ++race->open;
    detail::AsyncAccess::then(answer, std::make_unique<detail::Racer<R>>(race));
  }
  race->drop_out();
  if constexpr (std::is_void_v<R>)
    race->first.get();
  else
    return AsyncResult<R>(race->first).get();
}

} // namespace grove
