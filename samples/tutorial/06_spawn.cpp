// SPDX-License-Identifier: MIT
// spawn: a function and its arguments, or a lambda, become a greenlet.
#include <fmt/core.h>

#include <string_view>

#include <grove/hub.hpp>

#include "speed.hpp"

namespace {

void foo(std::string_view message, tutorial::Seconds wait) {
  grove::sleep(wait);
  fmt::print("{}\n", message);
}

} // namespace

int main(int argc, char** argv) {
  const auto second = tutorial::second("spawn: functions become greenlets", argc, argv);

  const auto thread1 = grove::spawn(foo, "Hello", 1 * second);
  const auto thread2 = grove::spawn(foo, "I live!", 2 * second);
  const auto thread3 = grove::spawn([](int x) { return x + 1; }, 2);

  grove::join_all({thread1, thread2, thread3});
}
