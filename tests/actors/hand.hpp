// SPDX-License-Identifier: MIT
// Workers for the tests of work queues, and the fixture that ends them.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <grove/actors.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {

struct Task {
  int n = 0;
};

// Does its tasks when it is let; the odd ones badly, if it is told so.
class Hand : public Actor {
public:
  explicit Hand(Log* log, std::string name, Semaphore* gate = nullptr)
      : log_(log), name_(std::move(name)), gate_(gate) {}
  void receive(const Task& task) {
    log_->push_back(name_ + " begins " + std::to_string(task.n));
    if (gate_ != nullptr)
      gate_->acquire();
    if (task.n < 0)
      throw TestError(task.n);
    if (task.n >= 1000)
      throw Rejected("too large");
    log_->push_back(name_ + " ends " + std::to_string(task.n));
  }

private:
  Log* log_;
  std::string name_;
  Semaphore* gate_;
};

class WorkQueueTest : public HubTest {
protected:
  ActorRef<Hand> hand(const std::string& name, Semaphore* gate = nullptr) {
    hands_.push_back(spawn<Hand>(&log_, name, gate));
    return hands_.back();
  }
  void TearDown() override {
    for (const auto& one : hands_)
      one.kill();
    HubTest::TearDown();
  }
  Log log_;
  Semaphore gate_{0};
  std::vector<ActorRef<Hand>> hands_;
};

} // namespace grove::test
