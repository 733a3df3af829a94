// SPDX-License-Identifier: MIT
// Queue: orders, range-for, and containers that throw.
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <grove/hub/greenlet.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/queue.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/hub/wait_any.hpp>

#include "../support/blocking_call.hpp"
#include "../support/hub_test.hpp"
#include "../support/queue_calls.hpp"

namespace grove::test {
namespace {

class QueueOrderTest : public HubTest {};

using LifoQueue = Queue<int, Lifo>;
using PriorityQueue = Queue<int, Priority<>>;
[[maybe_unused]] const bool rows_added = add_blocking_calls({
    blocking_row<GetCall<LifoQueue>>("lifo_get"),
    blocking_row<PutCall<LifoQueue>>("lifo_put"),
    blocking_row<PeekCall<LifoQueue>>("lifo_peek"),
    blocking_row<RangeCall<GetCall<LifoQueue>>>("lifo_range_for"),
    blocking_row<GetCall<PriorityQueue>>("priority_get"),
    blocking_row<PutCall<PriorityQueue>>("priority_put"),
    blocking_row<PeekCall<PriorityQueue>>("priority_peek"),
    blocking_row<RangeCall<GetCall<PriorityQueue>>>("priority_range_for"),
});

template <class Q>
std::vector<typename Q::value_type> drain(Q& queue) {
  std::vector<typename Q::value_type> all;
  while (auto item = queue.try_get())
    all.push_back(std::move(*item));
  return all;
}

// -- orders --------------------------------------------------------------------------------------

TEST_F(QueueOrderTest, lifo_gives_the_latest_first) {
  Queue<int, Lifo> queue;
  for (int i = 1; i <= 3; ++i)
    queue.put(i);
  EXPECT_EQ(queue.peek(), 3);
  EXPECT_EQ(drain(queue), (std::vector<int>{3, 2, 1}));
}

TEST_F(QueueOrderTest, priority_gives_the_least_first_or_what_its_comparator_says) {
  Queue<int, Priority<>> least;
  Queue<int, Priority<std::greater<>>> greatest;
  for (const int i : {2, 5, 1, 4}) {
    least.put(i);
    greatest.put(i);
  }
  EXPECT_EQ(least.peek(), 1);
  EXPECT_EQ(drain(least), (std::vector<int>{1, 2, 4, 5}));
  EXPECT_EQ(drain(greatest), (std::vector<int>{5, 4, 2, 1}));
}

TEST_F(QueueOrderTest, a_comparator_may_have_a_state) {
  struct By {
    int wanted;
    bool operator()(int a, int b) const { return std::abs(a - wanted) < std::abs(b - wanted); }
  };
  Queue<int, Priority<By>> queue(0, {By{10}});
  for (const int i : {1, 8, 11, 30})
    queue.put(i);
  EXPECT_EQ(drain(queue), (std::vector<int>{11, 8, 1, 30}));
}

TEST_F(QueueOrderTest, equal_priorities_keep_their_order_of_arrival) {
  using Job = std::pair<int, std::string>;
  struct ByNumber {
    bool operator()(const Job& a, const Job& b) const { return a.first < b.first; }
  };
  Queue<Job, Priority<ByNumber>> queue;
  for (const char* name : {"a", "b", "c"}) {
    queue.put({2, name});
    queue.put({1, name});
  }
  std::string order;
  for (const auto& job : drain(queue))
    order += std::to_string(job.first) + job.second + ' ';
  EXPECT_EQ(order, "1a 1b 1c 2a 2b 2c ");
}

TEST_F(QueueOrderTest, move_only_items_go_through_every_order) {
  Queue<std::unique_ptr<int>, Lifo> lifo;
  struct ByValue {
    bool operator()(const std::unique_ptr<int>& a, const std::unique_ptr<int>& b) const {
      return *a < *b;
    }
  };
  Queue<std::unique_ptr<int>, Priority<ByValue>> priority;
  for (const int i : {2, 1}) {
    lifo.put(std::make_unique<int>(i));
    priority.put(std::make_unique<int>(i));
  }
  EXPECT_EQ(*lifo.get(), 1);
  EXPECT_EQ(*priority.get(), 1);
}

TEST_F(QueueOrderTest, what_is_next_is_taken_before_a_waiting_putter_comes_in) {
  Queue<int, Lifo> lifo(2);
  Queue<int, Priority<>> priority(2);
  for (const int i : {5, 6}) {
    lifo.put(i);
    priority.put(i);
  }
  auto a = spawn([&] { lifo.put(7); });
  auto b = spawn([&] { priority.put(1); });
  yield();
  EXPECT_EQ(lifo.get(), 6);
  EXPECT_EQ(priority.get(), 5);
  join_all({a, b});
  EXPECT_EQ(drain(lifo), (std::vector<int>{7, 5}));
  EXPECT_EQ(drain(priority), (std::vector<int>{1, 6}));
}

TEST_F(QueueOrderTest, whoever_waits_gets_what_comes_whatever_the_order) {
  Queue<int, Priority<>> queue;
  std::vector<int> got;
  auto a = spawn([&] { got.push_back(queue.get()); });
  auto b = spawn([&] { got.push_back(queue.get()); });
  yield();
  queue.put(2);
  queue.put(1);
  join_all({a, b});
  EXPECT_EQ(got, (std::vector<int>{2, 1})) << "the first was handed over before the second came";
}

TEST_F(QueueOrderTest, closing_discards_in_every_order) {
  Queue<int, Lifo> lifo;
  Queue<int, Priority<>> priority;
  lifo.put(1);
  priority.put(1);
  lifo.close(Remaining::discard);
  priority.close();
  EXPECT_THROW(lifo.get(), Closed);
  EXPECT_EQ(priority.get(), 1);
  EXPECT_THROW(priority.get(), Closed);
}

TEST_F(QueueOrderTest, a_negative_size_is_refused) {
  EXPECT_EQ(text_of<std::invalid_argument>([] { Queue<int> queue(static_cast<std::size_t>(-1)); }),
            "grove: Queue: a maxsize of -1 is negative");
}

// An order of a program's own: it counts what it is asked for, and throws when it is told to.
struct Hooks {
  struct Counts {
    int made = 0;
    int puts = 0;
    int takes = 0;
    bool put_fails = false;
    bool take_fails = false;
  };
  Counts* counts = nullptr;

  template <class T>
  class Items : public Fifo::Items<T> {
    using Base = Fifo::Items<T>;

  public:
    explicit Items(const Hooks& order) : Base(Fifo{}), counts_(*order.counts) { ++counts_.made; }
    void put(T&& item) {
      ++counts_.puts;
      if (counts_.put_fails)
        throw TestError(1);
      Base::put(std::move(item));
    }
    T take(typename Base::First first) {
      ++counts_.takes;
      if (counts_.take_fails)
        throw TestError(2);
      return Base::take(first);
    }

  private:
    Counts& counts_;
  };
};

// gevent Q19
TEST_F(QueueOrderTest, an_order_of_ones_own_is_asked_once_for_each_operation) {
  Hooks::Counts counts;
  Queue<int, Hooks> queue(0, {&counts});
  queue.put(1);
  EXPECT_EQ(queue.get(), 1);
  EXPECT_EQ(counts.made, 1);
  EXPECT_EQ(counts.puts, 1);
  EXPECT_EQ(counts.takes, 1);
}

// gevent Q29
TEST_F(QueueOrderTest, a_container_that_throws_leaves_the_queue_usable) {
  Hooks::Counts counts;
  Queue<int, Hooks> queue(2, {&counts});
  counts.put_fails = true;
  EXPECT_THROW(queue.put(1), TestError);
  EXPECT_THROW((void)queue.try_put(1), TestError);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.unfinished_tasks(), 0u);
  counts.put_fails = false;
  queue.put(1);
  queue.put(2);

  auto putter = spawn([&] { queue.put(3); });
  yield();
  counts.put_fails = true;
  EXPECT_THROW(queue.get(), TestError) << "the putter could not be let in";
  EXPECT_EQ(queue.waiting_putters(), 1u);
  EXPECT_EQ(queue.size(), 2u);
  counts.put_fails = false;
  counts.take_fails = true;
  EXPECT_THROW(queue.get(), TestError);
  EXPECT_THROW((void)queue.try_get(), TestError);
  counts.take_fails = false;
  EXPECT_EQ(queue.get(), 1);
  putter.join();
  EXPECT_EQ(drain(queue), (std::vector<int>{2, 3}));
  EXPECT_EQ(queue.unfinished_tasks(), 3u);

  auto getter = spawn([&] { return queue.get(); });
  yield();
  queue.put(4);
  EXPECT_EQ(getter.get(), 4);
}

// gevent Q29
TEST_F(QueueOrderTest, an_item_that_cannot_be_taken_lets_in_one_putter_and_no_more) {
  Hooks::Counts counts;
  Queue<int, Hooks> queue(1, {&counts});
  queue.put(1);
  std::vector<GreenletRef<>> putters;
  for (const int item : {2, 3, 4})
    putters.push_back(spawn([&queue, item] { queue.put(item); }));
  yield();
  counts.take_fails = true;
  for (int i = 0; i < 3; ++i)
    EXPECT_THROW(queue.get(), TestError);
  EXPECT_EQ(queue.size(), 2u);
  EXPECT_EQ(queue.waiting_putters(), 2u);
  counts.take_fails = false;
  EXPECT_EQ(queue.get(), 1);
  EXPECT_EQ(queue.size(), 1u);
  EXPECT_EQ(queue.waiting_putters(), 2u);
  for (const int item : {2, 3, 4})
    EXPECT_EQ(queue.get(), item);
  join_all(putters);
}

// gevent Q29
TEST_F(QueueOrderTest, a_comparison_that_throws_puts_nothing_and_disorders_nothing) {
  struct Compare {
    bool operator()(int a, int b) const {
      if (a == 13 || b == 13)
        throw TestError();
      return a < b;
    }
  };
  Queue<int, Priority<Compare>> queue(4);
  for (const int i : {9, 2, 5})
    queue.put(i);
  EXPECT_THROW(queue.put(13), TestError);
  EXPECT_EQ(queue.unfinished_tasks(), 3u);
  queue.put(7);
  auto unlucky = spawn([&] { queue.put(13); });
  yield();
  EXPECT_THROW(queue.get(), TestError);
  unlucky.kill();
  EXPECT_EQ(drain(queue), (std::vector<int>{2, 5, 7, 9}));
}

// -- range-for -----------------------------------------------------------------------------------

TEST_F(QueueOrderTest, a_loop_takes_items_until_the_queue_is_closed_and_empty) {
  Queue<std::unique_ptr<int>> queue(1);
  auto producer = spawn([&] {
    for (int i = 1; i <= 3; ++i)
      queue.put(std::make_unique<int>(i));
    queue.close();
  });
  int sum = 0;
  for (std::unique_ptr<int> item : queue)
    sum += *item;
  EXPECT_EQ(sum, 6);
  producer.join();
  for (const auto& item : queue)
    ADD_FAILURE() << *item << " is still there";
}

TEST_F(QueueOrderTest, a_loop_that_waits_ends_when_the_queue_closes_or_goes) {
  auto queue = std::make_unique<Queue<int>>();
  const auto loop = [](Queue<int>& q) {
    int count = 0;
    for ([[maybe_unused]] const int item : q)
      ++count;
    return count;
  };
  auto a = spawn([&] { return loop(*queue); });
  yield();
  queue->put(1);
  settle();
  queue.reset();
  EXPECT_EQ(a.get(), 1);

  Queue<int> other;
  auto b = spawn([&] { return loop(other); });
  auto killed = spawn([&] { return loop(other); });
  yield();
  killed.kill();
  EXPECT_TRUE(killed.killed());
  other.close();
  EXPECT_EQ(b.get(), 0);
}

} // namespace
} // namespace grove::test
