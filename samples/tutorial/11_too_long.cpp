// SPDX-License-Identifier: MIT
// Timeout: a limit for a scope, and an exception of one's own when it is reached.
#include <stdexcept>

#include <grove/hub.hpp>

#include "speed.hpp"

namespace {

struct TooLong : std::runtime_error {
  TooLong() : runtime_error("TooLong") {}
};

} // namespace

int main(int argc, char** argv) {
  const auto second = tutorial::second("Timeout: a limit for a scope", argc, argv);

  return grove::main(argc, argv, [&] {
    const grove::Timeout limit(5 * second, TooLong());
    grove::sleep(10 * second);
  });
}
