// SPDX-License-Identifier: MIT
// Signals: one handler for the process, which passes on what it caught to the hubs that asked.
#pragma once

#include <cstdint>

#include <grove/hub/detail/hub_state.hpp>

namespace grove::detail {

// One wish to hear of a signal. `arrived` is called in a poll of the hub that subscribed it, once
// for all arrivals since the last poll: it may make greenlets runnable, and neither waits nor
// throws nor subscribes.
struct SignalRoute : WaitNode {
  int signal = 0;
  void (*arrived)(SignalRoute&) noexcept = nullptr;
  // For grove::Main: not called while others have subscribed that signal; and of all signals that
  // are watched so, the second to arrive ends the process at once.
  bool last_resort = false;
  std::uint16_t home = no_hub_index;

  SignalRoute() = default;
  SignalRoute(const SignalRoute&) = delete;
  SignalRoute& operator=(const SignalRoute&) = delete;
};

// On the hub that is to hear of it. std::invalid_argument for a signal that cannot be handled,
// std::system_error if there is no descriptor left.
void subscribe(SignalRoute& route);
// Any thread; nothing if it is not subscribed. The last one for a signal gives it back the
// disposition that it had before the first, unless somebody has replaced ours since.
void unsubscribe(SignalRoute& route) noexcept;

// For fork(): see fork.cpp. The child's signals do what they did before anybody subscribed.
void lock_signals() noexcept;
void unlock_signals() noexcept;
void forget_signals() noexcept;

} // namespace grove::detail
