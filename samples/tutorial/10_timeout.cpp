// SPDX-License-Identifier: MIT
// Timeout: a limit for whatever is done while the object lives.
#include <fmt/core.h>

#include <grove/hub.hpp>

#include "speed.hpp"

int main(int argc, char** argv) {
  const auto second = tutorial::second("Timeout: a limit for a block", argc, argv);

  const auto wait = [&] { grove::sleep(10 * second); };

  try {
    const grove::Timeout timeout(10 * second);
    grove::spawn(wait).join();
  } catch (const grove::TimeoutExpired&) {
    fmt::print("Could not complete\n");
  }
}
