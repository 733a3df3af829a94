// SPDX-License-Identifier: MIT
// Proxies: what passes, what waits, what is dropped.
#include "proxy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <grove/hub.hpp>

namespace grove::zmq {
namespace {

using namespace std::chrono_literals;
using grove::test::settle;
using test::ProxyTest;
using ::testing::Each;

TEST_F(ProxyTest, questions_of_many_reach_several_workers_exactly_once) {
  constexpr int clients = 10, workers = 4, each = grove::test::sanitized ? 50 : 500;
  Proxy proxy(bound(SocketType::router, "inproc://front"),
              bound(SocketType::dealer, "inproc://back"));
  proxy.start();
  std::vector<int> asked(clients * each, 0);
  std::vector<GreenletRef<>> servers;
  servers.reserve(workers);
  for (int w = 0; w < workers; ++w) {
    servers.push_back(spawn([&] {
      Socket rep = connected(SocketType::rep, "inproc://back");
      for (;;) {
        const std::string question(rep.recv().text());
        ++asked.at(std::stoul(question));
        rep.send_multipart({"answer", question});
      }
    }));
  }
  std::vector<GreenletRef<>> askers;
  askers.reserve(clients);
  for (int c = 0; c < clients; ++c) {
    askers.push_back(spawn([&, c] {
      Socket req = connected(SocketType::req, "inproc://front");
      for (int i = 0; i < each; ++i) {
        const std::string question = std::to_string(c * each + i);
        req.send(question);
        const Multipart answer = req.recv_multipart(30s);
        ASSERT_EQ(answer.at(0).text(), "answer");
        ASSERT_EQ(answer.at(1).text(), question);
      }
    }));
  }
  for (const auto& asker : askers)
    asker.get();
  EXPECT_THAT(asked, Each(1));
  const ProxyStats stats = proxy.stats();
  EXPECT_EQ(stats.to_backend.messages, std::uint64_t{clients * each});
  EXPECT_EQ(stats.to_backend.parts, std::uint64_t{3 * clients * each}); // id, delimiter, body
  EXPECT_EQ(stats.to_frontend.messages, std::uint64_t{clients * each});
  EXPECT_EQ(stats.to_frontend.parts, std::uint64_t{4 * clients * each});
  EXPECT_EQ(stats.to_frontend.dropped, 0U);
  kill_all(servers);
}

TEST_F(ProxyTest, thousands_of_messages_pass_in_order_and_are_counted) {
  constexpr int count = grove::test::sanitized ? 1000 : 20'000;
  const auto proxy = one_way(10);
  proxy->start();
  Socket push = connected(SocketType::push, front, 10);
  Socket pull = connected(SocketType::pull, back, 10);
  const auto sender = spawn([&] {
    for (int i = 0; i < count; ++i)
      push.send_multipart({"head", std::to_string(i)});
  });
  std::uint64_t bytes = 0;
  for (int i = 0; i < count; ++i) {
    const Multipart message = pull.recv_multipart(30s);
    ASSERT_EQ(message.size(), 2U);
    ASSERT_EQ(message[1].text(), std::to_string(i));
    bytes += message[0].size() + message[1].size();
  }
  sender.get();
  settle();
  EXPECT_EQ(proxy->stats().to_backend, (ProxyCounts{count, 2 * count, bytes, 0}));
  EXPECT_EQ(proxy->stats().to_frontend, ProxyCounts());
}

TEST_F(ProxyTest, subscriptions_go_up_and_news_go_down) {
  Proxy proxy(bound(SocketType::xsub, "inproc://front"), bound(SocketType::xpub, "inproc://back"));
  proxy.start();
  Socket pub = connected(SocketType::xpub, "inproc://front");
  Socket sub = connected(SocketType::sub, "inproc://back");
  sub.subscribe("b");
  EXPECT_EQ(pub.recv(30s).text(), "\1b");
  pub.send("a1");
  pub.send("b1");
  EXPECT_EQ(sub.recv(30s).text(), "b1");
}

TEST_F(ProxyTest, a_side_that_is_full_stops_only_the_way_to_it) {
  Proxy proxy(bound(SocketType::dealer, "inproc://front", 1),
              bound(SocketType::dealer, "inproc://back", 1));
  proxy.start();
  Socket left = connected(SocketType::dealer, "inproc://front", 1);
  Socket right = connected(SocketType::dealer, "inproc://back", 1);
  const int held = fill(left); // nobody reads at the right
  EXPECT_LT(held, 20);
  for (int i = 0; i < 1000; ++i) {
    right.send(std::to_string(i), 30s);
    ASSERT_EQ(left.recv(30s).text(), std::to_string(i));
  }
  EXPECT_FALSE(left.try_send("x"));
  expect_all(right, 0, held);
}

TEST_F(ProxyTest, copies_of_all_go_to_the_capture) {
  Socket capture = bound(SocketType::push, "inproc://capture");
  Socket copies = connected(SocketType::pull, "inproc://capture");
  Proxy proxy(bound(SocketType::dealer, "inproc://front"),
              bound(SocketType::dealer, "inproc://back"), {.capture = std::move(capture)});
  proxy.start();
  Socket left = connected(SocketType::dealer, "inproc://front");
  Socket right = connected(SocketType::dealer, "inproc://back");
  left.send_multipart({"question", "of two parts"});
  EXPECT_EQ(right.recv_multipart(30s).at(1).text(), "of two parts");
  right.send(std::string(1000, 'x')); // shared, not copied
  EXPECT_EQ(left.recv(30s).size(), 1000U);
  EXPECT_EQ(copies.recv_multipart(30s).at(1).text(), "of two parts");
  EXPECT_EQ(copies.recv(30s).text(), std::string(1000, 'x'));
}

TEST_F(ProxyTest, a_capture_that_is_full_holds_messages_back_and_loses_none) {
  Socket capture = bound(SocketType::push, "inproc://capture", 1);
  Socket copies = connected(SocketType::pull, "inproc://capture", 1);
  const auto proxy = one_way(1, {.capture = std::move(capture)});
  proxy->start();
  Socket push = connected(SocketType::push, front, 1);
  Socket pull = connected(SocketType::pull, back, 100);
  const int count = fill(push);
  EXPECT_LT(count, 20);
  proxy->pause(); // in the wait for the capture
  proxy->resume();
  const auto reader = spawn([&] { expect_all(copies, 0, count); });
  expect_all(pull, 0, count);
  reader.get(); // and each was copied once
}

TEST_F(ProxyTest, a_peer_that_is_gone_is_counted_and_the_rest_goes_on) {
  Proxy proxy(bound(SocketType::router, "inproc://front"),
              bound(SocketType::dealer, "inproc://back"));
  proxy.frontend().set(option::router_mandatory, true);
  proxy.start();
  Socket worker = connected(SocketType::dealer, "inproc://back");
  Socket client = connected(SocketType::dealer, "inproc://front");
  client.send("question");
  Multipart request = worker.recv_multipart(30s);
  worker.send_multipart({"nobody", "lost"});
  request.at(1) = "answer";
  worker.send_multipart(std::move(request));
  EXPECT_EQ(client.recv(30s).text(), "answer");
  EXPECT_EQ(proxy.stats().to_frontend, (ProxyCounts{1, 2, 5 + 6, 1}));
}

TEST_F(ProxyTest, with_a_time_limit_for_sending_a_peer_that_does_not_read_loses_messages) {
  Socket sink = bound(SocketType::push, "inproc://back", 1);
  sink.set(option::sndtimeo, 1ms);
  Proxy proxy(bound(SocketType::pull, "inproc://front"), std::move(sink));
  proxy.start();
  Socket push = connected(SocketType::push, "inproc://front");
  Socket pull = connected(SocketType::pull, "inproc://back", 1);
  for (int i = 0; i < 10; ++i)
    push.send(std::to_string(i));
  while (proxy.stats().to_backend.messages + proxy.stats().to_backend.dropped < 10)
    yield();
  EXPECT_GT(proxy.stats().to_backend.dropped, 0U);
  for (std::uint64_t i = 0; i < proxy.stats().to_backend.messages; ++i)
    EXPECT_EQ(pull.recv(30s).text(), std::to_string(i));
}

TEST_F(ProxyTest, what_passes_nothing_on_is_refused) {
  const auto refused = [&](SocketType left, SocketType right) {
    return grove::test::text_of<std::invalid_argument>(
        [&] { Proxy(Socket(context, left), Socket(context, right)); });
  };
  EXPECT_EQ(refused(SocketType::rep, SocketType::dealer),
            "grove: zmq::Proxy: a REP has turns; take a ROUTER or DEALER in its place");
  EXPECT_EQ(refused(SocketType::push, SocketType::pull), "nothing was thrown"); // the other way
  EXPECT_EQ(refused(SocketType::pull, SocketType::sub),
            "grove: zmq::Proxy: nothing goes between PULL and SUB");
  for (const SocketType type :
       {SocketType::pull, SocketType::rep, SocketType::router, SocketType::xsub}) {
    EXPECT_THROW(one_way(1, {.capture = Socket(context, type)}), std::invalid_argument);
  }
  EXPECT_THROW(one_way(1, {.control = Socket(context, SocketType::router)}), std::invalid_argument);
}

} // namespace
} // namespace grove::zmq
