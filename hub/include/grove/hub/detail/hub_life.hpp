// SPDX-License-Identifier: MIT
// HubLife: tells a hub from later ones that use its memory, and its index, again.
#pragma once

#include <cstdint>

#include <grove/hub/detail/hub_state.hpp>

namespace grove::detail {

// The number of the calling thread's hub among those that used the same memory.
std::uint64_t life_of_this_hub();

// Remembers the hub of the thread that made it. Any thread may ask.
class HubLife {
public:
  HubLife() : hub_(here().hub), number_(life_of_this_hub()) {}

  // Whether the calling thread is that hub's.
  bool is_here() const { return this_hub->hub == hub_ && life_of_this_hub() == number_; }
  // The same hub, or a later one in its place: what is sent there looks at is_here() first.
  Hub& hub() const { return *hub_; }

private:
  Hub* hub_;
  std::uint64_t number_;
};

} // namespace grove::detail
