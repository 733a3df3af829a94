// SPDX-License-Identifier: MIT
// StreamServer: how it ends.
#include <grove/net/stream_server.hpp>

#include <atomic>
#include <csignal>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <grove/hub/event.hpp>
#include <grove/hub/group.hpp>
#include <grove/hub/hub_thread.hpp>
#include <grove/hub/main.hpp>

#include "../support/process_test.hpp"
#include "../support/program_test.hpp"
#include "server_test.hpp"

namespace grove::test {
namespace {

using net::Address;
using net::StreamServer;
using net::StreamServerOptions;
using net::StreamSocket;

class StreamServerStopTest : public HubTest {};

// Answers each line of four bytes when it may.
struct Slow {
  Event& may;
  void operator()(StreamSocket& socket) const {
    const std::string word = socket.recv_exactly(4);
    may.wait();
    socket.send_all(word);
  }
};

TEST_F(StreamServerStopTest, stop_waits_for_handlers) {
  Event may;
  StreamServer server(Address::loopback(), Slow{may});
  server.start();
  StreamSocket client = net::connect(server.address(), hang);
  client.send_all("work");
  settle();
  const auto stopping = spawn([&] { return server.stop(hang); });
  settle();
  EXPECT_FALSE(stopping.ready());
  EXPECT_FALSE(server.accepting());
  EXPECT_EQ(refusal(server.address()), std::errc::connection_refused);
  may.set();
  EXPECT_EQ(read_all(client), "work");
  EXPECT_TRUE(stopping.get(hang));
}

TEST_F(StreamServerStopTest, handlers_that_are_late_are_killed) {
  Event never;
  StreamServer server(Address::loopback(), Slow{never});
  server.start();
  StreamSocket client = net::connect(server.address(), hang);
  client.send_all("work");
  while (server.stats().accepted == 0)
    sleep(1ms);
  settle(); // it has read: else closing would reset the connection
  EXPECT_FALSE(server.stop(5ms));
  EXPECT_EQ(read_all(client), "");
  EXPECT_EQ(server.connections_count(), 0U);
  EXPECT_EQ(server.stats().failed, 0U); // a kill is no error
}

TEST_F(StreamServerStopTest, interrupted_stop_can_be_called_again) {
  Event may;
  StreamServer server(Address::loopback(), Slow{may});
  server.start();
  StreamSocket client = net::connect(server.address(), hang);
  client.send_all("work");
  EXPECT_FALSE(with_timeout(5ms, [&] { server.stop(); }));
  EXPECT_EQ(server.connections_count(), 1U);
  may.set();
  EXPECT_TRUE(server.stop(hang));
  EXPECT_EQ(read_all(client), "work");
}

TEST_F(StreamServerStopTest,
       stop_accepting_leaves_handlers_alone_and_serve_forever_waits_for_them) {
  Event may;
  StreamServer server(Address::loopback(), Slow{may});
  const auto serving = spawn([&] { server.serve_forever(); });
  settle();
  StreamSocket client = net::connect(server.address(), hang);
  client.send_all("work");
  settle();
  server.stop_accepting();
  server.stop_accepting();
  EXPECT_EQ(refusal(server.address()), std::errc::connection_refused);
  settle();
  EXPECT_FALSE(serving.ready());
  EXPECT_FALSE(server.wait_stopped(1ms));
  may.set();
  EXPECT_EQ(read_all(client), "work");
  serving.get(hang);
  EXPECT_TRUE(server.wait_stopped());
}

TEST_F(StreamServerStopTest, starts_again_while_old_handlers_go_on) {
  Event may;
  StreamServer server(Address::loopback(), Slow{may});
  server.start();
  StreamSocket old = net::connect(server.address(), hang);
  old.send_all("old ");
  settle();
  server.stop_accepting();
  server.start();
  StreamSocket client = net::connect(server.address(), hang);
  client.send_all("new ");
  may.set();
  EXPECT_EQ(read_all(client), "new ");
  EXPECT_EQ(read_all(old), "old ");
}

TEST_F(StreamServerStopTest, who_waits_for_a_slot_is_served_before_the_end) {
  Event may;
  StreamServerOptions options;
  options.max_connections = 1;
  StreamServer server(Address::loopback(), Slow{may}, options);
  server.start();
  std::vector<StreamSocket> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(net::connect(server.address(), hang));
    clients.back().send_all("work");
  }
  settle();
  server.stop_accepting();
  EXPECT_EQ(refusal(server.address()), std::errc::connection_refused);
  EXPECT_EQ(server.connections_count(), 5U);
  may.set();
  EXPECT_TRUE(server.stop(hang));
  for (StreamSocket& client : clients)
    EXPECT_EQ(read_all(client), "work");
}

TEST_F(StreamServerStopTest, who_waits_for_a_slot_until_the_deadline_is_dropped) {
  Event never;
  StreamServerOptions options;
  options.max_connections = 1;
  StreamServer server(Address::loopback(), Slow{never}, options);
  server.start();
  StreamSocket one = net::connect(server.address(), hang);
  StreamSocket two = net::connect(server.address(), hang);
  one.send_all("work");
  settle();
  EXPECT_FALSE(server.stop(5ms));
  EXPECT_EQ(read_all(one), "");
  EXPECT_EQ(read_all(two), "");
  EXPECT_EQ(server.stats().accepted, server.stats().ended);
}

TEST_F(StreamServerStopTest, handler_cannot_wait_for_its_own_end_but_stop_accepting) {
  const ErrorLog errors;
  std::optional<StreamServer> server;
  server.emplace(Address::loopback(), [&](StreamSocket& socket) {
    if (socket.recv_exactly(4) == "stop")
      server->stop();
    else
      server->stop_accepting();
  });
  const auto serving = spawn([&] { server->serve_forever(); });
  settle();
  StreamSocket one = net::connect(server->address(), hang);
  one.send_all("stop");
  EXPECT_EQ(read_all(one), "");
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_THAT(errors[0].what, ::testing::HasSubstr("its own end"));
  StreamSocket two = net::connect(server->address(), hang);
  two.send_all("last");
  serving.get(hang);
}

TEST_F(StreamServerStopTest, kill_of_who_serves_stops_the_server) {
  Event never;
  StreamServerOptions options;
  options.grace = 5ms;
  StreamServer server(Address::loopback(), Slow{never}, options);
  const auto serving = spawn([&] { server.serve_forever(); });
  settle();
  StreamSocket client = net::connect(server.address(), hang);
  client.send_all("work");
  settle();
  EXPECT_TRUE(serving.kill(hang));
  EXPECT_TRUE(serving.killed());
  EXPECT_EQ(read_all(client), "");
  EXPECT_EQ(refusal(server.address()), std::errc::connection_refused);
}

TEST_F(StreamServerStopTest, kill_of_who_serves_gives_handlers_their_grace) {
  Event may;
  StreamServerOptions options;
  options.grace = std::chrono::duration_cast<std::chrono::milliseconds>(hang);
  StreamServer server(Address::loopback(), Slow{may}, options);
  const auto serving = spawn([&] { server.serve_forever(); });
  settle();
  StreamSocket client = net::connect(server.address(), hang);
  client.send_all("work");
  settle();
  serving.kill_nowait();
  settle();
  EXPECT_FALSE(serving.ready());
  EXPECT_EQ(refusal(server.address()), std::errc::connection_refused);
  may.set();
  EXPECT_EQ(read_all(client), "work");
  EXPECT_TRUE(serving.join(hang));
}

TEST_F(StreamServerStopTest, destructor_kills_handlers) {
  StreamSocket client = [&] {
    StreamServer server(Address::loopback(), echo);
    server.start();
    StreamSocket connected = net::connect(server.address(), hang);
    EXPECT_EQ(exchange(connected, "work"), "work");
    return connected;
  }();
  EXPECT_EQ(read_all(client), "");
}

TEST_F(StreamServerStopTest, destructor_of_one_that_has_not_run_yet) {
  StreamServer server(Address::loopback(), echo);
  server.start();
}

TEST_F(StreamServerStopTest, child_of_a_fork_leaves_it_alone) {
  StreamServer server(Address::loopback(), echo);
  server.start();
  StreamSocket client = net::connect(server.address(), hang);
  EXPECT_EQ(exchange(client, "x"), "x");
  StreamSocket waiting = net::connect(server.address(), hang); // for a handler
  const pid_t child = fork();
  if (child == 0) {
    bool refused = false;
    try {
      StreamServer copy(std::move(server));
      copy.stop();
    } catch (const std::logic_error&) {
      refused = true;
    }
    _exit(refused ? 0 : 1);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(exchange(client, "y"), "y");
  EXPECT_EQ(exchange(waiting, "z"), "z");
  StreamSocket other = net::connect(server.address(), hang);
  EXPECT_EQ(exchange(other, "w"), "w");
}

// reliability 41: what a client was told that it is connected is answered. The clients are on a
// processor of their own, and stop at the first refusal.
TEST_F(StreamServerStopTest, graceful_stop_under_load_fails_no_request) {
  HubThread elsewhere("clients");
  const int rounds = sanitized ? 1 : 3;
  std::uint64_t requests = 0;
  for (int round = 0; round < rounds; ++round) {
    Event enough;
    StreamServer server(Address::loopback(), [&](StreamSocket& socket) {
      socket.send_all(socket.recv_exactly(4));
      if (server.stats().accepted >= 500)
        enough.set();
    });
    server.start();
    std::atomic<std::uint64_t> answered = 0;
    std::atomic<std::uint64_t> failed = 0;
    const auto clients = spawn([&, address = server.address()] {
      elsewhere.call([&] {
        std::vector<int> all(16);
        Group group;
        group.map(
            [&](int) {
              for (;;) {
                std::optional<StreamSocket> client;
                try {
                  client = net::connect(address, hang);
                } catch (const std::system_error&) {
                  return; // it is told so, before it has asked for anything
                }
                try {
                  if (exchange(*client, "work") == "work")
                    ++answered;
                } catch (const std::exception&) {
                  ++failed;
                }
              }
            },
            all);
      });
    });
    EXPECT_TRUE(enough.wait(hang));
    EXPECT_TRUE(server.stop(hang));
    clients.get(hang);
    EXPECT_EQ(failed, 0U);
    EXPECT_EQ(answered, server.stats().accepted);
    requests += answered;
  }
  RecordProperty("requests", static_cast<int>(requests));
}

class StreamServerProgramTest : public ProgramTest {};

// reliability 41
TEST_F(StreamServerProgramTest, sigterm_stops_it_in_order) {
  EXPECT_EXIT(run([] {
                StreamServerOptions options;
                options.grace = std::chrono::duration_cast<std::chrono::milliseconds>(hang);
                StreamServer server(
                    Address::loopback(),
                    [](StreamSocket& socket) {
                      const std::string word = socket.recv_exactly(4);
                      raise(SIGTERM);
                      sleep(20ms); // it goes on after the signal has come
                      socket.send_all(word);
                    },
                    options);
                server.start();
                const auto client = spawn([address = server.address()] {
                  StreamSocket socket = net::connect(address, hang);
                  if (exchange(socket, "work") != "work")
                    std::abort();
                  std::fputs("answered", stderr);
                });
                try {
                  server.serve_forever();
                } catch (const Interrupted&) {
                  client.join(hang);
                  throw;
                }
              }),
              ::testing::ExitedWithCode(128 + SIGTERM), "answered");
}

} // namespace
} // namespace grove::test
