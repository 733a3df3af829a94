// SPDX-License-Identifier: MIT
// Greenlets: life cycle, arguments and results, handles, subclasses, sleep and yield.
#include <algorithm>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/join.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class GreenletTest : public HubTest {};

// gevent L1
TEST_F(GreenletTest, a_fresh_one_has_no_state_yet) {
  auto g = make_greenlet([] { return 1; });
  EXPECT_TRUE(static_cast<bool>(g));
  EXPECT_FALSE(g.started());
  EXPECT_FALSE(g.ready());
  EXPECT_FALSE(g.successful());
  EXPECT_FALSE(g.killed());
  EXPECT_EQ(g.value(), nullptr);
  EXPECT_EQ(g.exception(), nullptr);
}

// gevent L2
TEST_F(GreenletTest, started_before_its_first_turn) {
  auto g = make_greenlet([] { return 1; });
  EXPECT_TRUE(g.start());
  EXPECT_TRUE(g.started());
  EXPECT_FALSE(g.ready());
  EXPECT_EQ(g.value(), nullptr);
  g.join();
}

TEST_F(GreenletTest, after_its_return_it_is_ready_with_a_value) {
  auto g = spawn([] { return 42; });
  EXPECT_TRUE(g.join());
  EXPECT_FALSE(g.started());
  EXPECT_TRUE(g.ready());
  EXPECT_TRUE(g.successful());
  EXPECT_FALSE(g.killed());
  ASSERT_NE(g.value(), nullptr);
  EXPECT_EQ(*g.value(), 42);
  EXPECT_EQ(g.exception(), nullptr);
}

// gevent L4
TEST_F(GreenletTest, what_it_threw_is_kept_as_the_same_object) {
  ErrorLog errors;
  const auto thrown = std::make_exception_ptr(TestError(7));
  auto g = spawn([&]() -> int { std::rethrow_exception(thrown); });
  EXPECT_TRUE(g.join());
  EXPECT_TRUE(g.ready());
  EXPECT_FALSE(g.successful());
  EXPECT_FALSE(g.killed());
  EXPECT_EQ(g.value(), nullptr);
  EXPECT_EQ(g.exception(), thrown);
  EXPECT_THROW(g.get(), TestError);
  EXPECT_THROW(g.get(), TestError) << "get() may be asked again";
  EXPECT_EQ(errors.size(), 1u) << "asking does not report again";
}

// gevent L6
TEST_F(GreenletTest, starting_twice_runs_it_once) {
  int runs = 0;
  auto g = make_greenlet([&] { ++runs; });
  EXPECT_TRUE(g.start());
  EXPECT_FALSE(g.start());
  EXPECT_FALSE(g.start_later(0ms));
  g.join();
  EXPECT_FALSE(g.start());
  EXPECT_FALSE(g.start_later(0ms));
  EXPECT_TRUE(g.ready());
  EXPECT_FALSE(g.started());
  settle();
  EXPECT_EQ(runs, 1);
}

TEST_F(GreenletTest, start_while_running_does_nothing) {
  int runs = 0;
  GreenletRef<> g;
  bool again = true;
  g = make_greenlet([&] {
    ++runs;
    again = g.start();
  });
  g.start();
  g.join();
  EXPECT_FALSE(again);
  EXPECT_EQ(runs, 1);
}

TEST_F(GreenletTest, spawn_does_not_switch) {
  bool ran = false;
  auto g = spawn([&] { ran = true; });
  EXPECT_FALSE(ran);
  g.join();
  EXPECT_TRUE(ran);
}

// gevent L10
TEST_F(GreenletTest, a_child_outlives_its_parent) {
  bool child_ran = false;
  auto parent = spawn([&] { spawn([&] { child_ran = true; }); });
  parent.join();
  settle();
  EXPECT_TRUE(child_ran);
}

// gevent L11
TEST_F(GreenletTest, spawn_later_fires_after_its_spawner_has_ended) {
  Event fired;
  auto parent = spawn([&] { spawn_later(2ms, [&] { fired.set(); }); });
  parent.join();
  EXPECT_FALSE(fired.is_set());
  EXPECT_TRUE(fired.wait());
}

TEST_F(GreenletTest, spawn_later_is_not_early) {
  const auto start = Clock::now();
  auto g = spawn_later(5ms, [] { return Clock::now(); });
  EXPECT_FALSE(g.ready());
  EXPECT_GE(g.get() - start, 5ms);
}

// gevent L12
TEST_F(GreenletTest, yield_alternates) {
  Log log;
  const auto body = [&](std::string name) {
    log.push_back(name + "A");
    yield();
    log.push_back(name + "B");
  };
  auto one = spawn(body, "1");
  auto two = spawn(body, "2");
  join_all({one, two});
  EXPECT_EQ(log, (Log{"1A", "2A", "1B", "2B"}));
}

// gevent L12
TEST_F(GreenletTest, a_sleep_of_nothing_alternates_like_yield) {
  Log log;
  const auto body = [&](std::string name) {
    log.push_back(name + "A");
    sleep(0ms);
    log.push_back(name + "B");
  };
  auto one = spawn(body, "1");
  auto two = spawn(body, "2");
  join_all({one, two});
  EXPECT_EQ(log, (Log{"1A", "2A", "1B", "2B"}));
}

// gevent L17
TEST_F(GreenletTest, ids_are_small_stable_and_used_again) {
  std::set<std::uint32_t> seen;
  for (int round = 0; round < 10; ++round) {
    auto a = spawn([] { yield(); });
    auto b = spawn([] { yield(); });
    const auto id = a.id();
    EXPECT_NE(a.id(), b.id());
    yield();
    EXPECT_EQ(a.id(), id);
    seen.insert({a.id(), b.id()});
    join_all({a, b});
  }
  EXPECT_LE(seen.size(), 3u) << "k+1 ids for k living ones";
}

// gevent L20
TEST_F(GreenletTest, its_name_is_shown_and_does_not_change_at_its_end) {
  auto g = spawn(SpawnOptions{.name = "worker"}, [] { return current_name(); });
  EXPECT_EQ(g.name(), "worker");
  g.join();
  EXPECT_EQ(g.name(), "worker");
  EXPECT_EQ(*g.value(), "worker");
}

// gevent L20
TEST_F(GreenletTest, without_a_name_it_is_called_by_its_id) {
  auto g = spawn([] { return current_name(); });
  const std::string expected = "greenlet-" + std::to_string(g.id());
  EXPECT_EQ(g.name(), expected);
  EXPECT_EQ(g.get(), expected);
}

TEST_F(GreenletTest, it_may_be_renamed) {
  auto g = spawn([] {
    yield();
    return current_name();
  });
  g.set_name("renamed");
  EXPECT_EQ(g.name(), "renamed");
  EXPECT_EQ(g.get(), "renamed");
}

TEST_F(GreenletTest, the_running_one_has_a_handle_and_main_has_none) {
  EXPECT_FALSE(static_cast<bool>(current_greenlet()));
  GreenletRef<> inside;
  auto g = spawn([&] { inside = current_greenlet(); });
  g.join();
  EXPECT_TRUE(inside == g);
  EXPECT_FALSE(static_cast<bool>(current_greenlet()));
}

// -- arguments and results ---------------------------------------------------------------------

TEST_F(GreenletTest, arguments_are_copied_or_moved_like_those_of_a_thread) {
  std::string copied = "copied";
  std::string referred = "referred";
  auto moved = std::make_unique<int>(5);
  auto g = spawn(
      [](std::string a, std::string& b, std::unique_ptr<int> c) {
        b += "!";
        return a + std::to_string(*c);
      },
      copied, std::ref(referred), std::move(moved));
  copied = "changed";
  EXPECT_EQ(g.get(), "copied5");
  EXPECT_EQ(referred, "referred!");
  EXPECT_EQ(moved, nullptr);
}

struct Adder {
  int base;
  int add(int n) const { return base + n; }
};

TEST_F(GreenletTest, a_member_function_can_be_spawned) {
  const Adder adder{40};
  EXPECT_EQ(spawn(&Adder::add, &adder, 2).get(), 42);
}

TEST_F(GreenletTest, arguments_go_with_the_run_and_not_with_the_last_handle) {
  int alive = 0;
  auto g = spawn([](const Counted&) {}, Counted(alive));
  EXPECT_EQ(alive, 1);
  g.join();
  EXPECT_EQ(alive, 0);
}

TEST_F(GreenletTest, arguments_of_a_killed_fresh_one_are_destroyed) {
  int alive = 0;
  {
    auto g = make_greenlet([](const Counted&) {}, Counted(alive));
    g.kill();
  }
  EXPECT_EQ(alive, 0);
}

TEST_F(GreenletTest, arguments_of_a_dropped_fresh_one_are_destroyed) {
  int alive = 0;
  {
    auto g = make_greenlet([](const Counted&) {}, Counted(alive));
  }
  EXPECT_EQ(alive, 0);
}

TEST_F(GreenletTest, a_result_lives_as_long_as_a_handle) {
  int alive = 0;
  GreenletRef<Counted> first = spawn([&] { return Counted(alive); });
  auto second = first;
  first.join();
  EXPECT_EQ(alive, 1);
  first = {};
  EXPECT_EQ(alive, 1);
  second = {};
  EXPECT_EQ(alive, 0);
}

TEST_F(GreenletTest, a_result_nobody_holds_is_freed_at_the_end) {
  int alive = 0;
  spawn([&] { return Counted(alive); });
  settle();
  EXPECT_EQ(alive, 0);
}

TEST_F(GreenletTest, dropping_the_handle_neither_stops_nor_waits) {
  int steps = 0;
  {
    auto g = spawn([&] {
      ++steps;
      yield();
      ++steps;
    });
    yield();
    EXPECT_EQ(steps, 1);
  }
  EXPECT_EQ(steps, 1);
  settle();
  EXPECT_EQ(steps, 2);
}

TEST_F(GreenletTest, a_move_only_result_is_moved_out_of_a_temporary) {
  auto result = spawn([] { return std::make_unique<int>(3); }).get();
  EXPECT_EQ(*result, 3);
}

TEST_F(GreenletTest, a_temporary_handle_copies_what_others_still_hold) {
  auto g = spawn([] { return std::string("a string too long to be stored in place"); });
  const auto copy = GreenletRef<std::string>(g).get();
  EXPECT_EQ(copy, g.get());
}

TEST_F(GreenletTest, an_argument_whose_copy_throws_leaves_nothing_behind) {
  struct Uncopyable {
    Uncopyable() = default;
    Uncopyable(const Uncopyable&) { throw TestError(1); }
    void operator()() const {}
  };
  const auto living = Hub::current().stats().living;
  const Uncopyable f;
  EXPECT_THROW(spawn(f), TestError);
  EXPECT_EQ(Hub::current().stats().living, living);
  EXPECT_EQ(spawn([] { return 1; }).get(), 1);
}

TEST_F(GreenletTest, a_result_whose_move_throws_is_an_error_of_the_greenlet) {
  ErrorLog errors;
  struct Immovable {
    Immovable() = default;
    Immovable(Immovable&&) { throw TestError(1); }
  };
  const auto f = [] {
    Immovable local;
    return Immovable(std::move(local));
  };
  auto g = spawn(f);
  g.join();
  EXPECT_FALSE(g.successful());
  EXPECT_THROW(std::rethrow_exception(g.exception()), TestError);
  EXPECT_EQ(errors.size(), 1u);
}

TEST_F(GreenletTest, handles_compare_by_greenlet) {
  auto a = make_greenlet([] {});
  auto b = make_greenlet([] {});
  auto c = a;
  EXPECT_TRUE(a == c);
  EXPECT_FALSE(a == b);
  auto moved = std::move(c);
  EXPECT_FALSE(static_cast<bool>(c)); // NOLINT: looked at on purpose
  EXPECT_TRUE(moved == a);
}

// -- subclasses --------------------------------------------------------------------------------

class Accumulator : public Greenlet {
public:
  explicit Accumulator(int rounds) : Greenlet({.name = "accumulator"}), rounds_(rounds) {}
  int total = 0;

private:
  void run() override {
    for (int i = 1; i <= rounds_; ++i) {
      total += i;
      yield();
    }
  }
  int rounds_;
};

TEST_F(GreenletTest, a_subclass_runs_its_run) {
  Accumulator g(4);
  EXPECT_FALSE(g.started());
  EXPECT_TRUE(g.start());
  EXPECT_FALSE(g.start());
  EXPECT_TRUE(g.join());
  EXPECT_TRUE(g.successful());
  EXPECT_EQ(g.total, 10);
  EXPECT_EQ(g.name(), "accumulator");
}

TEST_F(GreenletTest, a_subclass_can_be_killed) {
  Accumulator g(1000000);
  g.start();
  settle(3);
  EXPECT_TRUE(g.kill());
  EXPECT_TRUE(g.killed());
  EXPECT_LT(g.total, 1000);
}

TEST_F(GreenletTest, a_fresh_subclass_object_is_simply_dropped) {
  const auto living = Hub::current().stats().living;
  { Accumulator g(1); }
  EXPECT_EQ(Hub::current().stats().living, living);
}

TEST_F(GreenletTest, what_a_subclass_throws_is_its_exception) {
  ErrorLog errors;
  struct Failing : Greenlet {
    void run() override { throw TestError(9); }
  };
  Failing g;
  g.start();
  EXPECT_THROW(g.get(), TestError);
  ASSERT_EQ(errors.size(), 1u);
}

// pitfall 62
TEST_F(GreenletTest, destroying_a_subclass_object_while_it_runs_ends_the_process_with_a_message) {
  in_fresh_processes();
  EXPECT_DEATH(
      {
        auto g = std::make_unique<Accumulator>(1000000);
        g->start();
        yield();
        g.reset();
      },
      "accumulator");
}

// -- sleep and yield ---------------------------------------------------------------------------

TEST_F(GreenletTest, sleep_is_not_early) {
  for (const auto time : {100us, 1000us, 5000us}) {
    const auto start = Clock::now();
    sleep(time);
    EXPECT_GE(Clock::now() - start, time);
  }
}

// gevent T17
// pitfall 44
TEST_F(GreenletTest, sleep_counts_from_the_call_even_after_a_long_computation) {
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

TEST_F(GreenletTest, sleepers_wake_in_the_order_of_their_due_times) {
  EXPECT_EQ(order_of_sleepers({5, 2, 4, 1, 3}), (std::vector<std::size_t>{3, 1, 4, 2, 0}));
}

// pitfall 45
TEST_F(GreenletTest, equal_due_times_keep_their_start_order) {
  const auto order = order_of_sleepers(std::vector<int>(50, 1));
  ASSERT_EQ(order.size(), 50u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(GreenletTest, sleeping_until_a_time_that_has_passed_gives_way) {
  bool other = false;
  spawn([&] { other = true; });
  sleep(Clock::now() - 1s);
  EXPECT_TRUE(other);
}

TEST_F(GreenletTest, a_negative_time_is_refused) {
  EXPECT_THROW(sleep(-1ms), std::invalid_argument);
  EXPECT_THROW(Deadline(-1ns), std::invalid_argument);
  EXPECT_THROW(spawn_later(-1s, [] {}), std::invalid_argument);
}

TEST_F(GreenletTest, a_time_too_long_to_count_is_never) {
  EXPECT_TRUE(Deadline(std::chrono::hours::max()).is_never());
  EXPECT_TRUE(Deadline(std::chrono::duration<double>(1e300)).is_never());
  EXPECT_FALSE(Deadline(std::chrono::hours(24 * 365)).is_never());
}

// -- many --------------------------------------------------------------------------------------

TEST_F(GreenletTest, a_long_chain_each_waits_for_the_next) {
  const std::function<std::size_t(std::size_t)> chain = [&](std::size_t n) -> std::size_t {
    return n == 0 ? 0 : 1 + spawn(chain, n - 1).get();
  };
  EXPECT_EQ(spawn(chain, crowd).get(), crowd);
}

TEST_F(GreenletTest, stacks_are_used_again) {
  for (int i = 0; i < 100; ++i)
    spawn([] { yield(); }).join();
  const auto before = Hub::current().stats().stacks;
  for (int i = 0; i < many_turns; ++i)
    spawn([] { yield(); }).join();
  EXPECT_EQ(Hub::current().stats().stacks, before);
}

// pitfall 8, 9
TEST_F(GreenletTest, it_never_changes_its_thread) {
  const auto thread = std::this_thread::get_id();
  auto g = spawn([&] {
    int moved = 0;
    for (int i = 0; i < 100; ++i) {
      if (i % 10 == 0)
        sleep(100us);
      else
        yield();
      if (std::this_thread::get_id() != thread)
        ++moved;
    }
    return moved;
  });
  EXPECT_EQ(g.get(), 0);
}

// pitfall 6
TEST_F(GreenletTest, a_function_that_returns_ends_its_greenlet_and_nothing_else) {
  int returned = 0;
  for (int i = 0; i < 3; ++i) {
    spawn([&] { ++returned; }).join();
    spawn([&] {
      yield();
      ++returned;
    }).join();
  }
  EXPECT_EQ(returned, 6);
}

TEST_F(GreenletTest, one_whose_start_never_comes_can_be_killed_and_started) {
  auto killed = make_greenlet([] { ADD_FAILURE() << "it ran"; });
  EXPECT_TRUE(killed.start_later(Deadline()));
  killed.kill();
  EXPECT_TRUE(killed.killed());
  auto other = spawn([] { return 1; }); // it must not get the same place
  EXPECT_TRUE(killed.killed());
  EXPECT_EQ(other.get(), 1);
  auto started = make_greenlet([] { return 2; });
  EXPECT_TRUE(started.start_later(Deadline()));
  EXPECT_TRUE(started.start());
  EXPECT_EQ(started.get(), 2);
}

} // namespace
} // namespace grove::test
