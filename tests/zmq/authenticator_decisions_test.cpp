// SPDX-License-Identifier: MIT
// The Authenticator at work: decisions of one's own, malformed requests, its end.
#include "authenticator.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include <grove/hub.hpp>

namespace grove::zmq {
namespace {

using namespace std::chrono_literals;
using grove::test::settle;
using test::AuthenticatorTest;
using ::testing::HasSubstr;
using Kind = MonitorEventKind;

// -- decisions of one's own ---------------------------------------------------------------------

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
      throw grove::test::TestError();
    never.wait();
    return "nobody";
  });
  const grove::test::ErrorLog errors;
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
    const grove::test::AtExit note([&] { ended = true; });
    asked.set();
    never.wait();
    return "nobody";
  });
  Monitor events(server);
  Socket one = curve_client(good_keys, serve_curve());
  ASSERT_TRUE(asked.wait(30s));
  authenticator.reset();
  EXPECT_TRUE(ended);
  EXPECT_EQ(wait_for(events, {Kind::handshake_failed_auth}).zap_status(), 300); // put off
  authenticator.emplace(context);                                               // the name is free
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
      grove::test::text_of<std::system_error>([&] { const Authenticator second(context); });
  EXPECT_THAT(text, HasSubstr("inproc://zeromq.zap.01"));
  Context other;
  const Authenticator another(other);
}

TEST_F(AuthenticatorTest, the_end_of_its_context_is_no_error) {
  const grove::test::ErrorLog errors;
  context.shutdown();
  settle();
  authenticator.reset();
  EXPECT_EQ(errors.size(), 0U);
}

} // namespace
} // namespace grove::zmq
