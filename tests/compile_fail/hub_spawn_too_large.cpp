// expect: pass large ones by pointer
// SPDX-License-Identifier: MIT
// A function that does not fit a slot is refused with a remedy.
#include <grove/hub/greenlet.hpp>

#include <array>

void f() {
  const std::array<char, 100000> large{};
  grove::spawn([large] { return large[0]; });
}
