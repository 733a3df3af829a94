// SPDX-License-Identifier: MIT
// wait_any: exactly one of several operations is done, the others are left undone.
#include <memory>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include <grove/hub/async_result.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/mutex.hpp>
#include <grove/hub/queue.hpp>
#include <grove/hub/semaphore.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/hub/wait_any.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class WaitAnyTest : public HubTest {};

TEST_F(WaitAnyTest, of_several_that_can_be_done_the_first_in_the_list_is) {
  Queue<int> a;
  Queue<int> b;
  a.put(1);
  b.put(2);
  const auto result = wait_any(b.get_op(), a.get_op());
  ASSERT_EQ(result.index(), 0u);
  EXPECT_EQ(std::get<0>(result), 2);
  EXPECT_EQ(a.size(), 1u);
  EXPECT_TRUE(b.empty());
}

TEST_F(WaitAnyTest, the_one_that_comes_first_is_taken_and_the_others_are_out_of_line) {
  Queue<int> a;
  Queue<int> b;
  Event event;
  auto g = spawn([&] { return wait_any(a.get_op(), event.wait_op(), b.get_op(), after(10s)); });
  yield();
  EXPECT_EQ(a.waiting_getters() + b.waiting_getters() + event.waiters(), 3u);
  b.put(5);
  EXPECT_EQ(std::get<2>(g.get()), 5);
  EXPECT_EQ(a.waiting_getters() + b.waiting_getters() + event.waiters(), 0u);
  a.put(1);
  EXPECT_EQ(a.size(), 1u);
}

TEST_F(WaitAnyTest, what_comes_second_before_the_winner_runs_stays_where_it_is) {
  Queue<int> a;
  Queue<int> b;
  auto g = spawn([&] { return wait_any(a.get_op(), b.get_op()); });
  yield();
  b.put(2);
  a.put(1);
  EXPECT_EQ(std::get<1>(g.get()), 2);
  EXPECT_EQ(a.get(0ms), 1);
}

TEST_F(WaitAnyTest, a_put_that_is_not_taken_has_put_nothing) {
  Queue<int> full(1);
  full.put(0);
  Event event;
  auto g = spawn([&] { return wait_any(full.put_op(1), event.wait_op()).index(); });
  yield();
  EXPECT_EQ(full.waiting_putters(), 1u);
  event.set();
  EXPECT_EQ(g.get(), 1u);
  EXPECT_EQ(full.get(0ms), 0);
  EXPECT_TRUE(full.empty());
}

TEST_F(WaitAnyTest, a_put_is_done_when_there_is_room) {
  Queue<int> queue(1);
  EXPECT_EQ(wait_any(queue.put_op(1), after(10s)).index(), 0u);
  auto g = spawn([&] { return wait_any(queue.put_op(2), after(10s)).index(); });
  yield();
  EXPECT_EQ(queue.get(), 1);
  EXPECT_EQ(g.get(), 0u);
  EXPECT_EQ(queue.get(), 2);
}

TEST_F(WaitAnyTest, a_point_in_time_comes_when_nothing_else_does) {
  Queue<int> queue;
  const auto start = Clock::now();
  EXPECT_EQ(wait_any(queue.get_op(), after(3ms)).index(), 1u);
  EXPECT_GE(Clock::now() - start, 3ms);
  EXPECT_EQ(queue.waiting_getters(), 0u);
  EXPECT_EQ(wait_any(after(10s), after(Clock::now() - 1s)).index(), 1u);
}

// gevent J5
TEST_F(WaitAnyTest, one_end_of_several_is_enough) {
  ErrorLog errors;
  Event stop;
  auto endless = spawn([&] { stop.wait(); });
  auto raiser = spawn([] {
    yield();
    throw TestError();
  });
  EXPECT_NO_THROW(EXPECT_EQ(wait_any(ended(endless), ended(raiser)).index(), 1u));
  EXPECT_FALSE(endless.ready());
  EXPECT_EQ(wait_any(ended(raiser), ended(endless)).index(), 0u) << "it has ended already";
  stop.set();
  endless.join();
}

// gevent J7
TEST_F(WaitAnyTest, events_and_results_are_taken_one_by_one_as_they_come) {
  Event event;
  AsyncResult<int> result;
  Log log;
  auto sender = spawn([&] {
    sleep(1ms);
    result.set(1);
    sleep(1ms);
    event.set();
  });
  EXPECT_EQ(wait_any(event.wait_op(), result.wait_op(), after(10s)).index(), 1u);
  EXPECT_EQ(result.get(0ms), 1);
  EXPECT_FALSE(sender.ready());
  EXPECT_EQ(wait_any(event.wait_op(), after(10s)).index(), 0u);
  sender.join();
}

// gevent J11
TEST_F(WaitAnyTest, a_kill_leaves_all_objects_as_they_were) {
  Queue<int> queue;
  Queue<int> full(1);
  full.put(0);
  Event event;
  auto g = spawn([&] { wait_any(queue.get_op(), full.put_op(1), event.wait_op(), after(10s)); });
  yield();
  EXPECT_TRUE(g.kill());
  EXPECT_EQ(queue.waiting_getters() + full.waiting_putters() + event.waiters(), 0u);
  queue.put(1);
  EXPECT_EQ(queue.size(), 1u);
  EXPECT_EQ(full.get(), 0);
  EXPECT_TRUE(full.empty());
}

TEST_F(WaitAnyTest, a_kill_after_the_hand_over_loses_nothing) {
  Queue<int> queue;
  int got = 0;
  auto g = spawn([&] {
    got = std::get<0>(wait_any(queue.get_op(), after(10s)));
    yield();
    ADD_FAILURE() << "the kill did not come";
  });
  yield();
  queue.put(7);
  g.kill();
  EXPECT_EQ(got, 7);
  EXPECT_TRUE(g.killed());
}

TEST_F(WaitAnyTest, a_put_after_the_kill_stays_in_the_queue) {
  Queue<int> queue;
  auto g = spawn([&] { wait_any(queue.get_op(), after(10s)); });
  yield();
  g.kill_nowait();
  queue.put(7);
  g.join();
  EXPECT_TRUE(g.killed());
  EXPECT_EQ(queue.get(0ms), 7);
}

TEST_F(WaitAnyTest, a_scope_that_runs_out_has_done_none) {
  Queue<int> queue;
  Timeout limit(1ms);
  try {
    wait_any(queue.get_op(), after(10s));
    ADD_FAILURE() << "it came back";
  } catch (const TimeoutExpired& expired) {
    EXPECT_TRUE(limit.is(expired));
  }
  EXPECT_EQ(queue.waiting_getters(), 0u);
}

TEST_F(WaitAnyTest, an_operation_that_outlives_an_interrupted_wait_is_out_of_line) {
  Queue<int> queue;
  auto op = queue.get_op();
  {
    Timeout limit(1ms);
    EXPECT_THROW(wait_any(op, after(10s)), TimeoutExpired);
  }
  EXPECT_EQ(queue.waiting_getters(), 0u);
  Event parked;
  auto putter = spawn([&] { queue.put(1); });
  EXPECT_FALSE(parked.wait(3ms)) << "no foreign put may end this wait";
  EXPECT_EQ(queue.size(), 1u);
  putter.join();
}

TEST_F(WaitAnyTest, an_operation_can_be_used_for_several_waits) {
  Queue<int> queue;
  auto op = queue.get_op();
  for (int i = 1; i <= 3; ++i) {
    auto putter = spawn([&, i] { queue.put(i); });
    const auto result = wait_any(op, after(10s));
    ASSERT_EQ(result.index(), 0u);
    EXPECT_EQ(std::get<0>(result), i);
    putter.join();
  }
  EXPECT_EQ(wait_any(op, after(1ms)).index(), 1u) << "the queue is empty";
}

TEST_F(WaitAnyTest, closing_one_object_ends_the_wait_with_closed) {
  Queue<int> a;
  Queue<int> b;
  auto g = spawn([&] { EXPECT_THROW(wait_any(a.get_op(), b.get_op()), Closed); });
  yield();
  b.close();
  g.get();
  EXPECT_EQ(a.waiting_getters(), 0u);
  EXPECT_THROW(wait_any(a.get_op(), b.get_op()), Closed) << "closed before";
}

TEST_F(WaitAnyTest, the_same_queue_may_be_listed_twice) {
  Queue<int> queue;
  auto g = spawn([&] { return wait_any(queue.get_op(), queue.get_op()).index(); });
  yield();
  queue.put(1);
  EXPECT_EQ(g.get(), 0u);
  queue.put(2);
  EXPECT_EQ(queue.size(), 1u);
}

TEST_F(WaitAnyTest, it_takes_its_place_in_line_like_everybody) {
  Queue<int> queue;
  Log log;
  auto plain = spawn([&] { log.push_back("plain " + std::to_string(queue.get())); });
  auto any = spawn([&] {
    log.push_back("any " + std::to_string(std::get<0>(wait_any(queue.get_op(), after(10s)))));
  });
  auto last = spawn([&] { log.push_back("last " + std::to_string(queue.get())); });
  yield();
  for (int i = 1; i <= 3; ++i)
    queue.put(i);
  join_all({plain, any, last});
  EXPECT_EQ(log, (Log{"plain 1", "any 2", "last 3"}));
}

TEST_F(WaitAnyTest, move_only_items_pass) {
  Queue<std::unique_ptr<int>> queue;
  auto g = spawn([&] { return *std::get<0>(wait_any(queue.get_op(), after(10s))); });
  yield();
  queue.put(std::make_unique<int>(3));
  EXPECT_EQ(g.get(), 3);
}

TEST_F(WaitAnyTest, an_event_taken_by_it_makes_later_waits_give_way_no_more) {
  Event event;
  auto g = spawn([&] { return wait_any(event.wait_op(), after(10s)).index(); });
  yield();
  event.set();
  EXPECT_EQ(g.get(), 0u);
  bool other = false;
  auto o = spawn([&] { other = true; });
  EXPECT_TRUE(event.wait());
  EXPECT_FALSE(other) << "nobody who was woken is left, so there is nothing to give way to";
  o.join();
}

TEST_F(WaitAnyTest, an_operation_that_has_won_a_wait_wins_the_next_in_earnest) {
  Queue<int> queue;
  Semaphore permits(0);
  Mutex mutex;
  auto get = queue.get_op();
  auto acquire = permits.acquire_op();
  auto lock = mutex.lock_op();
  auto holder = spawn([&] {
    const std::lock_guard hold(mutex);
    settle(2);
  });
  yield();
  auto bringer = spawn([&] {
    queue.put(1);
    permits.release();
  });
  EXPECT_EQ(std::get<0>(wait_any(get, after(10s))), 1);
  wait_any(acquire, after(10s));
  wait_any(lock, after(10s));
  mutex.unlock();
  join_all({holder, bringer});
  // Each was granted by another; now each is to be had at once.
  queue.put(2);
  permits.release();
  EXPECT_EQ(std::get<0>(wait_any(get, after(10s))), 2);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(wait_any(acquire, after(10s)).index(), 0u);
  EXPECT_EQ(permits.value(), 0);
  EXPECT_EQ(wait_any(lock, after(10s)).index(), 0u);
  EXPECT_TRUE(mutex.locked_by_caller());
  mutex.unlock();
}

TEST_F(WaitAnyTest, an_operation_works_for_whoever_uses_it) {
  Queue<int> queue;
  auto op = queue.get_op();
  auto user = spawn([&] { return std::get<0>(wait_any(op, after(10s))); });
  yield();
  queue.put(3);
  EXPECT_EQ(user.get(), 3);
}

TEST_F(WaitAnyTest, the_end_of_nobody_is_an_error) {
  EXPECT_THROW(wait_any(ended(GreenletRef<>()), after(1s)), std::logic_error);
}

} // namespace
} // namespace grove::test
