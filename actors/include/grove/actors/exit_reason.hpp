// SPDX-License-Identifier: MIT
// ExitReason: why an actor has ended.
#pragma once

#include <cstdint>
#include <exception>
#include <string>

namespace grove {

// Why an actor ends. A value; any thread.
struct ExitReason {
  enum class Kind : std::uint8_t {
    stopped,  // it was told to, or told itself: the one normal way
    shutdown, // its parent, its supervisor or its system has ended it in order
    killed,   // kill(): no on_stop has run
    failed,   // by the exception `error`
    gone,     // not known: it had ended before anybody looked, or its hub has
  };
  Kind kind = Kind::stopped;
  std::exception_ptr error{}; // when failed: what left the handler

  // Nothing that a linked actor would end of.
  bool normal() const { return kind == Kind::stopped; }
  std::string what() const; // in words; of an error its type and text
};

// How stop() ends an actor.
enum class Stop : std::uint8_t {
  drained,       // what was sent before is handled first
  after_current, // once the message in work is handled; the rest of the inbox is dropped
  now,           // a handler that waits is unwound at its suspension point; on_stop still runs
};

} // namespace grove
