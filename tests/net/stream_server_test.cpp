// SPDX-License-Identifier: MIT
// StreamServer: its life, for each way to spawn handlers.
#include <grove/net/stream_server.hpp>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <sys/socket.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <grove/hub/event.hpp>
#include <grove/hub/queue.hpp>

#include "server_test.hpp"

namespace grove::test {
namespace {

using net::Address;
using net::Listener;
using net::StreamServer;
using net::StreamSocket;

constexpr auto refused = std::errc::connection_refused;

// In any greenlet: never waits.
void greet(StreamSocket& socket) { socket.try_send("hello\n"); }

class StreamServerPolicyTest : public AnySpawnTest {};
INSTANTIATE_TEST_SUITE_P(Each, StreamServerPolicyTest,
                         ::testing::Values(Way::greenlets, Way::bounded, Way::pool, Way::none),
                         name_of_way);

// gevent V2
TEST_P(StreamServerPolicyTest, of_an_address_listens_once_it_is_started) {
  StreamServer first(Address::loopback(), greet, options());
  first.start();
  const Address address = first.address();
  first.stop();
  StreamServer server(address, greet, options());
  EXPECT_FALSE(server.accepting());
  EXPECT_EQ(refusal(address), refused);
  server.start();
  EXPECT_TRUE(server.accepting());
  EXPECT_EQ(read_all(address), "hello\n");
}

// gevent V2
TEST_P(StreamServerPolicyTest, of_a_listener_answers_once_it_is_started) {
  Listener listener(Address::loopback());
  const Address address = listener.local_address();
  StreamServer server(std::move(listener), greet, options());
  EXPECT_EQ(server.address(), address);
  StreamSocket client = net::connect(address, hang);
  EXPECT_FALSE(client.wait_readable(1ms));
  server.start();
  EXPECT_EQ(read_all(client), "hello\n");
}

// gevent V4
TEST_P(StreamServerPolicyTest, serve_forever_returns_when_it_is_stopped) {
  StreamServer server(Address::loopback(), greet, options());
  for (const bool started_before : {false, true}) {
    if (started_before)
      server.start();
    const auto serving = spawn([&] { server.serve_forever(); });
    settle();
    EXPECT_TRUE(server.accepting());
    EXPECT_EQ(read_all(server.address()), "hello\n");
    EXPECT_FALSE(serving.ready());
    EXPECT_TRUE(server.stop(hang));
    EXPECT_FALSE(server.accepting());
    EXPECT_EQ(refusal(server.address()), refused);
    serving.get(hang);
  }
}

// gevent V5
TEST_P(StreamServerPolicyTest, handler_that_returns_has_its_socket_closed) {
  StreamServer server(
      Address::loopback(), [](StreamSocket&) {}, options());
  server.start();
  EXPECT_EQ(read_all(server.address()), "");
  EXPECT_EQ(server.stats().accepted, 1U);
  EXPECT_EQ(server.stats().ended, 1U);
}

// gevent V6: one with the wrong signature does not compile, one that throws is an error like it
TEST_P(StreamServerPolicyTest, handler_that_throws_is_reported_once_and_others_go_on) {
  int calls = 0;
  const ErrorLog errors;
  StreamServer server(
      Address::loopback(),
      [&](StreamSocket& socket) {
        if (++calls == 1)
          throw TestError();
        greet(socket);
      },
      options());
  server.start();
  EXPECT_EQ(read_all(server.address()), "");
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_THAT(errors[0].what, ::testing::HasSubstr("test error"));
  EXPECT_THAT(errors[0].where, ::testing::HasSubstr("127.0.0.1:")); // whose connection, or where
  EXPECT_EQ(read_all(server.address()), "hello\n");
  EXPECT_EQ(errors.size(), 1U);
  EXPECT_EQ(server.stats().failed, 1U);
  EXPECT_EQ(pool_.size(), 0U);
  pool_.join_or_throw(); // it is the server's affair, not the pool's
}

TEST_P(StreamServerPolicyTest, handler_may_ask_for_the_peer) {
  std::vector<Address> peers;
  StreamServer server(
      Address::loopback(), [&](StreamSocket&, const Address& peer) { peers.push_back(peer); },
      options());
  server.start();
  StreamSocket client = net::connect(server.address(), hang);
  EXPECT_EQ(read_all(client), "");
  EXPECT_EQ(peers, std::vector{client.local_address()});
}

// gevent V14
TEST_P(StreamServerPolicyTest, of_an_address_starts_again_at_the_same_port) {
  StreamServer server(Address::loopback(), greet, options());
  server.start();
  const Address address = server.address();
  EXPECT_NE(address.port(), 0);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(read_all(address), "hello\n");
    EXPECT_TRUE(server.stop(hang));
    EXPECT_EQ(refusal(address), refused);
    server.start();
    EXPECT_EQ(server.address(), address);
  }
}

// gevent V14
TEST_P(StreamServerPolicyTest, of_a_listener_does_not_start_again) {
  StreamServer server(Listener(Address::loopback()), greet, options());
  server.start();
  EXPECT_EQ(read_all(server.address()), "hello\n");
  EXPECT_TRUE(server.stop(hang));
  EXPECT_THROW(server.start(), std::logic_error);
}

TEST_P(StreamServerPolicyTest, serves_many_at_once) {
  StreamServer server(Address::loopback(), greet, options());
  server.start();
  std::vector<int> clients(100);
  Group group;
  group.map([&](int) { EXPECT_EQ(read_all(server.address()), "hello\n"); }, clients);
  EXPECT_EQ(server.stats().accepted, clients.size());
  EXPECT_TRUE(server.stop(hang));
  EXPECT_EQ(server.stats().ended, clients.size());
  EXPECT_EQ(server.connections_count(), 0U);
}

TEST_P(StreamServerPolicyTest, stopped_before_it_has_run_serves_who_was_there) {
  StreamServer server(Address::loopback(), greet, options());
  server.start();
  StreamSocket client = net::connect(server.address(), hang);
  EXPECT_TRUE(server.stop(hang));
  EXPECT_EQ(read_all(client), "hello\n");
}

class StreamServerTest : public HubTest {};

// gevent V1
TEST_F(StreamServerTest, how_to_listen_goes_with_an_address_only) {
  net::StreamServerOptions options;
  options.listen = net::ListenOptions{.backlog = 4};
  StreamServer server(Address::loopback(), greet, options);
  server.start();
  EXPECT_EQ(read_all(server.address()), "hello\n");
  EXPECT_THROW(StreamServer(Listener(Address::loopback()), greet, options), std::invalid_argument);
}

TEST_F(StreamServerTest, options_that_make_no_sense_are_refused) {
  const auto with = [](auto set) {
    net::StreamServerOptions options;
    set(options);
    StreamServer server(Address::loopback(), greet, options);
  };
  EXPECT_THROW(with([](auto& o) { o.max_connections = 0; }), std::invalid_argument);
  EXPECT_THROW(with([](auto& o) { o.max_per_peer = 0; }), std::invalid_argument);
  EXPECT_THROW(with([](auto& o) { o.max_accept = 0; }), std::invalid_argument);
  EXPECT_THROW(with([](auto& o) { o.min_delay = 0ms; }), std::invalid_argument);
  EXPECT_THROW(with([](auto& o) { o.max_delay = 1ms; }), std::invalid_argument);
}

TEST_F(StreamServerTest, port_in_use_is_told_with_its_address) {
  const Listener other(Address::loopback());
  StreamServer server(other.local_address(), greet);
  EXPECT_THAT(text_of<std::system_error>([&] { server.start(); }),
              ::testing::HasSubstr(other.local_address().to_string()));
  EXPECT_FALSE(server.accepting());
  EXPECT_TRUE(server.stop()); // of nothing
}

// gevent V9
TEST_F(StreamServerTest, without_spawn_a_handler_that_waits_is_reported) {
  const ErrorLog errors;
  net::StreamServerOptions options;
  options.spawn = net::SpawnPolicy::none();
  StreamServer server(
      Address::loopback(),
      [](StreamSocket& socket) {
        sleep(1ms);
        greet(socket);
      },
      options);
  server.start();
  EXPECT_EQ(read_all(server.address()), "");
  EXPECT_EQ(read_all(server.address()), "");
  ASSERT_EQ(errors.size(), 2U);
  EXPECT_THAT(errors[0].what, ::testing::HasSubstr("AssertNoSwitch"));
}

// gevent V12
TEST_F(StreamServerTest, printable_form_names_handler_and_address) {
  struct Greeter {
    void operator()(StreamSocket& socket) const { greet(socket); }
  };
  StreamServer server(Address::loopback(), Greeter());
  server.start();
  EXPECT_THAT(server.to_string(), ::testing::HasSubstr("Greeter"));
  EXPECT_THAT(server.to_string(), ::testing::HasSubstr(server.address().to_string()));
  net::StreamServerOptions options;
  options.name = "hospitality";
  StreamServer named(Address::loopback(1), Greeter(), options);
  EXPECT_EQ(named.to_string(), "StreamServer at 127.0.0.1:1, handler hospitality");
}

// gevent V17
TEST_F(StreamServerTest, two_clients_at_the_same_time_each_get_their_own) {
  StreamServer server(Address::loopback(), [](StreamSocket& socket) {
    socket.send_all("welcome\n");
    echo(socket);
  });
  server.start();
  StreamSocket one = net::connect(server.address(), hang);
  StreamSocket two = net::connect(server.address(), hang);
  EXPECT_EQ(one.recv_exactly(8, hang), "welcome\n");
  EXPECT_EQ(two.recv_exactly(8, hang), "welcome\n");
  EXPECT_EQ(exchange(two, "two\n"), "two\n");
  EXPECT_EQ(exchange(one, "one\n"), "one\n");
  EXPECT_EQ(exchange(two, "again\n"), "again\n");
  EXPECT_FALSE(one.wait_readable(1ms));
  EXPECT_FALSE(two.wait_readable(1ms));
  one.close();
  two.close();
  EXPECT_TRUE(server.stop(hang));
}

// gevent V11: what takes the connection over is not the server's affair
TEST_F(StreamServerTest, socket_that_was_moved_out_stays_open) {
  Queue<StreamSocket> taken;
  StreamServer server(Address::loopback(),
                      [&](StreamSocket& socket) { taken.put(std::move(socket)); });
  server.start();
  StreamSocket client = net::connect(server.address(), hang);
  StreamSocket mine = taken.get(hang);
  EXPECT_TRUE(server.stop(hang));
  EXPECT_EQ(server.connections_count(), 0U);
  mine.send_all("still here");
  EXPECT_EQ(client.recv_exactly(10, hang), "still here");
}

TEST_F(StreamServerTest, listens_on_a_unix_socket_and_removes_its_path) {
  const std::string path = ::testing::TempDir() + "grove-server-" + std::to_string(getpid());
  StreamServer server(Address::unix_path(path), greet);
  for (int i = 0; i < 2; ++i) {
    server.start();
    EXPECT_EQ(read_all(server.address()), "hello\n");
    StreamSocket waiting = net::connect(server.address(), hang);
    EXPECT_TRUE(server.stop(hang));
    EXPECT_EQ(read_all(waiting), "hello\n");
    EXPECT_NE(access(path.c_str(), F_OK), 0);
  }
}

TEST_F(StreamServerTest, two_servers_share_a_listener) {
  Listener listener(Address::loopback());
  const Address address = listener.local_address();
  Listener copy = Listener::adopt(dup(listener.descriptor()));
  int by_one = 0;
  int by_two = 0;
  StreamServer one(std::move(listener), [&](StreamSocket&) { ++by_one; });
  StreamServer two(std::move(copy), [&](StreamSocket&) { ++by_two; });
  one.start();
  two.start();
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(read_all(address), "");
  EXPECT_EQ(by_one + by_two, 10);
  EXPECT_TRUE(one.stop(hang)); // the other has it still
  const int before = by_two;
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(read_all(address), "");
  EXPECT_EQ(by_two, before + 10);
}

} // namespace
} // namespace grove::test
