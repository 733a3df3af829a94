// SPDX-License-Identifier: MIT
// map, of groups and pools.
#include <algorithm>
#include <list>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <vector>

#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/pool.hpp>
#include <grove/hub/timeout.hpp>

#include "../support/blocking_call.hpp"
#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

// Members wait for what the call waits for.
template <class Items, class Crew>
class MapCall : public BlockingCall {
  bool call(Deadline deadline) override {
    const auto work = [this](int item) {
      event_.wait();
      return item;
    };
    return crew_.map(work, Items{1, 2, 3}, deadline) == std::vector{1, 2, 3};
  }
  void release() override { event_.set(); }
  void again() override { event_.clear(); }
  bool direct() const override { return false; }
  bool get_like() const override { return true; }
  std::size_t waiters() const override { return event_.waiters(); }
  Event event_;
  Crew crew_ = Crew(2);
};
struct Unbounded : Group {
  explicit Unbounded(int) {}
};
// The same of a member, which does the work itself.
class MapOfMember : public BlockingCall {
  bool call(Deadline deadline) override {
    Pool pool(1);
    return pool.apply([&] {
      try {
        return pool.map([this](int item) { return event_.wait() ? item : 0; }, std::vector{1, 2},
                        deadline) == std::vector{1, 2};
      } catch (const TimeoutError&) {
        return false;
      }
    });
  }
  void release() override { event_.set(); }
  void again() override { event_.clear(); }
  bool direct() const override { return false; }
  std::size_t waiters() const override { return event_.waiters(); }
  Event event_;
};
[[maybe_unused]] const bool rows_added = add_blocking_calls({
    blocking_row<MapCall<std::vector<int>, Unbounded>>("group_map"),
    blocking_row<MapCall<std::list<int>, Unbounded>>("group_map_of_a_list"),
    blocking_row<MapCall<std::vector<int>, Pool>>("pool_map"),
    blocking_row<MapCall<std::list<int>, Pool>>("pool_map_of_a_list"),
    blocking_row<MapOfMember>("map_of_a_member"),
});

class MapTest : public HubTest {};

// gevent P15
TEST_F(MapTest, map_gives_the_results_in_the_order_of_the_items) {
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

TEST_F(MapTest, as_many_items_are_under_way_as_there_are_slots) {
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
TEST_F(MapTest, the_sizes_that_mapped_functions_see) {
  Pool pool(2);
  Log log;
  pool.map([&](int) { log.push_back("Size of pool " + std::to_string(pool.size())); },
           std::vector{0, 1, 2});
  EXPECT_EQ(log, (Log{"Size of pool 2", "Size of pool 2", "Size of pool 1"}));
}

TEST_F(MapTest, map_takes_items_by_reference_and_results_that_cannot_be_copied) {
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
TEST_F(MapTest, map_throws_the_first_error_and_ends_the_rest) {
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

// Also when its turn would come late, or never.
TEST_F(MapTest, map_of_a_list_throws_the_first_error_at_once) {
  Group group;
  int unwound = 0;
  const auto work = [&](int item) {
    AtExit exit([&] { ++unwound; });
    if (item == 3)
      throw TestError(3);
    sleep(Deadline());
    return item;
  };
  EXPECT_THROW(group.map(work, std::list{1, 2, 3, 4}), TestError);
  EXPECT_EQ(unwound, 4);
  EXPECT_TRUE(group.empty());
}

TEST_F(MapTest, map_of_a_range_that_breaks_throws_its_error_at_once) {
  Group group;
  auto items = std::views::iota(0) | std::views::transform([](int item) {
                 if (item == 2)
                   throw TestError(2);
                 return item;
               }) |
               std::views::take_while([](int) { return true; });
  EXPECT_THROW(group.map([](int) { sleep(Deadline()); }, items), TestError);
  EXPECT_TRUE(group.empty());
}

TEST_F(MapTest, a_map_whose_deadline_comes_kills_those_under_way_and_begins_no_more) {
  const auto expect = [](auto items) {
    Pool pool(2);
    int begun = 0;
    int unwound = 0;
    const auto work = [&](int) {
      ++begun;
      AtExit exit([&] { ++unwound; });
      sleep(Deadline());
    };
    EXPECT_THROW(pool.map(work, items, 1ms), TimeoutError);
    EXPECT_EQ(begun, 2);
    EXPECT_EQ(unwound, 2);
    settle();
    EXPECT_TRUE(pool.empty());
    EXPECT_EQ(pool.map([](int i) { return i; }, items, 10s), (std::vector{1, 2, 3}));
  };
  expect(std::vector{1, 2, 3});
  expect(std::list{1, 2, 3});
}

TEST_F(MapTest, an_interrupted_map_ends_its_workers) {
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
TEST_F(MapTest, kill_during_a_map_starts_no_more_items) {
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

} // namespace
} // namespace grove::test
