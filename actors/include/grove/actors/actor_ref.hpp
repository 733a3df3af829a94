// SPDX-License-Identifier: MIT
// ActorRef: tell, ask, stop, join, from anywhere.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include <grove/actors/detail/actor_state.hpp>
#include <grove/actors/detail/ask.hpp>
#include <grove/actors/detail/ask_async.hpp>
#include <grove/actors/detail/handlers.hpp>
#include <grove/actors/errors.hpp>
#include <grove/actors/exit_reason.hpp>
#include <grove/actors/result.hpp>
#include <grove/actors/tell_timer.hpp>
#include <grove/hub/async_result.hpp>
#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/identity.hpp>
#include <grove/hub/detail/type_name.hpp>

namespace grove {

namespace detail {
template <class A>
inline constexpr auto ref_type_name = type_name<A>();
// Of what class it is; null if the reference does not know.
template <class A>
constexpr const char* class_in_ref() {
  return std::same_as<A, Actor> || is_api<A> ? nullptr : ref_type_name<A>.data();
}
std::string describe_ref(IdentityRef ref, const char* type);
std::ostream& print_text(std::ostream& out, const std::string& text);
} // namespace detail

// tell(message, urgent): before ordinary mail.
struct Urgent {
  explicit constexpr Urgent() = default;
};
inline constexpr Urgent urgent{};

// ActorRef<A> names an actor of class A. It is two words, copied freely, usable on any thread, and
// keeps nothing alive: once the actor has ended, tell() drops the message (counted as a dead
// letter) and ask() throws ActorDown. A default one names nobody and behaves so from the start.
//
// ActorRef<Api<...>> names an actor of any class that receives the messages of the Api, with one
// word more. ActorRef<Actor> names any actor: to stop, join and watch it.
template <class A>
class ActorRef {
  using Handlers = detail::HandlersOf<A>;
  template <class>
  friend class ActorRef;

public:
  ActorRef() = default;
  ActorRef(detail::Identity* slot, std::uint32_t generation) requires(!detail::is_api<A>)
      : slot_(slot), generation_(generation), home_(slot->home) {}
  ActorRef(detail::Identity* slot, std::uint32_t generation, Handlers handlers)
      : slot_(slot), generation_(generation), home_(slot->home), handlers_(handlers) {}

  template <class B>
  requires(std::same_as<A, Actor> && (std::derived_from<B, Actor> || detail::is_api<B>))
      ActorRef(const ActorRef<B>& other)
      : slot_(other.slot_), generation_(other.generation_), home_(other.home_) {}
  // Of a class that receives what the Api lists, or an Api that lists more. Else it does not
  // compile, and says why.
  template <class B>
  requires(detail::is_api<A>) ActorRef(const ActorRef<B>& other)
      : slot_(other.slot_), generation_(other.generation_), home_(other.home_),
        handlers_(other.handlers()) {}

  friend bool operator==(const ActorRef& a, const ActorRef& b) {
    return a.slot_ == b.slot_ && a.generation_ == b.generation_;
  }

  // -- messages --------------------------------------------------------------------------------
  // Puts the message into the actor's inbox. Never waits, never switches, unless the inbox is
  // bounded (see InboxOptions). Messages of one sender arrive in their order.
  template <class M>
  void tell(M&& message) const {
    using Type = std::decay_t<M>;
    Handlers::template check<Type>();
    detail::tell<Type>(handlers_, slot_, generation_, home_, std::forward<M>(message));
  }
  // Before all ordinary mail, behind what is urgent too: `ref.tell(Pause{}, urgent)`.
  template <class M>
  void tell(M&& message, Urgent) const {
    using Type = std::decay_t<M>;
    Handlers::template check<Type>();
    detail::tell_urgent<Type>(handlers_.template tell<Type>(), slot_, generation_,
                              std::forward<M>(message));
  }

  // Tells it after the delay; the handle cancels it. std::invalid_argument for a negative delay.
  template <class M>
  TellTimer tell_after(std::chrono::nanoseconds delay, M&& message) const {
    using Type = std::decay_t<M>;
    Handlers::template check<Type>();
    const Deadline due(delay);
    return start_timer<Type>(due.nanoseconds(), 0, std::forward<M>(message));
  }
  // Tells it a copy after each period, without drift. A tick whose predecessor has not been handled
  // yet is left out. std::invalid_argument unless the period is above zero.
  template <class M>
  TellTimer tell_every(std::chrono::nanoseconds period, M&& message) const {
    using Type = std::decay_t<M>;
    Handlers::template check<Type>();
    static_assert(std::copy_constructible<Type>, "every tick is a copy of the message");
    const std::int64_t each = detail::checked_period(period);
    return start_timer<Type>(Deadline(period).nanoseconds(), each, std::forward<M>(message));
  }

  // Waits for what receive() returns; for a void one until the message was handled, for an
  // AsyncResult or a Forward until that brings the answer. Throws what the handler threw (Rejected
  // does not end the actor); ActorDown if the actor has ended or ends first; AskTimeout if the
  // deadline came first, or that of the question which the caller itself is at work on: a question
  // whose time has passed when its turn comes is not handled. AskCycle if the actor waits for the
  // caller. A kill or a Timeout scope of the caller is thrown here, and the answer dropped. On a
  // thread that has no hub it blocks the thread.
  template <class M>
  auto ask(M&& message, Deadline deadline = {}) const {
    using Type = std::decay_t<M>;
    Handlers::template check<Type>();
    return detail::ask<Type, Handlers, M>(handlers_, slot_, generation_, std::forward<M>(message),
                                          deadline);
  }
  // The same, and tells why there is no answer by its kind. Mistakes are thrown all the same:
  // AskCycle, a negative deadline.
  template <class M>
  auto try_ask(M&& message, Deadline deadline = {}) const {
    using Type = std::decay_t<M>;
    Handlers::template check<Type>();
    return detail::try_ask<Type>(handlers_, slot_, generation_, std::forward<M>(message), deadline);
  }
  // Does not wait for the answer: an AsyncResult gets it, or what ask() would have thrown. For the
  // first of several: wait_any() over their wait_op(). Needs a hub.
  template <class M>
  auto ask_async(M&& message, Deadline deadline = {}) const {
    using Type = std::decay_t<M>;
    Handlers::template check<Type>();
    return detail::ask_async<Type>(handlers_, slot_, generation_, std::forward<M>(message),
                                   deadline);
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
  // For grove's own templates.
  Handlers handlers() const { return handlers_; }

private:
  template <class M, class Arg>
  TellTimer start_timer(std::int64_t due, std::int64_t period, Arg&& message) const {
    auto timer = std::make_shared<detail::TimedTellOf<M>>(handlers_.template tell<M>(),
                                                          std::forward<Arg>(message));
    timer->period = period;
    timer->start({slot_, generation_}, due);
    return TellTimer(std::move(timer));
  }

  detail::Identity* slot_ = &detail::nobody;
  std::uint32_t generation_ = 0;
  // The slot's, which a sender on another hub had better not look at: its owner writes to that
  // line with each message.
  std::uint16_t home_ = detail::no_hub_index;
  [[no_unique_address]] Handlers handlers_;
};

// Whatever their types: whether both name the same actor.
template <class A, class B>
requires(detail::is_api<A> || detail::is_api<B>) bool operator==(const ActorRef<A>& a,
                                                                 const ActorRef<B>& b) {
  return ActorRef<Actor>(a) == ActorRef<Actor>(b);
}

// "Ponger-5", or the name it was given, on its own hub; elsewhere, and once it has ended, in words
// what is known: its class and its slot. "nobody".
template <class A>
std::string to_string(const ActorRef<A>& ref) {
  return detail::describe_ref(ref.joinable(), detail::class_in_ref<A>());
}
template <class A>
std::ostream& operator<<(std::ostream& out, const ActorRef<A>& ref) {
  return detail::print_text(out, to_string(ref));
}

} // namespace grove

template <class A>
struct std::hash<grove::ActorRef<A>> {
  std::size_t operator()(const grove::ActorRef<A>& ref) const noexcept {
    const auto id = ref.joinable();
    return std::hash<const void*>()(id.identity) * 31 + id.generation;
  }
};
