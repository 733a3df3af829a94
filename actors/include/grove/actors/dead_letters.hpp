// SPDX-License-Identifier: MIT
// Dead letters: messages that were told and that nobody will handle.
#pragma once

#include <cstdint>
#include <functional>

#include <grove/actors/detail/message_type.hpp>

namespace grove {

// What a hook sees of one; for as long as it runs. A question is none: its asker hears of it.
class DeadLetter {
public:
  enum class Why : std::uint8_t {
    gone, // its actor had ended, or ended before its turn came; or the reference named nobody
    full, // the inbox was, and drops what is new, or what is old
  };
  DeadLetter(const DeadLetter&) = delete;
  DeadLetter& operator=(const DeadLetter&) = delete;

  Why why() const noexcept { return why_; }
  const char* type_name() const noexcept { return type_->name; } // "Ping"
  template <class M>
  bool is() const noexcept {
    return type_ == &detail::message_type<M>;
  }
  // Null if it is of another type, or was not made of one yet.
  template <class M>
  const M* get_if() const noexcept {
    return is<M>() ? static_cast<const M*>(body_) : nullptr;
  }
  // The trace id that it carries; 0: none.
  std::uint64_t trace() const noexcept { return trace_; }

  class Access; // the library's side

private:
  DeadLetter(Why why, const detail::MessageType* type, const void* body, std::uint64_t trace)
      : why_(why), type_(type), body_(body), trace_(trace) {}
  Why why_;
  const detail::MessageType* type_;
  const void* body_;
  std::uint64_t trace_;
};

// Called for each dead letter on this hub: that of the sender, or, for messages between hubs, the
// receiver's. It runs wherever the message was lost, also in the hub's poll: it must neither wait
// nor throw (an exception is dropped); tell() to an unbounded actor is fine. What is lost meanwhile
// is only counted: Hub::Stats has the numbers of all. One hook per hub, until it shuts down; an
// empty one ends it. std::logic_error on a thread without a hub.
void on_dead_letter(std::function<void(const DeadLetter&)> hook);

} // namespace grove
