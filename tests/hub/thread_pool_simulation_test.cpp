// SPDX-License-Identifier: MIT
// ThreadPool under a Simulation: jobs are part of what the seed decides.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <grove/hub/event.hpp>
#include <grove/hub/file.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/hub_thread.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/simulation.hpp>
#include <grove/hub/thread_pool.hpp>
#include <grove/hub/timeout.hpp>

#include "../support/hub_test.hpp"
#include "../support/temporary_file.hpp"

namespace grove::test {
namespace {

class ThreadPoolSimulationTest : public HubTest {};

struct Played {
  Log order;
  std::uint64_t trace = 0;
  friend bool operator==(const Played&, const Played&) = default;
};

// Jobs of different lengths, and greenlets that only yield and sleep.
Played play(std::uint64_t seed, std::ptrdiff_t threads) {
  Played run;
  ThreadPool pool(threads);
  const Simulation simulation(seed);
  std::vector<GreenletRef<>> all;
  for (int i = 0; i < 8; ++i) {
    all.push_back(spawn([&run, &pool, i] {
      const int result = pool.run([i] {
        std::this_thread::sleep_for(std::chrono::microseconds(i % 3 * 200));
        return i;
      });
      run.order.push_back("job " + std::to_string(result));
    }));
    all.push_back(spawn([&run, i] {
      sleep(std::chrono::milliseconds(i % 4));
      yield();
      run.order.push_back("greenlet " + std::to_string(i));
    }));
  }
  join_all(all);
  run.trace = simulation.trace();
  return run;
}

TEST_F(ThreadPoolSimulationTest, four_runs_of_a_seed_have_the_same_order) {
  for (const std::ptrdiff_t threads : {1, 3}) {
    const Played first = play(7, threads);
    EXPECT_EQ(first.order.size(), 16u);
    for (int i = 0; i < 3; ++i)
      EXPECT_EQ(play(7, threads), first);
  }
}

TEST_F(ThreadPoolSimulationTest, seeds_differ) {
  std::set<Log> orders;
  for (std::uint64_t seed = 1; seed <= 10; ++seed)
    orders.insert(play(seed, 3).order);
  EXPECT_GT(orders.size(), 5u);
}

// What is promised of a pool stays: first come, first served, as many at a time as it has threads.
TEST_F(ThreadPoolSimulationTest, one_thread_runs_its_jobs_in_their_order) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    ThreadPool pool(1);
    const Simulation simulation(seed);
    std::vector<int> order; // one job at a time
    std::vector<AsyncResult<void>> results;
    for (int i = 0; i < 10; ++i)
      results.push_back(pool.submit([&order, i] { order.push_back(i); }));
    EXPECT_EQ(pool.pending(), 10u);
    pool.join();
    EXPECT_EQ(order, (std::vector{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
    EXPECT_EQ(pool.pending(), 0u);
  }
}

TEST_F(ThreadPoolSimulationTest, several_threads_take_the_next_jobs_in_any_order) {
  std::set<std::vector<int>> orders;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    ThreadPool pool(2);
    const Simulation simulation(seed);
    std::vector<int> order;
    for (int i = 0; i < 3; ++i)
      pool.submit([&order, i] { order.push_back(i); });
    pool.join();
    ASSERT_EQ(order.size(), 3u);
    EXPECT_NE(order[0], 2) << "two are under way, the third waits";
    orders.insert(order);
  }
  EXPECT_EQ(orders.size(), 4u);
}

TEST_F(ThreadPoolSimulationTest, virtual_time_does_not_run_ahead_of_a_job) {
  const Simulation simulation(3);
  const auto start = now();
  ThreadPool pool(2);
  bool woken = false;
  auto sleeper = spawn([&] {
    sleep(1ms);
    woken = true;
  });
  yield();
  pool.run([] { std::this_thread::sleep_for(std::chrono::milliseconds(20)); });
  EXPECT_FALSE(woken);
  EXPECT_EQ(now(), start);
  EXPECT_EQ(with_timeout(1ms, [&] { return pool.run([] { return 5; }); }), 5);
  sleeper.join();
  EXPECT_EQ(now() - start, 1ms);
}

TEST_F(ThreadPoolSimulationTest, a_job_has_a_thread_without_a_hub_and_the_hook_has_run_there) {
  const Simulation simulation(3);
  std::atomic<int> hooks = 0;
  ThreadPool pool(1, {.on_start = [&] { ++hooks; }});
  EXPECT_TRUE(pool.run([&] { return hooks == 1 && pool.on_own_thread(); }));
  EXPECT_NE(pool.run([] { return std::this_thread::get_id(); }), std::this_thread::get_id());
  EXPECT_THROW(pool.run([] { yield(); }), std::logic_error);
  EXPECT_THROW(pool.run([] { throw TestError(); }), TestError);
  EXPECT_EQ(pool.run([&] { return pool.run([] { return 1; }) + 1; }), 2);
}

TEST_F(ThreadPoolSimulationTest, without_threads_jobs_wait_until_there_are_some) {
  const Simulation simulation(5);
  ThreadPool pool(0);
  auto one = pool.submit([] { return 1; });
  auto two = pool.submit([] { return 2; });
  EXPECT_FALSE(one.wait(std::chrono::hours(1)));
  EXPECT_EQ(pool.pending(), 2u);
  EXPECT_FALSE(pool.join(1ms));
  pool.resize(1);
  EXPECT_EQ(one.get(), 1);
  EXPECT_EQ(two.get(), 2);
}

TEST_F(ThreadPoolSimulationTest, jobs_that_are_killed_or_given_up_never_begin) {
  const Simulation simulation(5);
  ThreadPool pool(0);
  bool ran = false;
  const auto job = [&ran] { ran = true; };
  auto dropped = pool.submit(job);
  pool.kill_pending();
  EXPECT_THROW(dropped.get(), Killed);
  auto waiter = spawn([&] { pool.run(job); });
  while (pool.pending() == 0)
    yield();
  waiter.kill();
  pool.resize(2);
  EXPECT_TRUE(pool.join());
  EXPECT_FALSE(ran);
}

TEST_F(ThreadPoolSimulationTest, a_pool_that_goes_runs_its_jobs_first) {
  const Simulation simulation(5);
  int ran = 0;
  {
    ThreadPool pool(1);
    for (int i = 0; i < 5; ++i)
      pool.submit([&ran] { ++ran; });
  }
  EXPECT_EQ(ran, 5);
  std::optional<AsyncResult<void>> never;
  {
    ThreadPool pool(0);
    never = pool.submit([] {});
  }
  EXPECT_THROW(never->get(), Closed);
}

TEST_F(ThreadPoolSimulationTest, jobs_outlive_the_simulation_they_began_in) {
  ThreadPool pool(1);
  std::optional<AsyncResult<int>> result;
  {
    const Simulation simulation(5);
    result = pool.submit([] { return 4; });
  }
  EXPECT_EQ(result->get(), 4);
}

TEST_F(ThreadPoolSimulationTest, jobs_of_a_hub_that_shuts_down_are_dropped) {
  ThreadPool pool(1);
  pool.resize(0);
  HubThread().call([&] {
    spawn([&] {
      const Simulation simulation(5);
      pool.submit([] { ADD_FAILURE() << "it ran"; });
      sleep(Deadline());
    });
    settle();
  });
  EXPECT_EQ(pool.pending(), 1u); // its turn has come, in vain
  pool.kill_pending();
  EXPECT_TRUE(pool.join());
}

TEST_F(ThreadPoolSimulationTest, files_are_part_of_it) {
  const TemporaryFile place("first\nsecond\n");
  const auto run = [&](std::uint64_t seed) {
    Log log;
    const Simulation simulation(seed);
    auto ticker = spawn([&] {
      for (int i = 0; i < 10; ++i) {
        yield();
        log.push_back("tick");
      }
    });
    File file = File::open(place.path());
    while (auto line = file.read_line(1ms)) // virtual: the disk is always in time
      log.push_back(*line);
    ticker.join();
    return log;
  };
  const Log first = run(11);
  EXPECT_EQ(first.size(), 12u);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(run(11), first);
}

} // namespace
} // namespace grove::test
