// SPDX-License-Identifier: MIT
// Group: greenlets that are waited for together.
#include <fmt/core.h>

#include <string_view>

#include <grove/hub.hpp>

namespace {

void talk(std::string_view message) {
  for (int i = 0; i < 2; ++i)
    fmt::print("{}\n", message);
}

} // namespace

int main() {
  const auto g1 = grove::spawn(talk, "bar");
  const auto g2 = grove::spawn(talk, "foo");
  const auto g3 = grove::spawn(talk, "fizz");

  grove::Group group;
  group.add(g1);
  group.add(g2);
  group.join();

  group.add(g3);
  group.join();
}
