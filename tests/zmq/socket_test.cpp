// SPDX-License-Identifier: MIT
// Sockets: patterns, parts, options, endpoints and what their errors say.
#include <grove/zmq/socket.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <grove/hub.hpp>

#include "../support/hub_test.hpp"

namespace grove::zmq {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class SocketTest : public test::HubTest {
protected:
  Context context;
};

// Where a pair of sockets meets.
class OverTransport : public SocketTest, public ::testing::WithParamInterface<const char*> {
protected:
  // Binds one and connects the other.
  void join(Socket& bound, Socket& connected) {
    std::string endpoint = GetParam();
    if (endpoint == "ipc") {
      directory_ = std::filesystem::temp_directory_path() /
                   ("grove-zmq-" + std::to_string(::getpid()) + "-" + std::to_string(++made_));
      std::filesystem::create_directory(directory_);
      endpoint = "ipc://" + (directory_ / "socket").string();
    }
    connected.connect(bound.bind(endpoint));
  }
  void TearDown() override {
    if (!directory_.empty())
      std::filesystem::remove_all(directory_);
    SocketTest::TearDown();
  }

private:
  std::filesystem::path directory_;
  static inline int made_ = 0;
};

INSTANTIATE_TEST_SUITE_P(zmq, OverTransport,
                         ::testing::Values("inproc://here", "tcp://127.0.0.1:*", "ipc"),
                         [](const auto& transport) {
                           const std::string endpoint = transport.param;
                           return endpoint.substr(0, endpoint.find(':'));
                         });

std::vector<std::string> texts(const Multipart& parts) {
  std::vector<std::string> result;
  for (const Message& part : parts)
    result.emplace_back(part.text());
  return result;
}

TEST_P(OverTransport, push_reaches_pull_in_order) {
  Socket pull(context, SocketType::pull), push(context, SocketType::push);
  join(pull, push);
  const auto sender = spawn([&] {
    for (int i = 0; i < 3000; ++i)
      push.send(std::to_string(i));
  });
  for (int i = 0; i < 3000; ++i)
    ASSERT_EQ(pull.recv().text(), std::to_string(i));
  sender.get();
}

TEST_P(OverTransport, rep_answers_req) {
  Socket rep(context, SocketType::rep), req(context, SocketType::req);
  join(rep, req);
  const auto server = spawn([&] {
    for (int i = 0; i < 100; ++i)
      rep.send(std::string(rep.recv().text()) + "!");
  });
  for (int i = 0; i < 100; ++i) {
    req.send("question " + std::to_string(i));
    ASSERT_EQ(req.recv().text(), "question " + std::to_string(i) + "!");
  }
  server.get();
}

TEST_P(OverTransport, sub_gets_what_it_subscribed_to) {
  Socket pub(context, SocketType::xpub), sub(context, SocketType::sub);
  join(pub, sub);
  sub.subscribe("b");
  EXPECT_EQ(pub.recv().text(), "\1b"); // the subscription has arrived
  for (const char* topic : {"a1", "b1", "c1", "b2"})
    pub.send(topic);
  EXPECT_EQ(sub.recv().text(), "b1");
  EXPECT_EQ(sub.recv().text(), "b2");
  sub.unsubscribe("b");
  EXPECT_EQ(pub.recv().text(), std::string("\0b", 2));
}

TEST_P(OverTransport, router_answers_the_dealer_that_asked) {
  Socket router(context, SocketType::router), a(context, SocketType::dealer),
      b(context, SocketType::dealer);
  a.set(option::routing_id, "a");
  b.set(option::identity, "b");
  join(router, a);
  b.connect(router.get(option::last_endpoint));
  const auto server = spawn([&] {
    for (int i = 0; i < 20; ++i) {
      Multipart request = router.recv_multipart();
      const std::string body(request.at(1).text());
      router.send_multipart(multipart(std::move(request.at(0)), body + "?", "end"));
    }
  });
  for (int i = 0; i < 10; ++i) {
    a.send("from a");
    b.send("from b");
    EXPECT_THAT(texts(a.recv_multipart()), ElementsAre("from a?", "end"));
    EXPECT_THAT(texts(b.recv_multipart()), ElementsAre("from b?", "end"));
  }
  server.get();
}

TEST_P(OverTransport, pair_goes_both_ways_at_once) {
  Socket left(context, SocketType::pair), right(context, SocketType::pair);
  join(left, right);
  const auto all = [](Socket& socket) {
    const auto reader = spawn([&] {
      for (int i = 0; i < 3000; ++i)
        ASSERT_EQ(socket.recv().text(), std::to_string(i));
    });
    for (int i = 0; i < 3000; ++i)
      socket.send(std::to_string(i));
    reader.get();
  };
  const auto other = spawn([&] { all(right); });
  all(left);
  other.get();
}

TEST_P(OverTransport, bytes_of_any_kind_and_size_arrive_unchanged) {
  Socket pull(context, SocketType::pull), push(context, SocketType::push);
  join(pull, push);
  for (const std::size_t size : {0U, 1U, 33U, 34U, 255U, 256U, 70'000U, 3'000'000U}) {
    std::vector<std::byte> bytes(size);
    for (std::size_t i = 0; i < size; ++i)
      bytes[i] = static_cast<std::byte>(i * 7);
    push.send(bytes);
    push.send(Message::adopt(std::vector<std::byte>(bytes)));
    for (int i = 0; i < 2; ++i) {
      const Message got = pull.recv();
      ASSERT_TRUE(std::ranges::equal(got.bytes(), bytes)) << size;
    }
  }
}

TEST_F(SocketTest, stream_speaks_with_plain_tcp) {
  Socket server(context, SocketType::stream), client(context, SocketType::stream);
  client.connect(server.bind("tcp://127.0.0.1:*"));
  const Multipart connected = server.recv_multipart(); // the peer's id, and nothing
  EXPECT_TRUE(connected.at(1).empty());
  server.send_multipart(multipart(connected.at(0).copy(), "raw"));
  EXPECT_TRUE(client.recv_multipart().at(1).empty());
  EXPECT_EQ(client.recv_multipart().at(1).text(), "raw");
}

// -- parts -------------------------------------------------------------------------------------

// pitfall 67
TEST_F(SocketTest, messages_of_several_senders_stay_whole) {
  Socket pull(context, SocketType::pull), push(context, SocketType::push);
  pull.set(option::rcvhwm, 2);
  push.set(option::sndhwm, 2); // everybody has to wait, again and again
  push.connect(pull.bind("inproc://here"));
  constexpr int senders = 20, each = 50;
  std::vector<GreenletRef<>> all;
  all.reserve(senders);
  for (int s = 0; s < senders; ++s) {
    all.push_back(spawn([&push, s] {
      for (int i = 0; i < each; ++i) {
        Multipart parts;
        for (int p = 0; p <= s % 5; ++p)
          parts.emplace_back(std::to_string(s));
        parts.emplace_back(std::to_string(i));
        push.send_multipart(std::move(parts));
        ASSERT_TRUE(parts.empty()); // NOLINT(bugprone-use-after-move): it says so
      }
    }));
  }
  std::vector<int> next(senders, 0);
  for (int n = 0; n < senders * each; ++n) {
    const std::vector<std::string> parts = texts(pull.recv_multipart());
    const int s = std::stoi(parts.front());
    ASSERT_EQ(parts.size(), static_cast<std::size_t>(s % 5 + 2));
    for (std::size_t p = 0; p + 1 < parts.size(); ++p)
      ASSERT_EQ(parts[p], parts.front());
    ASSERT_EQ(parts.back(), std::to_string(next[static_cast<std::size_t>(s)]++));
  }
  for (const auto& one : all)
    one.get();
}

TEST_F(SocketTest, a_message_of_parts_that_recv_cannot_return_is_dropped_whole) {
  Socket pull(context, SocketType::pull), push(context, SocketType::push);
  push.connect(pull.bind("inproc://here"));
  push.send_multipart({"one", "two", "three"});
  push.send("alone");
  try {
    static_cast<void>(pull.recv());
    FAIL();
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::protocol_error);
    EXPECT_THAT(error.what(),
                HasSubstr("recv on PULL inproc://here: a message of 3 parts was dropped"));
  }
  EXPECT_EQ(pull.recv().text(), "alone");
}

TEST_F(SocketTest, a_message_without_parts_is_refused) {
  Socket push(context, SocketType::push);
  EXPECT_THROW(push.send_multipart(Multipart()), std::invalid_argument);
}

// A peer on a plain thread, which takes so many parts and goes.
std::vector<std::string> take_parts(void* context, int type, std::size_t count) {
  constexpr int patience = 10'000, plenty = 100'000, none = 0;
  void* peer = zmq_socket(context, type);
  zmq_setsockopt(peer, ZMQ_RCVTIMEO, &patience, sizeof patience);
  zmq_setsockopt(peer, ZMQ_RCVHWM, &plenty, sizeof plenty);
  zmq_setsockopt(peer, ZMQ_LINGER, &none, sizeof none);
  zmq_connect(peer, "inproc://here");
  std::vector<std::string> parts;
  while (parts.size() < count) {
    std::array<char, 16> part{};
    const int size = zmq_recv(peer, part.data(), part.size(), 0);
    if (size < 0)
      break;
    parts.emplace_back(part.data(), static_cast<std::size_t>(size));
  }
  zmq_close(peer);
  return parts;
}

// One peer after the other. That libzmq mixes up parts takes more (docs/zmq.md, "A known limit").
class OnePeerAtATime : public SocketTest,
                       public ::testing::WithParamInterface<std::pair<SocketType, int>> {};

// pitfall 67
TEST_P(OnePeerAtATime, never_gets_half_a_message) {
  const auto [type, theirs] = GetParam();
  Socket socket(context, type);
  socket.set(option::sndhwm, 10);
  socket.bind("inproc://here");
  std::atomic<bool> gone = false;
  std::atomic<int> refused = 0;
  const std::jthread peers([&, peer_type = theirs](const std::stop_token& stop) {
    bool whole = true;
    for (int round = 0; round < 100 && whole; ++round) {
      std::string text;
      for (const std::string& part : take_parts(context.native_handle(), peer_type, 30))
        text += part;
      whole = text == "abcdeabcdeabcdeabcdeabcdeabcde";
      EXPECT_TRUE(whole) << "round " << round << ": " << text;
      // The next one comes when the sender stands in line: nobody who has left is written to.
      for (const int before = refused; refused == before && !stop.stop_requested();)
        std::this_thread::yield();
    }
    gone = true;
  });
  const auto sender = spawn([&] {
    for (;;)
      socket.send_multipart({"a", "b", "c", "d", "e"});
  });
  while (!gone) {
    if (!socket.try_send_multipart(multipart("a", "b", "c", "d", "e")))
      ++refused;
    sleep(200us);
  }
  sender.kill();
  sender.join();
}

INSTANTIATE_TEST_SUITE_P(Zmq, OnePeerAtATime,
                         ::testing::Values(std::pair(SocketType::push, ZMQ_PULL),
                                           std::pair(SocketType::dealer, ZMQ_DEALER)),
                         [](const auto& instance) {
                           return std::string(name_of(instance.param.first));
                         });

TEST_F(SocketTest, peers_that_come_and_go_get_messages_of_one_part_once_and_in_order) {
  Socket push(context, SocketType::push);
  push.set(option::sndhwm, 10);
  push.bind("inproc://here");
  std::atomic<int> left = 4;
  std::array<std::vector<int>, 4> taken;
  std::vector<std::jthread> peers;
  peers.reserve(taken.size());
  for (std::vector<int>& mine : taken) {
    peers.emplace_back([&] {
      bool fine = true;
      for (int round = 0; round < 100 && fine; ++round) {
        const auto parts = take_parts(context.native_handle(), ZMQ_PULL, 6);
        fine = parts.size() == 6;
        EXPECT_TRUE(fine) << "round " << round;
        for (const std::string& part : parts)
          mine.push_back(std::stoi(part));
      }
      --left;
    });
  }
  int number = 0;
  while (left > 0) {
    try {
      push.send(std::to_string(number), 1ms);
      ++number;
    } catch (const TimeoutError&) { // nobody is there
    }
  }
  peers.clear();
  std::vector<int> all;
  for (const std::vector<int>& one : taken) {
    EXPECT_TRUE(std::ranges::is_sorted(one));
    all.insert(all.end(), one.begin(), one.end());
  }
  std::ranges::sort(all);
  EXPECT_EQ(std::ranges::adjacent_find(all), all.end());
}

// -- not waiting ---------------------------------------------------------------------------------

TEST_F(SocketTest, try_operations_never_wait) {
  Socket pull(context, SocketType::pull), push(context, SocketType::push);
  Message message("kept");
  EXPECT_FALSE(push.try_send(std::move(message))); // nobody is connected
  EXPECT_EQ(message.text(), "kept");               // NOLINT(bugprone-use-after-move): it says so
  Multipart parts = multipart("both", "kept");
  EXPECT_FALSE(push.try_send_multipart(std::move(parts)));
  EXPECT_THAT(texts(parts), ElementsAre("both", "kept")); // NOLINT(bugprone-use-after-move)
  EXPECT_FALSE(pull.try_recv().has_value());
  EXPECT_FALSE(pull.try_recv_multipart().has_value());
  push.connect(pull.bind("inproc://here"));
  EXPECT_TRUE(push.try_send(std::move(message)));
  EXPECT_TRUE(push.try_send_multipart(std::move(parts)));
  EXPECT_EQ(pull.try_recv().value().text(), "kept");
  EXPECT_THAT(texts(pull.try_recv_multipart().value()), ElementsAre("both", "kept"));
}

// -- options and endpoints ------------------------------------------------------------------------

TEST_F(SocketTest, options_have_types_and_say_what_was_set) {
  Socket dealer(context, SocketType::dealer);
  EXPECT_EQ(dealer.type(), SocketType::dealer);
  EXPECT_EQ(dealer.get(option::linger), 1s); // bounded by default
  dealer.set(option::linger, 0ms);
  EXPECT_EQ(dealer.get(option::linger), 0ms);
  EXPECT_EQ(dealer.get(option::sndhwm), 1000);
  dealer.set(option::sndhwm, 7);
  EXPECT_EQ(dealer.get(option::sndhwm), 7);
  dealer.set(option::rcvhwm, 8);
  EXPECT_EQ(dealer.get(option::rcvhwm), 8);
  EXPECT_EQ(dealer.get(option::maxmsgsize), 4 << 20);
  dealer.set(option::maxmsgsize, std::int64_t{1} << 33);
  EXPECT_EQ(dealer.get(option::maxmsgsize), std::int64_t{1} << 33);
  dealer.set(option::routing_id, std::string("a\0b", 3));
  EXPECT_EQ(dealer.get(option::routing_id), std::string("a\0b", 3));
  dealer.set(option::immediate, true);
  EXPECT_TRUE(dealer.get(option::immediate));
  dealer.set(option::rcvtimeo, 3s);
  EXPECT_EQ(dealer.get(option::rcvtimeo), 3s);
  dealer.set(option::tcp_keepalive, 1);
  dealer.set(option::tcp_keepalive_idle, 60);
  EXPECT_EQ(dealer.get(option::tcp_keepalive_idle), 60);
  dealer.set(option::conflate, false);
  Socket router(context, SocketType::router);
  router.set(option::router_mandatory, true);
  Socket req(context, SocketType::req);
  req.set(option::req_relaxed, true);
  req.set(option::req_correlate, true);
}

TEST_F(SocketTest, defaults_are_fit_for_the_open) {
  Socket router(context, SocketType::router);
  EXPECT_EQ(router.get(option::linger), 1s);
  EXPECT_EQ(router.get(option::maxmsgsize), 4 << 20);
  EXPECT_EQ(router.get(option::handshake_ivl), 5s);
  EXPECT_EQ(router.get(option::heartbeat_ivl), 1s);
  EXPECT_EQ(router.get(option::heartbeat_timeout), 3s);
  EXPECT_EQ(router.get(option::sndhwm), 1000);
  EXPECT_EQ(router.get(option::rcvhwm), 1000);
  EXPECT_FALSE(router.get(option::ipv6));
  EXPECT_EQ(router.get(option::mechanism), Mechanism::none);
  router.bind("inproc://here");
  EXPECT_THROW(router.send_multipart({"stranger", "body"}), std::system_error); // mandatory
}

// Sets an option, reads it, and holds them against each other.
template <class T>
void round_trip(Socket& socket, const Option<T>& option, const std::type_identity_t<T>& value) {
  socket.set(option, value);
  EXPECT_EQ(socket.get(option), value) << option.name;
}

TEST_F(SocketTest, every_option_that_can_be_read_says_what_was_set) {
  Socket socket(context, SocketType::dealer);
  round_trip(socket, option::linger, 2s);
  round_trip(socket, option::maxmsgsize, 77);
  round_trip(socket, option::handshake_ivl, 4s);
  round_trip(socket, option::heartbeat_ivl, 2s);
  round_trip(socket, option::heartbeat_timeout, 4s);
  round_trip(socket, option::heartbeat_ttl, 5s);
  round_trip(socket, option::sndtimeo, 1s);
  round_trip(socket, option::affinity, 1);
  round_trip(socket, option::ipv6, true);
  round_trip(socket, option::backlog, 7);
  round_trip(socket, option::reconnect_ivl, 7ms);
  round_trip(socket, option::reconnect_ivl_max, 70ms);
  round_trip(socket, option::connect_timeout, 700ms);
  round_trip(socket, option::socks_proxy, "127.0.0.1:9");
  round_trip(socket, option::bindtodevice, "lo");
  round_trip(socket, option::use_fd, -1);
  round_trip(socket, option::sndbuf, 70'000);
  round_trip(socket, option::rcvbuf, 70'000);
  round_trip(socket, option::tos, 8);
  round_trip(socket, option::tcp_keepalive, 1);
  round_trip(socket, option::tcp_keepalive_cnt, 3);
  round_trip(socket, option::tcp_keepalive_idle, 30);
  round_trip(socket, option::tcp_keepalive_intvl, 10);
  round_trip(socket, option::tcp_maxrt, 900ms);
  round_trip(socket, option::zap_domain, "global");
  round_trip(socket, option::zap_enforce_domain, true);
  round_trip(socket, option::plain_username, "admin");
  round_trip(socket, option::plain_password, "secret");
  EXPECT_EQ(socket.get(option::mechanism), Mechanism::plain);
  round_trip(socket, option::plain_server, true);
  Socket sub(context, SocketType::sub);
  round_trip(sub, option::invert_matching, true);
}

TEST_F(SocketTest, options_that_can_only_be_set_do_what_they_say) {
  Socket xpub(context, SocketType::xpub), sub(context, SocketType::sub);
  xpub.set(option::xpub_verbose, true);
  xpub.set(option::xpub_verboser, false);
  xpub.set(option::xpub_manual, true);
  xpub.set(option::xpub_welcome_msg, "welcome");
  sub.subscribe("w");
  sub.connect(xpub.bind("inproc://here"));
  EXPECT_EQ(xpub.recv().text(), "\1w");
  EXPECT_EQ(sub.recv().text(), "welcome");
  Socket stream(context, SocketType::stream);
  stream.set(option::stream_notify, false);
}

TEST_F(SocketTest, an_option_that_does_not_fit_is_refused_by_name) {
  Socket push(context, SocketType::push);
  try {
    push.subscribe("x");
    FAIL();
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::invalid_argument);
    EXPECT_THAT(error.what(), StartsWith("set subscribe on PUSH: "));
  }
  try {
    push.set(option::linger, milliseconds(1LL << 40));
    FAIL();
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::invalid_argument);
    EXPECT_THAT(error.what(), StartsWith("set linger to 1099511627776 on PUSH: "));
  }
}

TEST_F(SocketTest, bind_tells_the_port_it_got) {
  Socket pull(context, SocketType::pull);
  const std::string endpoint = pull.bind("tcp://127.0.0.1:*");
  EXPECT_THAT(endpoint, ::testing::MatchesRegex("tcp://127\\.0\\.0\\.1:[0-9]+"));
  EXPECT_EQ(pull.get(option::last_endpoint), endpoint);
}

TEST_F(SocketTest, an_address_in_use_is_named) {
  Socket first(context, SocketType::pull), second(context, SocketType::pull);
  const std::string endpoint = first.bind("tcp://127.0.0.1:*");
  try {
    second.bind(endpoint);
    FAIL();
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::address_in_use);
    EXPECT_EQ(error.what(), "bind PULL to " + endpoint + ": Address already in use");
  }
  // Neither is worse off.
  Socket push(context, SocketType::push);
  push.connect(second.bind("tcp://127.0.0.1:*"));
  push.send("x");
  EXPECT_EQ(second.recv().text(), "x");
}

// -- beyond this machine -----------------------------------------------------------------------

TEST_F(SocketTest, what_others_could_reach_is_not_bound_by_accident) {
  Socket pull(context, SocketType::pull);
  for (const char* endpoint : {"tcp://*:*", "tcp://0.0.0.0:*", "tcp://[::]:*", "tcp://8.8.8.8:*",
                               "tcp://localhost:*", "tcp://eth0:*", "tcp://::ffff:10.0.0.1:*"}) {
    try {
      pull.bind(endpoint);
      ADD_FAILURE() << endpoint;
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code(), std::errc::operation_not_permitted);
      EXPECT_THAT(error.what(), StartsWith(std::string("bind PULL to ") + endpoint +
                                           " (others can reach it: make it a CURVE server, or "
                                           "allow_public_bind())"));
    }
  }
  EXPECT_NO_THROW(pull.bind("tcp://127.0.0.1:*"));
  EXPECT_NO_THROW(pull.bind("tcp://127.3.2.1:*"));
  EXPECT_NO_THROW(pull.bind("tcp://lo:*"));
  pull.allow_public_bind();
  EXPECT_NO_THROW(pull.bind("tcp://0.0.0.0:*"));
  pull.allow_public_bind(false);
  EXPECT_THROW(pull.bind("tcp://0.0.0.0:*"), std::system_error);
}

TEST_F(SocketTest, a_curve_server_may_be_bound_anywhere) {
  std::array<char, 41> public_key{}, secret_key{};
  if (zmq_curve_keypair(public_key.data(), secret_key.data()) != 0)
    GTEST_SKIP() << "libzmq without CURVE";
  Socket pull(context, SocketType::pull);
  pull.set(option::curve_secretkey, secret_key.data());
  EXPECT_THROW(pull.bind("tcp://0.0.0.0:*"), std::system_error); // a client
  pull.set(option::curve_server, true);
  EXPECT_EQ(pull.get(option::mechanism), Mechanism::curve);
  EXPECT_NO_THROW(pull.bind("tcp://0.0.0.0:*"));
}

TEST_F(SocketTest, an_unbound_endpoint_can_be_bound_again) {
  Socket first(context, SocketType::pull), second(context, SocketType::pull);
  first.bind("inproc://here");
  first.unbind("inproc://here");
  EXPECT_EQ(second.bind("inproc://here"), "inproc://here");
}

TEST_F(SocketTest, a_disconnected_peer_gets_nothing_more) {
  Socket push(context, SocketType::push), a(context, SocketType::pull),
      b(context, SocketType::pull);
  const std::string at_a = a.bind("inproc://a"), at_b = b.bind("inproc://b");
  push.connect(at_a);
  push.connect(at_b);
  push.disconnect(at_a);
  for (int i = 0; i < 4; ++i)
    push.send("x");
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(b.recv().text(), "x");
  EXPECT_FALSE(a.try_recv().has_value());
}

TEST_F(SocketTest, a_bad_endpoint_is_named_with_the_remedy) {
  Socket push(context, SocketType::push);
  for (const char* endpoint : {"nonsense", "foo://bar", "tcp://127.0.0.1"}) {
    try {
      push.connect(endpoint);
      ADD_FAILURE() << endpoint;
    } catch (const std::system_error& error) {
      EXPECT_THAT(error.what(), StartsWith(std::string("connect PUSH to ") + endpoint +
                                           " (expected tcp://HOST:PORT, ipc://PATH"));
    }
  }
  EXPECT_THROW(push.disconnect("tcp://127.0.0.1:9"), std::system_error);
  EXPECT_THROW(push.unbind("tcp://127.0.0.1:9"), std::system_error);
}

TEST_F(SocketTest, errors_name_the_socket_and_its_endpoints) {
  Socket pull(context, SocketType::pull);
  const auto text = [&] {
    return test::text_of<TimeoutError>([&] { static_cast<void>(pull.recv(0s)); });
  };
  EXPECT_EQ(text(), "recv on PULL: the time limit has passed");
  const std::string first = pull.bind("tcp://127.0.0.1:*");
  EXPECT_EQ(text(), "recv on PULL " + first + ": the time limit has passed");
  pull.bind("inproc://two");
  pull.bind("inproc://three");
  EXPECT_EQ(text(), "recv on PULL " + first + " and 2 more: the time limit has passed");
}

// -- misuse ------------------------------------------------------------------------------------

TEST_F(SocketTest, req_and_rep_out_of_turn_are_told_so) {
  Socket rep(context, SocketType::rep), req(context, SocketType::req);
  req.connect(rep.bind("inproc://here"));
  EXPECT_THROW(rep.send("nobody asked"), std::system_error);
  req.send("question");
  try {
    req.send("another");
    FAIL();
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), Errc::wrong_state);
    EXPECT_THAT(error.what(),
                StartsWith("send on REQ inproc://here (send a request, then receive"));
  }
  EXPECT_EQ(rep.recv().text(), "question");
  rep.send("answer");
  EXPECT_EQ(req.recv().text(), "answer");
}

TEST_F(SocketTest, the_wrong_direction_is_told_so) {
  Socket pull(context, SocketType::pull), push(context, SocketType::push);
  EXPECT_THROW(pull.send("x"), std::system_error);
  EXPECT_THROW(static_cast<void>(push.recv()), std::system_error);
}

TEST_F(SocketTest, a_mandatory_router_refuses_who_it_does_not_know) {
  Socket router(context, SocketType::router);
  router.set(option::router_mandatory, true);
  router.bind("inproc://here");
  try {
    router.send_multipart({"stranger", "body"});
    FAIL();
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::host_unreachable);
  }
  Socket dealer(context, SocketType::dealer);
  dealer.set(option::routing_id, "friend");
  dealer.connect("inproc://here");
  router.send_multipart({"friend", "body"});
  EXPECT_EQ(dealer.recv().text(), "body");
}

// libzmq would drop it without a word.
TEST_F(SocketTest, a_message_that_names_only_its_peer_is_refused) {
  Socket router(context, SocketType::router), dealer(context, SocketType::dealer);
  dealer.set(option::routing_id, "friend");
  dealer.connect(router.bind("inproc://here"));
  EXPECT_EQ(test::text_of<std::system_error>([&] { router.send("friend"); }),
            "send on ROUTER inproc://here (the first part names the peer, the message follows): "
            "Invalid argument");
  EXPECT_THROW(static_cast<void>(router.try_send("friend")), std::system_error);
  EXPECT_EQ(router.stats().sent, 0U);
  router.send_multipart({"friend", "body"});
  EXPECT_EQ(dealer.recv().text(), "body");
}

TEST_F(SocketTest, a_closed_or_moved_socket_says_so) {
  Socket pull(context, SocketType::pull);
  Socket moved = std::move(pull);
  EXPECT_TRUE(pull.closed()); // NOLINT(bugprone-use-after-move): it says so
  EXPECT_THROW(static_cast<void>(pull.recv()), Closed);
  EXPECT_FALSE(moved.closed());
  moved.close();
  moved.close();
  EXPECT_TRUE(moved.closed());
  EXPECT_EQ(moved.native_handle(), nullptr);
  EXPECT_THROW(static_cast<void>(moved.recv()), Closed);
  EXPECT_THROW(static_cast<void>(moved.try_recv()), Closed);
  EXPECT_THROW(moved.send("x"), Closed);
  EXPECT_THROW(moved.bind("inproc://here"), Closed);
  EXPECT_THROW(moved.set(option::linger, 0ms), Closed);
  EXPECT_THROW(static_cast<void>(moved.get(option::linger)), Closed);
}

// -- messages ------------------------------------------------------------------------------------

TEST(Message, holds_text_and_bytes) {
  EXPECT_TRUE(Message().empty());
  EXPECT_EQ(Message("text").text(), "text");
  EXPECT_EQ(Message(std::string("a\0b", 3)).size(), 3U);
  Message sized(5);
  std::ranges::fill(sized.mutable_bytes(), std::byte{'x'});
  EXPECT_EQ(sized.text(), "xxxxx");
  EXPECT_FALSE(sized.property("Peer-Address").has_value());
}

TEST(Message, moves_and_copies) {
  const std::string large(10'000, 'l');
  Message a(large);
  Message b = a.copy();
  Message c = std::move(a);
  EXPECT_TRUE(a.empty()); // NOLINT(bugprone-use-after-move): it says so
  EXPECT_EQ(b.text(), large);
  EXPECT_EQ(c.text(), large);
  EXPECT_EQ(b.bytes().data(), c.bytes().data()); // shared
  c = Message("small");
  EXPECT_EQ(c.text(), "small");
  EXPECT_EQ(b.text(), large);
}

TEST(Message, takes_a_buffer_over) {
  std::string large(10'000, 'l');
  const void* where = large.data();
  const Message message = Message::adopt(std::move(large));
  EXPECT_EQ(static_cast<const void*>(message.text().data()), where);
  EXPECT_TRUE(Message::adopt(std::string()).empty());
}

TEST_F(SocketTest, a_message_knows_whence_it_came) {
  Socket pull(context, SocketType::pull), push(context, SocketType::push);
  push.connect(pull.bind("tcp://127.0.0.1:*"));
  push.send("x");
  EXPECT_EQ(pull.recv().property("Peer-Address"), "127.0.0.1");
}

} // namespace
} // namespace grove::zmq
