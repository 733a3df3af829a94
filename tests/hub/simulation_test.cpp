// SPDX-License-Identifier: MIT
// Simulation: virtual time, a seeded order, and what stays promised under both.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <stdexcept>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include <grove/hub/descriptor.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/queue.hpp>
#include <grove/hub/random.hpp>
#include <grove/hub/simulation.hpp>
#include <grove/hub/timeout.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

using std::literals::chrono_literals::operator""h;
using std::literals::chrono_literals::operator""min;

class SimulationTest : public HubTest {};

TEST_F(SimulationTest, hours_of_sleep_pass_when_nobody_can_run) {
  const auto real = Clock::now();
  const Simulation simulation(1);
  const auto start = now();
  int beats = 0;
  auto heart = spawn([&] {
    for (; beats < 24 * 60; ++beats)
      sleep(1min);
  });
  sleep(1h);
  EXPECT_EQ(now() - start, 1h);
  EXPECT_GE(beats, 59);
  EXPECT_LE(beats, 60);
  heart.join();
  EXPECT_EQ(now() - start, 24h);
  EXPECT_EQ(beats, 24 * 60);
  EXPECT_LT(Clock::now() - real, 12h);
}

TEST_F(SimulationTest, time_stands_still_while_somebody_can_run) {
  const Simulation simulation(1);
  const auto start = now();
  bool slept = false;
  auto sleeper = spawn([&] {
    sleep(1ns);
    slept = true;
  });
  for (int i = 0; i < 1000; ++i)
    yield();
  EXPECT_EQ(now(), start);
  EXPECT_FALSE(slept);
  sleeper.join();
  EXPECT_EQ(now() - start, 1ns);
}

TEST_F(SimulationTest, time_limits_are_met_to_the_nanosecond) {
  const Simulation simulation(3);
  Event never;
  const auto start = now();
  EXPECT_FALSE(never.wait(90min));
  EXPECT_EQ(now() - start, 90min);
  try {
    const Timeout outer(2h);
    never.wait();
    ADD_FAILURE() << "it came back";
  } catch (const TimeoutExpired&) {
    EXPECT_EQ(now() - start, 210min);
  }
  EXPECT_FALSE(never.wait(start + 211min));
  EXPECT_EQ(now() - start, 211min);
}

// What greenlets of equal rank do, as one list.
std::vector<int> order_of(std::uint64_t seed, bool shuffle = true) {
  const Simulation simulation(Simulation::Options{seed, shuffle});
  std::vector<int> order;
  std::vector<GreenletRef<>> all;
  for (int n = 0; n < 10; ++n) {
    all.push_back(spawn([&order, n] {
      order.push_back(n);
      yield();
      order.push_back(n);
      sleep(1s); // all are due at once
      order.push_back(n);
    }));
  }
  join_all(all);
  return order;
}

TEST_F(SimulationTest, a_seed_gives_one_order_and_seeds_give_many) {
  std::set<std::vector<int>> orders;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const std::vector<int> order = order_of(seed);
    EXPECT_EQ(order, order_of(seed)) << "seed " << seed;
    orders.insert(order);
  }
  EXPECT_GT(orders.size(), 15u);
}

TEST_F(SimulationTest, without_shuffling_the_order_is_that_of_the_run_queue) {
  std::vector<int> expected;
  for (int turn = 0; turn < 3; ++turn) {
    for (int n = 0; n < 10; ++n)
      expected.push_back(n);
  }
  EXPECT_EQ(order_of(7, false), expected);
}

TEST_F(SimulationTest, the_trace_tells_runs_apart) {
  const auto run = [](std::uint64_t seed, int turns) {
    const Simulation simulation(seed);
    std::vector<GreenletRef<>> all;
    for (int n = 0; n < 5; ++n)
      all.push_back(spawn([&] {
        for (int i = 0; i < turns; ++i)
          yield();
      }));
    join_all(all);
    EXPECT_GT(simulation.steps(), static_cast<std::uint64_t>(5 * turns));
    return simulation.trace();
  };
  EXPECT_EQ(run(1, 10), run(1, 10));
  EXPECT_NE(run(1, 10), run(2, 10));
  EXPECT_NE(run(1, 10), run(1, 11));
}

// Finds the order in which a check-then-act over a yield goes wrong.
TEST_F(SimulationTest, some_seed_finds_a_race_that_the_usual_order_hides) {
  const auto lost_updates = [](std::optional<std::uint64_t> seed) {
    std::optional<Simulation> simulation;
    if (seed)
      simulation.emplace(*seed);
    int balance = 0;
    bool writing = false;
    auto writer = spawn([&] {
      yield();
      writing = true;
      const int seen = balance;
      yield();
      balance = seen + 1;
      writing = false;
    });
    auto other = spawn([&] {
      if (!writing)
        balance += 1;
    });
    auto third = spawn([&] {
      yield();
      yield();
      yield();
      balance += 1;
    });
    join_all({writer, other, third});
    return 3 - balance;
  };
  EXPECT_EQ(lost_updates(std::nullopt), 0);
  int found = 0;
  for (std::uint64_t seed = 0; seed < 50; ++seed)
    found += lost_updates(seed) > 0 ? 1 : 0;
  EXPECT_GT(found, 0);
}

TEST_F(SimulationTest, lines_stay_first_come_first_served) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Simulation simulation(seed);
    Queue<int> queue;
    std::vector<int> arrived; // in line
    std::vector<int> served;
    std::vector<GreenletRef<>> all;
    for (int n = 0; n < 8; ++n) {
      all.push_back(spawn([&, n] {
        arrived.push_back(n);
        const int item = queue.get();
        served.resize(8, -1);
        served[static_cast<std::size_t>(item)] = n;
      }));
    }
    while (queue.waiting_getters() < 8)
      yield();
    for (int i = 0; i < 8; ++i)
      queue.put(i);
    join_all(all);
    EXPECT_EQ(served, arrived) << "seed " << seed;
  }
}

TEST_F(SimulationTest, random_numbers_are_the_seeds_and_the_hubs_own_come_back) {
  const auto numbers = [](std::uint64_t seed) {
    const Simulation simulation(seed);
    return std::vector<std::uint64_t>{random_number(), random_number(), random_number()};
  };
  EXPECT_EQ(numbers(1), numbers(1));
  EXPECT_NE(numbers(1), numbers(2));
  EXPECT_NE(random_number(), random_number());
  EXPECT_NE(numbers(1)[0], random_number());
}

TEST_F(SimulationTest, timers_that_are_left_keep_what_remains_of_their_time) {
  GreenletRef<> sleeper;
  const auto start = Clock::now();
  {
    const Simulation simulation(1);
    sleeper = spawn([] { sleep(1h + 3ms); });
    yield();
    sleep(1h);
  }
  EXPECT_FALSE(sleeper.ready());
  sleeper.join();
  EXPECT_GE(Clock::now() - start, 3ms);
}

TEST_F(SimulationTest, descriptors_are_watched_meanwhile) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, 0), 0);
  {
    const Simulation simulation(5);
    const auto start = now();
    auto reader = spawn([&] {
      wait_readable(ends[0]);
      return now();
    });
    sleep(1h);
    EXPECT_FALSE(reader.ready());
    ASSERT_EQ(write(ends[1], "x", 1), 1);
    EXPECT_EQ(reader.get() - start, 1h);
  }
  close_descriptor(ends[0]);
  close_descriptor(ends[1]);
}

TEST_F(SimulationTest, a_second_one_is_refused) {
  const Simulation simulation(1);
  EXPECT_THROW(Simulation(2), std::logic_error);
}

TEST_F(SimulationTest, the_clock_is_the_systems_without_one) {
  for (int i = 0; i < many_turns; ++i) {
    const auto before = Clock::now();
    const auto read = now();
    ASSERT_LE(before, read + 1ms); // two clocks: one is calibrated against the other
    ASSERT_LE(read, Clock::now() + 1ms);
    yield();
  }
}

} // namespace
} // namespace grove::test
