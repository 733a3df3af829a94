// SPDX-License-Identifier: MIT
// What threads wait for.
#pragma once

#include <semaphore>
#include <utility>

namespace grove::test {

// Holds jobs back until it is opened.
class Gate {
public:
  explicit Gate(int jobs = 1) : jobs_(jobs) {}
  void pass() { semaphore_.acquire(); }
  void open() { semaphore_.release(std::exchange(jobs_, 0)); }
  void open(int jobs) {
    semaphore_.release(jobs);
    jobs_ -= jobs;
  }

private:
  std::counting_semaphore<1000> semaphore_{0};
  int jobs_;
};

} // namespace grove::test
