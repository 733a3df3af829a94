// expect: use of deleted function|deleted
// SPDX-License-Identifier: MIT
// A Timeout is told by its address: it is not copied.
#include <grove/hub/timeout.hpp>

void f(grove::Timeout& a) { grove::Timeout b(a); }
