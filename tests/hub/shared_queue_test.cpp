// SPDX-License-Identifier: MIT
// SharedQueue on one hub: order, bounds, operations, items that throw, closing.
#include <memory>
#include <optional>
#include <vector>

#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/shared_queue.hpp>
#include <grove/hub/wait_any.hpp>

#include "../support/blocking_call.hpp"
#include "../support/hub_test.hpp"
#include "../support/queue_calls.hpp"

namespace grove::test {
namespace {

class SharedQueueTest : public HubTest {};

[[maybe_unused]] const bool rows_added = add_blocking_calls({
    blocking_row<GetCall<SharedQueue<int>>>("shared_queue_get"),
    blocking_row<PutCall<SharedQueue<int>>>("shared_queue_put"),
    blocking_row<RangeCall<GetCall<SharedQueue<int>>>>("shared_queue_range_for"),
    blocking_row<GetOpCall<GetCall<SharedQueue<int>>>>("wait_any_shared_get"),
    blocking_row<PutOpCall<PutCall<SharedQueue<int>>>>("wait_any_shared_put"),
});

// -- on one hub ----------------------------------------------------------------------------------

TEST_F(SharedQueueTest, items_come_out_in_the_order_in_which_they_went_in) {
  SharedQueue<std::unique_ptr<int>> queue(3);
  for (int i = 0; i < 3; ++i)
    queue.put(std::make_unique<int>(i));
  auto fourth = std::make_unique<int>(3);
  EXPECT_FALSE(queue.try_put(std::move(fourth)));
  EXPECT_NE(fourth, nullptr);
  EXPECT_TRUE(queue.full());
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(*queue.get(), i);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.try_get(), std::nullopt);
}

TEST_F(SharedQueueTest, getters_and_putters_are_served_first_come_first_served) {
  SharedQueue<int> queue(1);
  std::vector<int> got;
  std::vector<GreenletRef<>> all;
  for (int i = 0; i < 4; ++i)
    all.push_back(spawn([&, i] { got.push_back(10 * i + queue.get()); }));
  yield();
  EXPECT_EQ(queue.waiting_getters(), 4u);
  for (int i = 0; i < 4; ++i)
    all.push_back(spawn([&, i] { queue.put(i); }));
  join_all(all);
  EXPECT_EQ(got, (std::vector<int>{0, 11, 22, 33}));
}

TEST_F(SharedQueueTest, what_one_was_called_for_is_not_for_who_comes_by) {
  SharedQueue<int> queue(1);
  auto waited = spawn([&] { return queue.get(); });
  yield();
  queue.put(1);
  EXPECT_EQ(queue.try_get(), std::nullopt);
  EXPECT_EQ(waited.get(), 1);
  queue.put(2);
  auto putter = spawn([&] { queue.put(3); });
  yield();
  EXPECT_EQ(queue.get(), 2);
  EXPECT_FALSE(queue.try_put(4));
  putter.join();
  EXPECT_EQ(queue.get(), 3);
}

TEST_F(SharedQueueTest, neither_put_nor_close_switches) {
  SharedQueue<int> queue;
  bool ran = false;
  auto g = spawn([&] {
    queue.get();
    ran = true;
  });
  yield();
  queue.put(1);
  queue.close();
  EXPECT_FALSE(ran);
  g.join();
}

TEST_F(SharedQueueTest, wrong_numbers_are_refused) {
  EXPECT_EQ(
      text_of<std::invalid_argument>([] { SharedQueue<int> queue(static_cast<std::size_t>(-1)); }),
      "grove: SharedQueue: a maxsize of -1 is negative");
  SharedQueue<int> queue;
  EXPECT_THROW(queue.get(-1ms), std::invalid_argument);
  EXPECT_THROW(queue.put(1, -1ms), std::invalid_argument);
  EXPECT_TRUE(queue.empty());
}

TEST_F(SharedQueueTest, an_operation_that_is_not_the_one_chosen_takes_and_puts_nothing) {
  SharedQueue<int> queue(1);
  Event event;
  auto getter = spawn([&] { return wait_any(event.wait_op(), queue.get_op()).index(); });
  yield();
  event.set();
  queue.put(1);
  EXPECT_EQ(getter.get(), 0u);
  EXPECT_EQ(queue.size(), 1u);
  event.clear();
  auto putter = spawn([&] { return wait_any(event.wait_op(), queue.put_op(2)).index(); });
  yield();
  event.set();
  EXPECT_EQ(queue.get(), 1);
  EXPECT_EQ(putter.get(), 0u);
  EXPECT_EQ(queue.try_get(), std::nullopt);
  EXPECT_EQ(std::get<1>(wait_any(after(10s),
                                 [&] {
                                   queue.put(3);
                                   return queue.get_op();
                                 }())),
            3);
  EXPECT_EQ(wait_any(queue.put_op(4), event.wait_op()).index(), 0u);
  EXPECT_EQ(queue.get(), 4);
}

// Throws when it is moved while armed.
struct Fragile {
  int value = 0;
  static inline bool armed = false;
  explicit Fragile(int v) : value(v) {}
  Fragile(Fragile&& other) : value(other.value) {
    if (armed) {
      armed = false;
      throw TestError();
    }
  }
};

// gevent Q29
TEST_F(SharedQueueTest, a_move_that_throws_costs_neither_item_nor_turn) {
  SharedQueue<Fragile> queue(1);
  Fragile item(1);
  Fragile::armed = true;
  EXPECT_THROW((void)queue.try_put(std::move(item)), TestError);
  EXPECT_TRUE(queue.empty());
  auto unlucky = spawn([&] { EXPECT_THROW(queue.get(), TestError); });
  auto next = spawn([&] { return queue.get().value; });
  yield();
  EXPECT_TRUE(queue.try_put(std::move(item)));
  Fragile::armed = true;
  EXPECT_EQ(next.get(), 1);
  unlucky.get();
}

// -- closing -------------------------------------------------------------------------------------

TEST_F(SharedQueueTest, a_closed_one_is_drained_and_then_closed) {
  SharedQueue<int> queue;
  queue.put(1);
  queue.close();
  EXPECT_TRUE(queue.closed());
  EXPECT_THROW(queue.put(2), Closed);
  EXPECT_THROW((void)queue.try_put(2), Closed);
  EXPECT_THROW(wait_any(queue.put_op(2)), Closed);
  EXPECT_EQ(queue.get(), 1);
  EXPECT_THROW(queue.get(), Closed);
  EXPECT_THROW((void)queue.try_get(), Closed);
  EXPECT_THROW(wait_any(queue.get_op()), Closed);
  EXPECT_NO_THROW(queue.close());
}

TEST_F(SharedQueueTest, closing_may_discard_what_is_left_even_what_one_was_called_for) {
  int alive = 0;
  SharedQueue<Counted> queue;
  auto getter = spawn([&] { EXPECT_THROW(queue.get(), Closed); });
  yield();
  queue.put(Counted(alive));
  queue.close(Remaining::discard);
  EXPECT_EQ(alive, 0);
  getter.get();
}

TEST_F(SharedQueueTest, what_one_was_called_for_is_still_there_after_a_draining_close) {
  SharedQueue<int> queue;
  auto killed = spawn([&] { queue.get(); });
  auto getter = spawn([&] { return queue.get(); });
  auto late = spawn([&] { EXPECT_THROW(queue.get(), Closed); });
  yield();
  killed.kill_nowait();
  queue.put(1);
  queue.close();
  EXPECT_EQ(queue.try_get(), std::nullopt) << "it is kept for the first in line";
  EXPECT_EQ(getter.get(), 1);
  EXPECT_TRUE(killed.killed());
  late.get();
  EXPECT_THROW(queue.get(), Closed);
}

} // namespace
} // namespace grove::test
