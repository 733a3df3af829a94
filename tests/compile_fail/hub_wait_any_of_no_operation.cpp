// expect: no matching function|IsOperation
// SPDX-License-Identifier: MIT
// wait_any() takes operations, not the objects that make them.
#include <grove/hub/event.hpp>
#include <grove/hub/wait_any.hpp>

void f(grove::Event& event) { grove::wait_any(event); }
