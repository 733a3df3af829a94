// SPDX-License-Identifier: MIT
// Timeout scopes, and shields against them and against kills.
#pragma once

#include <cstdint>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/timer.hpp>
#include <grove/hub/exceptions.hpp>

namespace grove {

// A Timeout limits the time of whatever its greenlet does while the object lives: when it runs out,
// TimeoutExpired is thrown at the suspension point, naming this object. Scopes nest; an inner one
// may outlast an outer one, and each is told apart by is(). A kill that arrives first wins; the
// scope ends with the object, after which nothing is thrown any more. Hub-local; lives on the stack
// of the greenlet (or handler) that made it.
class Timeout {
public:
  // Starts at once. A default Deadline never expires.
  explicit Timeout(Deadline deadline);
  Timeout(const Timeout&) = delete;
  Timeout& operator=(const Timeout&) = delete;
  ~Timeout() { cancel(); }

  // The scope goes on without a limit.
  void cancel() noexcept;
  bool pending() const { return timer_.armed(); } // armed and not expired
  bool is(const TimeoutExpired& expired) const { return expired.scope == this; }

private:
  friend struct detail::Interrupts;
  struct Expiry : detail::Timer {
    Timeout* scope = nullptr;
  };
  Expiry timer_;
  detail::IdentityRef owner_;
  Timeout* next_ = nullptr; // in its owner's list of expired scopes
  bool expired_ = false;
};

// While a Shield lives, kills and expired Timeout scopes of its greenlet are held back; they are
// thrown at the first suspension point after it. Deadlines of single calls go on as ever.
class Shield {
public:
  Shield();
  Shield(const Shield&) = delete;
  Shield& operator=(const Shield&) = delete;
  ~Shield();

private:
  detail::Context* context_;
};

} // namespace grove
