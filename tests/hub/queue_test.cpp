// SPDX-License-Identifier: MIT
// Queue: hand-over, order, bounds, waiters that leave.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/queue.hpp>
#include <grove/hub/timeout.hpp>

#include "../support/blocking_call.hpp"
#include "../support/hub_test.hpp"
#include "../support/queue_calls.hpp"

namespace grove::test {
namespace {

class QueueTest : public HubTest {};

[[maybe_unused]] const bool rows_added = add_blocking_calls({
    blocking_row<GetCall<Queue<int>>>("queue_get"),
    blocking_row<PutCall<Queue<int>>>("queue_put"),
    blocking_row<PeekCall<Queue<int>>>("queue_peek"),
    blocking_row<RangeCall<GetCall<Queue<int>>>>("queue_range_for"),
    blocking_row<GetOpCall<GetCall<Queue<int>>>>("wait_any_get"),
    blocking_row<PutOpCall<PutCall<Queue<int>>>>("wait_any_put"),
});

// gevent Q1
TEST_F(QueueTest, a_second_try_put_into_a_size_of_one_fails_and_keeps_the_item) {
  Queue<std::string> queue(1);
  std::string second = "second";
  EXPECT_TRUE(queue.try_put("first"));
  EXPECT_FALSE(queue.try_put(std::move(second)));
  EXPECT_EQ(second, "second");
  EXPECT_TRUE(queue.full());
  EXPECT_EQ(queue.get(), "first");
  EXPECT_EQ(queue.try_get(), std::nullopt);
}

// gevent Q2
TEST_F(QueueTest, a_posted_try_put_reaches_who_waits) {
  Queue<int> queue(1);
  auto getter = spawn([&] { return queue.get(); });
  yield();
  Hub::current().post([&] { EXPECT_TRUE(queue.try_put(5)); });
  EXPECT_EQ(getter.get(), 5);
  EXPECT_TRUE(queue.empty());
}

// gevent Q4
TEST_F(QueueTest, a_try_get_lets_a_putter_in) {
  Queue<int> queue(1);
  auto putter = spawn([&] {
    queue.put(5);
    queue.put(6);
  });
  yield();
  EXPECT_EQ(queue.waiting_putters(), 1u);
  Hub::current().post([&] { EXPECT_EQ(queue.try_get(), 5); });
  putter.join();
  EXPECT_EQ(queue.get(), 6);
}

// gevent Q5
TEST_F(QueueTest, put_peek_and_get_of_what_is_there_do_not_switch) {
  Queue<int> queue;
  bool other = false;
  auto o = spawn([&] { other = true; });
  queue.put(3);
  EXPECT_EQ(queue.peek(), 3);
  EXPECT_EQ(queue.get(), 3);
  EXPECT_FALSE(other);
  o.join();
}

// gevent Q6
TEST_F(QueueTest, a_guarded_getter_gets_what_comes_in_time) {
  Queue<int> queue;
  auto getter = spawn([&] {
    Timeout limit(10s);
    return queue.get();
  });
  yield();
  queue.put(9);
  EXPECT_EQ(getter.get(), 9);
}

// gevent Q7
TEST_F(QueueTest, peek_waits_for_an_item_and_leaves_it) {
  Queue<int> queue;
  EXPECT_THROW(queue.peek(1ms), TimeoutError);
  auto peeker = spawn([&] { return int(queue.peek()); });
  auto another = spawn([&] { return int(queue.peek()); });
  yield();
  queue.put(4);
  EXPECT_EQ(peeker.get(), 4);
  EXPECT_EQ(another.get(), 4);
  EXPECT_EQ(queue.size(), 1u);
}

TEST_F(QueueTest, a_peeker_goes_on_waiting_when_somebody_else_took_the_item) {
  Queue<int> queue;
  auto peeker = spawn([&] { return int(queue.peek()); });
  yield();
  queue.put(1);
  EXPECT_EQ(queue.get(), 1);
  settle();
  EXPECT_FALSE(peeker.ready());
  queue.put(2);
  EXPECT_EQ(peeker.get(), 2);
}

// gevent Q7
TEST_F(QueueTest, peek_of_an_empty_queue_with_nobody_else_is_a_deadlock) {
  Queue<int> queue;
  EXPECT_THROW(queue.peek(), Deadlock);
  EXPECT_THROW(queue.get(), Deadlock);
  EXPECT_EQ(queue.waiting_getters(), 0u);
}

// gevent Q9
TEST_F(QueueTest, a_full_queue_holds_the_putter_back) {
  Queue<std::string> queue(2);
  Log log;
  auto putter = spawn([&] {
    for (const char* item : {"a", "b", "c"}) {
      queue.put(item);
      log.emplace_back(item);
    }
  });
  yield();
  EXPECT_EQ(log, (Log{"a", "b"}));
  EXPECT_EQ(queue.get(), "a");
  yield();
  EXPECT_EQ(log, (Log{"a", "b", "c"}));
  EXPECT_EQ(queue.get(), "b");
  EXPECT_EQ(queue.get(), "c");
  EXPECT_TRUE(putter.join());
}

// gevent Q10
TEST_F(QueueTest, waiting_getters_are_served_first_come_first_served) {
  Queue<int> queue;
  Log log;
  std::vector<GreenletRef<>> all;
  for (const char* name : {"a", "b", "c", "d"}) {
    all.push_back(
        spawn([&, name] { log.push_back(std::string(name) + std::to_string(queue.get())); }));
  }
  yield();
  EXPECT_EQ(queue.waiting_getters(), 4u);
  queue.put(1);
  yield();
  EXPECT_EQ(log, Log{"a1"});
  queue.put(2);
  yield();
  EXPECT_EQ(log, (Log{"a1", "b2"}));
  queue.put(3);
  queue.put(4);
  join_all(all);
  EXPECT_EQ(log, (Log{"a1", "b2", "c3", "d4"}));
}

TEST_F(QueueTest, waiting_putters_are_served_first_come_first_served) {
  Queue<int> queue(1);
  queue.put(0);
  std::vector<GreenletRef<>> all;
  for (int i = 1; i <= 4; ++i)
    all.push_back(spawn([&, i] { queue.put(i); }));
  yield();
  EXPECT_EQ(queue.waiting_putters(), 4u);
  for (int i = 0; i <= 4; ++i)
    EXPECT_EQ(queue.get(), i);
  join_all(all);
}

TEST_F(QueueTest, an_item_goes_to_who_waited_and_not_to_who_comes_by) {
  Queue<int> queue;
  auto waited = spawn([&] { return queue.get(); });
  yield();
  queue.put(1);
  EXPECT_EQ(queue.try_get(), std::nullopt);
  EXPECT_EQ(waited.get(), 1);
}

TEST_F(QueueTest, room_goes_to_who_waited_and_not_to_who_comes_by) {
  Queue<int> queue(1);
  queue.put(1);
  auto waited = spawn([&] { queue.put(2); });
  yield();
  EXPECT_EQ(queue.get(), 1);
  EXPECT_FALSE(queue.try_put(3));
  waited.join();
  EXPECT_EQ(queue.get(), 2);
}

// gevent Q11
TEST_F(QueueTest, a_getter_that_left_takes_no_item_with_it) {
  Queue<int> queue;
  auto getter = spawn([&] {
    Timeout limit(0ms);
    EXPECT_THROW(queue.get(), TimeoutExpired);
  });
  getter.get();
  queue.put(1);
  EXPECT_EQ(queue.get(), 1);
}

// gevent Q12
TEST_F(QueueTest, an_item_outlives_its_sender) {
  Queue<int> queue;
  auto getter = spawn([&] { return queue.get(); });
  yield();
  auto sender = spawn([&] {
    queue.put(1);
    throw GreenletExit();
  });
  EXPECT_EQ(getter.get(), 1);
  sender.join();
}

// gevent Q14
// pitfall 57
TEST_F(QueueTest, after_two_getters_have_timed_out_the_item_stays) {
  Queue<int> queue;
  auto a = spawn([&] { EXPECT_THROW(queue.get(1ms), TimeoutError); });
  auto b = spawn([&] { EXPECT_THROW(queue.get(2ms), TimeoutError); });
  join_all({a, b});
  queue.put(1);
  EXPECT_EQ(queue.size(), 1u);
  EXPECT_EQ(queue.get(0ms), 1);
}

// gevent Q26
TEST_F(QueueTest, a_negative_time_is_refused) {
  Queue<int> queue;
  const int line = __LINE__ + 1;
  const std::string text = text_of<std::invalid_argument>([&] { queue.get(-1ms); });
  EXPECT_NE(text.find("queue_test.cpp:" + std::to_string(line)), std::string::npos) << text;
  EXPECT_NE(text.find(": a timeout of -1000000 ns is negative"), std::string::npos) << text;
  EXPECT_THROW(queue.put(1, -1ms), std::invalid_argument);
  EXPECT_TRUE(queue.empty());
}

// gevent Q27
TEST_F(QueueTest, a_put_whose_time_has_passed_has_put_nothing) {
  Queue<int> queue(1);
  queue.put(1);
  const auto start = Clock::now();
  EXPECT_THROW(queue.put(2, 3ms), TimeoutError);
  EXPECT_GE(Clock::now() - start, 3ms);
  EXPECT_EQ(queue.waiting_putters(), 0u);
  EXPECT_EQ(queue.get(), 1);
  EXPECT_TRUE(queue.empty());
  queue.put(3);
  auto getter = spawn([&] { return queue.get(); });
  EXPECT_NO_THROW(queue.put(4, 10s));
  EXPECT_EQ(getter.get(), 3);
  EXPECT_EQ(queue.get(), 4);
}

// gevent Q32
TEST_F(QueueTest, a_loop_of_try_get_and_try_put_never_switches) {
  Queue<int> queue(1);
  bool other = false;
  auto o = spawn([&] { other = true; });
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(queue.try_put(i));
    ASSERT_EQ(queue.try_get(), i);
  }
  EXPECT_FALSE(other);
  o.join();
}

TEST_F(QueueTest, a_kill_before_the_item_leaves_it_to_the_next) {
  Queue<int> queue;
  auto a = spawn([&] { queue.get(); });
  auto b = spawn([&] { return queue.get(); });
  yield();
  a.kill_nowait();
  queue.put(1);
  EXPECT_EQ(b.get(), 1);
  EXPECT_TRUE(a.join());
  EXPECT_TRUE(a.killed());
}

TEST_F(QueueTest, a_killed_putter_has_put_nothing_and_blocks_nobody) {
  Queue<int> queue(1);
  queue.put(0);
  auto a = spawn([&] { queue.put(1); });
  auto b = spawn([&] { queue.put(2); });
  yield();
  a.kill_nowait();
  EXPECT_EQ(queue.get(), 0);
  join_all({a, b});
  EXPECT_EQ(queue.get(), 2);
  EXPECT_TRUE(queue.empty());
}

// pitfall 57
TEST_F(QueueTest, a_wake_of_one_wait_never_ends_the_next) {
  Queue<int> first;
  Queue<int> second;
  auto g = spawn([&] {
    int timeouts = 0;
    for (int i = 0; i < 20; ++i) {
      try {
        first.get(100us);
      } catch (const TimeoutError&) {
        ++timeouts;
      }
      try {
        EXPECT_EQ(second.get(100us), -1) << "nothing is ever put there";
      } catch (const TimeoutError&) {
      }
    }
    return timeouts;
  });
  int sent = 0;
  while (!g.ready()) {
    first.put(sent++);
    sleep(Clock::now() + 100us * (sent % 3));
  }
  const auto left = first.size();
  EXPECT_EQ(static_cast<std::size_t>(sent - (20 - g.get())), left) << "each item went somewhere";
}

} // namespace
} // namespace grove::test
