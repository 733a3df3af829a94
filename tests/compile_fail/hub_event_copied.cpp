// expect: use of deleted function|deleted
// SPDX-License-Identifier: MIT
// An Event has an identity: it is not copied.
#include <grove/hub/event.hpp>

void f(grove::Event& a) { grove::Event b(a); }
