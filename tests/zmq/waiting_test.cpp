// SPDX-License-Identifier: MIT
// Sockets while greenlets wait in them: timeouts, kills, closing, push-back, fairness, hubs.
#include <grove/zmq/socket.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <grove/hub.hpp>

#include "../support/hub_test.hpp"

namespace grove::zmq {
namespace {

using namespace std::chrono_literals;
using test::settle;

// A PUSH and a PULL that hold very little, so that sending soon has to wait.
class WaitingTest : public test::HubTest {
protected:
  Context context;
  Socket pull{context, SocketType::pull};
  Socket push{context, SocketType::push};

  void SetUp() override {
    HubTest::SetUp();
    pull.set(option::rcvhwm, 1);
    push.set(option::sndhwm, 1);
    push.connect(pull.bind("inproc://here"));
  }
  // Returns how many messages ("0", "1", …) it took.
  int fill() {
    int count = 0;
    while (push.try_send(std::to_string(count)))
      ++count;
    return count;
  }
  void drain(int count) {
    for (int i = 0; i < count; ++i)
      ASSERT_EQ(pull.recv(0s).text(), std::to_string(i));
  }
};

TEST_F(WaitingTest, recv_gives_up_at_its_deadline) {
  EXPECT_THROW(static_cast<void>(pull.recv(1ms)), TimeoutError);
  EXPECT_THROW(static_cast<void>(pull.recv_multipart(0s)), TimeoutError);
  push.send("x");
  EXPECT_EQ(pull.recv(0s).text(), "x");
}

TEST_F(WaitingTest, send_gives_up_at_its_deadline_and_keeps_the_message) {
  const int count = fill();
  Message message("kept");
  EXPECT_THROW(push.send(std::move(message), 1ms), TimeoutError);
  EXPECT_EQ(message.text(), "kept"); // NOLINT(bugprone-use-after-move): it says so
  Multipart parts = multipart("a", "b");
  EXPECT_THROW(push.send_multipart(std::move(parts), 1ms), TimeoutError);
  ASSERT_EQ(parts.size(), 2U); // NOLINT(bugprone-use-after-move): it says so
  EXPECT_EQ(parts[0].text(), "a");
  EXPECT_EQ(parts[1].text(), "b");
  drain(count);
  push.send(std::move(message));
  EXPECT_EQ(pull.recv().text(), "kept");
}

// pitfall 75
TEST_F(WaitingTest, the_timeout_options_are_the_default_deadline) {
  pull.set(option::rcvtimeo, 1ms);
  push.set(option::sndtimeo, 1ms);
  EXPECT_THROW(static_cast<void>(pull.recv()), TimeoutError);
  EXPECT_THROW(static_cast<void>(pull.recv_multipart()), TimeoutError);
  fill();
  EXPECT_THROW(push.send("x"), TimeoutError);
  pull.set(option::rcvtimeo, -1ms);
  EXPECT_EQ(pull.recv().text(), "0");
}

// How an operation can be made to wait, and what shows that it did nothing.
struct Wait {
  const char* name;
  bool sends;
  std::function<void(Socket& pull, Socket& push)> operation;
};
void PrintTo(const Wait& wait, std::ostream* out) { *out << wait.name; }

class EveryWait : public WaitingTest, public ::testing::WithParamInterface<Wait> {
protected:
  // What shall be waited for and then given up, between two checks that nothing was lost.
  void interrupted_by(const std::function<void(const GreenletRef<>&)>& interrupt) {
    const int count = GetParam().sends ? fill() : 0;
    const auto waiting = spawn([&] { GetParam().operation(pull, push); });
    settle();
    ASSERT_FALSE(waiting.ready());
    interrupt(waiting);
    ASSERT_TRUE(waiting.ready());
    drain(count);
    EXPECT_FALSE(pull.try_recv().has_value());
    for (int i = 0; i < 100; ++i) {
      push.send_multipart({"still", std::to_string(i)});
      ASSERT_EQ(pull.recv_multipart().at(1).text(), std::to_string(i));
    }
  }
};

INSTANTIATE_TEST_SUITE_P(
    zmq, EveryWait,
    ::testing::Values(
        Wait{"recv", false, [](Socket& pull, Socket&) { static_cast<void>(pull.recv()); }},
        Wait{"recv_until", false, [](Socket& pull, Socket&) { static_cast<void>(pull.recv(1h)); }},
        Wait{"recv_multipart", false,
             [](Socket& pull, Socket&) { static_cast<void>(pull.recv_multipart()); }},
        Wait{"send", true, [](Socket&, Socket& push) { push.send("lost"); }},
        Wait{"send_until", true, [](Socket&, Socket& push) { push.send("lost", 1h); }},
        Wait{"send_multipart", true,
             [](Socket&, Socket& push) {
               push.send_multipart({"lost", "too"});
             }}),
    [](const auto& wait) { return std::string(wait.param.name); });

TEST_P(EveryWait, a_kill_leaves_the_socket_usable_and_loses_nothing) {
  interrupted_by([](const GreenletRef<>& waiting) {
    waiting.kill();
    EXPECT_TRUE(waiting.killed());
  });
}

TEST_P(EveryWait, a_timeout_scope_leaves_the_socket_usable_and_loses_nothing) {
  const int count = GetParam().sends ? fill() : 0;
  bool expired = false;
  {
    Timeout scope(1ms);
    try {
      GetParam().operation(pull, push);
    } catch (const TimeoutExpired& timeout) {
      expired = scope.is(timeout);
    }
  }
  EXPECT_TRUE(expired);
  drain(count);
  push.send("x");
  EXPECT_EQ(pull.recv().text(), "x");
  EXPECT_FALSE(pull.try_recv().has_value());
}

// pitfall 57
TEST_P(EveryWait, a_kill_that_is_due_comes_before_what_need_not_wait) {
  if (!GetParam().sends)
    push.send("x");
  const auto killed = spawn([&] {
    {
      const Shield shield;
      yield();
    }
    GetParam().operation(pull, push);
  });
  yield();
  killed.kill_nowait();
  settle();
  EXPECT_TRUE(killed.killed());
  EXPECT_EQ(pull.try_recv().has_value(), !GetParam().sends);
}

TEST_P(EveryWait, closing_wakes_with_closed) {
  if (GetParam().sends)
    fill();
  std::vector<GreenletRef<bool>> all;
  all.reserve(100);
  for (int i = 0; i < 3; ++i) {
    all.push_back(spawn([&] {
      try {
        GetParam().operation(pull, push);
        return false;
      } catch (const Closed&) {
        return true;
      }
    }));
  }
  settle();
  (GetParam().sends ? push : pull).close();
  for (const auto& one : all)
    EXPECT_TRUE(one.get());
}

TEST_P(EveryWait, destroying_the_socket_wakes_with_closed) {
  if (GetParam().sends)
    fill();
  auto owner = std::make_unique<Socket>(std::move(GetParam().sends ? push : pull));
  const auto waiting = spawn([&] { EXPECT_THROW(GetParam().operation(*owner, *owner), Closed); });
  settle();
  ASSERT_FALSE(waiting.ready());
  owner.reset();
  waiting.get();
}

TEST_P(EveryWait, shutting_the_context_down_wakes_with_closed) {
  if (GetParam().sends)
    fill();
  const auto waiting = spawn([&] { EXPECT_THROW(GetParam().operation(pull, push), Closed); });
  settle();
  ASSERT_FALSE(waiting.ready());
  context.shutdown();
  waiting.get();
}

TEST_F(WaitingTest, a_killed_receiver_leaves_the_message_to_the_next) {
  const auto first = spawn([&] { return std::string(pull.recv().text()); });
  const auto second = spawn([&] { return std::string(pull.recv().text()); });
  settle();
  first.kill_nowait();
  push.send("x");
  EXPECT_EQ(second.get(), "x");
  EXPECT_TRUE(first.killed());
}

TEST_F(WaitingTest, the_high_water_mark_parks_the_sender_until_there_is_room) {
  int sent = 0;
  const auto sender = spawn([&] {
    for (; sent < 1000; ++sent)
      push.send(std::to_string(sent));
  });
  settle();
  ASSERT_FALSE(sender.ready());
  const int held = sent;
  EXPECT_LT(held, 10);
  settle();
  EXPECT_EQ(sent, held); // it waits, it does not try again and again
  for (int i = 0; i < 1000; ++i)
    ASSERT_EQ(pull.recv().text(), std::to_string(i));
  sender.get();
  EXPECT_EQ(sent, 1000);
}

TEST_F(WaitingTest, a_hundred_receivers_are_served_in_their_order) {
  std::vector<int> order;
  std::vector<GreenletRef<>> all;
  all.reserve(100);
  for (int i = 0; i < 100; ++i) {
    all.push_back(spawn([&, i] {
      for (int round = 0; round < 3; ++round) {
        const Message message = pull.recv();
        EXPECT_EQ(message.text(), std::to_string(order.size()));
        order.push_back(i);
      }
    }));
  }
  settle();
  for (int i = 0; i < 300; ++i)
    push.send(std::to_string(i));
  join_all(all);
  ASSERT_EQ(order.size(), 300U);
  for (int i = 0; i < 300; ++i)
    EXPECT_EQ(order[static_cast<std::size_t>(i)], i % 100);
}

TEST_F(WaitingTest, a_hundred_senders_are_served_in_their_order) {
  const int before = fill();
  std::vector<GreenletRef<>> all;
  all.reserve(100);
  for (int i = 0; i < 100; ++i) {
    all.push_back(spawn([&, i] {
      for (int round = 0; round < 3; ++round)
        push.send(std::to_string(i));
    }));
  }
  settle();
  drain(before);
  for (int i = 0; i < 300; ++i)
    ASSERT_EQ(pull.recv().text(), std::to_string(i % 100));
  join_all(all);
}

// libzmq knows a new peer at once, and says nothing through its descriptor.
// pitfall 64
TEST_F(WaitingTest, connecting_wakes_who_waits_for_a_peer) {
  Socket lonely(context, SocketType::push);
  const auto sender = spawn([&] { lonely.send("at last"); });
  settle();
  ASSERT_FALSE(sender.ready());
  Socket other(context, SocketType::pull);
  lonely.connect(other.bind("inproc://there"));
  sender.get();
  EXPECT_EQ(other.recv().text(), "at last");
}

// pitfall 65
TEST_F(WaitingTest, who_waits_to_send_over_tcp_is_woken_when_a_peer_comes) {
  Socket lonely(context, SocketType::dealer);
  const std::string endpoint = lonely.bind("tcp://127.0.0.1:*");
  const auto sender = spawn([&] { lonely.send("at last"); });
  const auto receiver = spawn([&] { return std::string(lonely.recv().text()); });
  settle();
  Socket other(context, SocketType::dealer);
  other.connect(endpoint);
  EXPECT_EQ(other.recv().text(), "at last");
  other.send("answer");
  EXPECT_EQ(receiver.get(), "answer");
  sender.get();
}

// pitfall 64
TEST_F(WaitingTest, a_receiver_is_woken_however_busy_the_senders_of_its_socket_are) {
  Socket left(context, SocketType::pair), right(context, SocketType::pair);
  left.connect(right.bind("inproc://pair"));
  int got = 0;
  const auto receiver = spawn([&] {
    for (; got < 1000; ++got)
      static_cast<void>(left.recv());
  });
  const auto echo = spawn([&] {
    for (int i = 0; i < 1000; ++i)
      right.send(right.recv());
  });
  for (int i = 0; i < 1000; ++i)
    left.send("x"); // each may swallow what the receiver waits for
  receiver.get();
  echo.get();
}

// pitfall 49
TEST_F(WaitingTest, a_socket_that_is_always_ready_lets_others_run) {
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
    out.send("x");
  EXPECT_GE(turns, 8);
  turns = 0;
  for (int i = 0; i < 640; ++i)
    static_cast<void>(in.recv());
  EXPECT_GE(turns, 8);
  stop = true;
  other.join();
}

// A ROUTER's event says that some peer has room; the one that is sent to has none.
TEST_F(WaitingTest, a_mandatory_router_waits_for_the_peer_it_sends_to) {
  Socket router(context, SocketType::router);
  router.set(option::router_mandatory, true);
  router.set(option::sndhwm, 1);
  router.bind("inproc://router");
  Socket slow(context, SocketType::dealer), idle(context, SocketType::dealer);
  for (auto [socket, name] : {std::pair{&slow, "slow"}, {&idle, "idle"}}) {
    socket->set(option::routing_id, name);
    socket->set(option::rcvhwm, 1);
    socket->connect("inproc://router");
    socket->send("hello");
    static_cast<void>(router.recv_multipart());
  }
  constexpr int count = 50;
  const auto sender = spawn([&] {
    for (int i = 0; i < count; ++i)
      router.send_multipart({"slow", std::to_string(i)});
  });
  const auto receiver = spawn([&] { return router.recv_multipart().at(1).copy(); });
  settle(100);
  ASSERT_FALSE(sender.ready());
  for (int i = 0; i < count; ++i)
    ASSERT_EQ(slow.recv().text(), std::to_string(i));
  sender.get();
  idle.send("still here");
  EXPECT_EQ(receiver.get().text(), "still here");
}

TEST_F(WaitingTest, a_publisher_never_waits) {
  Socket pub(context, SocketType::pub), sub(context, SocketType::sub);
  pub.set(option::sndhwm, 1);
  sub.connect(pub.bind("inproc://news"));
  sub.subscribe("");
  for (int i = 0; i < 1000; ++i)
    pub.send("x", 0s);
}

TEST_F(WaitingTest, two_hubs_exchange_over_one_context) {
  constexpr int count = 5000;
  HubThread other("other");
  Socket in(context, SocketType::pull), out(context, SocketType::push);
  const std::string to_us = in.bind("inproc://to-us"), to_them = out.bind("inproc://to-them");
  const auto feeder = spawn([&] {
    for (int i = 0; i < count; ++i)
      out.send(std::to_string(i));
  });
  const auto reader = spawn([&] {
    for (int i = 0; i < count; ++i)
      ASSERT_EQ(in.recv().text(), std::to_string(2 * i));
  });
  other.call([&] {
    Socket theirs_in(context, SocketType::pull), theirs_out(context, SocketType::push);
    theirs_in.connect(to_them);
    theirs_out.connect(to_us);
    for (int i = 0; i < count; ++i) {
      theirs_out.send(std::to_string(2 * std::stoi(std::string(theirs_in.recv().text()))));
    }
  });
  feeder.get();
  reader.get();
}

#if defined(GROVE_DEBUG_CHECKS) && GROVE_DEBUG_CHECKS
// pitfall 68
TEST_F(WaitingTest, a_socket_is_refused_on_another_hub) {
  HubThread other;
  other.call([&] { EXPECT_THROW(push.send("x"), std::logic_error); });
}
#endif

// pitfall 66
TEST_F(WaitingTest, try_send_is_not_refused_where_there_is_room_again) {
  for (int round = 0; round < 100; ++round) {
    std::size_t sent = 0;
    while (push.try_send("x"))
      ++sent;
    EXPECT_GT(sent, 0U) << "round " << round;
    while (pull.try_recv())
      --sent;
    EXPECT_EQ(sent, 0U);
  }
}

} // namespace
} // namespace grove::zmq
