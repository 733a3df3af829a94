// SPDX-License-Identifier: MIT
// Queue: a boss hands out tasks, three workers take turns.
#include <fmt/core.h>

#include <chrono>
#include <string_view>

#include <grove/hub.hpp>

using namespace std::chrono_literals;

int main() {
  grove::Queue<int> tasks;

  const auto worker = [&](std::string_view name) {
    while (!tasks.empty()) {
      const int task = tasks.get();
      fmt::print("Worker {} got task {}\n", name, task);
      grove::sleep(0s);
    }
    fmt::print("Quitting time!\n");
  };
  const auto boss = [&] {
    for (int task = 1; task < 10; ++task)
      tasks.put(task);
  };

  grove::spawn(boss).join();

  grove::join_all({
      grove::spawn(worker, "steve"),
      grove::spawn(worker, "john"),
      grove::spawn(worker, "nancy"),
  });
}
