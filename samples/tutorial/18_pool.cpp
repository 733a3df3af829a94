// SPDX-License-Identifier: MIT
// Pool: a group of at most so many members at a time.
#include <fmt/core.h>

#include <ranges>

#include <grove/hub.hpp>

int main() {
  grove::Pool pool(2);

  const auto hello_from = [&](int) { fmt::print("Size of pool {}\n", pool.size()); };

  pool.map(hello_from, std::views::iota(0, 3));
}
