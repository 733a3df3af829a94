// SPDX-License-Identifier: MIT
// AsyncResult: an event that brings a value.
#include <fmt/core.h>

#include <string>

#include <grove/hub.hpp>

#include "speed.hpp"

int main(int argc, char** argv) {
  const auto second = tutorial::second("AsyncResult: an event that brings a value", argc, argv);
  const grove::AsyncResult<std::string> greeting;

  const auto setter = [&] {
    grove::sleep(3 * second);
    greeting.set("Hello!");
  };
  const auto waiter = [&] { fmt::print("{}\n", greeting.get()); };

  grove::join_all({
      grove::spawn(setter),
      grove::spawn(waiter),
  });
}
