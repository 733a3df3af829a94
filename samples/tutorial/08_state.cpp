// SPDX-License-Identifier: MIT
// What a greenlet tells of itself: started, ready, successful, its value, its exception.
#include <fmt/core.h>

#include <exception>
#include <stdexcept>
#include <string>

#include <grove/hub.hpp>

namespace {

std::string win() { return "You win!"; }
std::string fail() { throw std::runtime_error("You fail at failing."); }

void show(bool state) { fmt::print("{}\n", state ? "True" : "False"); }
void show(const std::string* value) { fmt::print("{}\n", value != nullptr ? *value : "None"); }

} // namespace

int main() {
  const auto winner = grove::spawn(win);
  const auto loser = grove::spawn(fail);

  show(winner.started());
  show(loser.started());

  grove::join_all({winner, loser}); // what they throw stays with them

  show(winner.value());
  show(loser.value());

  show(winner.ready());
  show(loser.ready());

  show(winner.successful());
  show(loser.successful());

  try {
    loser.get(); // throws what the greenlet threw; loser.exception() looks at it
  } catch (const std::exception& error) {
    fmt::print("{}\n", error.what());
  }
}
