// SPDX-License-Identifier: MIT
// What the tests of pipelines share: tasks, results, workers, and who hands out and gathers.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <grove/hub.hpp>
#include <grove/zmq.hpp>

#include "../support/hub_test.hpp"

namespace grove::zmq::test {

struct Task {
  std::uint32_t number = 0;
};
struct Result {
  std::uint32_t number = 0;
  std::uint32_t worker = 0;
};

inline constexpr std::string_view stop = "stop";

// A ventilator, a sink and a control socket on this hub; the workers are somewhere.
class PipelineTest : public grove::test::HubTest {
protected:
  Context context;
  Socket tasks{context, SocketType::push};
  Socket results{context, SocketType::pull};
  Socket control{context, SocketType::xpub};
  std::string tasks_at, results_at, control_at;

  void open(const std::string& transport, int hwm = 1000) {
    tasks.set(option::sndhwm, hwm);
    results.set(option::rcvhwm, hwm);
    control.set(option::xpub_verbose, true);
    const bool inproc = transport == "inproc";
    tasks_at = tasks.bind(inproc ? "inproc://tasks" : "tcp://127.0.0.1:*");
    results_at = results.bind(inproc ? "inproc://results" : "tcp://127.0.0.1:*");
    control_at = control.bind(inproc ? "inproc://control" : "tcp://127.0.0.1:*");
  }

  struct Worker {
    Worker(PipelineTest& test, int hwm)
        : tasks(test.context, SocketType::pull), results(test.context, SocketType::push),
          control(test.context, SocketType::sub) {
      tasks.set(option::rcvhwm, hwm);
      results.set(option::sndhwm, hwm);
      tasks.connect(test.tasks_at);
      results.connect(test.results_at);
      control.connect(test.control_at);
      control.subscribe(stop); // says that it is there
    }
    Socket tasks, results, control;
  };

  // The whole life of a worker; returns when it was told to stop.
  void work(
      std::uint32_t name, int hwm = 1000, const std::function<void()>& busy = [] {}) {
    Worker worker(*this, hwm);
    Group working;
    working.spawn([&] {
      for (;;) {
        const Task task = worker.tasks.recv<Task>();
        busy();
        worker.results.send(Result{task.number, name});
      }
    });
    EXPECT_EQ(worker.control.recv().text(), stop);
  }

  void wait_for_workers(int count) {
    for (int i = 0; i < count; ++i)
      EXPECT_EQ(control.recv().text(), "\1" + std::string(stop));
  }

  void ventilate(std::uint32_t count) {
    for (std::uint32_t number = 0; number < count; ++number)
      tasks.send(Task{number});
  }

  // Counts the results of each worker, and sees to it that each number comes once, and those of a
  // worker in the order of the tasks.
  std::vector<std::uint32_t> gather(std::uint32_t count, std::size_t workers) {
    std::vector<std::uint32_t> shares(workers, 0);
    std::vector<std::int64_t> last(workers, -1);
    std::vector<int> seen(count, 0);
    for (std::uint32_t i = 0; i < count; ++i) {
      const auto result = results.recv<Result>();
      EXPECT_EQ(++seen.at(result.number), 1) << result.number;
      EXPECT_GT(std::int64_t{result.number}, std::exchange(last.at(result.worker), result.number));
      ++shares[result.worker];
    }
    return shares;
  }
};

} // namespace grove::zmq::test
