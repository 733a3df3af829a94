// SPDX-License-Identifier: MIT
// Message: any message, for an actor that takes what it has no receive() for.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include <grove/actors/detail/message_type.hpp>

namespace grove {

namespace detail {

template <class A, class M>
void call_catch_all(A& actor, M& message, bool asked);

} // namespace detail

// Message is what a class takes with `void receive(Message& message)`: every message that it has no
// receive() of its own for, whatever its type. Loggers, proxies and probes are such classes. The
// reply is void: ask() returns when it was handled. Lives while the handler runs, and is used by
// it alone; a kill or a timeout that unwinds the handler drops the message like any other.
class Message {
public:
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;

  const char* type_name() const noexcept { return type_->name; } // "Ping"
  template <class M>
  bool is() const noexcept {
    return type_ == &detail::message_type<M>;
  }
  // Null if it is of another type.
  template <class M>
  const M* get_if() const noexcept {
    return is<M>() ? static_cast<const M*>(body_) : nullptr;
  }
  // Moves it out. std::logic_error if it is of another type, or was taken before.
  template <class M>
  M take() {
    static_assert(std::is_same_v<M, std::decay_t<M>>, "take<M>() gives a value");
    note_taken(is<M>(), detail::message_type<M>.name);
    return M(std::move(*static_cast<M*>(body_)));
  }
  // Somebody waits for this to be handled.
  bool asked() const noexcept { return asked_; }
  // The trace id that came with it; 0: none.
  std::uint64_t trace() const;

  // For what the actor does not take after all: throws UnexpectedMessage, which the asker gets, and
  // the actor lives on.
  [[noreturn]] void refuse() const;

private:
  template <class A, class M>
  friend void detail::call_catch_all(A& actor, M& message, bool asked);
  Message(void* body, const detail::MessageType& type, bool asked)
      : body_(body), type_(&type), asked_(asked) {}
  void note_taken(bool same_type, const char* wanted);

  void* body_;
  const detail::MessageType* type_;
  bool asked_;
  bool taken_ = false;
};

namespace detail {
template <class A, class M>
void call_catch_all(A& actor, M& message, bool asked) {
  Message any(&message, message_type<M>, asked);
  actor.receive(any);
}
} // namespace detail

} // namespace grove
