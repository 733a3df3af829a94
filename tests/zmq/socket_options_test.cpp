// SPDX-License-Identifier: MIT
// Sockets: options, endpoints, and where one may be bound.
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
#include <grove/zmq/curve.hpp>

#include "sockets.hpp"

namespace grove::zmq {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

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
  EXPECT_EQ(router.get(option::heartbeat_ivl), 0s);
  EXPECT_EQ(router.get(option::sndhwm), 1000);
  EXPECT_EQ(router.get(option::rcvhwm), 1000);
  EXPECT_FALSE(router.get(option::ipv6));
  EXPECT_EQ(router.get(option::mechanism), Mechanism::none);
  router.bind("inproc://here");
  EXPECT_THROW(router.send_multipart({"stranger", "body"}), std::system_error); // mandatory
}

TEST_F(SocketTest, peers_are_probed_where_no_unread_messages_can_be_lost_by_it) {
  for (const SocketType type : {SocketType::pub, SocketType::sub, SocketType::xpub,
                                SocketType::xsub, SocketType::push, SocketType::req}) {
    Socket socket(context, type);
    EXPECT_EQ(socket.get(option::tcp_keepalive), 1) << name_of(type);
    EXPECT_EQ(socket.get(option::tcp_keepalive_idle), 60) << name_of(type);
    EXPECT_EQ(socket.get(option::tcp_keepalive_intvl), 10) << name_of(type);
    EXPECT_EQ(socket.get(option::tcp_keepalive_cnt), 3) << name_of(type);
  }
  for (const SocketType type : {SocketType::pair, SocketType::pull, SocketType::rep,
                                SocketType::dealer, SocketType::router, SocketType::stream}) {
    Socket socket(context, type);
    EXPECT_EQ(socket.get(option::tcp_keepalive), -1) << name_of(type);
  }
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
  socket.set(option::plain_password, "secret");
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
                                           " (others can reach it: make_curve_server() it, or "
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
  Socket pull(context, SocketType::pull);
  make_curve_server(pull, CurveKeyPair::generate());
  EXPECT_NO_THROW(pull.bind("tcp://0.0.0.0:*"));
}

TEST_F(SocketTest, a_curve_server_that_asks_nobody_whom_to_let_in_may_not) {
  Socket pull(context, SocketType::pull);
  const CurveKeyPair keys = CurveKeyPair::generate();
  pull.set(option::curve_secretkey, std::string(keys.secret_key()));
  EXPECT_THROW(pull.bind("tcp://0.0.0.0:*"), std::system_error); // a client
  pull.set(option::curve_server, true);
  EXPECT_EQ(pull.get(option::mechanism), Mechanism::curve);
  EXPECT_THROW(pull.bind("tcp://0.0.0.0:*"), std::system_error);
}

template <class Option>
concept Readable = requires(const Socket& socket, const Option& option) {
  socket.get(option);
};

TEST_F(SocketTest, secrets_are_not_given_back) {
  EXPECT_TRUE(Readable<decltype(option::curve_publickey)>);
  EXPECT_FALSE(Readable<decltype(option::curve_secretkey)>);
  EXPECT_FALSE(Readable<decltype(option::plain_password)>);
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

} // namespace
} // namespace grove::zmq
