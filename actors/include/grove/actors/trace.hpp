// SPDX-License-Identifier: MIT
// What travels with messages: a trace id, and the deadline of a request.
#pragma once

#include <cstdint>

#include <grove/actors/detail/envelope.hpp>
#include <grove/hub/deadline.hpp>

namespace grove {

// The trace id that came with the message in work, or that of the innermost TraceScope; 0: none.
// Every message that is sent meanwhile carries it on, to other hubs too. On a thread without a hub
// always 0. A greenlet that a handler spawns begins without one.
std::uint64_t current_trace();

// The deadline that came with the question in work: that of ask(), or an earlier one which the
// asker had from its own. An ask() in the handler never waits beyond it. What was told has none.
Deadline request_deadline();

// While a TraceScope lives, what its greenlet sends carries that trace id (0: none). Scopes nest.
// Hub-local; lives on the stack of the greenlet (or handler) that made it. std::logic_error on a
// thread without a hub.
class TraceScope {
public:
  explicit TraceScope(std::uint64_t id) : message_{id, request_deadline()}, scope_(message_) {}
  TraceScope(const TraceScope&) = delete;
  TraceScope& operator=(const TraceScope&) = delete;

private:
  detail::MessageContext message_;
  detail::ContextScope scope_;
};

} // namespace grove
