// SPDX-License-Identifier: MIT
// with_timeout: a limit for a call, and an exception of one's own when it is reached.
#include <stdexcept>

#include <grove/hub.hpp>

#include "speed.hpp"

namespace {

struct TooLong : std::runtime_error {
  TooLong() : runtime_error("TooLong") {}
};

} // namespace

int main(int argc, char** argv) {
  const auto second = tutorial::second("with_timeout: a limit for a call", argc, argv);

  return grove::main(argc, argv, [&] {
    if (!grove::with_timeout(5 * second, [&] { grove::sleep(10 * second); }))
      throw TooLong();
  });
}
