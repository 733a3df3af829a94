// expect: nodiscard|unused-result|ignoring return
// SPDX-License-Identifier: MIT
// try_put() tells whether the item was taken; with -Werror nobody overlooks it.
#pragma GCC diagnostic error "-Wunused-result"
#include <grove/hub/queue.hpp>

void f(grove::Queue<int>& queue) { queue.try_put(1); }
