// SPDX-License-Identifier: MIT
// Group, Pool: map.
#include <algorithm>
#include <iterator>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <grove/hub/async_result.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/pool.hpp>
#include <grove/hub/queue.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/hub/wait_any.hpp>

#include "../support/blocking_call.hpp"
#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class PoolMapTest : public HubTest {};

// gevent P15
TEST_F(PoolMapTest, map_gives_the_results_in_the_order_of_the_items) {
  for (const std::ptrdiff_t bound : {1, 2, 3, 10, 0}) {
    std::optional<Pool> pool;
    bound == 0 ? pool.emplace() : pool.emplace(bound);
    for (const int count : {0, 1, 10, 100}) {
      std::vector<int> items;
      std::vector<int> squares;
      for (int i = 0; i < count; ++i) {
        items.push_back(i);
        squares.push_back(i * i);
      }
      const auto square = [](int i) {
        for (int k = i % 3; k > 0; --k)
          yield();
        return i * i;
      };
      EXPECT_EQ(pool->map(square, items), squares);
      EXPECT_EQ(pool->map(square, std::list(items.begin(), items.end())), squares);
      EXPECT_EQ(pool->map_async(square, items).get(), squares);
      EXPECT_TRUE(pool->empty());
    }
  }
}

TEST_F(PoolMapTest, as_many_items_are_under_way_as_there_are_slots) {
  Pool pool(3);
  int now = 0;
  int most = 0;
  const auto work = [&](int) {
    most = std::max(most, ++now);
    settle(3);
    --now;
  };
  pool.map(work, std::vector(20, 0));
  EXPECT_EQ(most, 3);
  pool.map(work, std::list(20, 0));
  EXPECT_EQ(most, 3);
  Group().map(work, std::vector(20, 0));
  EXPECT_EQ(most, 20);
}

// seed 18
TEST_F(PoolMapTest, the_sizes_that_mapped_functions_see) {
  Pool pool(2);
  Log log;
  pool.map([&](int) { log.push_back("Size of pool " + std::to_string(pool.size())); },
           std::vector{0, 1, 2});
  EXPECT_EQ(log, (Log{"Size of pool 2", "Size of pool 2", "Size of pool 1"}));
}

TEST_F(PoolMapTest, map_takes_items_by_reference_and_results_that_cannot_be_copied) {
  Group group;
  std::vector<int> items{1, 2, 3};
  group.map([](int& i) { i *= 10; }, items);
  EXPECT_EQ(items, (std::vector{10, 20, 30}));
  const auto made = group.map([](int i) { return std::make_unique<int>(i); }, items);
  EXPECT_EQ(*made[2], 30);
  EXPECT_EQ(group.map([](int i) { return i > 15; }, items), (std::vector<bool>{false, true, true}));
  EXPECT_EQ(group.map(&std::string::size, std::vector<std::string>{"a", "bcd"}),
            (std::vector<std::size_t>{1, 3}));
}

// gevent P24
TEST_F(PoolMapTest, map_throws_the_first_error_and_ends_the_rest) {
  ErrorLog errors;
  for (const bool indexed : {true, false}) {
    Pool pool(2);
    int begun = 0;
    int unwound = 0;
    const auto work = [&](int i) {
      ++begun;
      if (i == 1)
        throw TestError(i);
      AtExit exit([&] { ++unwound; });
      sleep(Deadline());
      return i;
    };
    if (indexed)
      EXPECT_THROW(pool.map(work, std::vector{0, 1, 2, 3}), TestError);
    else
      EXPECT_THROW(pool.map(
                       [&](int i) {
                         ++begun;
                         if (i == 0)
                           throw TestError(i);
                         AtExit exit([&] { ++unwound; });
                         sleep(Deadline());
                         return i;
                       },
                       std::list{0, 1, 2, 3}),
                   TestError);
    EXPECT_LE(begun, 3);
    EXPECT_EQ(unwound, begun - 1);
    EXPECT_TRUE(pool.empty());
  }
  EXPECT_EQ(errors.size(), 0u) << "the error was thrown to somebody";
}

TEST_F(PoolMapTest, an_interrupted_map_ends_its_workers) {
  Pool pool(2);
  int unwound = 0;
  const auto work = [&](int) {
    AtExit exit([&] { ++unwound; });
    sleep(Deadline());
  };
  {
    Timeout limit(1ms);
    EXPECT_THROW(pool.map(work, std::vector(5, 0)), TimeoutExpired);
  }
  EXPECT_EQ(unwound, 2);
  auto mapper = spawn([&] { pool.map(work, std::list(5, 0)); });
  settle();
  mapper.kill();
  EXPECT_EQ(unwound, 4);
  EXPECT_EQ(pool.free_count(), 2u);
}

// gevent P26
TEST_F(PoolMapTest, kill_during_a_map_starts_no_more_items) {
  for (const std::ptrdiff_t bound : {1, 2, 3, 10}) {
    Pool pool(bound);
    int begun = 0;
    const auto work = [&](int) {
      ++begun;
      sleep(Deadline());
    };
    auto map = pool.map_async(work, std::vector(static_cast<std::size_t>(bound) * 2, 0));
    auto list = spawn([&] { pool.map(work, std::list(3, 0)); });
    auto caller = spawn([&] { pool.map(work, std::vector(3, 0)); });
    settle();
    EXPECT_EQ(begun, bound);
    ErrorLog errors;
    EXPECT_TRUE(pool.kill());
    EXPECT_TRUE(map.join());
    EXPECT_TRUE(map.killed());
    EXPECT_THROW(caller.get(), Killed);
    EXPECT_THROW(list.get(), Killed);
    EXPECT_EQ(begun, bound);
    EXPECT_TRUE(pool.empty());
  }
}

TEST_F(PoolMapTest, a_map_makes_way_for_whoever_waits_for_a_slot) {
  Pool pool(1);
  int done = 0;
  int when = -1;
  auto spawner = spawn([&] { pool.spawn([&] { when = done; }); });
  pool.map(
      [&](int) {
        settle(2);
        ++done;
      },
      std::vector<int>(10));
  spawner.get();
  pool.join();
  EXPECT_EQ(done, 10);
  EXPECT_GE(when, 1);
  EXPECT_LT(when, 10) << "it had to wait for all of the map";
}

} // namespace
} // namespace grove::test
