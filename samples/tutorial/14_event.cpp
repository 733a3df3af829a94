// SPDX-License-Identifier: MIT
// Event: one greenlet wakes three that wait for it.
#include <fmt/core.h>

#include <grove/hub.hpp>

#include "speed.hpp"

int main(int argc, char** argv) {
  const auto second = tutorial::second("Event: one wakes three", argc, argv);
  grove::Event event;

  const auto setter = [&] {
    fmt::print("A: Hey wait for me, I have to do something\n");
    grove::sleep(3 * second);
    fmt::print("Ok, I'm done\n");
    event.set();
  };
  const auto waiter = [&] {
    fmt::print("I'll wait for you\n");
    event.wait();
    fmt::print("It's about time\n");
  };

  grove::join_all({
      grove::spawn(setter),
      grove::spawn(waiter),
      grove::spawn(waiter),
      grove::spawn(waiter),
  });
}
