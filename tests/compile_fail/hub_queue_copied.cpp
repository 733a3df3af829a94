// expect: use of deleted function|deleted
// SPDX-License-Identifier: MIT
// A Queue has an identity: it is not copied.
#include <grove/hub/queue.hpp>

void f(grove::Queue<int>& a) { grove::Queue<int> b(a); }
