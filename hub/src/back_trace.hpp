// SPDX-License-Identifier: MIT
// BackTrace: where a stack stands, as addresses first and as text later.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iosfwd>

#include <grove/hub/detail/hub_state.hpp>

#include "symbols.hpp"

namespace grove::detail {

class BackTrace {
public:
  // The running stack, its own caller first. Allocates nothing, takes no lock: for signal handlers
  // as well.
  [[gnu::noinline]] void capture() noexcept;
  // In a signal handler: the interrupted code's, without the handler.
  void capture_interrupted(const void* ucontext) noexcept;
  // A parked greenlet's (or one's own), taken on its stack: see visit() in schedule.hpp. Nothing
  // if it is not suspended, or has not the room. On the hub's thread.
  void capture_of(HubState& hub, Identity* identity) noexcept;

  bool empty() const { return count_ == 0; }
  // One line each, "#0 function+0x12 (module+0x345)", without what lies in grove's own scheduler at
  // either end.
  void print(std::ostream& out, Symbols& symbols, const char* indent) const;

private:
  void drop_before(std::uintptr_t address) noexcept;

  static constexpr std::size_t most = 64;
  std::array<std::uintptr_t, most> addresses_{};
  std::size_t count_ = 0;
  bool cut_ = false;     // there were more
  bool no_room_ = false; // the stack was too full to be looked at
};

} // namespace grove::detail
