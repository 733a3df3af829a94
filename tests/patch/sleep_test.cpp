// SPDX-License-Identifier: MIT
// sleep and its kin.
#include <time.h>
#include <unistd.h>

#include <functional>
#include <vector>

#include <grove/hub/simulation.hpp>

#include "sockets.hpp"

namespace grove::test {
namespace {

class PatchSleepTest : public HubTest {};

timespec in(clockid_t clock, long milliseconds) {
  timespec now{};
  clock_gettime(clock, &now);
  now.tv_nsec += milliseconds * 1'000'000;
  now.tv_sec += now.tv_nsec / 1'000'000'000;
  now.tv_nsec %= 1'000'000'000;
  return now;
}

TEST_F(PatchSleepTest, each_of_them_lets_others_run_and_lasts_as_long_as_it_should) {
  const timespec time{0, 5'000'000};
  const std::vector<std::function<int()>> ways = {
      [&] { return usleep(5'000); },
      [&] { return nanosleep(&time, nullptr); },
      [&] { return clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr); },
      [&] {
        const timespec end = in(CLOCK_MONOTONIC, 5);
        return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, nullptr);
      },
      [&] {
        const timespec end = in(CLOCK_REALTIME, 5);
        return clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &end, nullptr);
      },
      [&] { return static_cast<int>(::sleep(1)); },
  };
  for (const auto& way : ways) {
    bool ran = false;
    auto other = spawn([&] { ran = true; });
    const auto start = Clock::now();
    EXPECT_EQ(way(), 0);
    EXPECT_GE(Clock::now() - start, 4ms);
    EXPECT_TRUE(ran);
    other.join();
  }
}

TEST_F(PatchSleepTest, all_who_sleep_do_so_at_the_same_time) {
  const auto before = patch::count("usleep").waited;
  std::vector<GreenletRef<Returned>> all;
  for (int i = 0; i < 100; ++i)
    all.push_back(waiting_call([] { return usleep(20'000); }));
  EXPECT_EQ(patch::count("usleep").waited, before + 100) << "before the first has woken";
  for (auto& one : all)
    EXPECT_EQ(one.get(), (Returned{0, 0}));
}

TEST_F(PatchSleepTest, what_is_no_time_is_an_error_as_ever) {
  const timespec wrong{0, 2'000'000'000};
  EXPECT_EQ(nanosleep(&wrong, nullptr), -1);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(clock_nanosleep(CLOCK_MONOTONIC, 0, &wrong, nullptr), EINVAL);
}

TEST_F(PatchSleepTest, a_kill_tells_what_is_left) {
  timespec left{};
  const timespec time{100, 0};
  int error = 0;
  unsigned seconds = 0;
  auto first = spawn([&] {
    error = nanosleep(&time, &left) == -1 ? errno : 0;
    yield();
  });
  auto second = spawn([&] {
    seconds = ::sleep(100);
    yield();
  });
  settle();
  first.kill();
  second.kill();
  EXPECT_EQ(error, ECANCELED);
  EXPECT_GE(left.tv_sec, 90);
  EXPECT_GE(seconds, 90U);
}

TEST_F(PatchSleepTest, under_a_simulation_time_is_virtual) {
  const auto start = Clock::now();
  Simulation::Options options;
  const Simulation simulation(options);
  EXPECT_EQ(::sleep(1000), 0U);
  EXPECT_LT(Clock::now() - start, 100s);
}

} // namespace
} // namespace grove::test
