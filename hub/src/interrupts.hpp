// SPDX-License-Identifier: MIT
// Interrupts: kills, expired Timeout scopes and deadlocks on their way into a greenlet.
#pragma once

#include <exception>

#include <grove/hub/detail/hub_state.hpp>
#include <grove/hub/timeout.hpp>

namespace grove::detail {

// Called at every suspension point of whoever is flagged `probed`, before anything is thrown there:
// a test that disturbs each of them in turn. No greenlet may be switched to meanwhile.
class Probe {
public:
  virtual void suspension_point(Identity* self) = 0;

protected:
  ~Probe() = default;
};

struct Interrupts {
  // True if nothing holds them back: no open Shield, no unwinding.
  static bool allowed(const Context& context, const EhGlobals& eh) {
    return context.shields == 0 && eh.uncaught == 0;
  }
  // Throws what is due for `me`, which is running; returns if it is held back.
  static void deliver(HubState& hub, Identity* me);
  // A kill from the poll, where nothing may be thrown: noted, and thrown by the target.
  static void request_kill(Identity* identity, std::exception_ptr error);
  // Wakes a parked identity for what was noted in its flags, unless it is held back.
  static void knock(Identity* identity) noexcept;

  // Whether deliver() would throw; who asserts that it does not switch has an error due by that.
  static bool due(HubState& hub, Identity* me);

  // What a suspension point does in the rare case that `flag::interrupts` says so, before it
  // suspends, and after a yield.
  static void before(HubState& hub, Identity* me);
  static void after(HubState& hub, Identity* me);
  // After a wait: lets visitors in, and throws if it was an interrupt that woke it.
  static void resume(HubState& hub, Identity* me);

  static void expire(Timeout& scope) noexcept;
  static void forget(Timeout& scope) noexcept;
};

// AssertSwitches and AssertNoSwitch of `me`: see assert_switches.cpp.
struct Asserts {
  static void check(HubState& hub, Identity* me); // throws under an AssertNoSwitch
  static void suspended(Identity* me);
  static void resumed(Identity* me);
};

} // namespace grove::detail
