// SPDX-License-Identifier: MIT
// Where a function stands on its stack, and one that goes beyond any.
#pragma once

#include <cstddef>
#include <cstdint>

namespace grove::test {

// Of the caller, if that is not inlined.
[[gnu::always_inline]] inline std::uintptr_t frame_address() {
  return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
}

// Deep enough for any stack, and no compiler can say that it never ends.
[[gnu::noinline]] inline std::size_t recurse_for_ever(std::size_t depth) {
  volatile char block[512];
  block[depth % sizeof block] = 1;
  if (depth > std::size_t{1} << 40)
    return 0;
  return recurse_for_ever(depth + 1) + static_cast<std::size_t>(block[0]);
}

} // namespace grove::test
