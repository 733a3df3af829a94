// SPDX-License-Identifier: MIT
// Proxies: what passes, what waits, how they are steered and ended.
#include <grove/zmq/proxy.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <grove/hub.hpp>

#include "../support/hub_test.hpp"

namespace grove::zmq {
namespace {

using namespace std::chrono_literals;
using test::settle;
using ::testing::Each;
using ::testing::ElementsAre;

class ProxyTest : public test::HubTest {
protected:
  Context context;

  Socket bound(SocketType type, const std::string& endpoint, int hwm = 1000) {
    Socket socket(context, type);
    socket.set(option::sndhwm, hwm);
    socket.set(option::rcvhwm, hwm);
    socket.bind(endpoint);
    return socket;
  }
  Socket connected(SocketType type, const std::string& endpoint, int hwm = 1000) {
    Socket socket(context, type);
    socket.set(option::sndhwm, hwm);
    socket.set(option::rcvhwm, hwm);
    socket.connect(endpoint);
    return socket;
  }
  // PULL to PUSH, with little room.
  std::unique_ptr<Proxy> one_way(int hwm = 1000, ProxyOptions options = {}) {
    const std::string number = std::to_string(++made_); // libzmq gives a name up only after a while
    front = "inproc://front." + number;
    back = "inproc://back." + number;
    return std::make_unique<Proxy>(bound(SocketType::pull, front, hwm),
                                   bound(SocketType::push, back, hwm), std::move(options));
  }
  std::string front, back; // where the last one_way() is
  // Sends until the proxy, which has all the time it wants, takes no more.
  static int fill(Socket& push) {
    for (int count = 0;; ++count) {
      try {
        push.send(std::to_string(count), 50ms);
      } catch (const TimeoutError&) {
        return count;
      }
    }
  }
  static void expect_all(Socket& pull, int from, int to) {
    for (int i = from; i < to; ++i)
      ASSERT_EQ(pull.recv(30s).text(), std::to_string(i));
    settle();
    EXPECT_FALSE(pull.try_recv().has_value());
  }

private:
  int made_ = 0;
};

TEST_F(ProxyTest, questions_of_many_reach_several_workers_exactly_once) {
  constexpr int clients = 10, workers = 4, each = test::sanitized ? 50 : 500;
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
  constexpr int count = test::sanitized ? 1000 : 20'000;
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

// -- steering ----------------------------------------------------------------------------------

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
  settle(100);
  EXPECT_FALSE(pull.try_recv().has_value());
  EXPECT_EQ(proxy->stats().to_backend.messages, before);
  proxy->pause(); // twice is once
  proxy->resume();
  proxy->resume();
  EXPECT_FALSE(proxy->paused());
  expect_all(pull, got, count);
}

TEST_F(ProxyTest, pausing_and_resuming_at_any_moment_loses_nothing) {
  constexpr int count = test::sanitized ? 500 : 5000;
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
  settle(100);
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
  settle(100);
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
  settle(100);
  EXPECT_FALSE(pull.try_recv().has_value());
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
  settle(100);
  EXPECT_FALSE(pull.try_recv().has_value());
}

TEST_F(ProxyTest, run_ends_with_its_time) {
  const auto proxy = one_way();
  EXPECT_FALSE(with_timeout(1ms, [&] { proxy->run(); }));
  EXPECT_TRUE(proxy->ended());
}

TEST_F(ProxyTest, the_end_of_a_socket_or_the_context_is_its_own) {
  const test::ErrorLog errors; // the greenlet's own
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

TEST_F(ProxyTest, what_passes_nothing_on_is_refused) {
  const auto refused = [&](SocketType left, SocketType right) {
    return test::text_of<std::invalid_argument>(
        [&] { Proxy(Socket(context, left), Socket(context, right)); });
  };
  EXPECT_EQ(refused(SocketType::rep, SocketType::dealer),
            "grove: zmq::Proxy: a REP has turns; take a ROUTER or DEALER in its place");
  EXPECT_EQ(refused(SocketType::push, SocketType::pull), "nothing was thrown"); // the other way
  EXPECT_EQ(refused(SocketType::pull, SocketType::sub),
            "grove: zmq::Proxy: nothing goes between PULL and SUB");
  for (const SocketType type : {SocketType::pull, SocketType::rep, SocketType::router}) {
    EXPECT_THROW(one_way(1, {.capture = Socket(context, type)}), std::invalid_argument);
  }
  EXPECT_THROW(one_way(1, {.control = Socket(context, SocketType::router)}), std::invalid_argument);
}

} // namespace
} // namespace grove::zmq
