// SPDX-License-Identifier: MIT
// sleep(): times, and their order.
#include <algorithm>
#include <vector>

#include <grove/hub/greenlet.hpp>
#include <grove/hub/join.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class SleepTest : public HubTest {};

TEST_F(SleepTest, sleep_is_not_early) {
  for (const auto time : {100us, 1000us, 5000us}) {
    const auto start = Clock::now();
    sleep(time);
    EXPECT_GE(Clock::now() - start, time);
  }
}

// gevent T17
// pitfall 44
TEST_F(SleepTest, sleep_counts_from_the_call_even_after_a_long_computation) {
  spin(20ms);
  const auto start = Clock::now();
  sleep(5ms);
  EXPECT_GE(Clock::now() - start, 5ms);
}

// Spawns one sleeper for each of the due times (in milliseconds from now), and gives the numbers
// of the sleepers in the order of their waking. Played again if this thread was held up so long
// that a time had passed before all of them slept.
std::vector<std::size_t> order_of_sleepers(const std::vector<int>& due) {
  for (;;) {
    std::vector<std::size_t> order;
    std::vector<GreenletRef<>> all;
    const auto base = Clock::now() + 2ms;
    for (std::size_t n = 0; n < due.size(); ++n) {
      all.push_back(spawn([&, n] {
        sleep(base + std::chrono::milliseconds(due[n]));
        order.push_back(n);
      }));
    }
    yield();
    const bool in_time = Clock::now() < base;
    join_all(all);
    if (in_time)
      return order;
  }
}

TEST_F(SleepTest, sleepers_wake_in_the_order_of_their_due_times) {
  EXPECT_EQ(order_of_sleepers({5, 2, 4, 1, 3}), (std::vector<std::size_t>{3, 1, 4, 2, 0}));
}

// pitfall 45
TEST_F(SleepTest, equal_due_times_keep_their_start_order) {
  const auto order = order_of_sleepers(std::vector<int>(50, 1));
  ASSERT_EQ(order.size(), 50u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(SleepTest, sleeping_until_a_time_that_has_passed_gives_way) {
  bool other = false;
  spawn([&] { other = true; });
  sleep(Clock::now() - 1s);
  EXPECT_TRUE(other);
}

TEST_F(SleepTest, a_negative_time_is_refused) {
  EXPECT_THROW(sleep(-1ms), std::invalid_argument);
  EXPECT_THROW(Deadline(-1ns), std::invalid_argument);
  EXPECT_THROW(spawn_later(-1s, [] {}), std::invalid_argument);
}

TEST_F(SleepTest, a_time_too_long_to_count_is_never) {
  EXPECT_TRUE(Deadline(std::chrono::hours::max()).is_never());
  EXPECT_TRUE(Deadline(std::chrono::duration<double>(1e300)).is_never());
  EXPECT_FALSE(Deadline(std::chrono::hours(24 * 365)).is_never());
}

} // namespace
} // namespace grove::test
