// SPDX-License-Identifier: MIT
// The same five tasks one after the other, then all at once.
#include <fmt/core.h>

#include <chrono>
#include <vector>

#include <grove/hub.hpp>

using namespace std::chrono_literals;

namespace {

void task(int id) {
  grove::sleep(grove::random_number() % 3 * 1ms);
  fmt::print("Task {} done\n", id);
}

void synchronous() {
  for (int id = 0; id < 5; ++id)
    task(id);
}

void asynchronous() {
  std::vector<grove::GreenletRef<>> tasks;
  for (int id = 0; id < 5; ++id)
    tasks.push_back(grove::spawn(task, id));
  grove::join_all(tasks);
}

} // namespace

int main() {
  fmt::print("Synchronous:\n");
  synchronous();
  fmt::print("Asynchronous:\n");
  asynchronous();
}
