// SPDX-License-Identifier: MIT
// Two greenlets give way to each other: sleep(0s) is a switch.
#include <fmt/core.h>

#include <chrono>

#include <grove/hub.hpp>

using namespace std::chrono_literals;

namespace {

void foo() {
  fmt::print("Running in foo\n");
  grove::sleep(0s);
  fmt::print("Explicit context switch to foo again\n");
}

void bar() {
  fmt::print("Explicit context to bar\n");
  grove::sleep(0s);
  fmt::print("Implicit context switch back to bar\n");
}

} // namespace

int main() {
  grove::join_all({
      grove::spawn(foo),
      grove::spawn(bar),
  });
}
