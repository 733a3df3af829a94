// SPDX-License-Identifier: MIT
// imap and imap_unordered, of groups and pools.
#include <algorithm>
#include <iterator>
#include <list>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/pool.hpp>
#include <grove/hub/queue.hpp>
#include <grove/hub/timeout.hpp>

#include "../support/blocking_call.hpp"
#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class ImapNext : public BlockingCall {
public:
  ImapNext() { again(); }

protected:
  bool call(Deadline deadline) override { return results_->next(deadline) == 1; }
  void release() override { queue_.put(1); }
  bool direct() const override { return false; }
  bool get_like() const override { return true; }
  void again() override {
    if (!results_)
      results_.emplace(group_.imap([this](int) { return queue_.get(); }, std::vector(10, 0), 1));
  }
  Queue<int> queue_;
  Group group_;
  std::optional<Results<int>> results_;
};

class ImapRange : public ImapNext {
  bool call(Deadline deadline) override {
    const auto first = [this] {
      for (const int result : *results_)
        return result;
      return 0;
    };
    return with_timeout(deadline, first) == 1;
  }
  bool get_like() const override { return false; }
};

[[maybe_unused]] const bool rows_added = add_blocking_calls({
    blocking_row<ImapNext>("imap_next"),
    blocking_row<ImapRange>("imap_range_for"),
});

class ImapTest : public HubTest {};

template <class T>
std::vector<T> all_of(Results<T> results) {
  std::vector<T> all;
  for (T& one : results)
    all.push_back(std::move(one));
  return all;
}
std::vector<int> first_numbers(int count) {
  std::vector<int> all;
  for (int i = 0; i < count; ++i)
    all.push_back(i);
  return all;
}
int square_slowly(int i) {
  for (int k = (i * 7919) % 5; k > 0; --k)
    yield();
  return i * i;
}

// gevent P16, P17
TEST_F(ImapTest, imap_gives_the_results_in_order_and_then_ends) {
  for (const std::ptrdiff_t bound : {1, 2, 3, 10}) {
    Pool pool(bound);
    auto results = pool.imap(square_slowly, first_numbers(1000));
    for (int i = 0; i < 1000; ++i)
      EXPECT_EQ(results.next(), i * i);
    EXPECT_EQ(results.next(), std::nullopt);
    EXPECT_EQ(results.next(), std::nullopt);
  }
}

// gevent P17
TEST_F(ImapTest, imap_unordered_gives_the_same_in_another_order) {
  for (const std::ptrdiff_t bound : {1, 2, 3, 10}) {
    Pool pool(bound);
    auto ordered = all_of(pool.imap(square_slowly, first_numbers(100)));
    auto unordered = all_of(pool.imap_unordered(square_slowly, first_numbers(100)));
    EXPECT_EQ(ordered == unordered, bound == 1);
    std::sort(unordered.begin(), unordered.end());
    EXPECT_EQ(ordered, unordered);
  }
}

// seed 05
TEST_F(ImapTest, four_runs_of_imap_unordered_give_the_same_order) {
  Pool pool(10);
  const auto echo = [](int i) {
    sleep(1ms);
    return i;
  };
  const auto shuffled = [](int i) {
    square_slowly(i);
    return i;
  };
  const auto first = all_of(pool.imap_unordered(echo, first_numbers(10)));
  const auto second = all_of(pool.imap_unordered(shuffled, first_numbers(100)));
  EXPECT_NE(second, first_numbers(100));
  for (int run = 0; run < 3; ++run) {
    EXPECT_EQ(all_of(pool.imap_unordered(echo, first_numbers(10))), first);
    EXPECT_EQ(all_of(pool.imap_unordered(shuffled, first_numbers(100))), second);
  }
}

// gevent P19
TEST_F(ImapTest, no_items_give_no_results) {
  Pool pool(2);
  EXPECT_EQ(pool.map(square_slowly, std::vector<int>{}), std::vector<int>{});
  EXPECT_EQ(pool.map(square_slowly, std::list<int>{}), std::vector<int>{});
  EXPECT_EQ(all_of(pool.imap(square_slowly, std::vector<int>{})), std::vector<int>{});
  EXPECT_EQ(all_of(pool.imap_unordered(square_slowly, std::vector<int>{})), std::vector<int>{});
}

// Items out of a queue until it is closed.
struct FromQueue {
  Queue<int>* queue;
  struct Iterator {
    using value_type = int;
    using difference_type = std::ptrdiff_t;
    Queue<int>* queue;
    std::optional<int> item;
    int operator*() const { return *item; }
    Iterator& operator++() {
      try {
        item = queue->get();
      } catch (const Closed&) {
        item.reset();
      }
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return !item.has_value(); }
  };
  Iterator begin() const { return ++Iterator{queue, {}}; }
  std::default_sentinel_t end() const { return {}; }
};

// gevent P20, P21
TEST_F(ImapTest, items_may_come_late_and_their_end_even_later) {
  Pool pool(2);
  for (const bool ordered : {true, false}) {
    Queue<int> queue;
    auto results = ordered ? pool.imap(square_slowly, FromQueue{&queue})
                           : pool.imap_unordered(square_slowly, FromQueue{&queue});
    EXPECT_THROW(results.next(1ms), TimeoutError);
    queue.put(3);
    EXPECT_EQ(results.next(), 9);
    auto closer = spawn([&] {
      sleep(1ms);
      queue.close();
    });
    EXPECT_EQ(results.next(), std::nullopt);
    EXPECT_EQ(results.next(), std::nullopt);
    closer.join();
  }
  Queue<int> queue;
  auto all = spawn([&] { return pool.map(square_slowly, FromQueue{&queue}); });
  queue.put(1);
  queue.put(2);
  settle();
  queue.close();
  EXPECT_EQ(all.get(), (std::vector{1, 4}));
}

// gevent P22
TEST_F(ImapTest, maxsize_bounds_what_was_begun_and_not_read) {
  for (const bool ordered : {true, false}) {
    for (const std::size_t maxsize : {std::size_t{1}, std::size_t{2}, std::size_t{5}}) {
      Pool pool(10);
      std::size_t begun = 0;
      std::size_t taken = 0;
      Queue<int> queue;
      for (int i = 0; i < 20; ++i)
        queue.put(i);
      queue.close();
      const auto count = [&](int i) {
        ++begun;
        return i;
      };
      auto results = ordered ? pool.imap(count, FromQueue{&queue}, maxsize)
                             : pool.imap_unordered(count, FromQueue{&queue}, maxsize);
      for (;; ++taken) {
        settle();
        EXPECT_LE(begun, taken + maxsize);
        EXPECT_LE(20 - queue.size(), begun + 1) << "items wait with their source";
        if (!results.next())
          break;
      }
      EXPECT_EQ(taken, 20u);
    }
  }
}

// gevent P24
TEST_F(ImapTest, an_error_is_the_result_of_its_item_alone) {
  ErrorLog errors;
  Pool pool(1);
  const auto divide = [](int i) {
    if (i == 0)
      throw TestError();
    return 1.0 / i;
  };
  for (const bool ordered : {true, false}) {
    auto results = ordered ? pool.imap(divide, std::vector{1, 0, 2})
                           : pool.imap_unordered(divide, std::vector{1, 0, 2});
    EXPECT_EQ(results.next(), 1.0);
    EXPECT_THROW(results.next(), TestError);
    EXPECT_EQ(results.next(), 0.5);
    EXPECT_EQ(results.next(), std::nullopt);
  }
  EXPECT_EQ(errors.size(), 0u);
}

TEST_F(ImapTest, an_error_of_the_source_comes_after_the_results) {
  struct Source {
    struct Iterator {
      using value_type = int;
      using difference_type = std::ptrdiff_t;
      int i = 0;
      int operator*() const { return i; }
      Iterator& operator++() {
        if (++i == 2)
          throw TestError(2);
        return *this;
      }
      void operator++(int) { ++*this; }
      bool operator==(std::default_sentinel_t) const { return false; }
    };
    Iterator begin() const { return {}; }
    std::default_sentinel_t end() const { return {}; }
  };
  Group group;
  auto results = group.imap(square_slowly, Source{});
  EXPECT_EQ(results.next(), 0);
  EXPECT_EQ(results.next(), 1);
  EXPECT_THROW(results.next(), TestError);
  EXPECT_EQ(results.next(), std::nullopt);
}

TEST_F(ImapTest, an_item_that_cannot_be_taken_fails_alone) {
  struct Item {
    int i;
    explicit Item(int n) : i(n) {}
    Item(const Item& other) : i(other.i) {
      if (i == 1)
        throw TestError();
    }
    Item(Item&&) = default;
    Item& operator=(const Item&) = default;
    ~Item() = default;
  };
  std::vector<Item> items;
  items.reserve(3);
  for (int i = 0; i < 3; ++i)
    items.emplace_back(i);
  Pool pool(1);
  auto results = pool.imap([](Item item) { return item.i; }, items);
  EXPECT_EQ(results.next(), 0);
  EXPECT_THROW(results.next(), TestError);
  EXPECT_EQ(results.next(), 2);
  EXPECT_EQ(results.next(), std::nullopt);
}

TEST_F(ImapTest, imap_of_a_function_without_result_tells_that_it_has_run) {
  Group group;
  int sum = 0;
  auto results = group.imap_unordered([&](int i) { sum += i; }, std::vector{2, 3});
  EXPECT_EQ(results.next(), std::monostate{});
  EXPECT_EQ(results.next(), std::monostate{});
  EXPECT_EQ(results.next(), std::nullopt);
  EXPECT_EQ(sum, 5);
}

// gevent P26
TEST_F(ImapTest, a_kill_of_the_pool_ends_its_imaps) {
  for (const bool ordered : {true, false}) {
    Pool pool(2);
    const auto work = [](int i) {
      sleep(Deadline());
      return i;
    };
    auto results =
        ordered ? pool.imap(work, first_numbers(10)) : pool.imap_unordered(work, first_numbers(10));
    settle();
    EXPECT_EQ(pool.size(), 2u);
    EXPECT_TRUE(pool.kill());
    EXPECT_THROW(results.next(), Killed);
    EXPECT_THROW(results.next(), Killed);
    EXPECT_THROW(results.next(), Killed) << "and so was what feeds it";
    EXPECT_EQ(results.next(), std::nullopt);
  }
}

TEST_F(ImapTest, results_that_are_dropped_end_what_is_under_way) {
  Pool pool(3);
  Event end;
  auto other = pool.spawn([&] { end.wait(); });
  int unwound = 0;
  for (int i : pool.imap(
           [&](int n) {
             AtExit exit([&] { ++unwound; });
             if (n > 0)
               sleep(Deadline());
             return n;
           },
           first_numbers(10))) {
    EXPECT_EQ(i, 0);
    settle();
    break;
  }
  EXPECT_EQ(unwound, 3);
  EXPECT_EQ(pool.size(), 1u);
  end.set();
  EXPECT_TRUE(other.join());
}

TEST_F(ImapTest, results_may_outlive_their_pool) {
  std::optional<Results<int>> results;
  {
    Pool pool(1);
    results.emplace(pool.imap(square_slowly, first_numbers(3), 1));
    EXPECT_EQ(results->next(), 0);
    settle();
  }
  EXPECT_EQ(results->next(), 1);
  EXPECT_THROW(results->next(), Killed);
  EXPECT_EQ(results->next(), std::nullopt);
}

TEST_F(ImapTest, results_that_go_wake_their_reader) {
  ErrorLog errors;
  Group group;
  std::optional<Results<int>> results(group.imap(
      [](int i) {
        sleep(Deadline());
        return i;
      },
      std::vector{1}));
  auto reader = spawn([&] { results->next(); });
  settle();
  results.reset();
  reader.join();
  EXPECT_FALSE(reader.successful());
}

TEST_F(ImapTest, imaps_nest) {
  Pool outer(2);
  Pool inner(2);
  const auto sums = all_of(outer.imap(
      [&](int n) {
        int sum = 0;
        for (const int i : inner.imap(square_slowly, first_numbers(n)))
          sum += i;
        return sum;
      },
      first_numbers(5)));
  EXPECT_EQ(sums, (std::vector{0, 0, 1, 5, 14}));
}

TEST_F(ImapTest, a_map_makes_way_for_whoever_waits_for_a_slot) {
  Pool pool(1);
  int done = 0;
  int when = -1;
  auto spawner = spawn([&] { pool.spawn([&] { when = done; }); });
  pool.map(
      [&](int) {
        settle(2);
        ++done;
      },
      std::vector<int>(10));
  spawner.get();
  pool.join();
  EXPECT_EQ(done, 10);
  EXPECT_GE(when, 1);
  EXPECT_LT(when, 10) << "it had to wait for all of the map";
}

TEST_F(ImapTest, a_negative_maxsize_is_refused) {
  Pool pool(1);
  const auto same = [](int i) { return i; };
  const auto minus_one = static_cast<std::size_t>(-1);
  EXPECT_EQ(text_of<std::invalid_argument>([&] { pool.imap(same, std::vector{1}, minus_one); }),
            "grove: Group.imap: a maxsize of -1 is negative");
  EXPECT_EQ(
      text_of<std::invalid_argument>([&] { pool.imap_unordered(same, std::vector{1}, minus_one); }),
      "grove: Group.imap_unordered: a maxsize of -1 is negative");
  EXPECT_TRUE(pool.empty());
}

} // namespace
} // namespace grove::test
