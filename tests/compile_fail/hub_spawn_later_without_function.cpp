// expect: no matching function
// SPDX-License-Identifier: MIT
// A time alone is nothing to run later.
#include <grove/hub/greenlet.hpp>

#include <chrono>

void f() { grove::spawn_later(std::chrono::seconds(1)); }
