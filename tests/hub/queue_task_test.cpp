// SPDX-License-Identifier: MIT
// Queue: what was put is a task until it is done, and may be waited for.
#include <memory>
#include <stdexcept>

#include <grove/hub/greenlet.hpp>
#include <grove/hub/queue.hpp>

#include "../support/blocking_call.hpp"
#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class QueueTaskTest : public HubTest {};

class QueueJoin : public BlockingCall {
public:
  QueueJoin() { again(); }

private:
  bool call(Deadline deadline) override { return queue_.join(deadline); }
  void release() override { queue_.task_done(); }
  void again() override { queue_.put(1); }
  Queue<int> queue_;
};
[[maybe_unused]] const bool rows_added =
    add_blocking_calls({blocking_row<QueueJoin>("queue_join")});

// gevent Q20
TEST_F(QueueTaskTest, what_is_put_is_unfinished_until_it_is_said_to_be_done) {
  Queue<int> queue;
  queue.put(1);
  EXPECT_EQ(queue.unfinished_tasks(), 1u);
  queue.get();
  EXPECT_EQ(queue.unfinished_tasks(), 1u);
  queue.task_done();
  EXPECT_EQ(queue.unfinished_tasks(), 0u);
}

TEST_F(QueueTaskTest, each_way_in_counts_once) {
  Queue<int> queue(1);
  auto getter = spawn([&] { return queue.get(); });
  yield();
  queue.put(1); // handed over
  EXPECT_EQ(queue.unfinished_tasks(), 1u);
  getter.join();
  EXPECT_TRUE(queue.try_put(2));
  EXPECT_FALSE(queue.try_put(3));
  auto putter = spawn([&] { queue.put(3); });
  yield();
  EXPECT_EQ(queue.unfinished_tasks(), 2u) << "one that waits to be put is none yet";
  queue.get();
  EXPECT_EQ(queue.unfinished_tasks(), 3u);
  putter.join();
}

// gevent Q21
TEST_F(QueueTaskTest, joining_a_queue_that_was_never_used_does_not_switch) {
  Queue<int> queue;
  bool other = false;
  auto o = spawn([&] { other = true; });
  EXPECT_TRUE(queue.join());
  EXPECT_FALSE(other);
  o.join();
}

// gevent Q22
TEST_F(QueueTaskTest, a_closed_queue_is_joined_when_what_was_left_is_done) {
  Queue<int> queue;
  queue.put(1);
  queue.put(2);
  queue.close();
  EXPECT_THROW(queue.put(3), Closed);
  EXPECT_THROW((void)queue.try_put(3), Closed);
  EXPECT_EQ(queue.get(), 1);
  EXPECT_EQ(queue.try_get(), 2);
  EXPECT_FALSE(queue.join(0ms));
  queue.task_done();
  queue.task_done();
  EXPECT_TRUE(queue.join());
  EXPECT_THROW(queue.get(), Closed);
  EXPECT_THROW((void)queue.try_get(), Closed);
  EXPECT_THROW(queue.get(1ms), Closed);
}

TEST_F(QueueTaskTest, what_a_close_discards_is_a_task_no_more) {
  Queue<int> queue;
  for (int i = 0; i < 3; ++i)
    queue.put(i);
  queue.get();
  auto joiner = spawn([&] { return queue.join(); });
  yield();
  queue.close(Remaining::discard);
  EXPECT_EQ(queue.unfinished_tasks(), 1u);
  queue.task_done();
  EXPECT_TRUE(joiner.get());
}

// gevent Q30
TEST_F(QueueTaskTest, more_done_than_put_is_refused) {
  Queue<int> queue;
  EXPECT_THROW(queue.task_done(), std::logic_error);
  queue.put(1);
  queue.task_done();
  EXPECT_THROW(queue.task_done(), std::logic_error);
  EXPECT_EQ(queue.size(), 1u);
}

// gevent Q31
TEST_F(QueueTaskTest, two_joins_come_back_together_and_again) {
  Queue<int> queue;
  int done = 0;
  auto worker = spawn([&] {
    for (const int item : queue) {
      yield();
      done += item;
      queue.task_done();
    }
  });
  for (int round = 1; round <= 2; ++round) {
    for (int i = 0; i < 10; ++i)
      queue.put(1);
    auto a = spawn([&] { return queue.join() ? done : -1; });
    auto b = spawn([&] { return queue.join() ? done : -1; });
    EXPECT_EQ(a.get(), 10 * round);
    EXPECT_EQ(b.get(), 10 * round);
  }
  queue.close();
  worker.join();
}

TEST_F(QueueTaskTest, destroying_it_wakes_who_joins_with_closed) {
  auto queue = std::make_unique<Queue<int>>();
  queue->put(1);
  auto joiner = spawn([&] { EXPECT_THROW(queue->join(), Closed); });
  yield();
  queue.reset();
  joiner.get();
}

} // namespace
} // namespace grove::test
