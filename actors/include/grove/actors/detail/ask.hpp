// SPDX-License-Identifier: MIT
// Tell and ask: the sender's side.
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
#include <grove/actors/detail/handlers.hpp>
#include <grove/actors/detail/reply.hpp>
#include <grove/actors/errors.hpp>
#include <grove/actors/exit_reason.hpp>
#include <grove/hub/deadline.hpp>

namespace grove::detail {

void stop_actor(Identity* slot, std::uint32_t generation, Stop how);
bool kill_actor(Identity* slot, std::uint32_t generation, Deadline deadline);
bool join_actor(Identity* slot, std::uint32_t generation, Deadline deadline);

// `handlers` is what the reference has for its actor, a HandlersOf.

// -- tell -----------------------------------------------------------------------------------------

// Whether a message may be made for it: it is alive, and has room or will have by then. Else what
// becomes of the message has been counted, or thrown.
inline bool may_be_told(HubState& hub, Identity* slot, std::uint32_t generation,
                        const LostMessage& message) {
  if (!is_here(hub, slot))
    return true; // its own hub will see
  if (slot->generation != generation) {
    lose(Loss::dead_letter, message);
    return false;
  }
  return (slot->flags & flag::special) == 0 || may_enter(hub, slot) ||
         admit_told(slot, generation, message);
}

// How a message comes to what is not inlined: a small and plain one as a value, so that it need not
// lie in memory for the sake of a call that is hardly ever made.
template <class M, class Arg>
using Passed = std::conditional_t<std::is_trivially_copyable_v<M> && sizeof(M) <= 16 &&
                                      std::is_trivially_constructible_v<M, Arg&&>,
                                  M, Arg&&>;

template <class M, class Handlers, class Arg>
[[gnu::noinline]] void tell_slowly(Handlers handlers, Identity* slot, std::uint32_t generation,
                                   std::uint16_t home, Passed<M, Arg> message) {
  HubState& hub = *this_hub;
  const bool here = home == hub.index;
  if (here && !may_be_told(hub, slot, generation, lost_message<M>(message)))
    return;
  Mail* mail = make_mail<M>(hub, handlers.template tell<M>(), std::forward<Arg>(message));
  if (hub.context != nullptr)
    mail = carrying_trace(hub, mail);
  if (here)
    append(hub, slot, mail);
  else
    send_to_hub(home, slot, generation, mail);
}

// `home` is the slot's.
template <class M, class Handlers, class Arg>
[[gnu::always_inline]] inline void tell(Handlers handlers, Identity* slot, std::uint32_t generation,
                                        std::uint16_t home, Arg&& message) {
  HubState& hub = *this_hub;
  if (home == hub.index && slot->generation == generation && (slot->flags & flag::special) == 0 &&
      hub.context->message == nullptr && has_mail<sizeof(M)>(hub)) [[likely]]
    append(hub, slot, make_mail<M>(hub, handlers.template tell<M>(), std::forward<Arg>(message)));
  else
    tell_slowly<M, Handlers, Arg>(handlers, slot, generation, home, std::forward<Arg>(message));
}

template <class M, class Arg>
void tell_urgent(Handler handler, Identity* slot, std::uint32_t generation, Arg&& message) {
  HubState& hub = *this_hub;
  if (!may_be_told(hub, slot, generation, lost_message<M>(message)))
    return;
  Mail* mail = make_mail<M>(hub, handler, std::forward<Arg>(message));
  send_urgent(slot, generation, hub.context != nullptr ? carrying_trace(hub, mail) : mail);
}

// -- ask ------------------------------------------------------------------------------------------

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
template <class M, class Handlers, class Arg>
[[gnu::noinline]] AnswerBy<Handlers, M> ask_blocking(Handlers handlers, Identity* slot,
                                                     std::uint32_t generation, Arg&& message,
                                                     Deadline deadline) {
  using R = AnswerBy<Handlers, M>;
  using Body = Question<M, ReplyTo<R>>;
  auto promise = std::make_shared<std::promise<std::unique_ptr<ValueOr<R>>>>();
  auto answer = promise->get_future();
  Mail* mail =
      make_mail<Body>(*this_hub, handlers.template ask<M, ReplyTo<R>>(),
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
template <class M, class Handlers, class Arg>
[[gnu::always_inline]] inline Asked
ask_into(ReplySlotOf<AnswerBy<Handlers, M>>& answer, HubState& hub, Handlers handlers,
         Identity* slot, std::uint32_t generation, Arg&& message, Deadline deadline) {
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
  Mail* mail = make_mail<Body>(hub, handlers.template ask<M, Asker>(),
                               Asker{hub.current, hub.questions + 1}, std::forward<Arg>(message));
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

template <class M, class Handlers, class Arg>
[[gnu::noinline]] AnswerBy<Handlers, M> ask_slowly(Handlers handlers, Identity* slot,
                                                   std::uint32_t generation, Passed<M, Arg> message,
                                                   Deadline deadline) {
  using R = AnswerBy<Handlers, M>;
  HubState& hub = *this_hub;
  if (hub.index == no_hub_index) [[unlikely]]
    return ask_blocking<M>(handlers, slot, generation, std::forward<Arg>(message), deadline);
  ReplySlotOf<R> answer;
  const Asked how =
      ask_into<M>(answer, hub, handlers, slot, generation, std::forward<Arg>(message), deadline);
  if (how != Asked::answered) [[unlikely]]
    throw_unanswered(slot, how, std::move(answer.error));
  if constexpr (!std::is_void_v<R>)
    return R(std::move(answer.value));
}

// An idle actor of this hub is asked, without a deadline, by who has none: all of it in one
// function. No buffers here but the asker's own value.
template <class M, class Handlers, class Arg>
__attribute__((no_stack_protector)) AnswerBy<Handlers, M>
ask(Handlers handlers, Identity* slot, std::uint32_t generation, Passed<M, Arg> message,
    Deadline deadline) {
  using R = AnswerBy<Handlers, M>;
  static_assert(!std::is_reference_v<R>,
                "a reply is a value: receive() must not return a reference");
  using Body = Question<M, Asker>;
  HubState& hub = *this_hub;
  if (!is_here(hub, slot) || slot->generation != generation ||
      (slot->flags & (flag::scheduled | flag::special)) != 0 ||
      (hub.current->flags & flag::interrupts) != 0 || hub.context->message != nullptr ||
      !deadline.is_never() || !has_mail<sizeof(Body)>(hub)) [[unlikely]]
    return ask_slowly<M, Handlers, Arg>(handlers, slot, generation, std::forward<Arg>(message),
                                        deadline);
  Context* const context = hub.context;
  const struct Forget {
    Context* context;
    ~Forget() { context->question = 0; }
  } forget{context};
  const std::uint64_t question = hub.questions + 1;
  Mail* mail = make_mail<Body>(hub, handlers.template ask<M, Asker>(), Asker{hub.current, question},
                               std::forward<Arg>(message));
  hub.questions = question;
  ReplySlotOf<R> answer;
  context->reply = &answer;
  context->asks = slot;
  context->question = question;
  append(hub, slot, mail);
  park("ask");
  if (answer.state == ReplySlot::State::failed) [[unlikely]] {
    const Asked how = answer.error != nullptr ? Asked::failed : Asked::down;
    throw_unanswered(slot, how, std::move(answer.error));
  }
  if constexpr (!std::is_void_v<R>)
    return R(std::move(answer.value));
}

} // namespace grove::detail
