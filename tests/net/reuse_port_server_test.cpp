// SPDX-License-Identifier: MIT
// ReusePortServer: one address, several hubs.
#include <grove/net/reuse_port_server.hpp>

#include <atomic>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include <grove/hub/event.hpp>
#include <grove/hub/group.hpp>
#include <grove/hub/hub.hpp>

#include "server_test.hpp"

namespace grove::test {
namespace {

using net::Address;
using net::ReusePortServer;
using net::StreamServerOptions;
using net::StreamSocket;

class ReusePortServerTest : public HubTest {};

// Says on which hub it runs, then echoes.
void tell_hub(StreamSocket& socket) {
  socket.send_all(std::string(1, static_cast<char>(Hub::current().index())));
  echo(socket);
}

// pitfall 50
TEST_F(ReusePortServerTest, connections_go_to_all_hubs_and_stay_there) {
  ReusePortServer server(2, Address::loopback(), tell_hub);
  server.start();
  std::set<char> hubs;
  std::vector<StreamSocket> clients;
  for (int i = 0; i < 64; ++i) { // by chance all on one: 2^-63
    clients.push_back(net::connect(server.address(), hang));
    hubs.insert(clients.back().recv_exactly(1, hang).front());
    EXPECT_EQ(exchange(clients.back(), "x"), "x");
  }
  EXPECT_EQ(hubs.size(), 2U);
  EXPECT_FALSE(hubs.contains(static_cast<char>(Hub::current().index())));
  const auto all = server.all_stats();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_GT(all[0].accepted, 0U);
  EXPECT_GT(all[1].accepted, 0U);
  EXPECT_EQ(server.stats().accepted, 64U);
  clients.clear();
  EXPECT_TRUE(server.stop(hang));
  EXPECT_EQ(server.stats().ended, 64U);
  EXPECT_EQ(refusal(server.address()), std::errc::connection_refused);
}

TEST_F(ReusePortServerTest, starts_again_at_the_same_port) {
  ReusePortServer server(2, Address::loopback(), tell_hub);
  server.start();
  const Address address = server.address();
  server.start(); // it does
  EXPECT_TRUE(server.stop(hang));
  server.start();
  EXPECT_EQ(server.address(), address);
  StreamSocket client = net::connect(address, hang);
  client.recv_exactly(1, hang);
  EXPECT_EQ(exchange(client, "x"), "x");
}

TEST_F(ReusePortServerTest, what_makes_no_sense_is_refused) {
  EXPECT_THROW(ReusePortServer(0, Address::loopback(), tell_hub), std::invalid_argument);
  Pool pool(2);
  StreamServerOptions options;
  options.spawn = pool;
  EXPECT_THROW(ReusePortServer(2, Address::loopback(), tell_hub, options), std::invalid_argument);
  const net::Listener other(Address::loopback());
  ReusePortServer server(2, other.local_address(), tell_hub);
  EXPECT_THROW(server.start(), std::system_error);
}

TEST_F(ReusePortServerTest, kill_of_who_serves_stops_all) {
  StreamServerOptions options;
  options.grace = 5ms;
  ReusePortServer server(2, Address::loopback(), tell_hub, options);
  server.start();
  const auto serving = spawn([&] { server.serve_forever(); });
  settle();
  StreamSocket client = net::connect(server.address(), hang);
  client.recv_exactly(1, hang);
  EXPECT_TRUE(serving.kill(hang));
  EXPECT_EQ(read_all(client), "");
  EXPECT_EQ(refusal(server.address()), std::errc::connection_refused);
}

TEST_F(ReusePortServerTest, serve_forever_returns_when_all_are_stopped) {
  ReusePortServer server(2, Address::loopback(), tell_hub);
  server.start();
  const auto serving = spawn([&] { server.serve_forever(); });
  settle();
  EXPECT_EQ(net::connect(server.address(), hang).recv_exactly(1, hang).size(), 1U);
  EXPECT_TRUE(server.stop(hang));
  serving.get(hang);
  server.start();
  const auto again = spawn([&] { server.serve_forever(); });
  settle();
  server.stop_accepting(); // there are no handlers to wait for
  again.get(hang);
}

// reliability 41: closing one listener of several must not reset what waits there.
TEST_F(ReusePortServerTest, graceful_stop_under_load_fails_no_request) {
  ReusePortServer server(2, Address::loopback(),
                         [](StreamSocket& socket) { socket.send_all(socket.recv_exactly(4)); });
  server.start();
  std::uint64_t answered = 0;
  std::uint64_t failed = 0;
  Event enough;
  const auto clients = spawn([&] {
    std::vector<int> all(16);
    Group group;
    group.map(
        [&](int) {
          for (;;) {
            std::optional<StreamSocket> client;
            try {
              client = net::connect(server.address(), hang);
            } catch (const std::system_error&) {
              return; // it is told so, before it has asked for anything
            }
            try {
              if (exchange(*client, "work") == "work" && ++answered == 500)
                enough.set();
            } catch (const std::exception&) {
              ++failed;
            }
          }
        },
        all);
  });
  EXPECT_TRUE(enough.wait(hang));
  EXPECT_TRUE(server.stop(hang));
  clients.get(hang);
  EXPECT_EQ(failed, 0U);
  EXPECT_EQ(answered, server.stats().accepted);
}

} // namespace
} // namespace grove::test
