// SPDX-License-Identifier: MIT
// The hub's side of a Simulation.
#pragma once

#include <grove/hub/simulation.hpp>

namespace grove {

namespace detail {
class HubImpl;

inline std::uint64_t splitmix64(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}
} // namespace detail

class Simulation::Access {
public:
  // At every dispatch: brings one of the runnable to the front. True if it is time to poll.
  static bool step(Simulation& simulation, detail::HubImpl& hub);
  // The same for who was found while the hub was idle.
  static void choose(Simulation& simulation, detail::HubImpl& hub);
  // One of so many, but not of none.
  static std::uint64_t draw(Simulation& simulation, std::uint64_t among);
};

} // namespace grove
