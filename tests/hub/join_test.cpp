// SPDX-License-Identifier: MIT
// Join: waiting for one greenlet's end, or for all of several.
#include <stdexcept>
#include <string>
#include <vector>

#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/timeout.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class JoinTest : public HubTest {};

TEST_F(JoinTest, joiners_are_woken_in_their_order) {
  Log log;
  auto g = spawn([] { yield(); });
  std::vector<GreenletRef<>> all;
  for (const char* name : {"a", "b", "c"}) {
    all.push_back(spawn([&, name] {
      g.join();
      log.emplace_back(name);
    }));
  }
  join_all(all);
  EXPECT_EQ(log, (Log{"a", "b", "c"}));
}

TEST_F(JoinTest, joining_what_has_ended_returns_at_once) {
  auto g = spawn([] {});
  g.join();
  bool other = false;
  auto o = spawn([&] { other = true; });
  EXPECT_TRUE(g.join());
  EXPECT_TRUE(g.join(0ms));
  EXPECT_FALSE(other) << "it did not wait";
  o.join();
}

TEST_F(JoinTest, joining_a_fresh_one_waits_until_somebody_starts_it) {
  auto g = make_greenlet([] { return 1; });
  EXPECT_FALSE(g.join(1ms));
  auto starter = spawn([&] { g.start(); });
  EXPECT_TRUE(g.join());
  EXPECT_TRUE(g.successful());
  starter.join();
}

// gevent X19
TEST_F(JoinTest, waiting_for_oneself_is_an_error_and_no_hang) {
  auto g = spawn([] {
    const auto self = current_greenlet();
    EXPECT_THROW(self.join(), std::logic_error);
    EXPECT_THROW(self.join(1ms), std::logic_error);
    EXPECT_THROW(self.get(), std::logic_error);
    EXPECT_THROW(join_all({self}), std::logic_error);
  });
  g.get();
}

TEST_F(JoinTest, join_does_not_throw_what_the_greenlet_threw) {
  ErrorLog errors;
  auto g = spawn([] { throw TestError(); });
  EXPECT_NO_THROW(EXPECT_TRUE(g.join()));
}

TEST_F(JoinTest, a_passed_deadline_leaves_the_other_running) {
  Event stop;
  auto g = spawn([&] { stop.wait(); });
  EXPECT_FALSE(g.join(1ms));
  EXPECT_FALSE(g.join(Clock::now() - 1s));
  EXPECT_FALSE(g.ready());
  stop.set();
  EXPECT_TRUE(g.join());
}

TEST_F(JoinTest, get_says_how_it_ended) {
  ErrorLog errors;
  Event never;
  auto value = spawn([] { return std::string("value"); });
  auto error = spawn([] { throw TestError(2); });
  auto waiting = spawn([&] { never.wait(); });
  EXPECT_EQ(value.get(), "value");
  EXPECT_THROW(error.get(), TestError);
  EXPECT_THROW(waiting.get(1ms), TimeoutError);
  waiting.kill();
  EXPECT_THROW(waiting.get(), Killed);
}

TEST_F(JoinTest, a_killed_joiner_leaves_the_other_and_its_other_joiners) {
  Event stop;
  auto g = spawn([&] { stop.wait(); });
  auto a = spawn([&] { g.join(); });
  auto b = spawn([&] { return g.join(); });
  yield();
  EXPECT_TRUE(a.kill());
  EXPECT_FALSE(g.ready());
  stop.set();
  EXPECT_TRUE(b.get());
}

TEST_F(JoinTest, a_lone_joiner_may_be_killed_and_another_may_follow) {
  Event stop;
  const auto g = spawn([&] {
    stop.wait();
    return 7;
  });
  const auto lone = spawn([&] { return g.get(); });
  yield();
  EXPECT_TRUE(lone.kill());
  {
    const Timeout limit(1ms);
    EXPECT_THROW(g.join(), TimeoutExpired);
  }
  std::vector<int> order;
  const auto timed = spawn([&] { // not the first, as it has no place of its own
    g.join(60s);
    order.push_back(1);
  });
  const auto untimed = spawn([&] { order.push_back(g.get()); });
  yield();
  stop.set();
  timed.join();
  untimed.join();
  EXPECT_EQ(order, (std::vector<int>{1, 7}));
}

TEST_F(JoinTest, one_that_was_killed_as_the_other_ended_is_told_so) {
  Event stop;
  const auto g = spawn([&] { stop.wait(); });
  const auto lone = spawn([&] { g.join(); });
  yield();
  stop.set();
  lone.kill_nowait(); // woken for it: the end comes second
  g.join();
  lone.join();
  EXPECT_TRUE(lone.killed());
}

// gevent J1
TEST_F(JoinTest, one_that_is_listed_twice_is_no_problem) {
  auto a = spawn([] { yield(); });
  auto b = spawn([] { sleep(1ms); });
  EXPECT_TRUE(join_all({a, b, a}));
  EXPECT_TRUE(a.ready());
  EXPECT_TRUE(b.ready());
}

// gevent J2
TEST_F(JoinTest, after_join_all_the_values_are_there) {
  std::vector<GreenletRef<int>> all;
  for (int i = 0; i < 10; ++i) {
    all.push_back(spawn([i] {
      if (i % 2 == 0)
        yield();
      return i * i;
    }));
  }
  EXPECT_TRUE(join_all(all));
  for (int i = 0; i < 10; ++i) {
    ASSERT_NE(all[static_cast<std::size_t>(i)].value(), nullptr);
    EXPECT_EQ(*all[static_cast<std::size_t>(i)].value(), i * i);
  }
}

// gevent J6
TEST_F(JoinTest, join_all_with_a_deadline_has_waited_for_those_that_ended) {
  Event stop;
  auto quick = spawn([] {});
  auto slow = spawn([&] { stop.wait(); });
  EXPECT_FALSE(join_all({slow, quick}, 2ms));
  EXPECT_TRUE(quick.ready());
  EXPECT_FALSE(slow.ready());
  stop.set();
  EXPECT_TRUE(join_all({slow, quick}, 10s));
}

// gevent J14
TEST_F(JoinTest, join_all_does_not_wait_for_others) {
  Event stop;
  auto unrelated = spawn([&] { stop.wait(); });
  auto g = spawn([] { yield(); });
  EXPECT_TRUE(join_all({g}));
  EXPECT_FALSE(unrelated.ready());
  stop.set();
  unrelated.join();
}

TEST_F(JoinTest, join_all_of_nobody_returns_at_once) {
  EXPECT_TRUE(join_all(std::vector<GreenletRef<>>{}));
  EXPECT_TRUE(join_all({}));
}

TEST_F(JoinTest, join_all_throws_nothing_of_theirs) {
  ErrorLog errors;
  auto bad = spawn([] { throw TestError(); });
  auto good = spawn([] { return 1; });
  EXPECT_NO_THROW(EXPECT_TRUE(join_all({bad, good})));
  EXPECT_THROW(bad.get(), TestError);
  EXPECT_EQ(good.get(), 1);
}

TEST_F(JoinTest, subclasses_and_handles_of_any_result_join_together) {
  struct Worker : Greenlet {
    void run() override { yield(); }
  };
  Worker worker;
  worker.start();
  auto number = spawn([] { return 1; });
  auto nothing = spawn([] {});
  EXPECT_TRUE(join_all({worker, number, nothing}));
  EXPECT_TRUE(worker.ready() && number.ready() && nothing.ready());
}

TEST_F(JoinTest, a_scope_that_expires_in_join_all_leaves_all_of_them) {
  Event stop;
  auto a = spawn([&] { stop.wait(); });
  auto b = spawn([&] { stop.wait(); });
  {
    Timeout limit(1ms);
    EXPECT_THROW(join_all({a, b}), TimeoutExpired);
  }
  EXPECT_FALSE(a.ready());
  EXPECT_FALSE(b.ready());
  stop.set();
  EXPECT_TRUE(join_all({a, b}));
}

TEST_F(JoinTest, a_crowd_is_joined) {
  std::vector<GreenletRef<std::size_t>> all;
  all.reserve(crowd);
  for (std::size_t i = 0; i < crowd; ++i) {
    all.push_back(spawn([i] {
      yield();
      return i;
    }));
  }
  EXPECT_TRUE(join_all(all));
  std::size_t sum = 0;
  for (const auto& g : all)
    sum += g.get();
  EXPECT_EQ(sum, crowd * (crowd - 1) / 2);
}

} // namespace
} // namespace grove::test
