// SPDX-License-Identifier: MIT
// The ZMQ_EVENTS protocol when who waits leaves a stream to gather.
#include <gtest/gtest.h>

#include <chrono>
#include <utility>

#include "fake_socket.hpp"

namespace grove::zmq::detail {
namespace {

using namespace std::chrono_literals;
using test::settle;

TEST_F(EdgeTest, who_gathers_is_woken_by_the_reminder_alone) {
  FakeSocket fake;
  fake.gathers = true;
  Edge edge(fake);
  const auto receiver = spawn([&] { return operate(edge, fake, Direction::receive); });
  settle();
  EXPECT_FALSE(fake.watched);
  ASSERT_TRUE(std::exchange(fake.reminds, false));
  fake.new_messages = 3;
  edge.on_reminder();
  EXPECT_EQ(receiver.get(), Outcome::done);
  EXPECT_EQ(fake.messages, 2);
  EXPECT_EQ(fake.starts, 0);
  EXPECT_EQ(edge.counts().gathers, 1U);
  EXPECT_EQ(edge.counts().glances, 0U);
}

TEST_F(EdgeTest, who_gathers_nothing_watches) {
  FakeSocket fake;
  fake.gathers = true;
  Edge edge(fake);
  const auto receiver = spawn([&] { return operate(edge, fake, Direction::receive); });
  settle();
  ASSERT_TRUE(std::exchange(fake.reminds, false));
  edge.on_reminder();
  settle();
  EXPECT_FALSE(receiver.ready());
  EXPECT_TRUE(fake.watched);
  EXPECT_FALSE(fake.reminds);
  fake.new_messages = 1;
  edge.on_readable();
  EXPECT_EQ(receiver.get(), Outcome::done);
}

TEST_F(EdgeTest, nobody_gathers_up_to_a_deadline) {
  FakeSocket fake;
  fake.gathers = true;
  Edge edge(fake);
  EXPECT_EQ(operate(edge, fake, Direction::receive, Deadline(1ms)), Outcome::timeout);
  EXPECT_EQ(edge.counts().gathers, 0U);
  EXPECT_EQ(fake.starts, 1);
}

TEST_F(EdgeTest, whoever_is_thrown_out_while_it_gathers_leaves_nothing_behind) {
  FakeSocket fake;
  fake.gathers = true;
  Edge edge(fake);
  const auto killed = spawn([&] { operate(edge, fake, Direction::receive); });
  settle();
  EXPECT_TRUE(fake.reminds);
  killed.kill();
  EXPECT_FALSE(fake.reminds);
  EXPECT_EQ(operate(edge, fake, Direction::receive, Deadline(5ms)), Outcome::timeout);
  EXPECT_FALSE(fake.reminds);
  EXPECT_FALSE(fake.watched);
  EXPECT_EQ(edge.counts().gathers, 2U);
}

TEST_F(EdgeTest, a_sender_lets_room_gather) {
  FakeSocket fake;
  fake.gathers = true;
  Edge edge(fake);
  const auto sender = spawn([&] { return operate(edge, fake, Direction::send); });
  settle();
  EXPECT_FALSE(fake.watched);
  ASSERT_TRUE(std::exchange(fake.reminds, false));
  fake.new_room = 3;
  edge.on_reminder();
  EXPECT_EQ(sender.get(), Outcome::done);
  EXPECT_EQ(fake.room, 2);
  EXPECT_EQ(fake.starts, 0);
  EXPECT_EQ(edge.counts().gathers, 1U);
}

TEST_F(EdgeTest, only_who_waits_alone_gathers) {
  FakeSocket fake;
  Edge edge(fake);
  const auto sender = spawn([&] { operate(edge, fake, Direction::send); });
  settle();
  EXPECT_TRUE(fake.watched);
  fake.gathers = true;
  const auto receiver = spawn([&] { operate(edge, fake, Direction::receive); });
  settle();
  EXPECT_EQ(edge.counts().gathers, 0U);
  sender.kill();
  receiver.kill();
}

TEST_F(EdgeTest, whoever_joins_ends_the_gathering) {
  FakeSocket fake;
  fake.gathers = true;
  Edge edge(fake);
  const auto receiver = spawn([&] { operate(edge, fake, Direction::receive); });
  settle();
  EXPECT_FALSE(fake.watched);
  const auto sender = spawn([&] { operate(edge, fake, Direction::send); });
  settle();
  EXPECT_TRUE(fake.watched);
  sender.kill();
  receiver.kill();
}

} // namespace
} // namespace grove::zmq::detail
