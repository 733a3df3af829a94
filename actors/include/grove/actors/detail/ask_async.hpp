// SPDX-License-Identifier: MIT
// ask_async(): the answer goes into an AsyncResult.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <utility>

#include <grove/actors/detail/ask.hpp>
#include <grove/actors/result.hpp>
#include <grove/hub/async_result.hpp>
#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/timer.hpp>

namespace grove::detail {

// Sets AskTimeout when the time has passed before anything was set.
template <class R>
struct AskLimit : Sequel<AsyncValue<R>>, Timer {
  AsyncResult<R> result; // keeps it, until something is set
  IdentityRef target;
  AskLimit(const AsyncResult<R>& r, IdentityRef t) : result(r), target(t) {
    fire = [](Timer& timer) noexcept {
      auto& self = static_cast<AskLimit&>(timer);
      const AsyncResult<R> keep = self.result; // this object goes
      keep.set_exception(why_unanswered(self.target.identity, Asked::timeout));
    };
  }
  ~AskLimit() override { disarm(*this); }
  void run(const std::exception_ptr&, AsyncValue<R>*) noexcept override {}
};

// The question is on its way, or why not.
template <class M, class Handlers, class Arg>
Asked send_question(Handlers handlers, Identity* slot, std::uint32_t generation, Arg&& message,
                    ReplyTo<AnswerBy<Handlers, M>> to, Deadline& deadline) {
  using R = AnswerBy<Handlers, M>;
  HubState& hub = here();
  const bool local = is_here(hub, slot);
  if (local) {
    if (slot->generation != generation)
      return Asked::down;
    if (const Asked entry = admitted(slot, generation, deadline); entry != Asked::answered)
      return entry;
  }
  using Body = Question<M, ReplyTo<R>>;
  Mail* mail = make_mail<Body>(hub, handlers.template ask<M, ReplyTo<R>>(), std::move(to),
                               std::forward<Arg>(message));
  if (hub.context->message != nullptr || !deadline.is_never()) {
    mail = wrap_asked(hub, mail, deadline);
    if (mail == nullptr)
      return Asked::timeout;
  }
  if (local)
    append(hub, slot, mail);
  else
    send_elsewhere(slot, generation, mail); // if its hub is gone, that is the answer
  return Asked::answered;
}

template <class M, class Handlers, class Arg>
AsyncResult<AnswerBy<Handlers, M>> ask_async(Handlers handlers, Identity* slot,
                                             std::uint32_t generation, Arg&& message,
                                             Deadline deadline) {
  using R = AnswerBy<Handlers, M>;
  AsyncResult<R> result;
  check_interrupts();
  const Asked how =
      send_question<M>(handlers, slot, generation, std::forward<Arg>(message), result, deadline);
  if (how != Asked::answered) {
    result.set_exception(why_unanswered(slot, how));
  } else if (!deadline.is_never() && !result.ready()) {
    auto limit = std::make_unique<AskLimit<R>>(result, IdentityRef{slot, generation});
    arm(*limit, deadline.nanoseconds());
    AsyncAccess::then(result, std::move(limit));
  }
  return result;
}

template <class M, class Handlers, class Arg>
Result<AnswerBy<Handlers, M>> try_ask(Handlers handlers, Identity* slot, std::uint32_t generation,
                                      Arg&& message, Deadline deadline) {
  using R = AnswerBy<Handlers, M>;
  HubState& hub = *this_hub;
  if (hub.index == no_hub_index) {
    try {
      if constexpr (std::is_void_v<R>) {
        ask_blocking<M>(handlers, slot, generation, std::forward<Arg>(message), deadline);
        return std::monostate();
      } else {
        return ask_blocking<M>(handlers, slot, generation, std::forward<Arg>(message), deadline);
      }
    } catch (...) {
      return Result<R>(std::current_exception());
    }
  }
  ReplySlotOf<R> answer;
  switch (const Asked how = ask_into<M>(answer, hub, handlers, slot, generation,
                                        std::forward<Arg>(message), deadline)) {
  case Asked::answered:
    if constexpr (std::is_void_v<R>)
      return std::monostate();
    else
      return R(std::move(answer.value));
  case Asked::failed:
    return Result<R>(std::move(answer.error));
  case Asked::down:
    return Result<R>(AskError::down, why_unanswered(slot, how));
  case Asked::timeout:
    return Result<R>(AskError::timeout, why_unanswered(slot, how));
  case Asked::full:
    break;
  }
  return Result<R>(AskError::full, why_unanswered(slot, Asked::full));
}

// On the hub of the actor that forwards. If there was one who asked it is told whatever happens.
void send_forward(Identity* slot, std::uint32_t generation, Mail* mail, const Asker& asker);

} // namespace grove::detail
