// SPDX-License-Identifier: MIT
// Questions away from the hot path: cycles, failures, what is dropped, what travels along.
#include <grove/actors/detail/ask.hpp>

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include <grove/actors/detail/ask_async.hpp>
#include <grove/actors/result.hpp>
#include <grove/actors/trace.hpp>
#include <grove/hub/detail/report.hpp>

#include "actor_extras.hpp"
#include "ask_cycle.hpp"

namespace grove {

namespace detail {

// -- cycles ---------------------------------------------------------------------------------------

namespace {

// Whom a parked asker of this hub waits for; null if it waits for nobody in particular.
Identity* waits_for(const HubState& hub, const Identity* asker) {
  const Context* context = asker->context;
  if (context == nullptr || context->question == 0 || (asker->flags & flag::parked) == 0)
    return nullptr;
  Identity* answerer = context->asks;
  return answerer != nullptr && is_here(hub, answerer) ? answerer : nullptr;
}

std::string handler_of(const Identity* actor, const Context* context) {
  return context->handling != nullptr ? context->handling : actor->ops->kind;
}

} // namespace

bool leads_to(const HubState& hub, const Identity* from, const Identity* to) noexcept {
  const Identity* mark = from; // one that is left behind, for rings that `to` is not part of
  for (std::size_t step = 1, next_mark = 2; from != to; ++step) {
    from = waits_for(hub, from);
    if (from == nullptr || from == mark)
      return false;
    if (step == next_mark) {
      mark = from;
      next_mark *= 2;
    }
  }
  return true;
}

void check_cycle(HubState& hub, Identity* target, const char* call) {
  const Identity* me = hub.current;
  if (target->context == nullptr && target != me)
    return; // it neither waits nor runs
  if (me->ops->accept == nullptr || !leads_to(hub, target, me))
    return;
  std::string text = std::string(call) + ": " + handler_of(me, hub.context);
  for (const Identity* at = target; at != me; at = waits_for(hub, at))
    text += " → " + handler_of(at, at->context);
  throw AskCycle(text + " → " + me->ops->kind);
}

void break_cycle(const HubState& hub, Identity* target, Identity* me) noexcept {
  if (!leads_to(hub, target, me))
    return;
  Identity* asker = nullptr; // the last of the chain that asks, and does not wait for an end
  for (Identity* at = target; at != me; at = waits_for(hub, at)) {
    if (at->context->reply != nullptr)
      asker = at;
  }
  if (asker == nullptr)
    return;
  try {
    std::string text = "ask: " + handler_of(asker, asker->context);
    for (Identity* at = waits_for(hub, asker); at != me; at = waits_for(hub, at))
      text += " → " + handler_of(at, at->context);
    text += " → " + handler_of(me, hub.context); // it runs
    for (Identity* at = target; at != asker; at = waits_for(hub, at))
      text += " → " + handler_of(at, at->context);
    deliver_failure({asker, asker->context->question},
                    std::make_exception_ptr(AskCycle(text + " → " + asker->ops->kind)));
  } catch (...) { // no memory for the text: it waits until its time is up
  }
}

Asked admitted(Identity* slot, std::uint32_t generation, Deadline deadline) {
  if ((slot->flags & flag::special) == 0)
    return Asked::answered;
  switch (admit_asked(slot, generation, earlier(deadline, request_deadline()))) {
  case Admission::in:
    return Asked::answered;
  case Admission::gone:
    return Asked::down;
  case Admission::full:
    return Asked::full;
  case Admission::timeout:
    break;
  }
  return Asked::timeout;
}

Asked enter(Identity* slot, std::uint32_t generation, Deadline deadline) {
  HubState& hub = *this_hub;
  check_cycle(hub, slot, "ask");
  return admitted(slot, generation, deadline);
}

void note_waits_for(const Asker& asker, Identity* answerer) noexcept {
  if (asker.identity == nullptr || !is_here(*this_hub, asker.identity))
    return;
  Context* context = asker.identity->context;
  if (context != nullptr && context->question == asker.question)
    context->asks = answerer;
}

// -- failures -------------------------------------------------------------------------------------

std::string label(Identity* slot) {
  if (slot == &nobody)
    return "nobody";
  return is_here(*this_hub, slot) ? name_of(slot) : std::string("an actor of another hub");
}

std::exception_ptr why_unanswered(Identity* slot, Asked how) {
  switch (how) {
  case Asked::timeout:
    return std::make_exception_ptr(AskTimeout("ask: no answer from " + label(slot) + " in time"));
  case Asked::full:
    return std::make_exception_ptr(InboxFull(describe_full("ask", slot)));
  case Asked::down:
  case Asked::failed:
  case Asked::answered:
    break;
  }
  return std::make_exception_ptr(ActorDown("ask: " + label(slot) + " has ended"));
}

void throw_unanswered(Identity* slot, Asked how, std::exception_ptr error) {
  if (how != Asked::failed)
    error = why_unanswered(slot, how);
  std::rethrow_exception(std::move(error));
}

std::exception_ptr or_actor_down(std::exception_ptr error) {
  if (error != nullptr)
    return error;
  return std::make_exception_ptr(ActorDown("ask: the actor has ended"));
}

void deliver_failure(const Asker& asker, std::exception_ptr error) noexcept {
  ReplySlot* slot = claim_reply(asker);
  if (slot == nullptr) {
    count_loss(Loss::late_reply);
    return;
  }
  slot->state = ReplySlot::State::failed;
  slot->error = std::move(error);
  wake(asker.identity);
}

AskError kind_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const AskTimeout&) {
    return AskError::timeout;
  } catch (const ActorDown&) {
    return AskError::down;
  } catch (const Rejected&) {
    return AskError::rejected;
  } catch (const BrokenReply&) {
    return AskError::broken;
  } catch (const InboxFull&) {
    return AskError::full;
  } catch (...) {
    return AskError::failed;
  }
}

void send_forward(Identity* slot, std::uint32_t generation, Mail* mail, const Asker& asker) {
  HubState& hub = *this_hub;
  Deadline deadline = request_deadline();
  const bool here = is_here(hub, slot);
  if (here && slot->generation != generation) {
    drop_mail(mail, Dropped::gone);
    return;
  }
  if (here && asker.identity != nullptr && leads_to(hub, slot, asker.identity)) {
    // It would wait for itself. The mail knows whom to tell.
    drop_mail(mail, Dropped::cycle);
    return;
  }
  if (here && (slot->flags & flag::special) != 0) {
    Admission entry = Admission::full;
    try {
      entry = admit_asked(slot, generation, deadline);
    } catch (...) {
      drop_mail(mail, Dropped::refused);
      throw;
    }
    if (entry != Admission::in) {
      drop_mail(mail, entry == Admission::gone      ? Dropped::gone
                      : entry == Admission::timeout ? Dropped::expired
                                                    : Dropped::refused);
      return;
    }
  }
  note_waits_for(asker, slot);
  if (const MessageContext* message = hub.context->message)
    mail = wrap(hub, mail, *message);
  if (here)
    append(hub, slot, mail);
  else
    send_elsewhere(slot, generation, mail);
}

// -- what is dropped ------------------------------------------------------------------------------

namespace {
thread_local Dropped dropped_why = Dropped::gone; // of the mail that is being dropped
}

void drop_mail(Mail* mail, Dropped why) noexcept {
  const Dropped outer = std::exchange(dropped_why, why);
  mail->handle(nullptr, mail);
  dropped_why = outer;
}

void lose_dropped(const LostMessage& message) noexcept {
  if (dropped_why == Dropped::gone)
    lose(Loss::dead_letter, message);
  else if (dropped_why == Dropped::overflow)
    lose(Loss::dropped_message, message);
  else
    count_dropped();
}

void count_dropped() noexcept {
  switch (dropped_why) {
  case Dropped::gone:
    count_loss(Loss::dead_letter);
    break;
  case Dropped::expired:
    count_loss(Loss::expired_request);
    break;
  case Dropped::overflow:
    count_loss(Loss::dropped_message);
    break;
  case Dropped::refused:
  case Dropped::cycle:
  case Dropped::unsent:
    break;
  }
}

bool tell_asker(std::exception_ptr& error) noexcept {
  switch (dropped_why) {
  case Dropped::gone:
    break;
  case Dropped::expired:
    error = std::make_exception_ptr(
        AskTimeout("ask: the time had passed when the question had its turn"));
    break;
  case Dropped::overflow:
  case Dropped::refused:
    error = std::make_exception_ptr(InboxFull("ask: the question was dropped by a full inbox"));
    break;
  case Dropped::cycle:
    error = std::make_exception_ptr(
        AskCycle("ask: the question was forwarded to who waits for its answer"));
    break;
  case Dropped::unsent:
    return false;
  }
  return true;
}

// -- what travels along ---------------------------------------------------------------------------

namespace {

struct Wrapped {
  MessageContext context;
  Mail* mail;
};

void handle_wrapped(Identity* actor, Mail* mail) {
  const Wrapped wrapped = *mail_body<Wrapped>(mail);
  release_mail<sizeof(Wrapped)>(*this_hub, mail);
  if (actor == nullptr) {
    std::optional<ContextScope> scope; // who listens for dead letters may ask for the trace
    if (this_hub->context != nullptr)
      scope.emplace(wrapped.context);
    wrapped.mail->handle(nullptr, wrapped.mail);
  } else if (wrapped.context.deadline.has_passed()) {
    drop_mail(wrapped.mail, Dropped::expired);
  } else {
    const ContextScope scope(wrapped.context);
    wrapped.mail->handle(actor, wrapped.mail);
  }
}

const MessageContext* current_message() {
  const Context* context = this_hub->context;
  return context != nullptr ? context->message : nullptr;
}

} // namespace

Mail* wrap(HubState& hub, Mail* mail, const MessageContext& context) {
  try {
    return make_mail<Wrapped>(hub, handle_wrapped, Wrapped{context, mail});
  } catch (...) {
    drop_mail(mail, Dropped::unsent);
    throw;
  }
}

Mail* wrap_told(HubState& hub, Mail* mail) {
  const std::uint64_t trace = hub.context->message->trace;
  return trace != 0 ? wrap(hub, mail, {trace, {}}) : mail;
}

Mail* wrap_asked(HubState& hub, Mail* mail, Deadline& deadline) {
  deadline = earlier(deadline, request_deadline());
  if (deadline.has_passed()) {
    drop_mail(mail, Dropped::unsent);
    return nullptr;
  }
  const std::uint64_t trace = current_trace();
  return trace != 0 || !deadline.is_never() ? wrap(hub, mail, {trace, deadline}) : mail;
}

} // namespace detail

std::uint64_t current_trace() {
  const detail::MessageContext* message = detail::current_message();
  return message != nullptr ? message->trace : 0;
}

Deadline request_deadline() {
  const detail::MessageContext* message = detail::current_message();
  return message != nullptr ? message->deadline : Deadline();
}

const char* to_string(AskError error) {
  switch (error) {
  case AskError::timeout:
    return "timeout";
  case AskError::down:
    return "down";
  case AskError::rejected:
    return "rejected";
  case AskError::broken:
    return "broken";
  case AskError::full:
    return "full";
  case AskError::failed:
    break;
  }
  return "failed";
}

} // namespace grove
