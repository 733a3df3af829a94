// SPDX-License-Identifier: MIT
// select: what waits for time or readiness lets the others run meanwhile.
#include <fmt/core.h>

#include <chrono>

#include <grove/hub.hpp>
#include <grove/net/select.hpp>

using namespace std::chrono_literals;

int main() {
  const auto start = grove::now();
  const auto tic = [&] {
    const std::chrono::duration<double> elapsed = grove::now() - start;
    return fmt::format("at {:.1f} seconds", elapsed.count());
  };

  const auto poll = [&](std::chrono::seconds limit) {
    fmt::print("Started Polling: {}\n", tic());
    grove::net::select({}, {}, {}, limit); // of no descriptor, with a time limit
    fmt::print("Ended Polling: {}\n", tic());
  };
  const auto meanwhile = [&] {
    fmt::print("Hey lets do some stuff while the greenlets poll, {}\n", tic());
    grove::sleep(1s);
  };

  grove::join_all({
      grove::spawn(poll, 1s),
      grove::spawn(poll, 2s),
      grove::spawn(meanwhile),
  });
}
