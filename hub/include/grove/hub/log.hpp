// SPDX-License-Identifier: MIT
// The log sink: where the library's own messages go.
#pragma once

#include <functional>
#include <string_view>

namespace grove {

enum class LogLevel { info, warning, error };

// Called with each message of the library: errors that nobody caught, a hub that is blocked, an
// inbox that grows and grows. A text may have several lines; the last one has no line feed. It is
// called on whatever thread has something to say, on several at once perhaps, and within a
// greenlet: it must neither wait nor throw (what it throws is dropped).
using LogSink = std::function<void(LogLevel, std::string_view)>;

// Replaces the sink and returns the one before. An empty one is the default: "grove: " and the text
// on stderr. Any thread; a call of the old one may still be under way on another. What is said
// right before the process aborts goes to stderr in any case.
LogSink set_log_sink(LogSink sink);

namespace detail {
void log(LogLevel level, std::string_view text) noexcept;
// For the time of a fork.
void lock_log();
void unlock_log();
} // namespace detail

} // namespace grove
