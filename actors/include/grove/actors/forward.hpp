// SPDX-License-Identifier: MIT
// forward(): another actor answers in this one's place.
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

#include <grove/actors/actor_ref.hpp>
#include <grove/actors/detail/ask_async.hpp>

namespace grove {

// Forward<R> is what a handler returns whose reply, an R, another actor is to give:
//
//   Forward<Row> receive(const Query& query) { return forward(database_, query); }
//
// The reply, or that there is none, goes from there straight to the asker; this actor goes on with
// its next message. Who told the handler's message, and did not ask, has told the other one. A
// Forward that is not returned sends nothing. Moved, not copied; hub-local.
template <class R>
class [[nodiscard]] Forward {
public:
  Forward(Forward&& other) noexcept
      : slot_(other.slot_), generation_(other.generation_),
        mail_(std::exchange(other.mail_, nullptr)), to_(other.to_) {}
  Forward& operator=(Forward&&) = delete;
  ~Forward() {
    if (mail_ != nullptr)
      detail::drop_mail(mail_, detail::Dropped::unsent);
  }

private:
  template <class A, class M>
  friend auto forward(ActorRef<A> to, M&& message);
  template <class S>
  friend void detail::answer_later(Forward<S>&& forward, detail::ReplyTo<S> to);
  template <class A, class M>
  friend void detail::handle_tell(detail::Identity* actor, detail::Mail* mail);

  Forward(detail::IdentityRef to, detail::Mail* mail, detail::ReplyTo<R>* place)
      : slot_(to.identity), generation_(to.generation), mail_(mail), to_(place) {}
  void send(detail::ReplyTo<R> to) && {
    const auto* asker = std::get_if<detail::Asker>(&to);
    const detail::Asker who = asker != nullptr ? *asker : detail::Asker{nullptr, 0};
    *to_ = std::move(to);
    detail::send_forward(slot_, generation_, std::exchange(mail_, nullptr), who);
  }

  detail::Identity* slot_;
  std::uint32_t generation_;
  detail::Mail* mail_;
  detail::ReplyTo<R>* to_; // in the mail
};

// In a handler: has the message answered by another actor. See Forward.
template <class A, class M>
auto forward(ActorRef<A> to, M&& message) {
  using Type = std::decay_t<M>;
  using Handlers = detail::HandlersOf<A>;
  Handlers::template check<Type>();
  using R = detail::AnswerBy<Handlers, Type>;
  using From = detail::ReplyTo<R>;
  using Body = detail::Question<Type, From>;
  detail::Mail* mail = detail::make_mail<Body>(
      detail::here(), to.handlers().template ask<Type, From>(), From(), std::forward<M>(message));
  return Forward<R>(to.joinable(), mail, &detail::mail_body<Body>(mail)->from);
}

} // namespace grove
