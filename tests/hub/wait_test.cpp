// SPDX-License-Identifier: MIT
// wait: which of many are ready, in their order, and nothing taken; join_all with options.
#include <algorithm>
#include <iterator>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <vector>

#include <grove/hub/async_result.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/hub/wait.hpp>

#include "../support/blocking_call.hpp"
#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class WaitTest : public HubTest {
protected:
  // Ends after so many turns, with its number.
  static GreenletRef<int> after_turns(int turns, int number) {
    return spawn([turns, number] {
      settle(turns);
      return number;
    });
  }
};

class WaitForEvent : public BlockingCall {
  bool call(Deadline deadline) override {
    Event* all[] = {&never_, &event_};
    auto range = wait(all, {.deadline = deadline, .count = 1});
    const auto first = range.begin();
    if (first == range.end())
      return false;
    EXPECT_EQ(*first, &event_);
    return true;
  }
  void release() override { event_.set(); }
  void again() override { event_.clear(); }
  std::size_t waiters() const override { return event_.waiters() + never_.waiters(); }
  Event event_;
  Event never_;
};
class JoinAllCounted : public BlockingCall {
public:
  JoinAllCounted() { again(); }
  ~JoinAllCounted() override { kill_all(all_); }

private:
  bool call(Deadline deadline) override {
    return join_all(all_, JoinOptions{.deadline = deadline, .count = 1}) == 1;
  }
  void release() override { go_->set(); }
  bool direct() const override { return false; }
  void again() override {
    kill_all(all_);
    go_ = std::make_unique<Event>();
    all_ = {spawn([] { sleep(Deadline()); }), spawn([go = go_.get()] { go->wait(); })};
    yield();
  }
  std::unique_ptr<Event> go_;
  std::vector<GreenletRef<>> all_;
};
[[maybe_unused]] const bool rows_added = add_blocking_calls(
    {blocking_row<WaitForEvent>("wait_event"), blocking_row<JoinAllCounted>("join_all_counted")});

// gevent J7, J12
TEST_F(WaitTest, gives_each_once_in_the_order_of_the_ends) {
  std::vector<GreenletRef<int>> all{after_turns(6, 0), after_turns(2, 1), after_turns(4, 2)};
  std::vector<int> order;
  for (const auto& one : wait(all)) {
    order.push_back(one.get());
    yield();
  }
  EXPECT_EQ(order, (std::vector<int>{1, 2, 0}));
}

// gevent J4
TEST_F(WaitTest, those_that_end_while_nobody_looks_come_in_the_order_of_their_ends) {
  Event go;
  std::vector<GreenletRef<int>> all;
  for (const int n : {0, 1, 2, 3})
    all.push_back(spawn([&go, n] {
      go.wait();
      settle(n % 2 == 0 ? 4 : 2);
      return n;
    }));
  yield();
  go.set();
  settle(20);
  std::vector<int> order;
  for (const auto& one : wait(all))
    order.push_back(one.get());
  EXPECT_EQ(order, (std::vector<int>{1, 3, 0, 2}));
}

// gevent J12
TEST_F(WaitTest, finished_finishing_and_failing_ones_all_come) {
  ErrorLog errors;
  std::vector<GreenletRef<>> all{spawn([] {}), spawn([] { throw TestError(); }),
                                 spawn([] { sleep(1ms); }), spawn([] { throw TestError(); })};
  all[0].join();
  std::size_t seen = 0;
  for ([[maybe_unused]] const auto& one : wait(all)) {
    sleep(2ms); // no stray wake-up ends it early: see the next
    const auto start = Clock::now();
    sleep(1ms);
    EXPECT_GE(Clock::now() - start, 1ms);
    ++seen;
  }
  EXPECT_EQ(seen, 4u);
}

// gevent J7
TEST_F(WaitTest, counts_are_kept) {
  for (const std::size_t count : {0u, 1u, 2u}) {
    std::vector<std::unique_ptr<Event>> all;
    for (int i = 0; i < 5; ++i)
      all.push_back(std::make_unique<Event>());
    auto setter = spawn([&] {
      for (const auto& one : all) {
        settle(2);
        one->set();
      }
    });
    std::size_t seen = 0;
    for ([[maybe_unused]] const auto& one : wait(all, {.count = count}))
      ++seen;
    EXPECT_EQ(seen, count);
    EXPECT_FALSE(setter.ready());
    setter.join();
  }
}

TEST_F(WaitTest, a_deadline_ends_the_range_and_what_came_before_was_given) {
  std::vector<GreenletRef<>> all{spawn([] {}), spawn([] { sleep(Deadline()); })};
  std::size_t seen = 0;
  for (const auto& one : wait(all, {.deadline = 3ms})) {
    EXPECT_EQ(one, all[0]);
    ++seen;
  }
  EXPECT_EQ(seen, 1u);
  EXPECT_FALSE(all[1].ready());
  all[1].kill();
}

// gevent J11, J10
TEST_F(WaitTest, leaving_early_leaves_no_one_in_line) {
  Event one;
  Event other;
  {
    Event* all[] = {&one, &other};
    auto setter = spawn([&] { other.set(); });
    auto range = wait(all);
    EXPECT_EQ(*range.begin(), &other);
    EXPECT_EQ(one.waiters(), 0u);
  }
  EXPECT_EQ(one.waiters(), 0u);
  EXPECT_EQ(other.waiters(), 0u);
}

// gevent E1
TEST_F(WaitTest, a_flag_that_was_lowered_again_has_been_raised) {
  Event event;
  Event* all[] = {&event};
  auto setter = spawn([&] {
    event.set();
    event.clear();
  });
  std::size_t seen = 0;
  for ([[maybe_unused]] Event* one : wait(all, {.deadline = 10s}))
    ++seen;
  EXPECT_EQ(seen, 1u);
}

// gevent J17
TEST_F(WaitTest, a_wait_that_begins_during_a_notification_is_not_part_of_it) {
  Event event;
  bool second = true;
  auto first = spawn([&] {
    event.wait();
    Event* all[] = {&event};
    auto range = wait(all, {.deadline = 1ms});
    second = range.begin() != range.end();
  });
  yield();
  event.set();
  event.clear();
  first.join();
  EXPECT_FALSE(second);
}

// gevent J14
TEST_F(WaitTest, unrelated_greenlets_are_not_waited_for) {
  auto unrelated = spawn([] { sleep(Deadline()); });
  Event event;
  event.set();
  Event* all[] = {&event};
  for ([[maybe_unused]] Event* one : wait(all)) {
  }
  EXPECT_FALSE(unrelated.ready());
  unrelated.kill();
}

TEST_F(WaitTest, takes_nothing_of_a_result_and_works_with_references) {
  AsyncResult<int> first;
  AsyncResult<int> second;
  std::vector<std::reference_wrapper<AsyncResult<int>>> all{first, second};
  auto setter = spawn([&] {
    second.set(2);
    yield();
    first.set_exception(std::make_exception_ptr(TestError()));
  });
  std::vector<bool> successful;
  for (AsyncResult<int>& one : wait(all))
    successful.push_back(one.successful());
  EXPECT_EQ(successful, (std::vector<bool>{true, false}));
  EXPECT_EQ(second.get(), 2);
}

TEST_F(WaitTest, an_empty_range_is_at_its_end_at_once) {
  const std::vector<GreenletRef<>> none;
  bool other = false;
  auto o = spawn([&] { other = true; });
  auto range = wait(none);
  EXPECT_TRUE(range.begin() == range.end());
  EXPECT_FALSE(other);
  o.join();
}

TEST_F(WaitTest, many_are_followed_to_the_last) {
  std::vector<GreenletRef<int>> all;
  const auto count = static_cast<int>(crowd) / 10;
  for (int n = 0; n < count; ++n)
    all.push_back(after_turns((n * 7) % 13 + 1, n));
  std::vector<bool> seen(static_cast<std::size_t>(count));
  for (const auto& one : wait(all)) {
    EXPECT_TRUE(one.ready());
    seen[static_cast<std::size_t>(one.get())] = true;
  }
  EXPECT_EQ(std::ranges::count(seen, true), count);
}

// -- join_all with options -----------------------------------------------------------------------

// gevent J2, J6
TEST_F(WaitTest, join_all_tells_how_many_have_ended) {
  std::vector<GreenletRef<>> all{spawn([] {}), spawn([] { sleep(Deadline()); }), spawn([] {})};
  EXPECT_EQ(join_all(all, JoinOptions{.deadline = 2ms, .raise_error = true}), 2u);
  all[1].kill();
  EXPECT_EQ(join_all(all, JoinOptions{.raise_error = true}), 3u);
}

// gevent J4
TEST_F(WaitTest, join_all_raises_the_error_that_came_first) {
  ErrorLog errors;
  std::vector<GreenletRef<>> all{spawn([] {
                                   settle(4);
                                   throw TestError(1);
                                 }),
                                 spawn([] {
                                   yield();
                                   throw TestError(2);
                                 })};
  settle(20); // both have failed before anybody looks
  try {
    join_all(all, JoinOptions{.raise_error = true});
    ADD_FAILURE() << "nothing was raised";
  } catch (const TestError& e) {
    EXPECT_EQ(e.number, 2);
  }
}

// gevent J5
TEST_F(WaitTest, join_all_with_a_count_is_content_with_a_failed_one) {
  ErrorLog errors;
  std::vector<GreenletRef<>> all{spawn([] { sleep(Deadline()); }),
                                 spawn([] { throw TestError(); })};
  EXPECT_EQ(join_all(all, JoinOptions{.count = 1}), 1u);
  EXPECT_FALSE(all[0].ready());
  EXPECT_NE(all[1].exception(), nullptr);
  all[0].kill();
}

// gevent J1
TEST_F(WaitTest, one_that_is_named_twice_counts_twice) {
  auto a = spawn([] { yield(); });
  auto b = spawn([] {});
  const std::vector<GreenletRef<>> all{a, b, a};
  EXPECT_EQ(join_all(all, JoinOptions{}), 3u);
}

TEST_F(WaitTest, a_range_that_was_interrupted_stands_in_no_line_and_can_go_on) {
  Event one;
  Event other;
  Event* all[] = {&one, &other};
  auto range = wait(all);
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(with_timeout(1ms, [&] { range.begin(); }));
    EXPECT_EQ(one.waiters() + other.waiters(), 0u);
  }
  auto setter = spawn([&] {
    other.set();
    one.set();
  });
  Event never;
  EXPECT_FALSE(never.wait(3ms)) << "no event of the range may end this wait";
  std::size_t seen = 0;
  for ([[maybe_unused]] Event* event : range)
    ++seen;
  EXPECT_EQ(seen, 2u);
}

TEST_F(WaitTest, an_empty_handle_is_an_error) {
  const std::vector<GreenletRef<>> nobody(1);
  EXPECT_THROW(wait(nobody).begin(), std::logic_error);
  EXPECT_THROW(join_all(nobody, JoinOptions{}), std::logic_error);
}

} // namespace
} // namespace grove::test
