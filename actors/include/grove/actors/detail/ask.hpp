// SPDX-License-Identifier: MIT
// Tell and ask: how a message gets its envelope, and an answer its way back.
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <future>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include <grove/actors/detail/actor_state.hpp>
#include <grove/actors/detail/receives.hpp>
#include <grove/actors/errors.hpp>
#include <grove/actors/exit_reason.hpp>
#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/mail.hpp>
#include <grove/hub/detail/wait.hpp>

namespace grove::detail {

void stop_actor(Identity* slot, std::uint32_t generation, Stop how);
bool kill_actor(Identity* slot, std::uint32_t generation, Deadline deadline);
bool join_actor(Identity* slot, std::uint32_t generation, Deadline deadline);

// Ends a body and gives its envelope back, whatever happened to the message.
template <class Body>
struct Envelope {
  Mail* mail;
  explicit Envelope(Mail* m) : mail(m) {}
  Envelope(const Envelope&) = delete;
  Envelope& operator=(const Envelope&) = delete;
  ~Envelope() {
    body().~Body();
    release_mail<sizeof(Body)>(*this_hub, mail);
  }
  Body& body() const { return *mail_body<Body>(mail); }
};

template <class Body, class... Args>
Mail* make_mail(HubState& hub, void (*handle)(Identity*, Mail*), Args&&... args) {
  Mail* mail = take_mail<sizeof(Body)>(hub);
  if constexpr (std::is_nothrow_constructible_v<Body, Args&&...>) {
    ::new (static_cast<void*>(mail + 1)) Body(std::forward<Args>(args)...);
  } else {
    try {
      ::new (static_cast<void*>(mail + 1)) Body(std::forward<Args>(args)...);
    } catch (...) {
      release_mail<sizeof(Body)>(hub, mail);
      throw;
    }
  }
  mail->handle = handle;
  return mail;
}

// True if the identity is one of this hub: its generation and inbox may be looked at.
inline bool is_here(const HubState& hub, const Identity* slot) { return slot->home == hub.index; }

// -- tell
// ------------------------------------------------------------------------------------------

// Mail that is dropped counts itself: a stop() is no message.
template <class A, class M>
void handle_tell(Identity* actor, Mail* mail) {
  const Envelope<M> envelope(mail);
  if (actor != nullptr) [[likely]]
    object_of<A>(actor)->receive(std::move(envelope.body()));
  else
    count_dead_letter();
}

template <class A, class M, class Arg>
[[gnu::always_inline]] inline void tell(Identity* slot, std::uint32_t generation, Arg&& message) {
  HubState& hub = *this_hub;
  if (is_here(hub, slot)) [[likely]] {
    if (slot->generation != generation) [[unlikely]] {
      count_dead_letter();
      return;
    }
    append(hub, slot, make_mail<M>(hub, handle_tell<A, M>, std::forward<Arg>(message)));
    return;
  }
  send_elsewhere(slot, generation,
                 make_mail<M>(hub, handle_tell<A, M>, std::forward<Arg>(message)));
}

// -- ask ------------------------------------------------------------------------------------------

// Where an answer goes: on the stack of the asker.
struct ReplySlot {
  enum class State : std::uint8_t { waiting, answered, failed } state = State::waiting;
  std::exception_ptr error; // null when failed: the actor is gone
};
template <class R>
struct ReplySlotOf : ReplySlot {
  union {
    R value;
  };
  ReplySlotOf() {} // NOLINT: the value comes later
  ReplySlotOf(const ReplySlotOf&) = delete;
  ReplySlotOf& operator=(const ReplySlotOf&) = delete;
  ~ReplySlotOf() {
    if (state == State::answered)
      value.~R();
  }
};
template <>
struct ReplySlotOf<void> : ReplySlot {};

// Who asked, as a name: an identity, and the number that its context waits for. Identities are
// type-stable and numbers are not used twice, so that a late answer finds nobody.
struct Asker {
  Identity* identity;
  std::uint64_t question;
};

// The slot that still waits for this answer, or null. On the asker's hub; takes it off the books.
inline ReplySlot* claim_reply(const Asker& asker) {
  Context* context = asker.identity->context;
  if (context == nullptr || context->question != asker.question ||
      (asker.identity->flags & flag::parked) == 0) {
    return nullptr;
  }
  context->question = 0;
  return context->reply;
}

template <class R>
using ValueOr = std::conditional_t<std::is_void_v<R>, std::monostate, R>;

// The answer goes to its place on the asker's stack. On the asker's hub, as is the next.
template <class R>
[[gnu::always_inline]] inline void deliver_value(const Asker& asker, ValueOr<R>& value) {
  ReplySlot* slot = claim_reply(asker);
  if (slot == nullptr)
    return;
  if constexpr (std::is_void_v<R>) {
    slot->state = ReplySlot::State::answered;
  } else {
    void* place = &static_cast<ReplySlotOf<R>*>(slot)->value;
    if constexpr (std::is_nothrow_move_constructible_v<R>) {
      ::new (place) R(std::move(value));
      slot->state = ReplySlot::State::answered;
    } else {
      try {
        ::new (place) R(std::move(value));
        slot->state = ReplySlot::State::answered;
      } catch (...) { // the asker gets that
        slot->state = ReplySlot::State::failed;
        slot->error = std::current_exception();
      }
    }
  }
  wake(asker.identity);
}
// `error` is null when the actor is gone.
void deliver_failure(const Asker& asker, std::exception_ptr error) noexcept;

template <class R>
struct Answer {
  Asker asker;
  std::optional<ValueOr<R>> value;
  std::exception_ptr error;
  Answer(const Asker& to, ValueOr<R>&& v) : asker(to), value(std::move(v)) {}
  Answer(const Asker& to, std::exception_ptr&& e) : asker(to), error(std::move(e)) {}
};
template <class R>
void handle_answer(Identity*, Mail* mail) {
  const Envelope<Answer<R>> envelope(mail);
  Answer<R>& answer = envelope.body();
  if (answer.value)
    deliver_value<R>(answer.asker, *answer.value);
  else
    deliver_failure(answer.asker, std::move(answer.error));
}
template <class R, class... Outcome>
[[gnu::noinline]] void send_answer(const Asker& asker, Outcome... outcome) {
  Mail* mail = make_mail<Answer<R>>(*this_hub, handle_answer<R>, asker, std::move(outcome)...);
  mail->target = nullptr;
  if (!send_mail(asker.identity->home, mail))
    const Envelope<Answer<R>> dropped(mail);
}

template <class R>
[[gnu::always_inline]] inline void reply(const Asker& asker, ValueOr<R>& value) {
  if (is_here(*this_hub, asker.identity)) [[likely]]
    deliver_value<R>(asker, value);
  else
    send_answer<R>(asker, std::move(value));
}
template <class R>
[[gnu::noinline]] void reply_failure(const Asker& asker, std::exception_ptr error) {
  if (is_here(*this_hub, asker.identity))
    deliver_failure(asker, std::move(error));
  else
    send_answer<R>(asker, std::move(error));
}

// A thread without a hub that asks blocks on a promise, which it may abandon. The value is moved
// before it is promised, so that a move that throws leaves the promise to be broken.
template <class R>
using ForeignAsker = std::shared_ptr<std::promise<std::unique_ptr<ValueOr<R>>>>;

template <class R>
void reply(const ForeignAsker<R>& asker, ValueOr<R>& value) {
  asker->set_value(std::make_unique<ValueOr<R>>(std::move(value)));
}
template <class R>
void reply_failure(const ForeignAsker<R>& asker, const std::exception_ptr& error) {
  asker->set_exception(error ? error
                             : std::make_exception_ptr(ActorDown("ask: the actor has ended")));
}

template <class M, class From>
struct Question {
  From from;
  M message;
  // In place: what is built in halves and copied as a whole waits for both halves to be written.
  template <class Arg>
  Question(From asker, Arg&& m) : from(std::move(asker)), message(std::forward<Arg>(m)) {}
};

template <class A, class M, class R, class From>
void handle_ask(Identity* actor, Mail* mail) {
  using Body = Question<M, From>;
  const Envelope<Body> envelope(mail);
  Body& question = envelope.body();
  if (actor == nullptr) {
    count_dead_letter();
    reply_failure<R>(question.from, nullptr);
    return;
  }
  // Unless it is answered, the asker hears that the actor is gone: a kill passes here.
  struct Unanswered {
    Body* question;
    ~Unanswered() {
      if (question != nullptr)
        reply_failure<R>(question->from, nullptr);
    }
  } guard{&question};
  try {
    if constexpr (std::is_void_v<R>) {
      object_of<A>(actor)->receive(std::move(question.message));
      std::monostate done;
      reply<R>(question.from, done);
      guard.question = nullptr;
    } else {
      R value = object_of<A>(actor)->receive(std::move(question.message));
      reply<R>(question.from, value);
      guard.question = nullptr;
    }
  } catch (const GreenletExit&) {
    throw;
  } catch (...) {
    guard.question = nullptr;
    reply_failure<R>(question.from, std::current_exception());
    throw; // and the actor ends of it
  }
}

[[noreturn]] void throw_actor_down(Identity* slot);
[[noreturn]] void throw_ask_timeout(Identity* slot);

template <class A, class M, class R, class Arg>
R ask_blocking(Identity* slot, std::uint32_t generation, Arg&& message, Deadline deadline) {
  auto promise = std::make_shared<std::promise<std::unique_ptr<ValueOr<R>>>>();
  auto answer = promise->get_future();
  using Body = Question<M, ForeignAsker<R>>;
  send_elsewhere(slot, generation,
                 make_mail<Body>(*this_hub, handle_ask<A, M, R, ForeignAsker<R>>,
                                 std::move(promise), std::forward<Arg>(message)));
  if (!deadline.is_never() &&
      answer.wait_until(Deadline::Clock::time_point(
          std::chrono::nanoseconds(deadline.nanoseconds()))) == std::future_status::timeout) {
    throw_ask_timeout(slot);
  }
  if constexpr (std::is_void_v<R>)
    answer.get();
  else
    return std::move(*answer.get());
}

template <class A, class M, class Arg>
ReplyOf<A, M> ask(Identity* slot, std::uint32_t generation, Arg&& message, Deadline deadline) {
  using R = ReplyOf<A, M>;
  static_assert(!std::is_reference_v<R>,
                "a reply is a value: receive() must not return a reference");
  HubState& hub = *this_hub;
  if (hub.index == no_hub_index) [[unlikely]] {
    return ask_blocking<A, M, R>(slot, generation, std::forward<Arg>(message), deadline);
  }
  const bool here = is_here(hub, slot);
  if (here && slot->generation != generation)
    throw_actor_down(slot);
  if ((hub.current->flags & flag::interrupts) != 0) [[unlikely]]
    check_interrupts();
  ReplySlotOf<R> answer;
  Context* context = hub.context;
  struct Forget {
    Context* context;
    ~Forget() { context->question = 0; }
  } forget{context};
  using Body = Question<M, Asker>;
  Mail* mail = make_mail<Body>(hub, handle_ask<A, M, R, Asker>,
                               Asker{hub.current, hub.questions + 1}, std::forward<Arg>(message));
  context->reply = &answer;
  context->question = ++hub.questions;
  if (here)
    append(hub, slot, mail);
  else if (!send_elsewhere(slot, generation, mail))
    throw_actor_down(slot);
  const Wake why = deadline.is_never() ? park("ask") : park_until("ask", deadline);
  if (why == Wake::timeout)
    throw_ask_timeout(slot);
  if (answer.state == ReplySlot::State::failed) [[unlikely]] {
    if (answer.error != nullptr)
      std::rethrow_exception(std::move(answer.error));
    throw_actor_down(slot);
  }
  if constexpr (!std::is_void_v<R>)
    return R(std::move(answer.value));
}

} // namespace grove::detail
