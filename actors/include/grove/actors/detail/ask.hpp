// SPDX-License-Identifier: MIT
// Tell and ask: how a message gets to its handler, and what becomes of what that returns.
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <future>
#include <memory>
#include <type_traits>
#include <utility>

#include <grove/actors/detail/actor_state.hpp>
#include <grove/actors/detail/envelope.hpp>
#include <grove/actors/detail/receives.hpp>
#include <grove/actors/detail/reply.hpp>
#include <grove/actors/detail/stash.hpp>
#include <grove/actors/errors.hpp>
#include <grove/actors/exit_reason.hpp>
#include <grove/hub/deadline.hpp>

namespace grove {
template <class R>
class Forward;
}

namespace grove::detail {

void stop_actor(Identity* slot, std::uint32_t generation, Stop how);
bool kill_actor(Identity* slot, std::uint32_t generation, Deadline deadline);
bool join_actor(Identity* slot, std::uint32_t generation, Deadline deadline);

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

// -- tell -----------------------------------------------------------------------------------------

template <class A, class M>
[[gnu::always_inline]] inline decltype(auto) call(Identity* actor, M& message) {
  this_hub->context->handling = handler_name<A, M>.data();
  return object_of<A>(actor)->receive(std::move(message));
}

// Mail that is dropped counts itself: a stop() is no message.
template <class A, class M>
void handle_tell(Identity* actor, Mail* mail) {
  Envelope<M> envelope(mail);
  if (actor == nullptr) [[unlikely]] {
    count_dropped();
    return;
  }
  [[maybe_unused]] StashTurn<A, M> stash(actor);
  // A forwarded message goes on though nobody waits for its answer.
  if constexpr (!AnswerTo<ReplyOf<A, M>>::now &&
                requires { call<A>(actor, envelope.body()).send({}); })
    call<A>(actor, envelope.body()).send({});
  else
    call<A>(actor, envelope.body());
  stash.keep(envelope);
}

// Whether a message may be made for it: it is alive, and has room or will have by then. Else what
// becomes of the message has been counted, or thrown.
inline bool may_be_told(HubState& hub, Identity* slot, std::uint32_t generation) {
  if (!is_here(hub, slot))
    return true; // its own hub will see
  if (slot->generation != generation) {
    count_dead_letter();
    return false;
  }
  return (slot->flags & flag::special) == 0 || may_enter(hub, slot) || admit_told(slot, generation);
}

template <class A, class M, class Arg>
[[gnu::noinline]] void tell_slowly(Identity* slot, std::uint32_t generation, Arg&& message) {
  HubState& hub = *this_hub;
  if (!may_be_told(hub, slot, generation))
    return;
  Mail* mail = make_mail<M>(hub, handle_tell<A, M>, std::forward<Arg>(message));
  if (hub.context != nullptr)
    mail = carrying_trace(hub, mail);
  if (is_here(hub, slot))
    append(hub, slot, mail);
  else
    send_elsewhere(slot, generation, mail);
}

template <class A, class M, class Arg>
[[gnu::always_inline]] inline void tell(Identity* slot, std::uint32_t generation, Arg&& message) {
  HubState& hub = *this_hub;
  if (is_here(hub, slot) && slot->generation == generation && (slot->flags & flag::special) == 0 &&
      hub.context->message == nullptr) [[likely]]
    append(hub, slot, make_mail<M>(hub, handle_tell<A, M>, std::forward<Arg>(message)));
  else
    tell_slowly<A, M>(slot, generation, std::forward<Arg>(message));
}

template <class A, class M, class Arg>
void tell_urgent(Identity* slot, std::uint32_t generation, Arg&& message) {
  HubState& hub = *this_hub;
  if (!may_be_told(hub, slot, generation))
    return;
  Mail* mail = make_mail<M>(hub, handle_tell<A, M>, std::forward<Arg>(message));
  send_urgent(slot, generation, hub.context != nullptr ? carrying_trace(hub, mail) : mail);
}

// -- the asked one's side -------------------------------------------------------------------------

template <class M, class From>
struct Question {
  From from;
  M message;
  // In place: what is built in halves and copied as a whole waits for both halves to be written.
  template <class Arg>
  Question(From asker, Arg&& m) : from(std::move(asker)), message(std::forward<Arg>(m)) {}
};

template <class R, class From>
void drop_question(From& from) noexcept {
  count_dropped();
  std::exception_ptr error;
  if (tell_asker(error))
    reply_failure<R>(from, std::move(error));
}

template <class A, class M, class From>
void handle_ask(Identity* actor, Mail* mail) {
  using R = AnswerOf<A, M>;
  using Body = Question<M, From>;
  Envelope<Body> envelope(mail);
  Body& question = envelope.body();
  if (actor == nullptr) {
    drop_question<R>(question.from);
    return;
  }
  [[maybe_unused]] StashTurn<A, M> stash(actor);
  // Unless it is answered, the asker hears that the actor is gone: a kill passes here.
  struct Unanswered {
    Body* question;
    ~Unanswered() {
      if (question != nullptr)
        reply_failure<R>(question->from, nullptr);
    }
  } guard{&question};
  try {
    if constexpr (!AnswerTo<ReplyOf<A, M>>::now) {
      auto later = call<A>(actor, question.message);
      if (!stash.deferred())
        answer_later(std::move(later), ReplyTo<R>(std::move(question.from)));
    } else if constexpr (std::is_void_v<R>) {
      call<A>(actor, question.message);
      std::monostate done;
      if (!stash.deferred())
        reply<R>(question.from, done);
    } else {
      R value = call<A>(actor, question.message);
      if (!stash.deferred())
        reply<R>(question.from, value);
    }
    guard.question = nullptr;
    stash.keep(envelope);
  } catch (const GreenletExit&) {
    throw;
  } catch (const Rejected&) {
    guard.question = nullptr;
    reply_failure<R>(question.from, std::current_exception());
  } catch (...) {
    guard.question = nullptr;
    reply_failure<R>(question.from, std::current_exception());
    throw; // and the actor ends of it
  }
}

// -- the asker's side -----------------------------------------------------------------------------

enum class Asked : std::uint8_t { answered, failed, down, timeout, full };
[[noreturn]] void throw_unanswered(Identity* slot, Asked how, std::exception_ptr error);
std::exception_ptr why_unanswered(Identity* slot, Asked how);

// Before a question goes to an actor of this hub that is busy, or has a bound. Asked::answered: it
// may go. Throws AskCycle if the actor waits for who runs here.
Asked enter(Identity* slot, std::uint32_t generation, Deadline deadline);
Asked admitted(Identity* slot, std::uint32_t generation, Deadline deadline); // the bound alone

template <class R>
R take_from_thread(std::future<std::unique_ptr<ValueOr<R>>>& answer) {
  if constexpr (std::is_void_v<R>)
    answer.get();
  else
    return std::move(*answer.get());
}
template <class A, class M, class Arg>
AnswerOf<A, M> ask_blocking(Identity* slot, std::uint32_t generation, Arg&& message,
                            Deadline deadline) {
  using R = AnswerOf<A, M>;
  using Body = Question<M, ReplyTo<R>>;
  auto promise = std::make_shared<std::promise<std::unique_ptr<ValueOr<R>>>>();
  auto answer = promise->get_future();
  Mail* mail =
      make_mail<Body>(*this_hub, handle_ask<A, M, ReplyTo<R>>,
                      ReplyTo<R>(ForeignAsker<R>(std::move(promise))), std::forward<Arg>(message));
  if (!deadline.is_never())
    mail = wrap(*this_hub, mail, {0, deadline});
  send_elsewhere(slot, generation, mail);
  if (!deadline.is_never() &&
      answer.wait_until(Deadline::Clock::time_point(
          std::chrono::nanoseconds(deadline.nanoseconds()))) == std::future_status::timeout) {
    throw_unanswered(slot, Asked::timeout, nullptr);
  }
  return take_from_thread<R>(answer);
}

// On a hub. The answer, if there is one, is in `answer` then.
template <class A, class M, class Arg>
[[gnu::always_inline]] inline Asked ask_into(ReplySlotOf<AnswerOf<A, M>>& answer, HubState& hub,
                                             Identity* slot, std::uint32_t generation,
                                             Arg&& message, Deadline deadline) {
  const bool here = is_here(hub, slot);
  if (here && slot->generation != generation)
    return Asked::down;
  if ((hub.current->flags & flag::interrupts) != 0) [[unlikely]]
    check_interrupts();
  if (here && (slot->flags & (flag::scheduled | flag::special)) != 0) [[unlikely]] {
    if (const Asked entry = enter(slot, generation, deadline); entry != Asked::answered)
      return entry;
  }
  Context* context = hub.context;
  struct Forget {
    Context* context;
    ~Forget() { context->question = 0; }
  } forget{context};
  using Body = Question<M, Asker>;
  Mail* mail = make_mail<Body>(hub, handle_ask<A, M, Asker>, Asker{hub.current, hub.questions + 1},
                               std::forward<Arg>(message));
  if (context->message != nullptr || !deadline.is_never()) [[unlikely]] {
    mail = wrap_asked(hub, mail, deadline);
    if (mail == nullptr)
      return Asked::timeout;
  }
  context->reply = &answer;
  context->asks = slot;
  context->question = ++hub.questions;
  if (here)
    append(hub, slot, mail);
  else if (!send_elsewhere(slot, generation, mail))
    return Asked::down;
  const Wake why = deadline.is_never() ? park("ask") : park_until("ask", deadline);
  if (why == Wake::timeout)
    return Asked::timeout;
  if (answer.state == ReplySlot::State::failed) [[unlikely]]
    return answer.error != nullptr ? Asked::failed : Asked::down;
  return Asked::answered;
}

template <class A, class M, class Arg>
AnswerOf<A, M> ask(Identity* slot, std::uint32_t generation, Arg&& message, Deadline deadline) {
  using R = AnswerOf<A, M>;
  static_assert(!std::is_reference_v<R>,
                "a reply is a value: receive() must not return a reference");
  HubState& hub = *this_hub;
  if (hub.index == no_hub_index) [[unlikely]]
    return ask_blocking<A, M>(slot, generation, std::forward<Arg>(message), deadline);
  ReplySlotOf<R> answer;
  const Asked how =
      ask_into<A, M>(answer, hub, slot, generation, std::forward<Arg>(message), deadline);
  if (how != Asked::answered) [[unlikely]]
    throw_unanswered(slot, how, std::move(answer.error));
  if constexpr (!std::is_void_v<R>)
    return R(std::move(answer.value));
}

} // namespace grove::detail
