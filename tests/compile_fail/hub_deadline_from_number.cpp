// expect: could not convert|no viable conversion|cannot convert|no matching
// SPDX-License-Identifier: MIT
// A time has a unit.
#include <grove/hub/greenlet.hpp>

void f() { grove::sleep(5); }
