// SPDX-License-Identifier: MIT
// Greenlets: life cycle, names, handles, subclasses, crowds.
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
  const auto body = [&](const std::string& name) {
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
  const auto body = [&](const std::string& name) {
    log.push_back(name + "A");
    sleep(0ms);
    log.push_back(name + "B");
  };
  auto one = spawn(body, "1");
  auto two = spawn(body, "2");
  join_all({one, two});
  EXPECT_EQ(log, (Log{"1A", "2A", "1B", "2B"}));
}

// Between two looks at the exact time the hub's own runs a little ahead.
TEST_F(GreenletTest, a_sleep_of_nothing_is_a_yield_after_long_work_too) {
  sleep(5ms); // by now the hub knows the rate of its clock
  Log log;
  auto one = spawn([&] {
    log.emplace_back("1A");
    spin(20ms);
    sleep(0ms);
    log.emplace_back("1B");
  });
  auto two = spawn([&] {
    log.emplace_back("2A");
    yield();
    log.emplace_back("2B");
  });
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
