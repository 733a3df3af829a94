// SPDX-License-Identifier: MIT
// Envelopes: how a message gets one, what is put around it, and what happens to one that is
// dropped.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

#include <grove/actors/detail/actor_state.hpp>
#include <grove/actors/detail/message_type.hpp>
#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/mail.hpp>
#include <grove/hub/detail/report.hpp>
#include <grove/hub/detail/type_name.hpp>

namespace grove::detail {

// Ends a body and gives its envelope back, whatever happened to the message.
template <class Body>
struct Envelope {
  HubState& hub; // asked for once: a handler changes many things, but not its thread
  Mail* mail;
  explicit Envelope(Mail* m) : hub(*this_hub), mail(m) {
    if (m == nullptr)
      __builtin_unreachable();
  }
  Envelope(const Envelope&) = delete;
  Envelope& operator=(const Envelope&) = delete;
  [[gnu::always_inline]] ~Envelope() {
    if (mail == nullptr)
      return; // it was put aside
    body().~Body();
    release_mail<sizeof(Body)>(hub, mail);
  }
  Body& body() const { return *mail_body<Body>(mail); }
};

template <class Body, class... Args>
[[gnu::always_inline]] inline Mail* make_mail(HubState& hub, void (*handle)(Identity*, Mail*),
                                              Args&&... args) {
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

// The parts, `Size` characters together, and a zero.
template <std::size_t Size, class... Parts>
constexpr std::array<char, Size + 1> join_text(const Parts&... parts) {
  std::array<char, Size + 1> text{};
  std::size_t at = 0;
  for (const std::string_view part : {std::string_view(parts)...}) {
    for (const char c : part)
      text[at++] = c;
  }
  return text;
}

// "Ponger.receive(Ping)"
template <class A, class M>
constexpr auto make_handler_name() {
  constexpr std::string_view actor = type_name_view<A>();
  constexpr std::string_view between = ".receive(";
  constexpr std::string_view message = type_name_view<M>();
  return join_text<actor.size() + between.size() + message.size() + 1>(actor, between, message,
                                                                       ")");
}
template <class A, class M>
inline constexpr auto handler_name = make_handler_name<A, M>();

// -- dropping -------------------------------------------------------------------------------------

// Why mail is dropped: which counter it goes into, and what its asker, if it has one, gets.
enum class Dropped : std::uint8_t {
  gone,     // there is no such actor (any more)
  expired,  // its deadline has passed in the inbox
  overflow, // the inbox was full
  refused,  // the same, and it was counted
  cycle,    // it was forwarded to who waits for the answer
  unsent,   // whoever made it will tell: neither counted nor answered
};
void drop_mail(Mail* mail, Dropped why) noexcept;
// A message that was told and that nobody will handle.
struct LostMessage {
  const MessageType* type;
  const void* body; // null: it was never made
};
template <class M, class Arg>
LostMessage lost_message(const Arg& argument) {
  if constexpr (std::is_same_v<M, Arg>)
    return {&message_type<M>, std::addressof(argument)};
  else
    return {&message_type<M>, nullptr};
}
// Counts it, and shows it to who listens: see on_dead_letter().
void lose(Loss what, const LostMessage& message) noexcept;

// For whoever handles mail without an actor: what was told, and a question.
void lose_dropped(const LostMessage& message) noexcept;
void count_dropped() noexcept;
// True if its asker is to be told, with `error`; null: the actor is gone.
bool tell_asker(std::exception_ptr& error) noexcept;

// -- what travels with a message ------------------------------------------------------------------

// On the stack of who handles the message that it came with, or of a TraceScope.
struct MessageContext {
  std::uint64_t trace = 0;
  Deadline deadline; // of the request: never for what was told
};
// Open while its context is the one of what runs here.
class ContextScope {
public:
  explicit ContextScope(const MessageContext& message)
      : context_(here().context), outer_(context_->message) {
    context_->message = &message;
  }
  ContextScope(const ContextScope&) = delete;
  ContextScope& operator=(const ContextScope&) = delete;
  ~ContextScope() { context_->message = outer_; }

private:
  Context* context_;
  const MessageContext* outer_;
};

// Puts the mail into another envelope, which carries the context. Mail that cannot get one is
// dropped, and std::bad_alloc thrown.
Mail* wrap(HubState& hub, Mail* mail, const MessageContext& context);
// With what the current context has for it.
Mail* wrap_told(HubState& hub, Mail* mail);
inline Mail* carrying_trace(HubState& hub, Mail* mail) {
  if (hub.context->message != nullptr) [[unlikely]]
    return wrap_told(hub, mail);
  return mail;
}
// The same for a question; `deadline` becomes the earlier of itself and the inherited one. Null if
// that has passed: the mail was dropped unsent.
Mail* wrap_asked(HubState& hub, Mail* mail, Deadline& deadline);

} // namespace grove::detail
