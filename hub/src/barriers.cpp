// SPDX-License-Identifier: MIT
// Barrier and Latch.
#include <stdexcept>
#include <string>

#include <grove/hub/barrier.hpp>
#include <grove/hub/exceptions.hpp>
#include <grove/hub/latch.hpp>

namespace grove {

// -- Barrier -------------------------------------------------------------------------------------

Barrier::Barrier(std::ptrdiff_t parties) : parties_(static_cast<std::size_t>(parties)) {
  if (parties < 1) {
    throw std::invalid_argument("grove: Barrier: " + std::to_string(parties) +
                                " parties; at least one is needed");
  }
}

bool Barrier::arrive_and_wait(Deadline deadline) {
  home_("Barrier.arrive_and_wait");
  detail::check_interrupts();
  if (completes_round())
    return true;
  detail::Waiter waiter;
  line_.push_back(waiter);
  ++in_line_;
  // One that leaves has not arrived. If it is not linked any more it was let go, or
  // completes_round() has found it gone, or the barrier is.
  struct Leave {
    Barrier& barrier;
    detail::Waiter& waiter;
    ~Leave() {
      if (waiter.linked())
        --barrier.in_line_;
    }
  } const leave{*this, waiter};
  if (detail::park_until("Barrier.arrive_and_wait", deadline) == detail::Wake::timeout)
    return false;
  if (!waiter.granted)
    throw Closed("Barrier.arrive_and_wait: the barrier was destroyed");
  return true;
}

// Lets all go if the caller is the last. Only when enough stand in line is it worth looking who of
// them was killed, or has timed out, and has not run since.
bool Barrier::completes_round() {
  if (in_line_ + 1 < parties_)
    return false;
  detail::WaitList arrived;
  std::size_t count = 0;
  while (detail::Waiter* waiter = line_.pop_parked()) {
    arrived.push_back(*waiter);
    ++count;
  }
  if (count + 1 == parties_) {
    in_line_ = 0;
    arrived.grant_all();
    return true;
  }
  in_line_ = count;
  while (detail::Waiter* waiter = arrived.pop_parked())
    line_.push_back(*waiter);
  return false;
}

// -- Latch ---------------------------------------------------------------------------------------

Latch::Latch(std::ptrdiff_t count) : count_(count) {
  if (count < 0) {
    throw std::invalid_argument("grove: Latch: a count of " + std::to_string(count) +
                                " is negative");
  }
}

void Latch::count_down(std::ptrdiff_t n) {
  home_("Latch.count_down");
  if (n < 0) {
    throw std::invalid_argument("grove: Latch.count_down: " + std::to_string(n) + " is negative");
  }
  if (n > count_) {
    throw std::logic_error("grove: Latch.count_down: by " + std::to_string(n) + " from " +
                           std::to_string(count_));
  }
  count_ -= n;
  if (count_ == 0)
    line_.grant_all();
}

bool Latch::wait(Deadline deadline) {
  home_("Latch.wait");
  detail::check_interrupts();
  if (is_open())
    return true;
  detail::Waiter waiter;
  line_.push_back(waiter);
  if (detail::park_until("Latch.wait", deadline) == detail::Wake::timeout)
    return false;
  if (!waiter.granted)
    throw Closed("Latch.wait: the latch was destroyed");
  return true;
}

void Latch::WaitOp::take() {
  if (waiter_.broken && !waiter_.granted)
    throw Closed("wait_any: the latch was destroyed");
}

} // namespace grove
