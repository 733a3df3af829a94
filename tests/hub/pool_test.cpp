// SPDX-License-Identifier: MIT
// Pool: slots; and map, imap and imap_unordered, of groups and pools.
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

// A pool of one whose member ends when it is told to.
class FullPool : public BlockingCall {
public:
  FullPool() { again(); }
  ~FullPool() override { end_.set(); }
  void release() override { end_.set(); }
  bool direct() const override { return false; }
  void again() override {
    end_.set();
    pool_.join();
    end_.clear();
    pool_.spawn([this] { end_.wait(); });
    yield();
  }

protected:
  Event end_;
  Pool pool_{1};
};
class WaitAvailable : public FullPool {
  bool call(Deadline deadline) override { return pool_.wait_available(deadline); }
};
class PoolAdd : public FullPool {
  bool call(Deadline deadline) override {
    auto more = spawn([this] { end_.wait(); });
    AtExit exit([&] { more.kill_nowait(); });
    return pool_.add(more, deadline);
  }
};
class WaitAnyAvailable : public FullPool {
  bool call(Deadline deadline) override {
    return wait_any(pool_.available_op(), after(deadline)).index() == 0;
  }
};
class ImapNext : public BlockingCall {
public:
  ImapNext() { again(); }

private:
  bool call(Deadline deadline) override { return results_->next(deadline) == 1; }
  void release() override { queue_.put(1); }
  bool direct() const override { return false; }
  bool get_like() const override { return true; }
  void again() override {
    if (!results_)
      results_.emplace(group_.imap([this](int) { return queue_.get(); }, std::vector(10, 0), 1));
  }
  Queue<int> queue_;
  Group group_;
  std::optional<Results<int>> results_;
};

[[maybe_unused]] const bool rows_added = add_blocking_calls({
    blocking_row<WaitAvailable>("pool_wait_available"),
    blocking_row<PoolAdd>("pool_add"),
    blocking_row<WaitAnyAvailable>("wait_any_pool"),
    blocking_row<ImapNext>("imap_next"),
});

// -- slots
// -----------------------------------------------------------------------------------------

class PoolTest : public HubTest {};

// gevent P5
TEST_F(PoolTest, spawns_use_slots_and_ends_free_them) {
  Pool pool(2);
  EXPECT_EQ(pool.bound(), 2u);
  EXPECT_EQ(pool.free_count(), 2u);
  AsyncResult<int> r1;
  AsyncResult<int> r2;
  pool.spawn([&] { r1.set(1); });
  EXPECT_EQ(pool.free_count(), 1u);
  EXPECT_FALSE(pool.full());
  pool.spawn([&] { r2.set(4); });
  EXPECT_EQ(pool.free_count(), 0u);
  EXPECT_TRUE(pool.full());
  EXPECT_EQ(r1.get(), 1);
  EXPECT_EQ(r2.get(), 4);
  yield();
  EXPECT_EQ(pool.free_count(), 2u);
}

// gevent P6
TEST_F(PoolTest, apply_async_on_a_full_pool_neither_runs_it_nor_waits) {
  Pool pool(2);
  Log log;
  Event end;
  for (int i = 0; i < 2; ++i)
    pool.spawn([&] { end.wait(); });
  for (const char* name : {"a", "b", "c"}) {
    pool.apply_async([&, name] {
      EXPECT_LE(pool.size(), 2u);
      log.emplace_back(name);
    });
  }
  EXPECT_TRUE(log.empty());
  settle();
  EXPECT_TRUE(log.empty());
  EXPECT_EQ(pool.size(), 2u);
  end.set();
  EXPECT_TRUE(pool.join());
  EXPECT_EQ(log, (Log{"a", "b", "c"}));
  EXPECT_EQ(pool.free_count(), 2u);
}

TEST_F(PoolTest, an_apply_async_that_waits_can_be_killed_and_discarded) {
  Pool pool(1);
  Event end;
  bool ran = false;
  pool.spawn([&] { end.wait(); });
  auto killed = pool.apply_async([&] { ran = true; });
  settle();
  killed.kill();
  EXPECT_FALSE(ran);
  auto unbegun = pool.apply_async([&] { ran = true; });
  unbegun.kill();
  auto discarded = pool.apply_async([] { return 3; });
  EXPECT_TRUE(pool.discard(discarded));
  EXPECT_EQ(discarded.get(), 3) << "without the pool it needs no slot";
  auto waiting = pool.apply_async([] { return 4; });
  settle();
  EXPECT_TRUE(pool.discard(waiting));
  settle();
  EXPECT_FALSE(waiting.ready());
  end.set();
  EXPECT_EQ(waiting.get(), 4);
  EXPECT_FALSE(ran);
  EXPECT_EQ(pool.free_count(), 1u);
}

// gevent P7
TEST_F(PoolTest, apply_waits_for_a_slot) {
  ErrorLog errors;
  Pool pool(1);
  pool.spawn([] { settle(); });
  EXPECT_EQ(pool.apply([] { return 1; }), 1);
  EXPECT_THROW(pool.apply([] { throw TestError(); }), TestError);
  EXPECT_EQ(pool.apply([] { return 2; }), 2);
}

TEST_F(PoolTest, a_member_that_applies_or_maps_in_its_full_pool_does_it_itself) {
  Pool pool(1);
  auto member = pool.spawn([&] {
    const auto squares = pool.map([](int i) { return i * i; }, std::vector{1, 2, 3});
    const auto list = pool.map([](int i) { return i; }, std::list{4, 5});
    return pool.apply([](int a) { return a; }, squares.back()) + list.back();
  });
  EXPECT_EQ(member.get(), 14);
}

// gevent P9
TEST_F(PoolTest, a_member_whose_error_is_reported_at_length_has_freed_its_slot) {
  Pool pool(1);
  std::optional<std::size_t> free;
  Hub::current().on_error([&](const UnhandledError&) { free = pool.free_count(); });
  AtExit exit([] { Hub::current().on_error({}); });
  pool.spawn([] { throw TestError(); });
  settle();
  EXPECT_EQ(free, 1u);
  EXPECT_EQ(pool.apply([] { return 1; }), 1);
}

// gevent P10
TEST_F(PoolTest, a_consumer_and_a_producer_in_a_pool_of_two) {
  Pool pool(2);
  Event event;
  Log log;
  auto consumer = pool.spawn([&] {
    log.emplace_back("cons1");
    event.wait();
    log.emplace_back("cons2");
  });
  auto producer = pool.spawn([&] {
    log.emplace_back("prod");
    event.set();
  });
  pool.join();
  EXPECT_EQ(log, (Log{"cons1", "prod", "cons2"}));
}

// gevent P11
TEST_F(PoolTest, a_discarded_member_has_freed_its_slot_once) {
  Pool pool(2);
  auto first = pool.spawn([] { sleep(Deadline()); });
  pool.spawn([] { sleep(Deadline()); });
  yield();
  EXPECT_TRUE(pool.full());
  EXPECT_TRUE(pool.discard(first));
  EXPECT_EQ(pool.free_count(), 1u);
  first.kill();
  EXPECT_EQ(pool.free_count(), 1u);
  EXPECT_EQ(pool.size(), 1u);
}

// gevent P12
TEST_F(PoolTest, an_add_that_times_out_changes_nothing) {
  Pool pool(1);
  pool.spawn([] { sleep(Deadline()); });
  auto more = spawn([] { sleep(Deadline()); });
  {
    Timeout limit(1ms);
    EXPECT_THROW(pool.add(more), TimeoutExpired);
  }
  EXPECT_FALSE(pool.add(more, 1ms));
  EXPECT_EQ(pool.size(), 1u);
  EXPECT_EQ(pool.free_count(), 0u);
  EXPECT_EQ(more.links(), 0u);
  EXPECT_FALSE(pool.contains(more));
  pool.kill();
  EXPECT_TRUE(pool.add(more, 1ms));
  EXPECT_TRUE(pool.full());
}

TEST_F(PoolTest, an_added_one_that_ends_while_it_waits_for_its_slot_takes_none) {
  Pool pool(1);
  Event end;
  pool.spawn([&] { end.wait(); });
  auto more = spawn([] { settle(3); });
  auto adder = spawn([&] { return pool.add(more); });
  settle();
  EXPECT_TRUE(more.ready());
  EXPECT_FALSE(adder.ready());
  end.set();
  EXPECT_TRUE(adder.get());
  EXPECT_EQ(pool.free_count(), 1u);
}

// gevent P14
TEST_F(PoolTest, a_negative_bound_is_refused) {
  try {
    Pool pool(-1);
    ADD_FAILURE();
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "grove: Pool: a bound of -1 is negative");
  }
}

// gevent P14
TEST_F(PoolTest, a_pool_of_none_is_always_full) {
  Pool pool(0);
  EXPECT_EQ(pool.free_count(), 0u);
  EXPECT_TRUE(pool.full());
  EXPECT_FALSE(pool.wait_available(1ms));
  Timeout limit(1ms);
  EXPECT_THROW(pool.map([](int) {}, std::vector{1}), TimeoutExpired);
  EXPECT_TRUE(pool.map([](int i) { return i; }, std::vector<int>{}).empty());
}

TEST_F(PoolTest, a_pool_without_a_bound_is_never_full) {
  Pool pool;
  for (int i = 0; i < 100; ++i)
    pool.spawn([] { sleep(Deadline()); });
  EXPECT_FALSE(pool.full());
  EXPECT_TRUE(pool.wait_available(0s));
  EXPECT_EQ(pool.size(), 100u);
}

TEST_F(PoolTest, who_waits_to_spawn_is_served_in_order_and_wait_available_comes_last) {
  Pool pool(1);
  Event end;
  Log log;
  pool.spawn([&] { end.wait(); });
  auto watcher = spawn([&] {
    pool.wait_available();
    log.emplace_back("available");
  });
  std::vector<GreenletRef<>> spawners;
  for (const char* name : {"a", "b", "c"})
    spawners.push_back(spawn([&, name] { pool.spawn([&, name] { log.emplace_back(name); }); }));
  settle();
  EXPECT_TRUE(log.empty());
  end.set();
  watcher.join();
  EXPECT_EQ(log, (Log{"a", "b", "c", "available"}));
}

// gevent P29
TEST_F(PoolTest, a_killed_or_timed_out_spawn_takes_no_slot) {
  Pool pool(1);
  auto first = pool.spawn([] { sleep(Deadline()); });
  bool ran = false;
  auto spawner = spawn([&] { pool.spawn([&] { ran = true; }); });
  settle();
  spawner.kill();
  {
    Timeout limit(1ms);
    EXPECT_THROW(pool.spawn([&] { ran = true; }), TimeoutExpired);
  }
  EXPECT_EQ(pool.free_count(), 0u);
  first.kill();
  EXPECT_EQ(pool.free_count(), 1u);
  settle();
  EXPECT_FALSE(ran);
}

// pitfall 57
TEST_F(PoolTest, a_slot_that_was_given_before_the_kill_is_used) {
  Pool pool(1);
  bool ran = false;
  auto first = pool.spawn([] { sleep(Deadline()); });
  auto spawner = spawn([&] { pool.spawn([&] { ran = true; }); });
  settle();
  pool.discard(first); // the slot is the spawner's
  spawner.kill_nowait();
  spawner.join();
  EXPECT_TRUE(spawner.successful());
  pool.join();
  EXPECT_TRUE(ran);
  EXPECT_EQ(pool.free_count(), 1u);
  first.kill();
}

TEST_F(PoolTest, a_function_that_cannot_be_copied_frees_its_slot) {
  struct Throws {
    Throws() = default;
    Throws(const Throws&) { throw TestError(); }
    Throws& operator=(const Throws&) = delete;
    void operator()() {}
  };
  Pool pool(1);
  const Throws function;
  EXPECT_THROW(pool.spawn(function), TestError);
  EXPECT_THROW(pool.apply_async(function), TestError);
  EXPECT_EQ(pool.free_count(), 1u);
}

// gevent P27
TEST_F(PoolTest, to_join_an_empty_pool_does_not_switch) {
  Pool pool(1);
  bool other = false;
  auto o = spawn([&] { other = true; });
  EXPECT_TRUE(pool.join());
  EXPECT_FALSE(other);
  o.join();
}

TEST_F(PoolTest, a_pool_that_goes_wakes_who_waits_for_it) {
  ErrorLog errors;
  auto pool = std::make_unique<Pool>(1);
  pool->spawn([] { sleep(Deadline()); });
  auto spawner = spawn([&] { pool->spawn([] {}); });
  auto watcher = spawn([&] { pool->wait_available(); });
  auto chooser = spawn([&] { wait_any(pool->available_op()); });
  auto joiner = spawn([&] { return pool->join(); });
  auto late = pool->apply_async([] {});
  settle();
  pool.reset();
  EXPECT_THROW(spawner.get(), Closed);
  EXPECT_THROW(watcher.get(), Closed);
  EXPECT_THROW(chooser.get(), Closed);
  EXPECT_TRUE(joiner.get());
  EXPECT_THROW(late.get(), Killed);
}

// The slot was handed over, and the pool goes before its new owner runs.
TEST_F(PoolTest, a_spawner_with_a_slot_outlives_nothing) {
  bool ran = false;
  GreenletRef<> spawner;
  {
    Pool pool(1);
    auto first = pool.spawn([] { sleep(Deadline()); });
    spawner = spawn([&] { pool.spawn([&] { ran = true; }); });
    settle();
    pool.discard(first);
    first.kill_nowait();
  }
  EXPECT_TRUE(spawner.successful());
  EXPECT_FALSE(ran);
}

// -- map
// -------------------------------------------------------------------------------------------

// gevent P15
TEST_F(PoolTest, map_gives_the_results_in_the_order_of_the_items) {
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

TEST_F(PoolTest, as_many_items_are_under_way_as_there_are_slots) {
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
TEST_F(PoolTest, the_sizes_that_mapped_functions_see) {
  Pool pool(2);
  Log log;
  pool.map([&](int) { log.push_back("Size of pool " + std::to_string(pool.size())); },
           std::vector{0, 1, 2});
  EXPECT_EQ(log, (Log{"Size of pool 2", "Size of pool 2", "Size of pool 1"}));
}

TEST_F(PoolTest, map_takes_items_by_reference_and_results_that_cannot_be_copied) {
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
TEST_F(PoolTest, map_throws_the_first_error_and_ends_the_rest) {
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

TEST_F(PoolTest, an_interrupted_map_ends_its_workers) {
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
TEST_F(PoolTest, kill_during_a_map_starts_no_more_items) {
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

// -- imap
// ------------------------------------------------------------------------------------------

template <class T>
std::vector<T> all_of(Results<T> results) {
  std::vector<T> all;
  for (T& one : results)
    all.push_back(std::move(one));
  return all;
}
std::vector<int> first_numbers(int count) {
  std::vector<int> all;
  for (int i = 0; i < count; ++i)
    all.push_back(i);
  return all;
}
int square_slowly(int i) {
  for (int k = (i * 7919) % 5; k > 0; --k)
    yield();
  return i * i;
}

// gevent P16, P17
TEST_F(PoolTest, imap_gives_the_results_in_order_and_then_ends) {
  for (const std::ptrdiff_t bound : {1, 2, 3, 10}) {
    Pool pool(bound);
    auto results = pool.imap(square_slowly, first_numbers(1000));
    for (int i = 0; i < 1000; ++i)
      EXPECT_EQ(results.next(), i * i);
    EXPECT_EQ(results.next(), std::nullopt);
    EXPECT_EQ(results.next(), std::nullopt);
  }
}

// gevent P17
TEST_F(PoolTest, imap_unordered_gives_the_same_in_another_order) {
  for (const std::ptrdiff_t bound : {1, 2, 3, 10}) {
    Pool pool(bound);
    auto ordered = all_of(pool.imap(square_slowly, first_numbers(100)));
    auto unordered = all_of(pool.imap_unordered(square_slowly, first_numbers(100)));
    EXPECT_EQ(ordered == unordered, bound == 1);
    std::sort(unordered.begin(), unordered.end());
    EXPECT_EQ(ordered, unordered);
  }
}

// seed 05
TEST_F(PoolTest, four_runs_of_imap_unordered_give_the_same_order) {
  Pool pool(10);
  const auto echo = [](int i) {
    sleep(1ms);
    return i;
  };
  const auto shuffled = [](int i) {
    square_slowly(i);
    return i;
  };
  const auto first = all_of(pool.imap_unordered(echo, first_numbers(10)));
  const auto second = all_of(pool.imap_unordered(shuffled, first_numbers(100)));
  EXPECT_NE(second, first_numbers(100));
  for (int run = 0; run < 3; ++run) {
    EXPECT_EQ(all_of(pool.imap_unordered(echo, first_numbers(10))), first);
    EXPECT_EQ(all_of(pool.imap_unordered(shuffled, first_numbers(100))), second);
  }
}

// gevent P19
TEST_F(PoolTest, no_items_give_no_results) {
  Pool pool(2);
  EXPECT_EQ(pool.map(square_slowly, std::vector<int>{}), std::vector<int>{});
  EXPECT_EQ(pool.map(square_slowly, std::list<int>{}), std::vector<int>{});
  EXPECT_EQ(all_of(pool.imap(square_slowly, std::vector<int>{})), std::vector<int>{});
  EXPECT_EQ(all_of(pool.imap_unordered(square_slowly, std::vector<int>{})), std::vector<int>{});
}

// Items out of a queue until it is closed.
struct FromQueue {
  Queue<int>* queue;
  struct Iterator {
    using value_type = int;
    using difference_type = std::ptrdiff_t;
    Queue<int>* queue;
    std::optional<int> item;
    int operator*() const { return *item; }
    Iterator& operator++() {
      try {
        item = queue->get();
      } catch (const Closed&) {
        item.reset();
      }
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return !item.has_value(); }
  };
  Iterator begin() const { return ++Iterator{queue, {}}; }
  std::default_sentinel_t end() const { return {}; }
};

// gevent P20, P21
TEST_F(PoolTest, items_may_come_late_and_their_end_even_later) {
  Pool pool(2);
  for (const bool ordered : {true, false}) {
    Queue<int> queue;
    auto results = ordered ? pool.imap(square_slowly, FromQueue{&queue})
                           : pool.imap_unordered(square_slowly, FromQueue{&queue});
    EXPECT_THROW(results.next(1ms), TimeoutError);
    queue.put(3);
    EXPECT_EQ(results.next(), 9);
    auto closer = spawn([&] {
      sleep(1ms);
      queue.close();
    });
    EXPECT_EQ(results.next(), std::nullopt);
    EXPECT_EQ(results.next(), std::nullopt);
    closer.join();
  }
  Queue<int> queue;
  auto all = spawn([&] { return pool.map(square_slowly, FromQueue{&queue}); });
  queue.put(1);
  queue.put(2);
  settle();
  queue.close();
  EXPECT_EQ(all.get(), (std::vector{1, 4}));
}

// gevent P22
TEST_F(PoolTest, maxsize_bounds_what_was_begun_and_not_read) {
  for (const bool ordered : {true, false}) {
    for (const std::size_t maxsize : {std::size_t{1}, std::size_t{2}, std::size_t{5}}) {
      Pool pool(10);
      std::size_t begun = 0;
      std::size_t taken = 0;
      Queue<int> queue;
      for (int i = 0; i < 20; ++i)
        queue.put(i);
      queue.close();
      const auto count = [&](int i) {
        ++begun;
        return i;
      };
      auto results = ordered ? pool.imap(count, FromQueue{&queue}, maxsize)
                             : pool.imap_unordered(count, FromQueue{&queue}, maxsize);
      for (;; ++taken) {
        settle();
        EXPECT_LE(begun, taken + maxsize);
        EXPECT_LE(20 - queue.size(), begun + 1) << "items wait with their source";
        if (!results.next())
          break;
      }
      EXPECT_EQ(taken, 20u);
    }
  }
}

// gevent P24
TEST_F(PoolTest, an_error_is_the_result_of_its_item_alone) {
  ErrorLog errors;
  Pool pool(1);
  const auto divide = [](int i) {
    if (i == 0)
      throw TestError();
    return 1.0 / i;
  };
  for (const bool ordered : {true, false}) {
    auto results = ordered ? pool.imap(divide, std::vector{1, 0, 2})
                           : pool.imap_unordered(divide, std::vector{1, 0, 2});
    EXPECT_EQ(results.next(), 1.0);
    EXPECT_THROW(results.next(), TestError);
    EXPECT_EQ(results.next(), 0.5);
    EXPECT_EQ(results.next(), std::nullopt);
  }
  EXPECT_EQ(errors.size(), 0u);
}

TEST_F(PoolTest, an_error_of_the_source_comes_after_the_results) {
  struct Source {
    struct Iterator {
      using value_type = int;
      using difference_type = std::ptrdiff_t;
      int i = 0;
      int operator*() const { return i; }
      Iterator& operator++() {
        if (++i == 2)
          throw TestError(2);
        return *this;
      }
      void operator++(int) { ++*this; }
      bool operator==(std::default_sentinel_t) const { return false; }
    };
    Iterator begin() const { return {}; }
    std::default_sentinel_t end() const { return {}; }
  };
  Group group;
  auto results = group.imap(square_slowly, Source{});
  EXPECT_EQ(results.next(), 0);
  EXPECT_EQ(results.next(), 1);
  EXPECT_THROW(results.next(), TestError);
  EXPECT_EQ(results.next(), std::nullopt);
}

TEST_F(PoolTest, an_item_that_cannot_be_taken_fails_alone) {
  struct Item {
    int i;
    explicit Item(int n) : i(n) {}
    Item(const Item& other) : i(other.i) {
      if (i == 1)
        throw TestError();
    }
    Item(Item&&) = default;
    Item& operator=(const Item&) = default;
    ~Item() = default;
  };
  std::vector<Item> items;
  items.reserve(3);
  for (int i = 0; i < 3; ++i)
    items.emplace_back(i);
  Pool pool(1);
  auto results = pool.imap([](Item item) { return item.i; }, items);
  EXPECT_EQ(results.next(), 0);
  EXPECT_THROW(results.next(), TestError);
  EXPECT_EQ(results.next(), 2);
  EXPECT_EQ(results.next(), std::nullopt);
}

TEST_F(PoolTest, imap_of_a_function_without_result_tells_that_it_has_run) {
  Group group;
  int sum = 0;
  auto results = group.imap_unordered([&](int i) { sum += i; }, std::vector{2, 3});
  EXPECT_EQ(results.next(), std::monostate{});
  EXPECT_EQ(results.next(), std::monostate{});
  EXPECT_EQ(results.next(), std::nullopt);
  EXPECT_EQ(sum, 5);
}

// gevent P26
TEST_F(PoolTest, a_kill_of_the_pool_ends_its_imaps) {
  for (const bool ordered : {true, false}) {
    Pool pool(2);
    const auto work = [](int i) {
      sleep(Deadline());
      return i;
    };
    auto results =
        ordered ? pool.imap(work, first_numbers(10)) : pool.imap_unordered(work, first_numbers(10));
    settle();
    EXPECT_EQ(pool.size(), 2u);
    EXPECT_TRUE(pool.kill());
    EXPECT_THROW(results.next(), Killed);
    EXPECT_THROW(results.next(), Killed);
    EXPECT_THROW(results.next(), Killed) << "and so was what feeds it";
    EXPECT_EQ(results.next(), std::nullopt);
  }
}

TEST_F(PoolTest, results_that_are_dropped_end_what_is_under_way) {
  Pool pool(3);
  Event end;
  auto other = pool.spawn([&] { end.wait(); });
  int unwound = 0;
  for (int i : pool.imap(
           [&](int n) {
             AtExit exit([&] { ++unwound; });
             if (n > 0)
               sleep(Deadline());
             return n;
           },
           first_numbers(10))) {
    EXPECT_EQ(i, 0);
    settle();
    break;
  }
  EXPECT_EQ(unwound, 3);
  EXPECT_EQ(pool.size(), 1u);
  end.set();
  EXPECT_TRUE(other.join());
}

TEST_F(PoolTest, results_may_outlive_their_pool) {
  std::optional<Results<int>> results;
  {
    Pool pool(1);
    results.emplace(pool.imap(square_slowly, first_numbers(3), 1));
    EXPECT_EQ(results->next(), 0);
    settle();
  }
  EXPECT_EQ(results->next(), 1);
  EXPECT_THROW(results->next(), Killed);
  EXPECT_EQ(results->next(), std::nullopt);
}

TEST_F(PoolTest, results_that_go_wake_their_reader) {
  ErrorLog errors;
  Group group;
  std::optional<Results<int>> results(group.imap(
      [](int i) {
        sleep(Deadline());
        return i;
      },
      std::vector{1}));
  auto reader = spawn([&] { results->next(); });
  settle();
  results.reset();
  reader.join();
  EXPECT_FALSE(reader.successful());
}

TEST_F(PoolTest, imaps_nest) {
  Pool outer(2);
  Pool inner(2);
  const auto sums = all_of(outer.imap(
      [&](int n) {
        int sum = 0;
        for (const int i : inner.imap(square_slowly, first_numbers(n)))
          sum += i;
        return sum;
      },
      first_numbers(5)));
  EXPECT_EQ(sums, (std::vector{0, 0, 1, 5, 14}));
}

TEST_F(PoolTest, a_map_makes_way_for_whoever_waits_for_a_slot) {
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
