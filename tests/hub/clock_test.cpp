// SPDX-License-Identifier: MIT
// now(): never behind the system's clock, and never stepping back.
#include <algorithm>
#include <chrono>

#include <grove/hub/deadline.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/simulation.hpp>

#include "../support/hub_test.hpp"
#include "clock.hpp"

namespace grove::test {
namespace {

class ClockTest : public HubTest {};

TEST_F(ClockTest, it_does_not_step_back_when_it_is_corrected) {
  auto last = now();
  const auto look = [&] {
    const auto present = now();
    EXPECT_GE(present, last);
    last = present;
  };
  for (const auto gap : {1us, 100us, 3000us, 20000us}) {
    for (int i = 0; i < 20; ++i) {
      spin(gap); // carried on
      look();
      (void)Deadline(last).has_passed(); // corrected
      look();
      yield();
      look();
    }
  }
}

TEST_F(ClockTest, a_time_limit_that_begins_now_is_never_too_short) {
  spin(5ms);
  (void)Deadline(now()).has_passed(); // from now on the rate is known
  for (int i = 0; i < many_turns; ++i) {
    const auto exact = Clock::now();
    EXPECT_GE(now(), exact);
    if (i % 100 == 0)
      (void)Deadline(now()).has_passed();
    if (i % (many_turns / 10) == 0)
      spin(2ms); // it gets ahead
  }
}

// Ahead by what it gained in 20 ms, it is held back until the system's clock has come up.
TEST_F(ClockTest, what_it_is_ahead_by_it_loses_again) {
  detail::HubClock clock;
  clock.open();
  spin(5ms);
  (void)clock.sync();
  spin(20ms);
  std::int64_t last = clock.now();
  const std::int64_t ahead = last - clock.sync();
  bool caught_up = false;
  for (const auto end = Clock::now() + 1s; Clock::now() < end && !caught_up;) {
    const std::int64_t present = clock.now();
    EXPECT_GE(present, last);
    last = present;
    caught_up = present - detail::steady_nanoseconds() < std::max<std::int64_t>(ahead / 2, 200);
  }
  EXPECT_TRUE(caught_up) << "it stays ahead by " << ahead << " ns";
}

TEST_F(ClockTest, a_virtual_one_is_followed_by_the_real_one) {
  const auto before = now();
  {
    const Simulation simulation(1);
    sleep(std::chrono::hours(1000));
  }
  const auto after = now();
  EXPECT_GE(after, before);
  EXPECT_LT(after - before, std::chrono::hours(999));
}

} // namespace
} // namespace grove::test
