// SPDX-License-Identifier: MIT
// Timer: one entry of the hub's timer heap.
#pragma once

#include <cstdint>
#include <limits>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/hub_state.hpp>

namespace grove::detail {

struct Interrupts;

// Intrusive; the heap keeps its position. `fire` is called from the hub's poll, after the entry has
// left the heap: it may make greenlets runnable, and arm timers; it neither waits nor throws.
// Entries of equal due time fire in the order of arming. Hub-local.
struct Timer {
  static constexpr std::uint32_t idle = std::numeric_limits<std::uint32_t>::max();

  std::int64_t due;    // nanoseconds of steady_clock; since it was armed, as is the next
  std::uint64_t order; // of arming
  std::uint32_t position = idle;
  void (*fire)(Timer&) noexcept;

  bool armed() const { return position != idle; }
};

// May throw std::bad_alloc, and then nothing has changed.
void arm(Timer& timer, std::int64_t due);
void disarm(Timer& timer) noexcept; // nothing if it is not armed

} // namespace grove::detail
