// SPDX-License-Identifier: MIT
// The ZMQ_EVENTS protocol, case by case.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "fake_socket.hpp"

namespace grove::zmq::detail {
namespace {

using namespace std::chrono_literals;
using test::settle;

// Decision 28: reading ZMQ_EVENTS costs more than sending does.
TEST_F(EdgeTest, does_not_look_while_nobody_waits) {
  FakeSocket fake;
  Edge edge(fake);
  fake.messages = fake.room = 200;
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(operate(edge, fake, Direction::receive), Outcome::done);
    EXPECT_EQ(operate(edge, fake, Direction::send), Outcome::done);
  }
  EXPECT_EQ(fake.looks, 0);
  EXPECT_EQ(fake.starts, 0);
}

// Its attempt has handled the commands already.
TEST_F(EdgeTest, a_receiver_parks_without_a_look_unless_somebody_waits_to_send) {
  FakeSocket fake;
  Edge edge(fake);
  const auto receiver = spawn([&] { return operate(edge, fake, Direction::receive); });
  settle();
  EXPECT_EQ(fake.looks, 0);
  EXPECT_TRUE(fake.watched);
  receiver.kill();

  const auto sender = spawn([&] { return operate(edge, fake, Direction::send); });
  settle();
  fake.room = 1; // as if the receiver's attempt below had handled the command: no edge comes
  EXPECT_EQ(operate(edge, fake, Direction::receive, Deadline(0s)), Outcome::timeout);
  settle();
  ASSERT_TRUE(sender.ready());
  EXPECT_EQ(sender.get(), Outcome::done);
}

// pitfall 64
TEST_F(EdgeTest, what_was_tried_before_a_yield_is_tried_again) {
  FakeSocket fake;
  Edge edge(fake);
  fake.messages = static_cast<int>(Edge::operations_per_turn) - 1;
  while (fake.messages > 0)
    operate(edge, fake, Direction::receive);
  const auto other_one = spawn([&] { fake.messages = 1; }); // as if a send had: no edge comes
  EXPECT_EQ(operate(edge, fake, Direction::receive, Deadline(5s)), Outcome::done);
  other_one.join();
}

// pitfall 64
TEST_F(EdgeTest, a_kill_at_a_yield_after_an_attempt_leaves_the_others_their_news) {
  FakeSocket fake;
  Edge edge(fake);
  const auto receiver = spawn([&] { return operate(edge, fake, Direction::receive); });
  settle();
  fake.room = static_cast<int>(Edge::operations_per_turn) - 2; // the receiver has tried once
  const auto sender = spawn([&] {
    while (fake.room > 0)
      operate(edge, fake, Direction::send);
    fake.messages = 1; // as if the send below had handled the command: no edge comes
    operate(edge, fake, Direction::send);
  });
  yield();
  ASSERT_EQ(fake.room, 0);
  ASSERT_FALSE(sender.ready());
  sender.kill();
  settle();
  ASSERT_TRUE(receiver.ready());
  EXPECT_EQ(receiver.get(), Outcome::done);
}

// pitfall 64
TEST_F(EdgeTest, an_operation_looks_for_who_waits_in_the_other_direction) {
  FakeSocket fake;
  Edge edge(fake);
  const auto receiver = spawn([&] { return operate(edge, fake, Direction::receive); });
  settle();
  EXPECT_TRUE(fake.watched);
  fake.room = 1;
  fake.messages = 1; // as if the send below had handled the command: no edge comes
  EXPECT_EQ(operate(edge, fake, Direction::send), Outcome::done);
  settle();
  ASSERT_TRUE(receiver.ready());
  EXPECT_FALSE(fake.watched);
}

// pitfall 64
TEST_F(EdgeTest, an_attempt_that_does_not_wait_looks_for_the_others) {
  FakeSocket fake;
  Edge edge(fake);
  const auto receiver = spawn([&] { return operate(edge, fake, Direction::receive); });
  settle();
  fake.messages = 1;
  auto attempt = [&]() noexcept { return fake.try_send(); };
  EXPECT_EQ(edge.try_once(Direction::send, attempt), Outcome::again);
  settle();
  EXPECT_TRUE(receiver.ready());
}

TEST_F(EdgeTest, nobody_overtakes_the_line) {
  FakeSocket fake;
  Edge edge(fake);
  std::vector<int> order;
  std::vector<GreenletRef<>> all;
  all.reserve(5);
  const auto receive = [&](int i) {
    operate(edge, fake, Direction::receive);
    order.push_back(i);
  };
  for (int i = 0; i < 3; ++i)
    all.push_back(spawn(receive, i));
  settle();
  fake.new_messages = 5;
  edge.on_readable(); // the first has the turn, and has not run yet
  auto attempt = [&]() noexcept { return fake.try_receive(); };
  EXPECT_EQ(edge.try_once(Direction::receive, attempt), Outcome::busy);
  for (int i = 3; i < 5; ++i)
    all.push_back(spawn(receive, i));
  join_all(all);
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST_F(EdgeTest, who_is_granted_the_turn_and_finds_nothing_keeps_the_first_place) {
  FakeSocket fake;
  Edge edge(fake);
  std::vector<int> order;
  std::vector<GreenletRef<>> all;
  all.reserve(5);
  for (int i = 0; i < 2; ++i) {
    all.push_back(spawn([&, i] {
      operate(edge, fake, Direction::receive);
      order.push_back(i);
    }));
  }
  settle();
  fake.new_messages = 1;
  edge.on_readable();
  fake.messages = 0; // a filter took it
  settle();
  EXPECT_TRUE(order.empty());
  EXPECT_EQ(edge.counts().wake_ups, 1U);
  EXPECT_EQ(edge.counts().spurious, 1U);
  fake.new_messages = 2;
  edge.on_readable();
  join_all(all);
  EXPECT_EQ(order, (std::vector<int>{0, 1}));
}

TEST_F(EdgeTest, a_kill_after_the_turn_was_granted_comes_too_late) {
  FakeSocket fake;
  Edge edge(fake);
  Outcome outcome = Outcome::again;
  const auto receiver = spawn([&] { outcome = operate(edge, fake, Direction::receive); });
  settle();
  fake.new_messages = 1;
  edge.on_readable();
  receiver.kill();
  EXPECT_EQ(outcome, Outcome::done);
  EXPECT_EQ(fake.messages, 0);
}

TEST_F(EdgeTest, a_kill_after_an_operation_was_done_comes_too_late) {
  FakeSocket fake;
  Edge edge(fake);
  FakeOp receive(edge, fake, Direction::receive);
  bool returned = false;
  const auto receiver = spawn([&] {
    wait_any(receive);
    returned = true;
  });
  settle();
  fake.new_messages = 1;
  edge.on_readable();
  EXPECT_TRUE(receive.done()); // before its greenlet runs
  EXPECT_EQ(fake.messages, 0);
  receiver.kill();
  EXPECT_TRUE(returned);
}

// The first operation's look is old when the second has made its attempt.
TEST_F(EdgeTest, operations_of_one_wait_do_not_swallow_each_others_news) {
  FakeSocket fake;
  Edge edge(fake);
  FakeOp receive(edge, fake, Direction::receive), send(edge, fake, Direction::send);
  receive.reset();
  send.reset();
  EXPECT_FALSE(receive.ready());
  fake.new_messages = 1;
  EXPECT_FALSE(send.ready()); // handles the command
  EXPECT_FALSE(fake.readable());
  receive.arm();
  send.arm();
  EXPECT_TRUE(fake.reminds);
  receive.disarm();
  send.disarm();
  EXPECT_FALSE(fake.reminds);
}

// A mandatory ROUTER, again.
TEST_F(EdgeTest, events_that_contradict_an_operation_do_not_spin) {
  FakeSocket fake;
  Edge edge(fake);
  fake.says_writable = true;
  FakeOp send(edge, fake, Direction::send);
  const auto sender = spawn([&] { wait_any(send); });
  settle();
  const int attempts = fake.attempts;
  settle(100);
  EXPECT_EQ(fake.attempts, attempts);
  ASSERT_TRUE(std::exchange(fake.reminds, false));
  edge.on_reminder();
  EXPECT_LT(fake.attempts - attempts, 5);
  EXPECT_TRUE(fake.reminds);
  fake.room = 1;
  edge.on_reminder();
  sender.get();
  EXPECT_TRUE(send.done());
}

// Who is refused and goes may have had the wrong thing only: the next in its line is tried.
TEST_F(EdgeTest, operations_refused_in_both_directions_are_both_doubted) {
  FakeSocket fake;
  Edge edge(fake);
  Event over;
  const auto first =
      spawn([&] { wait_any(FakeOp(edge, fake, Direction::receive), over.wait_op()); });
  const auto second = spawn([&] { wait_any(FakeOp(edge, fake, Direction::receive)); });
  const auto sender = spawn([&] { wait_any(FakeOp(edge, fake, Direction::send)); });
  settle();
  fake.says_readable = fake.says_writable = true;
  edge.on_readable();
  fake.says_readable = fake.says_writable = false;
  const int attempts = fake.attempts;
  over.set();
  first.join();
  EXPECT_GT(fake.attempts, attempts);
  second.kill();
  sender.kill();
}

TEST_F(EdgeTest, whoever_times_out_leaves_the_line) {
  FakeSocket fake;
  Edge edge(fake);
  EXPECT_EQ(operate(edge, fake, Direction::receive, Deadline(0s)), Outcome::timeout);
  EXPECT_EQ(operate(edge, fake, Direction::receive, Deadline(1ms)), Outcome::timeout);
  EXPECT_FALSE(fake.watched);
  fake.messages = 1;
  EXPECT_EQ(operate(edge, fake, Direction::receive, Deadline(0s)), Outcome::done);
}

// pitfall 65: a level-triggered watch that nobody needs would spin.
TEST_F(EdgeTest, watches_only_while_somebody_waits) {
  FakeSocket fake;
  Edge edge(fake);
  const auto receiver = spawn([&] { operate(edge, fake, Direction::receive); });
  const auto sender = spawn([&] { operate(edge, fake, Direction::send); });
  settle();
  EXPECT_TRUE(fake.watched);
  receiver.kill();
  EXPECT_TRUE(fake.watched);
  sender.kill();
  EXPECT_FALSE(fake.watched);
}

// pitfall 49
TEST_F(EdgeTest, who_never_has_to_wait_yields_after_a_budget) {
  FakeSocket fake;
  Edge edge(fake);
  fake.messages = static_cast<int>(4 * Edge::operations_per_turn);
  int turns = 0;
  bool stop = false;
  const auto other_one = spawn([&] {
    while (!stop) {
      ++turns;
      yield();
    }
  });
  for (int i = 0; i < static_cast<int>(4 * Edge::operations_per_turn); ++i) {
    EXPECT_EQ(operate(edge, fake, Direction::receive), Outcome::done);
  }
  EXPECT_EQ(turns, 3);
  stop = true;
  other_one.join();
}

TEST_F(EdgeTest, closing_wakes_everybody_also_who_has_the_turn) {
  FakeSocket fake;
  Edge edge(fake);
  std::vector<GreenletRef<Outcome>> all;
  all.reserve(5);
  for (int i = 0; i < 3; ++i) {
    all.push_back(spawn([&] { return operate(edge, fake, Direction::receive); }));
  }
  all.push_back(spawn([&] { return operate(edge, fake, Direction::send); }));
  settle();
  fake.new_messages = 1;
  edge.on_readable();
  edge.close();
  EXPECT_FALSE(fake.watched);
  for (const auto& one : all)
    EXPECT_EQ(one.get(), Outcome::closed);
}

// A ROUTER with router_mandatory: ZMQ_EVENTS says that some peer has room, this one has not.
TEST_F(EdgeTest, events_that_contradict_the_operation_do_not_spin) {
  FakeSocket fake;
  Edge edge(fake);
  fake.says_writable = true;
  const auto sender = spawn([&] { return operate(edge, fake, Direction::send); });
  const auto receiver = spawn([&] { return operate(edge, fake, Direction::receive); });
  settle();
  const int attempts = fake.attempts;
  settle(100);
  EXPECT_LT(fake.attempts - attempts, 20); // a glance or two, not a hundred
  EXPECT_FALSE(sender.ready());
  fake.new_room = 1;
  edge.on_readable();
  EXPECT_EQ(sender.get(), Outcome::done);
  receiver.kill();
}

TEST_F(EdgeTest, contradicted_events_that_are_swallowed_are_found_by_a_glance) {
  FakeSocket fake;
  Edge edge(fake);
  fake.says_writable = true;
  const auto sender = spawn([&] { return operate(edge, fake, Direction::send); });
  settle();
  fake.room = 1; // and nobody says so
  settle();
  ASSERT_FALSE(sender.ready());
  ASSERT_TRUE(fake.reminds);
  edge.on_reminder();
  EXPECT_EQ(sender.get(), Outcome::done);
  EXPECT_EQ(edge.counts().glances, 1U);
}

} // namespace
} // namespace grove::zmq::detail
