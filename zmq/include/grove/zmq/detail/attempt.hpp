// SPDX-License-Identifier: MIT
// An attempt at an operation of a socket that never waits, and who makes it.
#pragma once

#include <concepts>
#include <cstdint>

namespace grove::zmq::detail {

enum class Direction : std::uint8_t { receive = 0, send = 1 };

// What came of one attempt at an operation: done (or failed: not to be tried again), or EAGAIN.
enum class Attempt : std::uint8_t { done, again };

// A callable that is tried, and is not kept.
class AttemptRef {
public:
  template <class F>
  requires(!std::same_as<F, AttemptRef>) AttemptRef(F& f) // NOLINT: implicit on purpose
      : object_(&f), call_([](void* object) noexcept { return (*static_cast<F*>(object))(); }) {}
  Attempt operator()() const noexcept { return call_(object_); }

private:
  void* object_;
  Attempt (*call_)(void*) noexcept;
};

// An operation that stands in a socket's line (a Waiter's `item`): whoever would give it the turn
// tries for it.
struct Errand {
  AttemptRef attempt;
  std::uint64_t seen = 0; // how far Edge's acts were when it last looked
  bool doubtful = false;  // refused although ZMQ_EVENTS says that it is ready
};

} // namespace grove::zmq::detail
