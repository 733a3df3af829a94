// SPDX-License-Identifier: MIT
// Sockets in wait_any() and wait(), beside timers, queues, pipes and each other.
#include <grove/zmq/operation.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include <grove/hub.hpp>
#include <grove/zmq/socket.hpp>

#include "../support/hub_test.hpp"

namespace grove::zmq {
namespace {

using namespace std::chrono_literals;
using test::settle;

constexpr auto long_wait = 1min; // against a hang

class OperationTest : public test::HubTest {
protected:
  Context context;
  Socket pull{context, SocketType::pull}, push{context, SocketType::push};
  Socket pull2{context, SocketType::pull}, push2{context, SocketType::push};

  void SetUp() override {
    HubTest::SetUp();
    for (Socket* socket : {&pull, &pull2})
      socket->set(option::rcvhwm, 1);
    for (Socket* socket : {&push, &push2})
      socket->set(option::sndhwm, 1);
    push.connect(pull.bind("inproc://one"));
    push2.connect(pull2.bind("inproc://two"));
  }
  int fill() {
    int count = 0;
    while (push.try_send(std::to_string(count)))
      ++count;
    return count;
  }
};

// -- what pyzmq's Poller does: the table of docs/zmq.md -----------------------------------------

class Poller : public OperationTest {};

TEST_F(Poller, two_sockets) {
  push.send("from one");
  push2.send("from two");
  int got = 0;
  for (Socket* ready : wait(std::vector{&pull, &pull2})) {
    static_cast<void>(ready->recv());
    ++got;
  }
  EXPECT_EQ(got, 2);
}

TEST_F(Poller, two_sockets_and_the_message_of_one) {
  push2.send("from two");
  const auto got = wait_any(pull.recv_op(), pull2.recv_op());
  EXPECT_EQ(std::get<1>(got).text(), "from two");
}

TEST_F(Poller, with_a_timeout) {
  EXPECT_EQ(wait_any(pull.wait_op(), after(1ms)).index(), 1U);
  push.send("x");
  EXPECT_EQ(wait_any(pull.wait_op(), after(long_wait)).index(), 0U);
  EXPECT_EQ(pull.recv().text(), "x");
}

TEST_F(Poller, a_socket_and_a_descriptor) {
  Pipe pipe;
  pipe.writer.write_all("y");
  EXPECT_EQ(wait_any(pull.recv_op(), pipe.reader.readable_op()).index(), 1U);
  push.send("x");
  EXPECT_EQ(wait_any(pull.recv_op(), pipe.reader.readable_op()).index(), 0U);
}

TEST_F(Poller, for_room_to_send) {
  fill();
  EXPECT_EQ(wait_any(push.writable_op(), after(1ms)).index(), 1U);
  const auto waiting = spawn([&] { return wait_any(push.writable_op()).index(); });
  settle();
  ASSERT_FALSE(waiting.ready());
  while (pull.try_recv().has_value()) {
  }
  EXPECT_EQ(waiting.get(), 0U);
  EXPECT_TRUE(push.try_send("x"));
}

TEST_F(Poller, select) {
  fill();
  push2.send("x");
  std::vector<const Socket*> ready;
  for (auto& one :
       wait(std::vector{pull2.readable(), push.writable(), push2.writable()}, {.deadline = 1ms})) {
    ready.push_back(&one.socket());
  }
  EXPECT_EQ(ready, (std::vector<const Socket*>{&pull2, &push2}));
}

TEST_F(Poller, without_waiting) {
  for (Socket* ready : wait(std::vector{&pull, &pull2}, {.deadline = 0s}))
    ADD_FAILURE() << static_cast<const void*>(ready);
  push.send("x");
  int count = 0;
  for (Socket* ready : wait(std::vector{&pull, &pull2}, {.deadline = 0s}))
    count += ready->try_recv().has_value();
  EXPECT_EQ(count, 1);
}

// -- exactly one --------------------------------------------------------------------------------

TEST_F(OperationTest, takes_one_message_and_leaves_the_other) {
  push.send("one");
  push2.send("two");
  EXPECT_EQ(std::get<0>(wait_any(pull.recv_op(), pull2.recv_op())).text(), "one");
  EXPECT_EQ(pull2.try_recv().value().text(), "two");
}

TEST_F(OperationTest, a_loser_has_taken_nothing) {
  Event event;
  const auto waiting = spawn([&] { return wait_any(pull.recv_op(), event.wait_op()).index(); });
  settle();
  event.set();
  push.send("x"); // the receiver is still in the line, and has been woken
  EXPECT_EQ(pull.recv(long_wait).text(), "x");
  EXPECT_EQ(waiting.get(), 1U);
}

TEST_F(OperationTest, a_loser_keeps_what_it_was_to_send) {
  fill();
  auto sending = push.send_op("kept");
  EXPECT_EQ(wait_any(sending, after(1ms)).index(), 1U);
  EXPECT_EQ(sending.parts().at(0).text(), "kept");
  const auto drained = spawn([&] {
    while (pull.recv(long_wait).text() != "kept") {
    }
  });
  EXPECT_EQ(wait_any(sending, after(long_wait)).index(), 0U);
  EXPECT_TRUE(sending.parts().empty());
  drained.get();
}

TEST_F(OperationTest, messages_of_several_parts_stay_whole) {
  const auto receiver = spawn([&] {
    for (int i = 0; i < 100; ++i) {
      const auto got = wait_any(pull.recv_multipart_op(), pull2.recv_op());
      ASSERT_EQ(std::get<0>(got).at(1).text(), std::to_string(i));
    }
  });
  for (int i = 0; i < 100; ++i)
    wait_any(push.send_multipart_op(multipart("number", std::to_string(i))), after(long_wait));
  receiver.get();
}

TEST_F(OperationTest, several_parts_for_one_are_dropped_and_told) {
  const auto receiver =
      spawn([&] { EXPECT_THROW(wait_any(pull.recv_op(), pull2.recv_op()), std::system_error); });
  settle();
  push.send_multipart({"two", "parts"});
  receiver.get();
  push.send("alone");
  EXPECT_EQ(pull.recv(long_wait).text(), "alone");
  EXPECT_EQ(pull.stats().dropped, 1U);
}

TEST_F(OperationTest, stands_in_the_same_line_as_calls) {
  std::vector<int> order;
  std::vector<GreenletRef<>> all;
  all.reserve(6);
  for (int i = 0; i < 6; ++i) {
    all.push_back(spawn([&, i] {
      const Message message =
          i % 2 == 0 ? pull.recv(long_wait) : std::get<0>(wait_any(pull.recv_op()));
      EXPECT_EQ(message.text(), std::to_string(i));
      order.push_back(i);
    }));
  }
  settle();
  for (int i = 0; i < 6; ++i)
    push.send(std::to_string(i));
  join_all(all);
  EXPECT_EQ(order.size(), 6U);
}

TEST_F(OperationTest, both_directions_of_one_socket) {
  Socket left(context, SocketType::pair), right(context, SocketType::pair);
  left.set(option::sndhwm, 1);
  right.set(option::rcvhwm, 1);
  left.connect(right.bind("inproc://pair"));
  while (left.try_send("x")) {
  }
  const auto either = spawn([&] { return wait_any(left.recv_op(), left.send_op("late")).index(); });
  settle();
  ASSERT_FALSE(either.ready());
  right.send("x");
  EXPECT_EQ(either.get(), 0U);
  const auto again = spawn([&] { return wait_any(left.recv_op(), left.send_op("late")).index(); });
  while (right.recv(long_wait).text() != "late") {
  }
  EXPECT_EQ(again.get(), 1U);
}

// -- the ends of waits --------------------------------------------------------------------------

TEST_F(OperationTest, closing_and_shutting_down_end_them_with_closed) {
  const auto closed = spawn([&] {
    EXPECT_THROW(wait_any(pull.recv_op(), pull2.recv_op()), Closed);
    EXPECT_EQ(wait_any(pull.wait_op(), after(long_wait)).index(), 0U);
  });
  const auto told = spawn([&] { return wait_any(pull.wait_op(), after(long_wait)).index(); });
  settle();
  pull.close();
  closed.get();
  EXPECT_EQ(told.get(), 0U);
  const auto shut = spawn([&] { EXPECT_THROW(wait_any(pull2.recv_op()), Closed); });
  settle();
  context.shutdown();
  shut.get();
}

TEST_F(OperationTest, a_kill_and_a_timeout_leave_the_line) {
  const auto killed = spawn([&] { wait_any(pull.recv_op(), pull2.recv_op()); });
  settle();
  killed.kill();
  EXPECT_TRUE(killed.killed());
  EXPECT_FALSE(
      with_timeout(1ms, [&] { return wait_any(pull.recv_op(), pull2.wait_op()).index(); }));
  push.send("x");
  EXPECT_EQ(pull.try_recv().value().text(), "x");
}

TEST_F(OperationTest, a_killed_one_leaves_the_message_to_the_next) {
  const auto first = spawn([&] { wait_any(pull.recv_op(), pull2.recv_op()); });
  const auto second =
      spawn([&] { return std::string(std::get<0>(wait_any(pull.recv_op())).text()); });
  settle();
  first.kill_nowait();
  push.send("x");
  EXPECT_EQ(second.get(), "x");
}

// pitfall 49
TEST_F(OperationTest, a_socket_that_is_always_ready_lets_others_run) {
  Socket in(context, SocketType::pull), out(context, SocketType::push);
  out.connect(in.bind("inproc://wide"));
  int turns = 0;
  bool stop = false;
  const auto other = spawn([&] {
    while (!stop) {
      ++turns;
      yield();
    }
  });
  for (int i = 0; i < 640; ++i)
    wait_any(out.send_op("x"), after(long_wait));
  EXPECT_GE(turns, 8);
  turns = 0;
  for (int i = 0; i < 640; ++i) {
    for (Socket* ready : wait(std::vector{&in}))
      EXPECT_TRUE(ready->try_recv().has_value());
  }
  EXPECT_GE(turns, 8);
  stop = true;
  other.join();
}

TEST_F(OperationTest, a_wait_of_no_time_takes_what_is_there) {
  Socket in(context, SocketType::pull), out(context, SocketType::push);
  out.connect(in.bind("inproc://wide"));
  for (int i = 0; i < 400; ++i)
    out.send("x");
  for (int i = 0; i < 200; ++i)
    ASSERT_EQ(wait_any(in.recv_op(), after(0s)).index(), 0U) << i;
  int got = 0;
  for (int i = 0; i < 200; ++i) {
    for (Socket* ready : wait(std::vector{&in}, {.deadline = 0s}))
      got += ready->try_recv().has_value();
  }
  EXPECT_EQ(got, 200);
}

TEST_F(OperationTest, a_kill_while_it_gives_way_loses_nothing) {
  Socket in(context, SocketType::pull), out(context, SocketType::push);
  out.connect(in.bind("inproc://wide"));
  for (int i = 0; i < 200; ++i)
    out.send(std::to_string(i));
  int got = 0;
  const auto receiver = spawn([&] {
    for (;; ++got)
      ASSERT_EQ(std::get<0>(wait_any(in.recv_op())).text(), std::to_string(got));
  });
  yield();
  EXPECT_GT(got, 0);
  EXPECT_LT(got, 200);
  receiver.kill();
  EXPECT_TRUE(receiver.killed());
  for (; got < 200; ++got)
    ASSERT_EQ(in.recv(long_wait).text(), std::to_string(got));
}

// -- statistics ---------------------------------------------------------------------------------

TEST_F(OperationTest, statistics_are_exact) {
  EXPECT_EQ(push.stats().sent, 0U);
  push.send("x");
  push.send_multipart({"a", "b"});
  static_cast<void>(pull.recv());
  EXPECT_THROW(static_cast<void>(pull.recv()), std::system_error);
  EXPECT_EQ(push.stats().sent, 2U);
  EXPECT_EQ(pull.stats().received, 1U);
  EXPECT_EQ(pull.stats().dropped, 1U);
  EXPECT_EQ(pull.stats().eagain, 0U);
  EXPECT_EQ(pull.stats().looks, 0U);
  EXPECT_FALSE(pull.try_recv().has_value());
  EXPECT_EQ(pull.stats().eagain, 1U);
  const auto waiting = spawn([&] { static_cast<void>(pull.recv()); });
  settle();
  push.send("x");
  waiting.get();
  EXPECT_EQ(pull.stats().received, 2U);
  EXPECT_EQ(pull.stats().wake_ups, 1U);
  EXPECT_EQ(pull.stats().spurious_wake_ups, 0U);
  EXPECT_EQ(pull.stats().glances, 0U);
}

} // namespace
} // namespace grove::zmq
