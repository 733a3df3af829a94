// SPDX-License-Identifier: MIT
// How an answer finds whoever asked: a parked greenlet, a blocked thread, an AsyncResult.
#pragma once

#include <cstdint>
#include <exception>
#include <future>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include <grove/actors/detail/envelope.hpp>
#include <grove/actors/errors.hpp>
#include <grove/hub/async_result.hpp>
#include <grove/hub/detail/report.hpp>
#include <grove/hub/detail/wait.hpp>

namespace grove::detail {

// -- a parked greenlet ------------------------------------------------------------------------

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
// Whom it waits for from now on: somebody else, or, null, whoever it may be.
void note_waits_for(const Asker& asker, Identity* answerer) noexcept;

template <class R>
using ValueOr = std::conditional_t<std::is_void_v<R>, std::monostate, R>;

// The answer goes to its place on the asker's stack. On the asker's hub, as is the next.
template <class R>
[[gnu::always_inline]] inline void deliver_value(const Asker& asker, ValueOr<R>& value) {
  ReplySlot* slot = claim_reply(asker);
  if (slot == nullptr) [[unlikely]] {
    count_loss(Loss::late_reply);
    return;
  }
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

// -- whoever else asks ------------------------------------------------------------------------

// A thread without a hub that asks blocks on a promise, which it may abandon. The value is moved
// before it is promised, so that a move that throws leaves the promise to be broken.
template <class R>
using ForeignAsker = std::shared_ptr<std::promise<std::unique_ptr<ValueOr<R>>>>;

// Nobody (it was told), a parked greenlet, a thread, or who holds the result of an ask_async().
template <class R>
using ReplyTo = std::variant<std::monostate, Asker, ForeignAsker<R>, AsyncResult<R>>;

std::exception_ptr or_actor_down(std::exception_ptr error);

template <class R, class F>
void on_hub_of(const AsyncResult<R>& result, F f) {
  if (AsyncAccess::home(result).is_here()) {
    f();
    return;
  }
  post_inline(AsyncAccess::home(result).hub(), [result, f = std::move(f)]() mutable {
    if (AsyncAccess::home(result).is_here())
      f();
  });
}
template <class R>
void set_result(const AsyncResult<R>& result, ValueOr<R>& value) {
  on_hub_of(result, [result, v = std::move(value)]() mutable {
    if (result.ready()) {
      count_loss(Loss::late_reply);
      return;
    }
    try {
      if constexpr (std::is_void_v<R>) {
        static_cast<void>(v);
        result.set();
      } else {
        result.set(std::move(v));
      }
    } catch (...) { // it cannot be moved
      result.set_exception(std::current_exception());
    }
  });
}
template <class R>
void fail_result(const AsyncResult<R>& result, std::exception_ptr error) {
  on_hub_of(result, [result, error = or_actor_down(std::move(error))] {
    if (result.ready())
      count_loss(Loss::late_reply);
    else
      result.set_exception(error);
  });
}

template <class R>
[[gnu::noinline]] void reply(const ReplyTo<R>& to, ValueOr<R>& value) {
  if (const auto* asker = std::get_if<Asker>(&to))
    reply<R>(*asker, value);
  else if (const auto* thread = std::get_if<ForeignAsker<R>>(&to))
    (*thread)->set_value(std::make_unique<ValueOr<R>>(std::move(value)));
  else if (const auto* result = std::get_if<AsyncResult<R>>(&to))
    set_result<R>(*result, value);
}
template <class R>
[[gnu::noinline]] void reply_failure(const ReplyTo<R>& to, std::exception_ptr error) {
  if (const auto* asker = std::get_if<Asker>(&to))
    reply_failure<R>(*asker, std::move(error));
  else if (const auto* thread = std::get_if<ForeignAsker<R>>(&to))
    (*thread)->set_exception(or_actor_down(std::move(error)));
  else if (const auto* result = std::get_if<AsyncResult<R>>(&to))
    fail_result<R>(*result, std::move(error));
}

// -- answers that come later ------------------------------------------------------------------

// Follows the AsyncResult that a handler returned: passes on what is set, or that nothing will be.
template <class R>
struct DeferredReply : Sequel<AsyncValue<R>> {
  std::optional<ReplyTo<R>> to;
  explicit DeferredReply(ReplyTo<R> asker) : to(std::move(asker)) {}
  ~DeferredReply() override {
    if (!to)
      return;
    try {
      reply_failure<R>(*to, std::make_exception_ptr(BrokenReply(
                                "ask: the promised reply was dropped before it was set")));
    } catch (...) { // no memory to say so
    }
  }
  void run(const std::exception_ptr& error, AsyncValue<R>* value) noexcept override {
    const ReplyTo<R> asker = *std::exchange(to, std::nullopt);
    try {
      if (error != nullptr) {
        reply_failure<R>(asker, error);
      } else if constexpr (std::is_void_v<R>) {
        std::monostate done;
        reply<R>(asker, done);
      } else if constexpr (std::copy_constructible<R>) { // others may want to see it too
        R copy(*value);
        reply<R>(asker, copy);
      } else {
        reply<R>(asker, *value);
      }
    } catch (...) {
      reply_failure<R>(asker, std::current_exception());
    }
  }
};

template <class R>
void reply_later(const AsyncResult<R>& result, ReplyTo<R> to) {
  if (const auto* asker = std::get_if<Asker>(&to))
    note_waits_for(*asker, nullptr);
  AsyncAccess::then(result, std::make_unique<DeferredReply<R>>(std::move(to)));
}

} // namespace grove::detail
