// SPDX-License-Identifier: MIT
// Sockets while greenlets wait in them: push-back, lines, fairness, hubs.
#include <grove/zmq/socket.hpp>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <unistd.h>
#include <zmq.h>

#include <algorithm>

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

#include "sockets.hpp"
#include "waiting.hpp"

namespace grove::zmq {
namespace {

using namespace std::chrono_literals;
using test::settle;

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

// Over TCP, unlike inproc, something in between may lose its patience
// (docs/decisions/no-heartbeats.md).
TEST_F(SocketTest, a_receiver_that_stands_still_for_long_loses_nothing) {
  constexpr int count = 15'000; // more than the marks, and little enough for the kernel's buffers
  Socket pull(context, SocketType::pull), stays(context, SocketType::push);
  const std::string endpoint = pull.bind("tcp://127.0.0.1:*");
  const auto send_all = [](Socket& socket, const std::string& name) {
    for (int i = 0; i < count; ++i)
      socket.send(name + std::to_string(i));
  };
  stays.connect(endpoint);
  const auto sender = spawn([&] { send_all(stays, "a"); });
  const auto closes = spawn([&] {
    Socket push(context, SocketType::push);
    push.set(option::linger, 1min);
    push.connect(endpoint);
    send_all(push, "b");
  });
  closes.get();
  sleep(5s); // longer than any heartbeat would wait
  int next[2] = {0, 0};
  for (int i = 0; i < 2 * count; ++i) {
    const Message message = pull.recv(1min);
    const std::string_view text = message.text();
    ASSERT_EQ(text.substr(1), std::to_string(next[text[0] - 'a']++)) << text;
  }
  sender.get();
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
  other.call([&] {
    EXPECT_THROW(push.send("x"), std::logic_error);
    EXPECT_THROW(push.close(), std::logic_error);
  });
  EXPECT_FALSE(push.closed());
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

// -- many descriptors ----------------------------------------------------------------------------

int descriptor_of(const Socket& socket) {
  int fd = -1;
  std::size_t size = sizeof fd;
  zmq_getsockopt(socket.native_handle(), ZMQ_FD, &fd, &size);
  return fd;
}

TEST_F(WaitingTest, descriptors_beyond_fd_setsize_are_waited_for) {
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit before = limit;
  constexpr rlim_t needed = FD_SETSIZE + 200;
  if (limit.rlim_max < needed)
    GTEST_SKIP() << "at most " << limit.rlim_max << " descriptors";
  limit.rlim_cur = std::max(limit.rlim_cur, needed);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  std::vector<int> taken{::dup(0)};
  while (taken.back() >= 0 && taken.back() < FD_SETSIZE)
    taken.push_back(::dup(taken.front()));
  {
    Context own;
    Socket a(own, SocketType::pull), b(own, SocketType::pull), out(own, SocketType::push);
    out.connect(a.bind("tcp://127.0.0.1:*"));
    EXPECT_GT(descriptor_of(a), FD_SETSIZE);
    EXPECT_GT(descriptor_of(b), FD_SETSIZE);
    const auto receiver = spawn([&] { return std::string(a.recv().text()); });
    settle();
    out.send("one");
    EXPECT_EQ(receiver.get(), "one");
    std::vector<Socket*> ready;
    const auto watcher = spawn([&] {
      for (Socket* socket : wait(std::vector{&b, &a}, {.count = 1}))
        ready.push_back(socket);
    });
    settle();
    out.send("two");
    watcher.get();
    EXPECT_EQ(ready, std::vector{&a});
  }
  for (const int fd : taken)
    ::close(fd);
  setrlimit(RLIMIT_NOFILE, &before);
}

} // namespace
} // namespace grove::zmq
