// SPDX-License-Identifier: MIT
// What the tests of the Authenticator share: a server, and clients that are let in or not.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <set>
#include <string>

#include <grove/hub.hpp>
#include <grove/zmq/authenticator.hpp>
#include <grove/zmq/curve.hpp>
#include <grove/zmq/monitor.hpp>
#include <grove/zmq/plain.hpp>

#include "../support/hub_test.hpp"

namespace grove::zmq::test {

// A server that notes what reaches it, and clients that are to be told apart.
class AuthenticatorTest : public grove::test::HubTest {
protected:
  static constexpr std::chrono::seconds limit{30}; // to whatever must come
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
    socket.set(option::linger, std::chrono::milliseconds(0));
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
  static MonitorEvent wait_for(Monitor& monitor, const std::set<MonitorEventKind>& kinds) {
    for (const MonitorEvent& event : monitor.events(limit)) {
      if (kinds.contains(event.kind))
        return event;
    }
    ADD_FAILURE() << "no such event";
    return {MonitorEventKind::monitor_stopped, "", 0};
  }
  // That the good one still gets through, and nothing came before him.
  void expect_only_from(Socket& good, const char* user) {
    good.send("good", limit);
    const Message message = server.recv(limit);
    EXPECT_EQ(message.text(), "good");
    EXPECT_EQ(message.property("User-Id"), user);
    EXPECT_FALSE(server.try_recv().has_value());
  }
};

} // namespace grove::zmq::test
