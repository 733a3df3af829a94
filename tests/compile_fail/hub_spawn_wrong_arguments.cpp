// expect: SpawnCallable|no matching function
// SPDX-License-Identifier: MIT
// What is spawned must take the arguments given.
#include <grove/hub/greenlet.hpp>

void f() {
  grove::spawn([](int* p) { return *p; }, 1.5);
}
