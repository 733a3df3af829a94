// SPDX-License-Identifier: MIT
// Barrier: a number of parties that wait for each other, again and again.
#pragma once

#include <cstddef>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/wait.hpp>

namespace grove {

// Barrier lets its parties go on together: each waits until the last has come, then the next round
// begins. A party that is killed, or whose Timeout scope or deadline ends its wait, has not
// arrived: the others go on waiting for a full number, and it may come again. Who was let go, by
// the last one's arrival, has passed, whatever comes later. Arriving last does not switch.
// Hub-local. Destroying it wakes its waiters with Closed.
class Barrier {
public:
  // std::invalid_argument unless there is at least one party.
  explicit Barrier(std::ptrdiff_t parties);
  Barrier(const Barrier&) = delete;
  Barrier& operator=(const Barrier&) = delete;
  ~Barrier() { line_.break_all(); }

  // False if the deadline came first.
  bool arrive_and_wait(Deadline deadline = {});

  std::size_t parties() const { return parties_; }
  std::size_t waiters() const { return line_.size(); }

private:
  bool completes_round();

  detail::HomeCheck home_;
  std::size_t parties_;
  std::size_t in_line_ = 0; // as many as line_ has
  detail::WaitList line_;
};

} // namespace grove
