// SPDX-License-Identifier: MIT
// SharedQueue between hubs and plain threads: wake-ups, order, closing, deadlock, shutdown.
#include <algorithm>
#include <atomic>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include <grove/hub/async_result.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/hub_thread.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/shared_queue.hpp>
#include <grove/hub/wait_any.hpp>

#include "../support/blocking_call.hpp"
#include "../support/hub_test.hpp"
#include "../support/queue_calls.hpp"

namespace grove::test {
namespace {

class SharedQueueThreadsTest : public HubTest {};

// A thread without a hub brings the item.
class SharedGetFromThread : public GetCall<SharedQueue<int>> {
  void release() override {
    std::thread([this] { queue_.put(1); }).join();
  }
  bool direct() const override { return false; }
};
[[maybe_unused]] const bool rows_added =
    add_blocking_calls({blocking_row<SharedGetFromThread>("shared_queue_get_from_thread")});

TEST_F(SharedQueueThreadsTest, closing_wakes_everybody_on_all_hubs_and_threads) {
  SharedQueue<int> empty;
  SharedQueue<int> full(1);
  full.put(0);
  HubThread other;
  std::atomic<int> closed{0};
  const auto expect_closed = [&closed](auto f) {
    try {
      f();
    } catch (const Closed&) {
      ++closed;
    }
  };
  const auto wait_here = [&] {
    auto a = spawn(expect_closed, [&] { empty.get(); });
    auto b = spawn(expect_closed, [&] { full.put(1); });
    join_all({a, b});
  };
  auto mine = spawn(wait_here);
  auto theirs = spawn({.hub = &other.hub()}, wait_here);
  std::thread one([&] { expect_closed([&] { empty.get(); }); });
  std::thread two([&] { expect_closed([&] { full.put(1); }); });
  while (empty.waiting_getters() + full.waiting_putters() < 6)
    yield();
  empty.close();
  full.close();
  one.join();
  two.join();
  join_all({mine, theirs});
  EXPECT_EQ(closed, 6);
}

TEST_F(SharedQueueThreadsTest, destroying_it_wakes_everybody_with_closed) {
  auto queue = std::make_unique<SharedQueue<int>>();
  auto* q = queue.get();
  std::atomic<bool> closed = false;
  std::thread thread([&] {
    try {
      q->get();
    } catch (const Closed&) {
      closed = true;
    }
  });
  auto g = spawn([q] { EXPECT_THROW(q->get(), Closed); });
  auto loop = spawn([q] {
    for ([[maybe_unused]] const int item : *q)
      ADD_FAILURE() << "an item came from nowhere";
  });
  auto chooser = spawn([q] { EXPECT_THROW(wait_any(q->get_op()), Closed); });
  while (queue->waiting_getters() < 4)
    yield();
  queue.reset();
  thread.join();
  EXPECT_TRUE(closed);
  g.get();
  loop.get();
  chooser.get();
}

// -- threads and hubs ----------------------------------------------------------------------------

// pitfall 54
TEST_F(SharedQueueThreadsTest, a_plain_thread_feeds_a_hub_that_sleeps_and_no_deadlock_is_told) {
  SharedQueue<int> queue;
  std::thread feeder([&] {
    for (int i = 0; i < 200; ++i) {
      while (queue.waiting_getters() == 0)
        std::this_thread::yield();
      queue.put(i);
    }
    queue.close();
  });
  int next = 0;
  for (const int item : queue)
    EXPECT_EQ(item, next++);
  EXPECT_EQ(next, 200);
  feeder.join();
}

TEST_F(SharedQueueThreadsTest, once_nobody_waits_there_a_deadlock_is_told_as_ever) {
  SharedQueue<int> queue;
  EXPECT_THROW(queue.get(1ms), TimeoutError);
  EXPECT_EQ(wait_any(queue.get_op(), after(1ms)).index(), 1u);
  Event event;
  EXPECT_THROW(event.wait(), Deadlock);
}

TEST_F(SharedQueueThreadsTest, a_waiting_greenlet_does_not_hold_up_its_hub) {
  SharedQueue<int> queue;
  auto getter = spawn([&] { return queue.get(); });
  int turns = 0;
  auto other = spawn([&] {
    for (; turns < 5; ++turns)
      sleep(100us);
  });
  other.join();
  EXPECT_EQ(turns, 5);
  std::thread([&] { queue.put(1); }).join();
  EXPECT_EQ(getter.get(), 1);
}

TEST_F(SharedQueueThreadsTest,
       a_plain_thread_blocks_until_a_greenlet_puts_and_times_out_when_none_does) {
  SharedQueue<int> there;
  SharedQueue<int> back;
  std::thread thread([&] {
    EXPECT_THROW(there.get(1ms), TimeoutError);
    back.put(0);
    for (const int item : there)
      back.put(item + 1);
    EXPECT_THROW(there.get(), Closed);
    back.close();
  });
  EXPECT_EQ(back.get(), 0);
  for (int i = 0; i < 100; ++i) {
    there.put(i);
    EXPECT_EQ(back.get(), i + 1);
  }
  there.close();
  EXPECT_THROW(back.get(), Closed);
  thread.join();
}

TEST_F(SharedQueueThreadsTest, two_plain_threads_hand_items_through_a_small_one) {
  SharedQueue<int> queue(2);
  std::thread producer([&] {
    for (int i = 0; i < many_turns / 10; ++i)
      queue.put(i);
    queue.close();
  });
  int next = 0;
  std::thread consumer([&] {
    for (const int item : queue)
      next += item == next ? 1 : many_turns;
  });
  producer.join();
  consumer.join();
  EXPECT_EQ(next, many_turns / 10);
}

// pitfall 54
TEST_F(SharedQueueThreadsTest,
       between_hubs_and_threads_no_item_is_lost_or_doubled_and_producers_are_in_order) {
  constexpr int producers = 4;
  constexpr int each = many_turns / 20;
  SharedQueue<int> queue(3);
  SharedQueue<std::vector<int>> results;
  HubThread one;
  HubThread two;
  const auto produce = [&queue](int who) {
    for (int i = 0; i < each; ++i)
      queue.put(who * each + i);
  };
  const auto consume = [&queue, &results] {
    std::vector<int> got;
    for (const int item : queue)
      got.push_back(item);
    results.put(std::move(got));
  };
  std::vector<GreenletRef<>> makers{spawn(produce, 0), spawn({.hub = &one.hub()}, produce, 1),
                                    spawn({.hub = &two.hub()}, produce, 2)};
  std::thread maker(produce, 3);
  std::vector<GreenletRef<>> takers{spawn(consume), spawn({.hub = &one.hub()}, consume),
                                    spawn({.hub = &two.hub()}, consume)};
  std::thread taker(consume);
  join_all(makers);
  maker.join();
  queue.close();
  std::vector<int> all;
  for (int i = 0; i < 4; ++i) {
    const auto part = results.get();
    std::vector<int> last(producers, -1);
    for (const int item : part) {
      int& before = last[static_cast<std::size_t>(item / each)];
      EXPECT_LT(before, item) << "of one producer, in its order";
      before = item;
    }
    all.insert(all.end(), part.begin(), part.end());
  }
  taker.join();
  join_all(takers);
  std::sort(all.begin(), all.end());
  std::vector<int> expected(producers * each);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(all, expected);
}

TEST_F(SharedQueueThreadsTest, kills_and_deadlines_under_fire_from_a_thread_lose_nothing) {
  constexpr int items = many_turns / 20;
  SharedQueue<int> queue;
  std::vector<int> got;
  std::thread feeder([&] {
    for (int i = 0; i < items; ++i) {
      queue.put(i);
      if (i % 7 == 0)
        std::this_thread::yield();
    }
    queue.close();
  });
  bool done = false;
  while (!done) {
    const auto until_closed = [](auto take) {
      try {
        take();
      } catch (const TimeoutError&) {
      } catch (const Closed&) {
      }
    };
    auto killed = spawn(until_closed, [&] { got.push_back(queue.get()); });
    auto late = spawn(until_closed, [&] { got.push_back(queue.get(20us)); });
    auto chooser = spawn(until_closed, [&] {
      auto item = wait_any(queue.get_op(), after(20us));
      if (item.index() == 0)
        got.push_back(std::get<0>(item));
    });
    yield();
    killed.kill_nowait();
    join_all({killed, late, chooser});
    done = queue.closed() && queue.empty();
  }
  feeder.join();
  std::sort(got.begin(), got.end());
  std::vector<int> expected(items);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(got, expected);
  EXPECT_EQ(queue.waiting_getters(), 0u);
}

TEST_F(SharedQueueThreadsTest, a_hub_that_shuts_down_leaves_the_item_to_others) {
  SharedQueue<int> queue;
  {
    HubThread other;
    auto theirs = spawn({.hub = &other.hub()}, [&] { queue.get(); });
    while (queue.waiting_getters() == 0)
      yield();
    theirs.kill();
    other.hub().post([&] { queue.get(); });
    while (queue.waiting_getters() == 0)
      yield();
  }
  EXPECT_EQ(queue.waiting_getters(), 0u);
  queue.put(1);
  EXPECT_EQ(queue.get(0ms), 1);
}

// A promise that a plain thread keeps: the way to wait for a std::thread without stopping the hub.
TEST_F(SharedQueueThreadsTest, results_of_plain_threads_come_as_values_or_as_a_stream) {
  const auto attachment = Hub::current().attach(); // an AsyncResult alone does not tell the hub
  AsyncResult<int> answer;
  SharedQueue<std::string> progress;
  std::thread worker([&, answer] {
    for (const char* step : {"one", "two"})
      progress.put(step);
    progress.close();
    answer.set(42);
  });
  int turns = 0;
  auto meanwhile = spawn([&] {
    for (;; ++turns)
      yield();
  });
  Log log;
  for (std::string step : progress)
    log.push_back(std::move(step));
  EXPECT_EQ(log, (Log{"one", "two"}));
  EXPECT_EQ(answer.get(), 42);
  EXPECT_GT(turns, 0) << "others ran while we waited";
  meanwhile.kill();
  worker.join();
}

} // namespace
} // namespace grove::test
