// SPDX-License-Identifier: MIT
// How an actor's handler is called, and what becomes of what it returns.
#pragma once

#include <exception>
#include <type_traits>
#include <utility>
#include <variant>

#include <grove/actors/detail/actor_state.hpp>
#include <grove/actors/detail/envelope.hpp>
#include <grove/actors/detail/receives.hpp>
#include <grove/actors/detail/reply.hpp>
#include <grove/actors/detail/stash.hpp>
#include <grove/actors/errors.hpp>
#include <grove/actors/message.hpp>

namespace grove {
template <class R>
class Forward;
}

namespace grove::detail {

// What the asker gets of what a handler returns: a value as it is, a promised one later.
template <class Returned>
struct AnswerTo {
  using type = Returned;
  static constexpr bool now = true;
};
template <class R>
struct AnswerTo<AsyncResult<R>> {
  using type = R;
  static constexpr bool now = false;
};
template <class R>
struct AnswerTo<Forward<R>> {
  using type = R;
  static constexpr bool now = false;
};
template <class A, class M>
using AnswerOf = typename AnswerTo<ReplyOf<A, M>>::type;

template <class R>
void answer_later(const AsyncResult<R>& promised, ReplyTo<R> to) {
  reply_later(promised, std::move(to));
}
template <class R>
void answer_later(Forward<R>&& forward, ReplyTo<R> to) {
  std::move(forward).send(std::move(to));
}

template <class A, class M>
[[gnu::always_inline]] inline decltype(auto) call(Identity* actor, M& message,
                                                  [[maybe_unused]] bool asked) {
  this_hub->context->handling = handler_name<A, M>.data();
  if constexpr (HasCatchAll<A> && !ReceivesItself<A, M>)
    call_catch_all(*object_of<A>(actor), message, asked);
  else
    return object_of<A>(actor)->receive(std::move(message));
}

// Mail that is dropped counts itself: a stop() is no message.
template <class M>
[[gnu::noinline, gnu::cold]] void lose_told(Mail* mail) noexcept {
  const Envelope<M> envelope(mail);
  lose_dropped(lost_message<M>(envelope.body()));
}

template <class A, class M>
void handle_tell(Identity* actor, Mail* mail) {
  if (actor == nullptr) [[unlikely]] {
    lose_told<M>(mail);
    return;
  }
  Envelope<M> envelope(mail);
  [[maybe_unused]] StashTurn<A, M> stash(actor);
  // A forwarded message goes on though nobody waits for its answer.
  if constexpr (!AnswerTo<ReplyOf<A, M>>::now &&
                requires { call<A>(actor, envelope.body(), false).send({}); })
    call<A>(actor, envelope.body(), false).send({});
  else
    call<A>(actor, envelope.body(), false);
  stash.keep(envelope);
}

template <class M, class From>
struct Question {
  From from;
  M message;
  // In place: what is built in halves and copied as a whole waits for both halves to be written.
  template <class Arg>
  Question(From asker, Arg&& m) : from(std::move(asker)), message(std::forward<Arg>(m)) {}
};

template <class R, class Body>
[[gnu::noinline, gnu::cold]] void drop_question(Mail* mail) noexcept {
  const Envelope<Body> envelope(mail);
  count_dropped();
  std::exception_ptr error;
  if (tell_asker(error))
    reply_failure<R>(envelope.body().from, std::move(error));
}
template <class R, class From>
[[gnu::noinline, gnu::cold]] void reply_gone(From& from) {
  reply_failure<R>(from, nullptr);
}
template <class R, class From>
[[gnu::noinline, gnu::cold]] void reply_exception(From& from) { // the one in flight
  reply_failure<R>(from, std::current_exception());
}

inline bool was_asked(const Asker&) { return true; }
template <class R>
bool was_asked(const ReplyTo<R>& from) {
  return !std::holds_alternative<std::monostate>(from);
}

template <class A, class M, class From>
void handle_ask(Identity* actor, Mail* mail) {
  using R = AnswerOf<A, M>;
  using Body = Question<M, From>;
  if (actor == nullptr) [[unlikely]] {
    drop_question<R, Body>(mail);
    return;
  }
  Envelope<Body> envelope(mail);
  Body& question = envelope.body();
  [[maybe_unused]] StashTurn<A, M> stash(actor);
  // Unless it is answered, the asker hears that the actor is gone: a kill passes here.
  struct Unanswered {
    Body* question;
    ~Unanswered() {
      if (question != nullptr)
        reply_gone<R>(question->from);
    }
  } guard{&question};
  try {
    if constexpr (!AnswerTo<ReplyOf<A, M>>::now) {
      auto later = call<A>(actor, question.message, was_asked(question.from));
      if (!stash.deferred())
        answer_later(std::move(later), ReplyTo<R>(std::move(question.from)));
    } else if constexpr (std::is_void_v<R>) {
      call<A>(actor, question.message, was_asked(question.from));
      std::monostate done;
      if (!stash.deferred())
        reply<R>(question.from, done);
    } else {
      R value = call<A>(actor, question.message, was_asked(question.from));
      if (!stash.deferred())
        reply<R>(question.from, value);
    }
    guard.question = nullptr;
    stash.keep(envelope);
  } catch (const GreenletExit&) {
    throw;
  } catch (const Rejected&) {
    guard.question = nullptr;
    reply_exception<R>(question.from);
  } catch (...) {
    guard.question = nullptr;
    reply_exception<R>(question.from);
    throw; // and the actor ends of it
  }
}

} // namespace grove::detail
