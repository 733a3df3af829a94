// SPDX-License-Identifier: MIT
// Every call that waits takes a time limit.
#include <fmt/core.h>

#include <chrono>

#include <grove/hub.hpp>

using namespace std::chrono_literals;

namespace {

void wait() { grove::sleep(2s); }

} // namespace

int main() {
  const auto thread1 = grove::spawn(wait);
  if (!thread1.join(1s))
    fmt::print("Thread 1 timed out\n");

  const auto thread2 = grove::spawn(wait);
  try {
    thread2.get(1s);
  } catch (const grove::TimeoutError&) {
    fmt::print("Thread 2 timed out\n");
  }

  if (!grove::with_timeout(1s, wait))
    fmt::print("Thread 3 timed out\n");
}
