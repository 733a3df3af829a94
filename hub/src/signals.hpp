// SPDX-License-Identifier: MIT
// Signals: one handler for the process, which passes on what it caught to the hubs that asked.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <grove/hub/detail/hub_state.hpp>

namespace grove::detail {

// One wish to hear of a signal. `arrived` is called in a poll of the hub that subscribed it, once
// for all arrivals since the last poll: it may make greenlets runnable, and neither waits nor
// throws. Without `pin` it is called under the lock of all routes: it must not subscribe either,
// nor run what is not grove's own. With it the lock is open, and any hub may meanwhile have
// unsubscribed the route and let it go: what `pin` gives keeps it.
struct SignalRoute : WaitNode {
  int signal = 0;
  void (*arrived)(SignalRoute&) noexcept = nullptr;
  std::shared_ptr<SignalRoute> (*pin)(SignalRoute&) noexcept = nullptr;
  std::shared_ptr<SignalRoute> next_due; // in the round of its hub that is under way
  // For grove::Main: not called while others have subscribed that signal; and of all signals that
  // are watched so, the second to arrive ends the process at once.
  bool last_resort = false;
  std::uint16_t home = no_hub_index; // none any more: the hub has ended

  SignalRoute() = default;
  SignalRoute(const SignalRoute&) = delete;
  SignalRoute& operator=(const SignalRoute&) = delete;
};

std::string name_of_signal(int signal); // "SIGTERM"

// On the hub that is to hear of it. std::invalid_argument for a signal that cannot be handled,
// std::system_error if there is no descriptor left.
void subscribe(SignalRoute& route);
// Any thread; nothing if it is not subscribed. The last one for a signal gives it back the
// disposition that it had before the first, unless somebody has replaced ours since.
void unsubscribe(SignalRoute& route) noexcept;

// At the end of a hub, on its thread: nobody there hears of a signal any more, nor does the next
// hub with its index. What is still subscribed keeps its signal from doing what it did before.
void end_signals_here() noexcept;

// For fork(): see fork.cpp. The child's signals do what they did before anybody subscribed.
void lock_signals() noexcept;
void unlock_signals() noexcept;
void forget_signals() noexcept;

} // namespace grove::detail
