// SPDX-License-Identifier: MIT
// Channel: a consumer that waits for each task, and a producer that goes on when it was taken.
#include <fmt/core.h>

#include <grove/hub.hpp>

#include "speed.hpp"

int main(int argc, char** argv) {
  const auto second = tutorial::second("Channel: one sends, one takes", argc, argv);
  grove::Channel<int> tasks;

  const auto consumer = grove::spawn([&] {
    fmt::print("Wait to getting a task\n");
    for (const int task : tasks)
      fmt::print("Got task {}\n", task);
  });

  for (int task = 0; task < 3; ++task) {
    grove::sleep(second);
    fmt::print("Send a task {} to consumer\n", task);
    tasks.put(task); // switches to the consumer
  }
  tasks.close();
  consumer.join();
}
