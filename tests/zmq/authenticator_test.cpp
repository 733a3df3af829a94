// SPDX-License-Identifier: MIT
// Who gets in: by key, password and address, from Python and from here; and garbage on the port.
#include "authenticator.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include <grove/zmq/certificate.hpp>

#include "../support/python.hpp"

namespace grove::zmq {
namespace {

using namespace std::chrono_literals;
using test::AuthenticatorTest;
using Kind = MonitorEventKind;

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
  const grove::test::AtExit remove([&] { std::filesystem::remove_all(folder); });
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
    grove::test::python(script,
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

// As docs/zmq-security.md has it.
class SecurityPageTest : public grove::test::HubTest {
protected:
  Context context;
};
TEST_F(SecurityPageTest, its_example_lets_ann_in) {
  const CurveKeyPair server_keys = CurveKeyPair::generate(), client_keys = CurveKeyPair::generate();
  Authenticator authenticator(context);
  authenticator.rules().allow_key(client_keys.public_key(), "ann");

  Socket server(context, SocketType::rep), client(context, SocketType::req);
  make_curve_server(server, server_keys);
  make_curve_client(client, server_keys.public_key(), client_keys);
  client.connect(server.bind("tcp://127.0.0.1:*"));
  client.send("question");
  EXPECT_EQ(server.recv().property("User-Id"), "ann");
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
  grove::test::python(script, {endpoint, "wrong"});
  wait_for(events, {Kind::handshake_failed_auth});
  grove::test::python(script, {endpoint, "right"});
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

TEST_F(AuthenticatorTest, who_comes_over_ipc_has_no_address_that_could_be_allowed) {
  authenticator->rules().allow_any_key();
  authenticator->rules().allow_address("0.0.0.0/0");
  authenticator->rules().allow_address("::/0");
  Monitor events(server);
  make_curve_server(server, server_keys);
  const Socket bad = curve_client(good_keys, server.bind("ipc://*"));
  EXPECT_EQ(wait_for(events, {Kind::handshake_failed_auth}).zap_status(), 400);
  EXPECT_GE(authenticator->counts().denied_by_address, 1U);
}

TEST_F(AuthenticatorTest, a_plain_server_without_an_authenticator_lets_nobody_in) {
  authenticator.reset();
  Monitor events(server);
  Socket bad = plain_client("ann", "right", serve_plain());
  say(bad);
  wait_for(events, {Kind::handshake_failed_no_detail, Kind::handshake_failed_auth});
  EXPECT_FALSE(server.try_recv().has_value());
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

} // namespace
} // namespace grove::zmq
