// SPDX-License-Identifier: MIT
// Proxies: how they are held, let go and ended, by calls and by words.
#include "proxy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <grove/hub.hpp>

namespace grove::zmq {
namespace {

using namespace std::chrono_literals;
using grove::test::settle;
using test::ProxyTest;
using ::testing::ElementsAre;

TEST_F(ProxyTest, nothing_moves_while_it_pauses_and_nothing_is_lost) {
  const auto proxy = one_way(1);
  proxy->start();
  Socket push = connected(SocketType::push, front, 1);
  Socket pull = connected(SocketType::pull, back, 1);
  const int count = fill(push); // so that it has one in its hands
  const std::uint64_t before = proxy->stats().to_backend.messages;
  proxy->pause();
  EXPECT_TRUE(proxy->paused());
  int got = 0;
  while (const std::optional<Message> message = pull.try_recv())
    EXPECT_EQ(message->text(), std::to_string(got++));
  let_pass();
  EXPECT_FALSE(pull.try_recv().has_value());
  EXPECT_EQ(proxy->stats().to_backend.messages, before);
  proxy->pause(); // twice is once
  proxy->resume();
  proxy->resume();
  EXPECT_FALSE(proxy->paused());
  expect_all(pull, got, count);
}

TEST_F(ProxyTest, pausing_and_resuming_at_any_moment_loses_nothing) {
  constexpr int count = grove::test::sanitized ? 500 : 5000;
  const auto proxy = one_way(2);
  proxy->start();
  Socket push = connected(SocketType::push, front, 2);
  Socket pull = connected(SocketType::pull, back, 2);
  const auto sender = spawn([&] {
    for (int i = 0; i < count; ++i)
      push.send_multipart({std::to_string(i), "end"});
  });
  bool stop = false;
  const auto steerer = spawn([&] {
    int turns = 0;
    while (!stop) {
      turns = turns % 7 + 1;
      proxy->pause();
      settle(turns);
      proxy->resume();
      settle(turns);
    }
  });
  const auto hasty = spawn([&] { // does not wait for the end of a pause
    while (!stop) {
      const auto pausing = spawn([&] { proxy->pause(); });
      yield();
      proxy->resume();
      pausing.join();
      proxy->resume();
    }
  });
  for (int i = 0; i < count; ++i) {
    const Multipart message = pull.recv_multipart(30s);
    ASSERT_EQ(message.size(), 2U);
    ASSERT_EQ(message[0].text(), std::to_string(i));
  }
  stop = true;
  steerer.join();
  hasty.join();
  sender.get();
}

TEST_F(ProxyTest, a_proxy_that_is_made_to_pause_begins_so) {
  const auto proxy = one_way();
  proxy->pause();
  proxy->start();
  Socket push = connected(SocketType::push, front);
  Socket pull = connected(SocketType::pull, back);
  push.send("x");
  let_pass();
  EXPECT_FALSE(pull.try_recv().has_value());
  proxy->resume();
  EXPECT_EQ(pull.recv(30s).text(), "x");
}

class ControlTest : public ProxyTest, public ::testing::WithParamInterface<SocketType> {
protected:
  static SocketType peer_of(SocketType type) {
    switch (type) {
    case SocketType::rep:
      return SocketType::req;
    case SocketType::pull:
      return SocketType::push;
    case SocketType::sub:
      return SocketType::pub;
    default:
      return SocketType::pair;
    }
  }
};
INSTANTIATE_TEST_SUITE_P(zmq, ControlTest,
                         ::testing::Values(SocketType::rep, SocketType::pair, SocketType::pull,
                                           SocketType::sub),
                         [](const auto& type) { return std::string(name_of(type.param)); });

TEST_P(ControlTest, its_words_pause_resume_and_end) {
  const SocketType type = GetParam();
  Socket control(context, type);
  if (type == SocketType::sub)
    control.subscribe("");
  control.bind("inproc://control");
  Socket steer(context, peer_of(type));
  steer.connect("inproc://control");
  const auto proxy = one_way(1000, {.control = std::move(control)});
  Socket push = connected(SocketType::push, front);
  Socket pull = connected(SocketType::pull, back);
  const auto say = [&](const char* word) {
    steer.send(word);
    if (type == SocketType::rep) {
      EXPECT_TRUE(steer.recv(30s).empty()) << word;
    }
  };
  const auto running = spawn([&] { proxy->run(); });
  settle();
  say("PAUSE");
  while (!proxy->paused())
    yield();
  push.send("x");
  let_pass();
  EXPECT_FALSE(pull.try_recv().has_value());
  say("DANCE");
  say("RESUME");
  EXPECT_EQ(pull.recv(30s).text(), "x");
  if (type == SocketType::rep || type == SocketType::pair) {
    steer.send("STATISTICS");
    std::vector<std::uint64_t> numbers;
    for (const Message& part : steer.recv_multipart(30s)) {
      ASSERT_EQ(part.size(), sizeof(std::uint64_t));
      std::memcpy(&numbers.emplace_back(), part.bytes().data(), part.size());
    }
    EXPECT_THAT(numbers, ElementsAre(1, 1, 0, 0, 0, 0, 1, 1));
  }
  EXPECT_EQ(proxy->stats().unknown_commands, 1U);
  say("TERMINATE");
  running.get(30s);
  EXPECT_TRUE(proxy->ended());
  push.send("y");
  let_pass();
  EXPECT_FALSE(pull.try_recv().has_value());
}

TEST_F(ProxyTest, what_was_dropped_counts_as_received) {
  Socket control(context, SocketType::pair), steer(context, SocketType::pair);
  control.bind("inproc://control");
  steer.connect("inproc://control");
  Proxy proxy(bound(SocketType::pull, "inproc://front"), bound(SocketType::router, "inproc://back"),
              {.control = std::move(control)});
  Socket push = connected(SocketType::push, "inproc://front");
  proxy.start();
  push.send_multipart({"nobody", "text"});
  while (proxy.stats().to_backend.dropped == 0)
    yield();
  steer.send("STATISTICS");
  std::vector<std::uint64_t> numbers;
  for (const Message& part : steer.recv_multipart(30s))
    std::memcpy(&numbers.emplace_back(), part.bytes().data(), sizeof(std::uint64_t));
  EXPECT_THAT(numbers, ElementsAre(1, 10, 0, 0, 0, 0, 0, 0));
}

// -- its end -----------------------------------------------------------------------------------

TEST_F(ProxyTest, ending_it_in_mid_stream_passes_on_whole_messages_only) {
  for (int round = 0; round < 20; ++round) {
    auto proxy = one_way(2);
    Socket push = connected(SocketType::push, front, 2);
    Socket pull = connected(SocketType::pull, back, 2);
    const auto running = spawn([&] { proxy->run(); });
    const auto sender = spawn([&] {
      for (int i = 0;; ++i)
        push.send_multipart({std::to_string(i), std::string(100, 'x'), "end"});
    });
    int next = 0;
    const auto take = [&](const Multipart& message) {
      ASSERT_EQ(message.size(), 3U);
      ASSERT_EQ(message[0].text(), std::to_string(next++));
      ASSERT_EQ(message[2].text(), "end");
    };
    for (int i = 0; i < 20 + round; ++i)
      take(pull.recv_multipart(30s));
    if (round % 2 == 0)
      running.kill(); // whoever runs it
    else
      proxy->stop();
    EXPECT_TRUE(proxy->ended());
    while (const std::optional<Multipart> message = pull.try_recv_multipart())
      take(*message);
    EXPECT_GE(proxy->stats().to_backend.messages, static_cast<std::uint64_t>(next));
    sender.kill();
    running.join();
    proxy.reset();
  }
}

TEST_F(ProxyTest, destroying_it_wakes_who_waits_for_its_end) {
  auto proxy = one_way();
  proxy->start();
  const auto waiting = spawn([&] { return proxy->join(); });
  settle();
  ASSERT_FALSE(waiting.ready());
  proxy.reset();
  EXPECT_TRUE(waiting.get());
}

TEST_F(ProxyTest, join_gives_up_at_its_deadline_and_by_a_kill_and_the_proxy_goes_on) {
  const auto proxy = one_way();
  proxy->start();
  EXPECT_FALSE(proxy->join(1ms));
  EXPECT_FALSE(with_timeout(1ms, [&] { proxy->join(); }));
  const auto waiting = spawn([&] { proxy->join(); });
  settle();
  waiting.kill();
  EXPECT_TRUE(waiting.killed());
  Socket push = connected(SocketType::push, front);
  Socket pull = connected(SocketType::pull, back);
  push.send("x");
  EXPECT_EQ(pull.recv(30s).text(), "x");
  proxy->stop();
  proxy->stop();
  EXPECT_TRUE(proxy->join());
  proxy->start(); // too late
  push.send("y");
  let_pass();
  EXPECT_FALSE(pull.try_recv().has_value());
}

TEST_F(ProxyTest, run_ends_with_its_time) {
  const auto proxy = one_way();
  EXPECT_FALSE(with_timeout(1ms, [&] { proxy->run(); }));
  EXPECT_TRUE(proxy->ended());
}

TEST_F(ProxyTest, the_end_of_a_socket_or_the_context_is_its_own) {
  const grove::test::ErrorLog errors; // the greenlet's own
  auto proxy = one_way();
  const auto running = spawn([&] { proxy->run(); });
  settle();
  proxy->backend().close(); // it is found when something is to be sent
  Socket push = connected(SocketType::push, front);
  push.send("x");
  EXPECT_THROW(running.get(30s), Closed);
  EXPECT_THROW(proxy->join(), Closed);
  proxy.reset();
  Context other;
  Proxy second(Socket(other, SocketType::pull), Socket(other, SocketType::push));
  second.start();
  settle();
  other.shutdown();
  EXPECT_THROW(second.join(30s), Closed);
}

} // namespace
} // namespace grove::zmq
