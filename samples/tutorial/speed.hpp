// SPDX-License-Identifier: MIT
// The option --speed of the lessons that wait: nobody likes to wait three seconds twice.
#pragma once

#include <chrono>
#include <cstdlib>
#include <string>

#include "options.hpp"

namespace tutorial {

using Seconds = std::chrono::duration<double>;

// How long a second of the lesson takes: one, divided by --speed. A wrong command line ends the
// program with status 2.
inline Seconds second(const std::string& lesson, int argc, char** argv) {
  CLI::App app{lesson};
  double speed = 1;
  app.add_option("--speed", speed, "divide all waits by this")
      ->capture_default_str()
      ->check(CLI::Range(0.001, 1e6));
  if (const auto status = sample::parse(app, argc, argv))
    std::exit(*status);
  return Seconds(1 / speed);
}

} // namespace tutorial
