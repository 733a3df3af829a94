// SPDX-License-Identifier: MIT
// Queue: closing, destroying, and items that throw when they are moved.
#include <memory>
#include <vector>

#include <grove/hub/greenlet.hpp>
#include <grove/hub/queue.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class QueueCloseTest : public HubTest {};

// -- closing -------------------------------------------------------------------------------------

// gevent Q22
TEST_F(QueueCloseTest, a_closed_queue_is_drained_and_then_closed) {
  Queue<int> queue;
  queue.put(1);
  queue.put(2);
  queue.close();
  EXPECT_TRUE(queue.closed());
  EXPECT_THROW(queue.put(3), Closed);
  EXPECT_EQ(text_of<Closed>([&] { (void)queue.try_put(3); }), "Queue.try_put: the queue is closed");
  EXPECT_EQ(queue.get(), 1);
  EXPECT_EQ(queue.peek(), 2);
  EXPECT_EQ(queue.try_get(), 2);
  EXPECT_THROW(queue.get(), Closed);
  EXPECT_THROW(queue.get(1ms), Closed);
  EXPECT_THROW((void)queue.try_get(), Closed);
  EXPECT_THROW(queue.peek(), Closed);
  EXPECT_NO_THROW(queue.close());
}

TEST_F(QueueCloseTest, closing_may_discard_what_is_left) {
  int alive = 0;
  Queue<Counted> queue;
  queue.put(Counted(alive));
  queue.close(Remaining::discard);
  EXPECT_EQ(alive, 0);
  EXPECT_THROW(queue.get(), Closed);
}

// gevent Q24
TEST_F(QueueCloseTest, closing_wakes_getters_peekers_and_putters) {
  Queue<int> empty;
  Queue<int> full(1);
  full.put(0);
  auto getter = spawn([&] { EXPECT_THROW(empty.get(), Closed); });
  auto peeker = spawn([&] { EXPECT_THROW(empty.peek(), Closed); });
  auto putter = spawn([&] { EXPECT_THROW(full.put(1), Closed); });
  yield();
  empty.close();
  full.close();
  getter.get();
  peeker.get();
  putter.get();
  EXPECT_EQ(full.get(), 0);
  EXPECT_THROW(full.get(), Closed);
}

TEST_F(QueueCloseTest, a_peeker_whose_item_was_taken_sees_the_close) {
  Queue<int> queue;
  auto peeker = spawn([&] { EXPECT_THROW(queue.peek(), Closed); });
  yield();
  queue.put(1);
  EXPECT_EQ(queue.get(), 1);
  queue.close();
  peeker.get();
}

TEST_F(QueueCloseTest, what_was_handed_over_before_the_close_is_returned) {
  Queue<int> queue;
  auto getter = spawn([&] { return queue.get(); });
  yield();
  queue.put(1);
  queue.close(Remaining::discard);
  EXPECT_EQ(getter.get(), 1);
}

TEST_F(QueueCloseTest, destroying_it_wakes_getters_and_putters_with_closed) {
  auto empty = std::make_unique<Queue<int>>();
  auto full = std::make_unique<Queue<int>>(1);
  full->put(0);
  auto getter = spawn([&] { EXPECT_THROW(empty->get(), Closed); });
  auto putter = spawn([&] { EXPECT_THROW(full->put(1), Closed); });
  yield();
  empty.reset();
  full.reset();
  getter.get();
  putter.get();
}

TEST_F(QueueCloseTest, destroying_it_wakes_peekers_with_closed) {
  auto queue = std::make_unique<Queue<int>>();
  auto peeker = spawn([&] { EXPECT_THROW(queue->peek(), Closed); });
  yield();
  queue.reset();
  EXPECT_TRUE(peeker.join(10s));
}

TEST_F(QueueCloseTest, it_may_go_right_after_its_last_hand_over) {
  auto queue = std::make_unique<Queue<int>>();
  auto getter = spawn([&] { return queue->get(); });
  yield();
  queue->put(1);
  queue.reset();
  EXPECT_EQ(getter.get(), 1);

  auto full = std::make_unique<Queue<int>>(1);
  full->put(1);
  auto putter = spawn([&] { full->put(2); });
  yield();
  EXPECT_EQ(full->get(), 1);
  full.reset();
  EXPECT_NO_THROW(putter.get());
}

// -- items ---------------------------------------------------------------------------------------

TEST_F(QueueCloseTest, items_may_be_move_only_and_are_freed_with_the_queue) {
  Queue<std::unique_ptr<int>> queue;
  queue.put(std::make_unique<int>(1));
  EXPECT_EQ(*queue.get(), 1);
  int alive = 0;
  {
    Queue<Counted> left;
    left.put(Counted(alive));
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(alive, 0);
}

// Throws when it is copied or moved the given number of times from now.
struct Fragile {
  int value = 0;
  static inline int moves_left = -1;
  explicit Fragile(int v) : value(v) {}
  Fragile(Fragile&& other) : value(other.value) {
    if (moves_left == 0) {
      moves_left = -1;
      throw TestError();
    }
    if (moves_left > 0)
      --moves_left;
  }
  Fragile(const Fragile&) = delete;
  Fragile& operator=(Fragile&&) = delete;
};

// gevent Q29
TEST_F(QueueCloseTest, a_put_whose_move_throws_costs_no_waiter_its_turn) {
  for (int at = 0; at < 2; ++at) { // into put(), and from there to the getter
    Queue<Fragile> queue;
    int got = 0;
    auto getter = spawn([&] { got = queue.get().value; });
    yield();
    Fragile first(1);
    Fragile::moves_left = at;
    try {
      queue.put(std::move(first));
    } catch (const TestError&) {
    }
    Fragile::moves_left = -1;
    if (queue.waiting_getters() == 1)
      queue.put(Fragile(2));
    EXPECT_TRUE(getter.join(20ms)) << "the getter is stuck after a throw of move " << at;
    EXPECT_NE(got, 0);
    getter.kill();
  }
}

// gevent Q29
TEST_F(QueueCloseTest, a_get_whose_move_throws_loses_neither_item_nor_putter) {
  for (int at = 0; at < 3; ++at) { // out of the queue, from the putter into it, none
    Queue<Fragile> queue(1);
    queue.put(Fragile(1));
    auto putter = spawn([&] { queue.put(Fragile(2)); });
    yield();
    std::vector<int> got;
    Fragile::moves_left = at;
    try {
      got.push_back(queue.get().value);
    } catch (const TestError&) {
    }
    Fragile::moves_left = -1;
    try {
      while (got.size() < 2)
        got.push_back(queue.get(20ms).value);
    } catch (const TimeoutError&) {
    }
    EXPECT_EQ(got, (std::vector<int>{1, 2})) << "after a throw of move " << at;
    EXPECT_TRUE(putter.join(20ms)) << "the putter is stuck after a throw of move " << at;
    putter.kill();
  }
}

} // namespace
} // namespace grove::test
