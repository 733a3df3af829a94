// SPDX-License-Identifier: MIT
// Pool: slots, who waits for them, and who gets them.
#include <list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <grove/hub/async_result.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/pool.hpp>
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
class PoolSpawn : public FullPool {
  bool call(Deadline deadline) override {
    return with_timeout(deadline, [this] { pool_.spawn([] {}); });
  }
};
class PoolApply : public FullPool {
  bool call(Deadline deadline) override {
    return with_timeout(deadline, [this] { return pool_.apply([] { return 1; }); }) == 1;
  }
};
[[maybe_unused]] const bool rows_added = add_blocking_calls({
    blocking_row<WaitAvailable>("pool_wait_available"),
    blocking_row<PoolAdd>("pool_add"),
    blocking_row<WaitAnyAvailable>("wait_any_pool"),
    blocking_row<PoolSpawn>("pool_spawn"),
    blocking_row<PoolApply>("pool_apply"),
});

// -- slots ----------------------------------------------------------------------------------------

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

} // namespace
} // namespace grove::test
