// SPDX-License-Identifier: MIT
// Random numbers of the hub: the one source that the library draws from.
#pragma once

#include <cstdint>

namespace grove {

// 64 random bits of the calling thread's hub, seeded by the system, or by a Simulation while one
// lives. Not for secrets. (SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number
// generators", OOPSLA 2014.)
std::uint64_t random_number();

} // namespace grove
