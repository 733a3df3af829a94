// SPDX-License-Identifier: MIT
// Who gets in: by key, password and address, from Python and from here; and garbage on the port.
#include <grove/zmq/authenticator.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <grove/hub.hpp>
#include <grove/zmq/certificate.hpp>
#include <grove/zmq/curve.hpp>
#include <grove/zmq/monitor.hpp>
#include <grove/zmq/plain.hpp>

#include "../support/hub_test.hpp"
#include "../support/python.hpp"

namespace grove::zmq {
namespace {

using namespace std::chrono_literals;
using test::settle;
using ::testing::HasSubstr;
using Kind = MonitorEventKind;

// A server that notes what reaches it, and clients that are to be told apart.
class AuthenticatorTest : public test::HubTest {
protected:
  Context context;
  const CurveKeyPair server_keys = CurveKeyPair::generate();
  const CurveKeyPair good_keys = CurveKeyPair::generate();
  std::optional<Authenticator> authenticator;
  Socket server{context, SocketType::pull};

  void SetUp() override {
    HubTest::SetUp();
    authenticator.emplace(context);
  }
  void TearDown() override {
    authenticator.reset();
    HubTest::TearDown();
  }
  // It may be refused before, and then there is nobody to send to.
  static void say(Socket& bad) { static_cast<void>(bad.try_send("bad")); }

  std::string serve_curve(const CurveServerOptions& options = {}) {
    make_curve_server(server, server_keys, options);
    return server.bind("tcp://127.0.0.1:*");
  }
  std::string serve_plain() {
    make_plain_server(server);
    return server.bind("tcp://127.0.0.1:*");
  }
  Socket client() {
    Socket socket(context, SocketType::push);
    socket.set(option::linger, 0ms);
    return socket;
  }
  Socket curve_client(const CurveKeyPair& keys, const std::string& endpoint) {
    Socket socket = client();
    make_curve_client(socket, server_keys.public_key(), keys);
    socket.connect(endpoint);
    return socket;
  }
  Socket plain_client(const char* user, const char* password, const std::string& endpoint) {
    Socket socket = client();
    make_plain_client(socket, user, password);
    socket.connect(endpoint);
    return socket;
  }
  static MonitorEvent wait_for(Monitor& monitor, const std::set<Kind>& kinds) {
    for (const MonitorEvent& event : monitor.events(30s)) {
      if (kinds.contains(event.kind))
        return event;
    }
    ADD_FAILURE() << "no such event";
    return {Kind::monitor_stopped, "", 0};
  }
  // That the good one still gets through, and nothing came before him.
  void expect_only_from(Socket& good, const char* user) {
    good.send("good", 30s);
    const Message message = server.recv(30s);
    EXPECT_EQ(message.text(), "good");
    EXPECT_EQ(message.property("User-Id"), user);
    EXPECT_FALSE(server.try_recv().has_value());
  }
};

// -- CURVE -------------------------------------------------------------------------------------

TEST_F(AuthenticatorTest, a_known_key_gets_in_and_its_owner_is_named) {
  authenticator->rules().allow_key(good_keys.public_key(), "ann");
  Socket good = curve_client(good_keys, serve_curve());
  expect_only_from(good, "ann");
  EXPECT_EQ(authenticator->counts().accepted, 1U);
  EXPECT_EQ(authenticator->counts().denied(), 0U);
}

TEST_F(AuthenticatorTest, an_unknown_key_is_kept_out_and_both_sides_hear_of_it) {
  authenticator->rules().allow_key(good_keys.public_key(), "ann");
  Monitor events(server);
  const std::string endpoint = serve_curve();
  Socket good = curve_client(good_keys, endpoint);
  Socket bad = client();
  make_curve_client(bad, server_keys.public_key(), CurveKeyPair::generate());
  Monitor bad_events(bad);
  bad.connect(endpoint);
  say(bad);
  EXPECT_EQ(wait_for(events, {Kind::handshake_failed_auth}).zap_status(), 400);
  EXPECT_EQ(wait_for(bad_events, {Kind::handshake_failed_auth}).zap_status(), 400);
  expect_only_from(good, "ann");
  EXPECT_GE(authenticator->counts().denied_by_credentials, 1U);
}

TEST_F(AuthenticatorTest, without_a_rule_and_without_an_authenticator_nobody_gets_in) {
  Monitor events(server);
  const std::string endpoint = serve_curve();
  Socket bad = curve_client(good_keys, endpoint);
  say(bad);
  wait_for(events, {Kind::handshake_failed_auth});
  EXPECT_GE(authenticator->counts().denied_by_mechanism, 1U);
  authenticator.reset();
  Socket later = curve_client(good_keys, endpoint);
  say(later);
  wait_for(events, {Kind::handshake_failed_no_detail});
  EXPECT_FALSE(server.try_recv().has_value());
  // A new one takes over.
  authenticator.emplace(context);
  authenticator->rules().allow_any_key();
  Socket good = curve_client(good_keys, endpoint);
  expect_only_from(good, good_keys.public_key().c_str());
}

TEST_F(AuthenticatorTest, rules_are_those_of_the_domain_and_may_change) {
  authenticator->rules().allow_any_key();
  authenticator->rules("inner"); // which has none
  Monitor events(server);
  const std::string endpoint = serve_curve({.domain = "inner"});
  const Socket refused = curve_client(good_keys, endpoint);
  wait_for(events, {Kind::handshake_failed_auth});
  authenticator->rules("inner").allow_key(good_keys.public_key());
  Socket one = curve_client(good_keys, endpoint);
  wait_for(events, {Kind::handshake_succeeded});
  expect_only_from(one, good_keys.public_key().c_str());
  EXPECT_TRUE(authenticator->rules("inner").remove_key(good_keys.public_key()));
  EXPECT_FALSE(authenticator->rules("inner").remove_key(good_keys.public_key()));
  const Socket another = curve_client(good_keys, endpoint);
  wait_for(events, {Kind::handshake_failed_auth});
  expect_only_from(one, good_keys.public_key().c_str()); // who is in, is in
}

TEST_F(AuthenticatorTest, the_keys_of_a_folder_get_in) {
  std::string folder = (std::filesystem::temp_directory_path() / "grove-auth-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const test::AtExit remove([&] { std::filesystem::remove_all(folder); });
  const Certificate named = Certificate::of(CurveKeyPair::generate(), {{"name", "bob"}});
  named.save(folder + "/bob.key");
  EXPECT_EQ(authenticator->rules().allow_certificates(folder), 1U);
  Socket good = curve_client(*named.keys, serve_curve());
  expect_only_from(good, "bob");
  EXPECT_THROW(authenticator->rules().allow_certificates(folder + "/none"), std::system_error);
}

TEST_F(AuthenticatorTest, python_gets_in_with_the_right_keys_only) {
  GROVE_NEEDS_PYTHON_ZMQ();
  authenticator->rules().allow_key(good_keys.public_key(), "ann");
  Monitor events(server);
  const std::string endpoint = serve_curve();
  static const char script[] = R"(
import sys, zmq
endpoint, kind, server, public, secret = sys.argv[1:]
context = zmq.Context()
socket = context.socket(zmq.PUSH)
events = socket.get_monitor_socket()
socket.linger = 0
if kind == 'wrong key':
    public, secret = zmq.curve_keypair()
if kind == 'wrong server':
    server, _ = zmq.curve_keypair()
if kind != 'no key':
    socket.curve_serverkey = server.encode() if isinstance(server, str) else server
    socket.curve_publickey = public.encode() if isinstance(public, str) else public
    socket.curve_secretkey = secret.encode() if isinstance(secret, str) else secret
socket.connect(endpoint)
if kind == 'right key':
    socket.linger = 30000
    socket.send_string(kind)
else:
    try:
        socket.send_string(kind, zmq.NOBLOCK)
    except zmq.Again:
        pass
    from zmq.utils.monitor import recv_monitor_message
    failures = (zmq.EVENT_HANDSHAKE_FAILED_AUTH, zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL,
                zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL, zmq.EVENT_DISCONNECTED)
    if events.poll(30000) == 0:
        sys.exit('no event')
    while recv_monitor_message(events)['event'] not in failures:
        if events.poll(30000) == 0:
            sys.exit('was not refused')
context.destroy()
)";
  const std::string secret(good_keys.secret_key());
  const auto try_as = [&](const char* kind) {
    test::python(script,
                 {endpoint, kind, server_keys.public_key(), good_keys.public_key(), secret});
  };
  for (const char* bad : {"wrong key", "wrong server", "no key"}) {
    try_as(bad);
    wait_for(events, {Kind::handshake_failed_auth, Kind::handshake_failed_protocol,
                      Kind::handshake_failed_no_detail});
    EXPECT_FALSE(server.try_recv().has_value()) << bad;
  }
  try_as("right key");
  const Message message = server.recv(30s);
  EXPECT_EQ(message.text(), "right key");
  EXPECT_EQ(message.property("User-Id"), "ann");
  EXPECT_EQ(message.property("Peer-Address"), "127.0.0.1");
  EXPECT_FALSE(server.try_recv().has_value());
}

TEST_F(AuthenticatorTest, garbage_on_the_port_disturbs_nobody) {
  authenticator->rules().allow_key(good_keys.public_key(), "ann");
  server.set(option::handshake_ivl, 30'000ms);
  Monitor events(server);
  const std::string endpoint = serve_curve();
  const std::string port = endpoint.substr(endpoint.rfind(':') + 1);
  Socket good = curve_client(good_keys, endpoint);
  expect_only_from(good, "ann");
  const std::string greeting = std::string("\xff\0\0\0\0\0\0\0\0\x7f\3\0CURVE", 17) +
                               std::string(47, '\0'); // 64 bytes, and then no command
  for (const std::string& garbage :
       {std::string("GET / HTTP/1.1\r\n\r\n"), std::string(100'000, 'x'), std::string("\0", 1),
        greeting + std::string(1000, '\xff'), greeting + std::string("\4\5\5HELLO", 8)}) {
    Process nc({"nc", "-N", "-w", "5", "127.0.0.1", port},
               {.in = Stdio::pipe(), .out = Stdio::null(), .err = Stdio::null()});
    try {
      nc.in().write_all(garbage, 30s);
    } catch (const std::system_error&) { // NOLINT(bugprone-empty-catch): we have hung up on it
    }
    nc.in().close();
    nc.wait(1min);
    expect_only_from(good, "ann");
  }
  EXPECT_EQ(authenticator->counts().accepted, 1U);
}

// -- PLAIN -------------------------------------------------------------------------------------

TEST_F(AuthenticatorTest, a_password_lets_its_user_in_and_no_other) {
  authenticator->rules().allow_password("ann", "right");
  Monitor events(server);
  const std::string endpoint = serve_plain();
  Socket good = plain_client("ann", "right", endpoint);
  expect_only_from(good, "ann");
  for (const auto& [user, password] : {std::pair{"ann", "wrong"}, {"eve", "right"}}) {
    Socket bad = plain_client(user, password, endpoint);
    say(bad);
    EXPECT_EQ(wait_for(events, {Kind::handshake_failed_auth}).zap_status(), 400);
  }
  expect_only_from(good, "ann");
  EXPECT_TRUE(authenticator->rules().remove_user("ann"));
  EXPECT_FALSE(authenticator->rules().remove_user("ann"));
  Socket late = plain_client("ann", "right", endpoint);
  wait_for(events, {Kind::handshake_failed_auth});
}

TEST_F(AuthenticatorTest, python_gets_in_with_the_right_password_only) {
  GROVE_NEEDS_PYTHON_ZMQ();
  authenticator->rules().allow_password("ann", "right");
  Monitor events(server);
  const std::string endpoint = serve_plain();
  static const char script[] = R"(
import sys, zmq
context = zmq.Context()
socket = context.socket(zmq.PUSH)
events = socket.get_monitor_socket()
socket.plain_username = b'ann'
socket.plain_password = sys.argv[2].encode()
socket.linger = 30000 if sys.argv[2] == 'right' else 0
socket.connect(sys.argv[1])
if sys.argv[2] == 'right':
    socket.send_string('right')
else:
    from zmq.utils.monitor import recv_monitor_message
    assert events.poll(30000)
    while recv_monitor_message(events)['event'] != zmq.EVENT_HANDSHAKE_FAILED_AUTH:
        assert events.poll(30000)
context.destroy()
)";
  test::python(script, {endpoint, "wrong"});
  wait_for(events, {Kind::handshake_failed_auth});
  test::python(script, {endpoint, "right"});
  EXPECT_EQ(server.recv(30s).property("User-Id"), "ann");
  EXPECT_FALSE(server.try_recv().has_value());
}

// -- addresses, NULL ---------------------------------------------------------------------------

TEST_F(AuthenticatorTest, a_denied_address_is_out_whatever_it_knows) {
  authenticator->rules().allow_any_key();
  authenticator->rules().deny_address("127.0.0.0/8");
  bool asked = false;
  authenticator->decide([&](const AuthRequest&) {
    asked = true;
    return std::optional<std::string>("somebody");
  });
  Monitor events(server);
  Socket bad = curve_client(good_keys, serve_curve());
  wait_for(events, {Kind::handshake_failed_auth});
  EXPECT_GE(authenticator->counts().denied_by_address, 1U);
  EXPECT_FALSE(asked);
  EXPECT_THROW(authenticator->rules().allow_address("localhost"), std::invalid_argument);
  EXPECT_THROW(authenticator->rules().deny_address("127.0.0.1/33"), std::invalid_argument);
  EXPECT_THROW(authenticator->rules().allow_key("short"), std::invalid_argument);
}

TEST_F(AuthenticatorTest, anonymous_peers_get_in_where_that_is_allowed) {
  server.set(option::zap_domain, "open");
  Monitor events(server);
  const std::string endpoint = server.bind("tcp://127.0.0.1:*");
  Socket refused = client(), peer = client();
  refused.connect(endpoint);
  wait_for(events, {Kind::handshake_failed_auth});
  authenticator->rules("open").allow_anonymous();
  authenticator->rules("open").allow_address("127.0.0.1");
  peer.connect(endpoint);
  wait_for(events, {Kind::handshake_succeeded});
  peer.send("x", 30s);
  EXPECT_EQ(server.recv(30s).text(), "x");
}

// -- decisions of one's own
// ------------------------------------------------------------------------

TEST_F(AuthenticatorTest, a_slow_decision_holds_nobody_up) {
  const CurveKeyPair slow_keys = CurveKeyPair::generate(), bad_keys = CurveKeyPair::generate();
  Event asked, decided;
  std::string address;
  authenticator->decide([&](const AuthRequest& request) -> std::optional<std::string> {
    if (request.public_key == good_keys.public_key())
      return "good";
    if (request.public_key != slow_keys.public_key())
      return std::nullopt;
    address = request.address;
    asked.set();
    decided.wait();
    return "slow";
  });
  Monitor events(server);
  const std::string endpoint = serve_curve();
  Socket slow = curve_client(slow_keys, endpoint);
  ASSERT_TRUE(asked.wait(30s));
  Socket good = curve_client(good_keys, endpoint);
  expect_only_from(good, "good");
  {
    const Socket bad = curve_client(bad_keys, endpoint);
    wait_for(events, {Kind::handshake_failed_auth});
  }
  EXPECT_GE(authenticator->counts().denied_by_decision, 1U);
  EXPECT_EQ(address, "127.0.0.1");
  decided.set();
  expect_only_from(slow, "slow");
}

TEST_F(AuthenticatorTest, a_decision_that_takes_too_long_or_throws_refuses) {
  authenticator.reset();
  authenticator.emplace(context, AuthenticatorOptions{.max_decisions = 1, .decision_limit = 1ms});
  bool throws = false;
  Event never;
  authenticator->decide([&](const AuthRequest&) -> std::optional<std::string> {
    if (throws)
      throw test::TestError();
    never.wait();
    return "nobody";
  });
  const test::ErrorLog errors;
  Monitor events(server);
  const std::string endpoint = serve_curve();
  Socket one = curve_client(good_keys, endpoint);
  EXPECT_EQ(wait_for(events, {Kind::handshake_failed_auth}).zap_status(), 300);
  EXPECT_GE(authenticator->counts().put_off, 1U);
  throws = true;
  Socket two = curve_client(good_keys, endpoint); // `one` tries again only after handshake_ivl
  while (wait_for(events, {Kind::handshake_failed_auth}).zap_status() != 500)
    ;
  EXPECT_GE(authenticator->counts().failed, 1U);
  ASSERT_GE(errors.size(), 1U);
  EXPECT_THAT(errors[0].what, HasSubstr("test error"));
  EXPECT_FALSE(server.try_recv().has_value());
}

TEST_F(AuthenticatorTest, when_too_many_decisions_are_under_way_the_next_is_put_off) {
  authenticator.reset();
  authenticator.emplace(context, AuthenticatorOptions{.max_decisions = 1});
  int questions = 0;
  Event asked, decided;
  authenticator->decide([&](const AuthRequest&) -> std::optional<std::string> {
    ++questions;
    asked.set();
    decided.wait();
    return "late";
  });
  Monitor events(server);
  const std::string endpoint = serve_curve();
  Socket one = curve_client(good_keys, endpoint);
  ASSERT_TRUE(asked.wait(30s));
  const Socket two = curve_client(good_keys, endpoint);
  EXPECT_EQ(wait_for(events, {Kind::handshake_failed_auth}).zap_status(), 300);
  EXPECT_EQ(questions, 1);
  decided.set();
  expect_only_from(one, "late");
  Socket three = curve_client(good_keys, endpoint);
  expect_only_from(three, "late");
}

TEST_F(AuthenticatorTest, destroying_it_ends_decisions_under_way) {
  bool ended = false;
  Event asked, never;
  authenticator->decide([&](const AuthRequest&) -> std::optional<std::string> {
    const test::AtExit note([&] { ended = true; });
    asked.set();
    never.wait();
    return "nobody";
  });
  Socket one = curve_client(good_keys, serve_curve());
  ASSERT_TRUE(asked.wait(30s));
  authenticator.reset();
  EXPECT_TRUE(ended);
  authenticator.emplace(context); // the name is free
}

TEST_F(AuthenticatorTest, a_greenlet_that_owns_one_may_be_killed_at_any_time) {
  authenticator.reset();
  const auto owner = spawn([&] {
    Authenticator own(context);
    own.rules().allow_any_key();
    Event().wait();
  });
  settle();
  Socket good = curve_client(good_keys, serve_curve());
  expect_only_from(good, good_keys.public_key().c_str());
  owner.kill();
  EXPECT_TRUE(owner.killed());
  authenticator.emplace(context);
}

// -- requests of others in the process ---------------------------------------------------------

TEST_F(AuthenticatorTest, malformed_requests_are_refused_or_dropped_and_counted) {
  authenticator->rules().allow_anonymous();
  Socket dealer(context, SocketType::dealer);
  dealer.connect("inproc://zeromq.zap.01");
  dealer.send("garbage");
  dealer.send_multipart({"", "1.0"});
  dealer.send_multipart({"x", "1.0", "id", "", "", "", "NULL"}); // no delimiter: dropped
  dealer.send_multipart({"", "2.0", "version", "", "", "", "NULL"});
  Multipart reply = dealer.recv_multipart(30s);
  ASSERT_EQ(reply.size(), 7U);
  EXPECT_EQ(reply[1].text(), "1.0");
  EXPECT_EQ(reply[2].text(), "version");
  EXPECT_EQ(reply[3].text(), "400");
  dealer.send_multipart({"", "1.0", "curve", "", "", "", "CURVE", "not 32 bytes"});
  reply = dealer.recv_multipart(30s);
  EXPECT_EQ(reply.at(2).text(), "curve");
  EXPECT_EQ(reply.at(3).text(), "400");
  EXPECT_EQ(authenticator->counts().malformed, 5U);
  dealer.send_multipart({"", "1.0", "good", "", "", "", "NULL"});
  EXPECT_EQ(dealer.recv_multipart(30s).at(3).text(), "200");
  EXPECT_EQ(authenticator->counts().accepted, 1U);
}

TEST_F(AuthenticatorTest, who_does_not_wait_for_the_answer_is_counted) {
  Event asked, decided;
  authenticator->decide([&](const AuthRequest&) -> std::optional<std::string> {
    asked.set();
    decided.wait();
    return "gone";
  });
  Socket dealer(context, SocketType::dealer), prober(context, SocketType::dealer);
  for (Socket* socket : {&dealer, &prober})
    socket->connect("inproc://zeromq.zap.01");
  dealer.send_multipart({"", "1.0", "id", "", "", "", "NULL"});
  ASSERT_TRUE(asked.wait(30s));
  dealer.disconnect("inproc://zeromq.zap.01");
  prober.send_multipart({"", "0.0", "id"}); // its refusal shows that what came before was seen
  static_cast<void>(prober.recv_multipart(30s));
  decided.set();
  settle();
  EXPECT_EQ(authenticator->counts().abandoned, 1U);
  EXPECT_EQ(authenticator->counts().accepted, 1U);
}

TEST_F(AuthenticatorTest, there_is_one_for_a_context) {
  const std::string text =
      test::text_of<std::system_error>([&] { const Authenticator second(context); });
  EXPECT_THAT(text, HasSubstr("inproc://zeromq.zap.01"));
  Context other;
  const Authenticator another(other);
}

TEST_F(AuthenticatorTest, the_end_of_its_context_is_no_error) {
  const test::ErrorLog errors;
  context.shutdown();
  settle();
  authenticator.reset();
  EXPECT_EQ(errors.size(), 0U);
}

} // namespace
} // namespace grove::zmq
