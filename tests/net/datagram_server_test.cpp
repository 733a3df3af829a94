// SPDX-License-Identifier: MIT
// DatagramServer, for each way to spawn handlers.
#include <grove/net/datagram_server.hpp>

#include <array>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <grove/hub/event.hpp>
#include <grove/net/datagram_socket.hpp>

#include "server_test.hpp"

namespace grove::test {
namespace {

using net::Address;
using net::DatagramServer;
using net::DatagramServerOptions;
using net::DatagramSocket;

// A client, its server, and what it answers by.
DatagramSocket to(const Address& server) {
  DatagramSocket client(server.family());
  client.connect(server);
  return client;
}
std::string answer(DatagramSocket& client) {
  std::array<char, 1024> buffer{};
  return {buffer.data(), client.recv(buffer, hang)};
}
std::string ask(DatagramSocket& client, std::string_view question) {
  client.send(question, hang);
  return answer(client);
}

// Answers with how much came, never waiting.
class Counter {
public:
  explicit Counter(std::optional<DatagramServer>& server) : server_(server) {}
  void operator()(std::string_view data, const Address& peer) const {
    if (data == "throw")
      throw TestError();
    EXPECT_TRUE(server_->try_send_to("Received " + std::to_string(data.size()) + " bytes", peer));
  }

private:
  std::optional<DatagramServer>& server_;
};

class DatagramServerPolicyTest : public AnySpawnTest {
protected:
  DatagramServerOptions with() {
    DatagramServerOptions with;
    with.spawn = options().spawn;
    if (GetParam() == Way::bounded)
      with.max_handlers = 2;
    return with;
  }
  void make(const Address& address) { server_.emplace(address, Counter(server_), with()); }
  void TearDown() override {
    server_.reset();
    AnySpawnTest::TearDown();
  }
  std::optional<DatagramServer> server_;
};
INSTANTIATE_TEST_SUITE_P(Each, DatagramServerPolicyTest,
                         ::testing::Values(Way::greenlets, Way::bounded, Way::pool, Way::none),
                         name_of_way);

// gevent C27
TEST_P(DatagramServerPolicyTest, answers_each_datagram) {
  make(Address::loopback());
  server_->start();
  DatagramSocket client = to(server_->address());
  for (const std::size_t size : {5U, 0U, 1U, 9000U, 60'000U})
    EXPECT_EQ(ask(client, std::string(size, 'x')), "Received " + std::to_string(size) + " bytes");
  EXPECT_EQ(server_->stats().received, 5U);
  EXPECT_TRUE(server_->stop(hang));
  EXPECT_EQ(server_->stats().ended, 5U);
}

TEST_P(DatagramServerPolicyTest, handler_that_throws_is_reported_once_and_others_go_on) {
  const ErrorLog errors;
  make(Address::loopback());
  server_->start();
  DatagramSocket client = to(server_->address());
  client.send("throw");
  EXPECT_EQ(ask(client, "x"), "Received 1 bytes");
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_THAT(errors[0].what, ::testing::HasSubstr("test error"));
  EXPECT_EQ(server_->stats().failed, 1U);
}

// gevent V2, V4, V14, of datagrams
TEST_P(DatagramServerPolicyTest, starts_stops_and_starts_again_at_the_same_port) {
  make(Address::loopback());
  EXPECT_FALSE(server_->receiving());
  EXPECT_EQ(server_->address().port(), 0);
  for (int i = 0; i < 3; ++i) {
    const auto serving = spawn([&] { server_->serve_forever(); });
    settle();
    EXPECT_TRUE(server_->receiving());
    const Address address = server_->address();
    DatagramSocket client = to(address);
    EXPECT_EQ(ask(client, "x"), "Received 1 bytes");
    EXPECT_TRUE(server_->stop(hang));
    EXPECT_FALSE(server_->receiving());
    serving.get(hang);
    client.send("x");
    EXPECT_THROW(answer(client), std::system_error); // ECONNREFUSED
    EXPECT_EQ(server_->address(), address);
    EXPECT_THROW(server_->send_to("x", address), Closed);
  }
}

TEST_P(DatagramServerPolicyTest, of_a_socket_does_not_start_again) {
  DatagramSocket socket(Address::loopback());
  server_.emplace(std::move(socket), Counter(server_), with());
  server_->start();
  DatagramSocket client = to(server_->address());
  EXPECT_EQ(ask(client, "x"), "Received 1 bytes");
  EXPECT_TRUE(server_->stop(hang));
  EXPECT_THROW(server_->start(), std::logic_error);
}

class DatagramServerTest : public HubTest {};

TEST_F(DatagramServerTest, options_that_make_no_sense_are_refused) {
  const auto handler = [](std::string_view) {};
  DatagramServerOptions bind;
  bind.bind = net::DatagramOptions{};
  EXPECT_NO_THROW(DatagramServer(Address::loopback(), handler, bind));
  EXPECT_THROW(DatagramServer(DatagramSocket(Address::loopback()), handler, bind),
               std::invalid_argument); // gevent V1
  DatagramServerOptions nothing;
  nothing.max_size = 0;
  EXPECT_THROW(DatagramServer(Address::loopback(), handler, nothing), std::invalid_argument);
  DatagramServerOptions nobody;
  nobody.max_handlers = 0;
  EXPECT_THROW(DatagramServer(Address::loopback(), handler, nobody), std::invalid_argument);
}

TEST_F(DatagramServerTest, datagrams_that_are_too_long_are_dropped_and_counted) {
  DatagramServerOptions options;
  options.max_size = 100;
  std::vector<std::size_t> sizes;
  DatagramServer server(
      Address::loopback(), [&](std::string_view data) { sizes.push_back(data.size()); }, options);
  server.start();
  DatagramSocket client = to(server.address());
  for (const std::size_t size : {101U, 100U, 5000U, 1U})
    client.send(std::string(size, 'x'));
  while (server.stats().ended < 2)
    sleep(1ms);
  EXPECT_EQ(sizes, (std::vector<std::size_t>{100, 1}));
  EXPECT_EQ(server.stats().too_long, 2U);
}

TEST_F(DatagramServerTest, full_server_leaves_datagrams_in_the_kernel_and_resumes) {
  DatagramServerOptions options;
  options.max_handlers = 2;
  Event go_on;
  std::size_t most = 0;
  std::optional<DatagramServer> server;
  server.emplace(
      Address::loopback(),
      [&](std::string_view data, const Address& peer) {
        most = std::max(most, server->handlers_count());
        const std::string kept(data); // the data stays while the handler runs
        go_on.wait();
        EXPECT_EQ(kept, data);
        server->send_to(data, peer);
      },
      options);
  server->start();
  DatagramSocket client = to(server->address());
  for (const char* text : {"1", "2", "3", "4", "5"})
    client.send(text);
  while (server->stats().received < 2)
    sleep(1ms);
  settle();
  EXPECT_EQ(server->stats().received, 2U);
  go_on.set();
  std::string answers;
  for (int i = 0; i < 5; ++i)
    answers += answer(client);
  EXPECT_EQ(answers, "12345");
  EXPECT_EQ(most, 2U);
}

TEST_F(DatagramServerTest, stop_waits_for_handlers_which_may_still_answer) {
  Event may;
  std::optional<DatagramServer> server;
  server.emplace(Address::loopback(), [&](std::string_view data, const Address& peer) {
    may.wait();
    server->send_to(data, peer);
  });
  server->start();
  DatagramSocket client = to(server->address());
  client.send("work");
  while (server->stats().received == 0)
    sleep(1ms);
  const auto stopping = spawn([&] { return server->stop(hang); });
  settle();
  EXPECT_FALSE(stopping.ready());
  may.set();
  EXPECT_EQ(answer(client), "work");
  EXPECT_TRUE(stopping.get(hang));
}

TEST_F(DatagramServerTest, handlers_that_are_late_are_killed) {
  Event never;
  DatagramServer server(Address::loopback(), [&](std::string_view) { never.wait(); });
  server.start();
  DatagramSocket client = to(server.address());
  client.send("work");
  while (server.stats().received == 0)
    sleep(1ms);
  EXPECT_FALSE(server.stop(5ms));
  EXPECT_EQ(server.handlers_count(), 0U);
  EXPECT_EQ(server.stats().failed, 0U);
}

TEST_F(DatagramServerTest, starts_again_while_old_handlers_go_on) {
  Event may;
  std::optional<DatagramServer> server;
  server.emplace(Address::loopback(), [&](std::string_view data, const Address& peer) {
    if (data == "slow")
      may.wait();
    server->send_to(data, peer);
  });
  server->start();
  DatagramSocket client = to(server->address());
  client.send("slow");
  while (server->stats().received == 0)
    sleep(1ms);
  server->stop_receiving();
  server->start();
  EXPECT_EQ(ask(client, "fast"), "fast");
  may.set();
  EXPECT_EQ(answer(client), "slow");
}

// gevent V9
TEST_F(DatagramServerTest, without_spawn_a_handler_that_waits_is_reported) {
  const ErrorLog errors;
  DatagramServerOptions options;
  options.spawn = net::SpawnPolicy::none();
  DatagramServer server(
      Address::loopback(), [](std::string_view) { sleep(1ms); }, options);
  server.start();
  DatagramSocket client = to(server.address());
  client.send("x");
  while (server.stats().ended == 0)
    sleep(1ms);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_THAT(errors[0].what, ::testing::HasSubstr("AssertNoSwitch"));
}

// gevent V12
TEST_F(DatagramServerTest, printable_form_names_handler_and_address) {
  struct Listening {
    void operator()(std::string_view) const {}
  };
  const DatagramServer server(Address::loopback(1), Listening());
  EXPECT_THAT(server.to_string(), ::testing::HasSubstr("DatagramServer at 127.0.0.1:1"));
  EXPECT_THAT(server.to_string(), ::testing::HasSubstr("Listening"));
}

TEST_F(DatagramServerTest, many_answer_at_once) {
  Event all_here;
  std::size_t here = 0;
  constexpr std::size_t count = 50;
  std::optional<DatagramServer> server;
  server.emplace(Address::loopback(), [&](std::string_view data, const Address& peer) {
    if (++here == count)
      all_here.set();
    all_here.wait();
    server->send_to(data, peer, hang);
  });
  server->start();
  DatagramSocket client = to(server->address());
  for (std::size_t i = 0; i < count; ++i)
    client.send("x");
  for (std::size_t i = 0; i < count; ++i)
    EXPECT_EQ(answer(client), "x");
}

} // namespace
} // namespace grove::test
