// SPDX-License-Identifier: MIT
// Event: a flag, its waiters, their order.
#include <memory>
#include <string>
#include <vector>

#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/hub/wait_any.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class EventTest : public HubTest {};

// gevent E1
TEST_F(EventTest, set_then_clear_at_once_wakes_every_waiter) {
  for (const std::size_t count : {std::size_t{1}, std::size_t{100}, crowd}) {
    Event event;
    std::vector<GreenletRef<bool>> all;
    all.reserve(count);
    for (std::size_t i = 0; i < count; ++i)
      all.push_back(spawn([&] { return event.wait(); }));
    yield();
    EXPECT_EQ(event.waiters(), count);
    event.set();
    event.clear();
    EXPECT_FALSE(event.is_set());
    for (const auto& g : all)
      ASSERT_TRUE(g.get());
    EXPECT_EQ(event.waiters(), 0u);
  }
}

// gevent E2
TEST_F(EventTest, who_set_it_and_then_waits_comes_after_those_who_waited) {
  Event event;
  std::vector<int> order;
  auto one = spawn([&] {
    event.wait();
    order.push_back(1);
  });
  auto two = spawn([&] {
    event.wait();
    order.push_back(2);
  });
  yield();
  event.set();
  EXPECT_TRUE(event.wait());
  order.push_back(3);
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
  join_all({one, two});
}

TEST_F(EventTest, set_never_switches) {
  Event event;
  bool woken = false;
  auto g = spawn([&] {
    event.wait();
    woken = true;
  });
  yield();
  event.set();
  EXPECT_FALSE(woken);
  g.join();
  EXPECT_TRUE(woken);
}

TEST_F(EventTest, waiting_for_a_raised_flag_nobody_else_waited_for_does_not_switch) {
  Event event;
  event.set();
  bool other = false;
  auto o = spawn([&] { other = true; });
  EXPECT_TRUE(event.wait());
  EXPECT_TRUE(event.wait(0ms));
  EXPECT_FALSE(other);
  o.join();
}

// gevent E4
TEST_F(EventTest, one_that_timed_out_is_not_touched_by_a_later_set) {
  Event event;
  Event other;
  int wakes = 0;
  auto g = spawn([&] {
    EXPECT_FALSE(event.wait(1ms));
    other.wait();
    ++wakes;
  });
  while (event.waiters() == 0)
    yield();
  while (event.waiters() != 0)
    sleep(1ms);
  event.set();
  settle();
  EXPECT_EQ(wakes, 0);
  other.set();
  g.join();
  EXPECT_EQ(wakes, 1);
}

TEST_F(EventTest, a_deadline_that_has_passed_looks_only) {
  Event event;
  EXPECT_FALSE(event.wait(0ms));
  EXPECT_FALSE(event.wait(Clock::now() - 1s));
  EXPECT_EQ(event.waiters(), 0u);
  event.set();
  EXPECT_TRUE(event.wait(0ms));
}

TEST_F(EventTest, it_can_be_used_again_and_again) {
  Event event;
  int passes = 0;
  auto g = spawn([&] {
    for (int i = 0; i < 100; ++i) {
      event.wait();
      event.clear();
      ++passes;
    }
  });
  while (!g.ready()) {
    event.set();
    yield();
  }
  EXPECT_EQ(passes, 100);
}

// gevent J17
TEST_F(EventTest, one_who_comes_while_others_are_being_woken_is_not_woken_with_them) {
  Event event;
  Log log;
  auto late = make_greenlet([&] {
    event.wait();
    log.push_back("late");
  });
  auto early = spawn([&] {
    event.wait();
    event.clear();
    log.push_back("early");
    late.start();
  });
  yield();
  event.set();
  settle();
  EXPECT_EQ(log, Log{"early"});
  EXPECT_EQ(event.waiters(), 1u);
  event.set();
  join_all({early, late});
  EXPECT_EQ(log, (Log{"early", "late"}));
}

// gevent E14
TEST_F(EventTest, destroying_it_wakes_its_waiters_with_closed) {
  auto event = std::make_unique<Event>();
  std::vector<GreenletRef<bool>> all;
  for (int i = 0; i < 3; ++i) {
    all.push_back(spawn([&] {
      EXPECT_THROW(event->wait(), Closed);
      return true;
    }));
  }
  auto timed = spawn([&] { EXPECT_THROW(event->wait(10s), Closed); });
  auto any = spawn([&] { EXPECT_THROW(wait_any(event->wait_op()), Closed); });
  yield();
  event.reset();
  for (const auto& g : all)
    EXPECT_TRUE(g.get());
  timed.get();
  any.get();
}

// gevent E14
TEST_F(EventTest, it_may_go_right_after_it_was_set) {
  auto event = std::make_unique<Event>();
  std::vector<GreenletRef<bool>> all;
  for (int i = 0; i < 3; ++i)
    all.push_back(spawn([&] { return event->wait(); }));
  auto any = spawn([&] { return wait_any(event->wait_op()).index(); });
  yield();
  event->set();
  event.reset();
  for (const auto& g : all)
    EXPECT_TRUE(g.get());
  EXPECT_EQ(any.get(), 0u);
}

TEST_F(EventTest, a_killed_waiter_leaves_the_line_of_the_others) {
  Event event;
  auto a = spawn([&] { event.wait(); });
  auto b = spawn([&] { return event.wait(); });
  yield();
  a.kill();
  EXPECT_EQ(event.waiters(), 1u);
  event.set();
  EXPECT_TRUE(b.get());
}

TEST_F(EventTest, a_waiter_that_was_woken_and_then_killed_has_waited) {
  Event event;
  bool returned = false;
  auto g = spawn([&] {
    returned = event.wait();
    yield();
    ADD_FAILURE() << "the kill did not come";
  });
  yield();
  event.set();
  g.kill();
  EXPECT_TRUE(returned);
  EXPECT_TRUE(g.killed());
}

} // namespace
} // namespace grove::test
