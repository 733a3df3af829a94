// expect: no matching function|sizeof
// SPDX-License-Identifier: MIT
// wait_any() of nothing would wait for ever.
#include <grove/hub/wait_any.hpp>

void f() { grove::wait_any(); }
