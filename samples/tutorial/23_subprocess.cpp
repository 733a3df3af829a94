// SPDX-License-Identifier: MIT
// Process: a child that is waited for while other greenlets run.
#include <fmt/core.h>

#include <chrono>

#include <grove/hub.hpp>

using namespace std::chrono_literals;

namespace {

void cron() {
  while (true) {
    fmt::print("cron\n");
    grove::sleep(200ms);
  }
}

} // namespace

int main() {
  const auto g = grove::spawn(cron);
  grove::Process sub(grove::shell("sleep 1; uname"), {.out = grove::Stdio::pipe()});
  const auto result = sub.communicate();
  g.kill();
  fmt::print("{}", result.out);
}
