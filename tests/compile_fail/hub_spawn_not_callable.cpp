// expect: SpawnCallable|no matching function
// SPDX-License-Identifier: MIT
// What is spawned must be callable.
#include <grove/hub/greenlet.hpp>

void f() { grove::spawn(42); }
