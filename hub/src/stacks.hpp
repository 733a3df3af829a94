// SPDX-License-Identifier: MIT
// Stacks: guarded memory for running code, in slabs, the hottest used first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include <grove/hub/detail/hub_state.hpp>

namespace grove::detail {

inline constexpr std::size_t page_size = 4096;
inline constexpr std::size_t guard_size = 16 * 1024;

#if defined(GROVE_DEBUG_CHECKS) && GROVE_DEBUG_CHECKS
inline constexpr std::size_t default_stack_size =
    256 * 1024; // sanitizers' and -O0 frames are large
#else
inline constexpr std::size_t default_stack_size = 128 * 1024;
#endif
inline constexpr std::size_t smallest_stack = 16 * 1024;

// The stacks of one hub. Slabs of 64 are reserved at once and touched lazily; a guard lies below
// each stack (MADV_GUARD_INSTALL, which splits no mapping; mprotect where the kernel has not got
// it). Never an unguarded stack: what cannot be had is std::bad_alloc or std::system_error.
class Stacks {
public:
  Stacks() = default;
  Stacks(const Stacks&) = delete;
  Stacks& operator=(const Stacks&) = delete;
  ~Stacks();

  // A context of at least that many usable bytes (0: the default) that waits in, or is about to
  // enter, stack_main(). std::system_error with the count, the size and the limits to look at.
  Context* take(std::size_t size);
  // Of the default size: the one that was used last, if there is any.
  Context* take_warm(HubState& hub) { return hub.idle_hosts != nullptr ? take_idle(hub) : take(0); }
  // Likewise; there must be one.
  static Context* take_idle(HubState& hub) {
    Context* const host = hub.idle_hosts;
    hub.idle_hosts = host->next;
    return host;
  }
  // Back into the cache. It may be the one that is running.
  void give(HubState& hub, Context* context) {
    if (context->own_size) [[unlikely]] {
      give_back(context);
      return;
    }
    context->next = hub.idle_hosts;
    hub.idle_hosts = context;
  }
  // Unmaps all of them; nothing may run on any.
  void release_all() noexcept;

  // Bytes from the top down to the lowest page that was ever touched: of that one, and the most of
  // all. What the system has swapped out is not counted.
  static std::size_t touched(const Context& context);
  std::size_t peak() const;

  std::uint64_t made() const { return contexts_.size(); }
  std::uint64_t cached(const HubState& hub) const;

private:
  struct Slab {
    char* base;
    std::size_t bytes;
    std::size_t used; // stacks carved so far
    std::size_t stride;
  };
  struct Pool {
    Context* idle = nullptr; // of the default size: unused, see HubState::idle_hosts
    std::size_t slab = 0;    // index + 1 of the one being carved; 0: none
  };
  void give_back(Context* context);
  Pool& pool(std::size_t size);
  Context* carve(Pool& from, std::size_t size);

  std::map<std::size_t, Pool> pools_; // by usable size
  std::vector<Slab> slabs_;
  std::vector<Context*> contexts_;
};

} // namespace grove::detail
