// SPDX-License-Identifier: MIT
// Monitors: the events of connections, and how monitoring ends.
#include <grove/zmq/monitor.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

#include <grove/hub.hpp>

#include "../support/hub_test.hpp"
#include "monitor_frames.hpp"

namespace grove::zmq {
namespace {

using namespace std::chrono_literals;
using test::settle;
using Kind = MonitorEventKind;

static_assert(std::ranges::input_range<MonitorEvents>);

class MonitorTest : public test::HubTest {
protected:
  Context context;

  // Passes over what comes before.
  static MonitorEvent wait_for(Monitor& monitor, Kind kind) {
    for (const MonitorEvent& event : monitor.events(30s)) {
      if (event.kind == kind)
        return event;
    }
    ADD_FAILURE() << "no " << name_of(kind);
    return {Kind::monitor_stopped, "", 0};
  }
};

TEST_F(MonitorTest, tells_the_life_of_a_connection_on_both_sides) {
  Socket server(context, SocketType::pull), client(context, SocketType::push);
  Monitor servers(server);
  std::optional<Monitor> clients(std::in_place, client);
  const std::string endpoint = server.bind("tcp://127.0.0.1:*");
  const MonitorEvent listening = servers.next(30s);
  EXPECT_EQ(listening.kind, Kind::listening);
  EXPECT_EQ(listening.endpoint, endpoint);
  EXPECT_GE(listening.descriptor().value(), 0);
  EXPECT_FALSE(listening.error() || listening.interval() || listening.zap_status());

  client.connect(endpoint);
  EXPECT_GE(wait_for(*clients, Kind::connected).descriptor().value(), 0);
  EXPECT_EQ(wait_for(*clients, Kind::handshake_succeeded).endpoint, endpoint);
  EXPECT_EQ(servers.next(30s).kind, Kind::accepted);
  EXPECT_EQ(servers.next(30s).kind, Kind::handshake_succeeded);
  clients.reset();
  client.close();
  EXPECT_EQ(wait_for(servers, Kind::disconnected).endpoint, endpoint);
  server.unbind(endpoint);
  EXPECT_EQ(wait_for(servers, Kind::closed).endpoint, endpoint);
}

TEST_F(MonitorTest, a_client_whose_server_is_not_there_tries_again_and_says_when) {
  Socket gone(context, SocketType::pull), client(context, SocketType::push);
  const std::string endpoint = gone.bind("tcp://127.0.0.1:*");
  gone.unbind(endpoint);
  client.set(option::reconnect_ivl, 7ms);
  Monitor monitor(client);
  client.connect(endpoint);
  const MonitorEvent event = wait_for(monitor, Kind::connect_retried);
  EXPECT_EQ(event.endpoint, endpoint);
  EXPECT_GE(event.interval().value(), 7ms);
  EXPECT_FALSE(event.descriptor());
}

TEST_F(MonitorTest, an_address_in_use_is_an_event_with_its_error) {
  Socket first(context, SocketType::pull), second(context, SocketType::pull);
  const std::string endpoint = first.bind("tcp://127.0.0.1:*");
  Monitor monitor(second);
  EXPECT_THROW(second.bind(endpoint), std::system_error);
  const MonitorEvent event = wait_for(monitor, Kind::bind_failed);
  EXPECT_EQ(event.error().value(), std::errc::address_in_use);
}

TEST_F(MonitorTest, closing_the_socket_ends_the_events) {
  Socket socket(context, SocketType::pull);
  Monitor monitor(socket);
  socket.bind("tcp://127.0.0.1:*");
  const auto reader = spawn([&] {
    std::vector<std::string> kinds;
    for (const MonitorEvent& event : monitor.events())
      kinds.emplace_back(name_of(event.kind));
    return kinds;
  });
  settle();
  socket.close();
  const std::vector<std::string> kinds = reader.get(30s);
  EXPECT_EQ(kinds.front(), "listening");
  EXPECT_EQ(kinds.back(), "monitor_stopped");
  EXPECT_THROW(static_cast<void>(monitor.next()), Closed);
  EXPECT_FALSE(monitor.try_next().has_value());
  monitor.stop(); // and its socket is gone: nothing
}

TEST_F(MonitorTest, stop_ends_the_events_and_leaves_the_socket) {
  Socket pull(context, SocketType::pull), push(context, SocketType::push);
  Monitor monitor(pull);
  monitor.stop();
  EXPECT_EQ(monitor.next(30s).kind, Kind::monitor_stopped);
  push.connect(pull.bind("tcp://127.0.0.1:*"));
  push.send("x");
  EXPECT_EQ(pull.recv().text(), "x");
  EXPECT_FALSE(monitor.try_next().has_value());
}

TEST_F(MonitorTest, a_second_monitor_ends_the_first_and_outlives_it) {
  Socket socket(context, SocketType::pull);
  std::optional<Monitor> first(std::in_place, socket);
  Monitor second(socket);
  first->stop(); // must not end the second
  first.reset(); // nor this
  socket.bind("tcp://127.0.0.1:*");
  EXPECT_EQ(second.next(30s).kind, Kind::listening);
}

TEST_F(MonitorTest, outlives_a_socket_that_moves_and_goes) {
  std::optional<Socket> socket(std::in_place, context, SocketType::pull);
  Monitor monitor(*socket);
  Socket moved = std::move(*socket);
  socket.reset();
  moved.bind("tcp://127.0.0.1:*");
  EXPECT_EQ(monitor.next(30s).kind, Kind::listening);
  moved.close();
  wait_for(monitor, Kind::monitor_stopped);
}

TEST_F(MonitorTest, a_closed_socket_is_refused) {
  Socket socket(context, SocketType::pull);
  socket.close();
  EXPECT_THROW(Monitor{socket}, Closed);
}

// What waits, and is given up in each way: no event is lost.
struct Wait {
  const char* name;
  std::function<void(Monitor&)> operation;
};
void PrintTo(const Wait& wait, std::ostream* out) { *out << wait.name; }

class EveryMonitorWait : public MonitorTest, public ::testing::WithParamInterface<Wait> {
protected:
  Socket socket{context, SocketType::pull};
  std::unique_ptr<Monitor> monitor = std::make_unique<Monitor>(socket);

  void nothing_was_lost() {
    socket.bind("tcp://127.0.0.1:*");
    EXPECT_EQ(monitor->next(30s).kind, Kind::listening);
  }
};

INSTANTIATE_TEST_SUITE_P(zmq, EveryMonitorWait,
                         ::testing::Values(Wait{"next",
                                                [](Monitor& m) { static_cast<void>(m.next()); }},
                                           Wait{"events",
                                                [](Monitor& m) {
                                                  for (const MonitorEvent& event : m.events())
                                                    ADD_FAILURE() << name_of(event.kind);
                                                }}),
                         [](const auto& wait) { return std::string(wait.param.name); });

TEST_P(EveryMonitorWait, a_kill_takes_no_event) {
  const auto waiting = spawn([&] { GetParam().operation(*monitor); });
  settle();
  ASSERT_FALSE(waiting.ready());
  waiting.kill();
  EXPECT_TRUE(waiting.killed());
  nothing_was_lost();
}

TEST_P(EveryMonitorWait, a_timeout_scope_takes_no_event) {
  EXPECT_FALSE(with_timeout(1ms, [&] { GetParam().operation(*monitor); }));
  nothing_was_lost();
}

TEST_P(EveryMonitorWait, the_end_of_the_monitor_ends_it) {
  bool ended = false;
  const auto waiting = spawn([&] {
    try {
      GetParam().operation(*monitor);
    } catch (const Closed&) { // NOLINT(bugprone-empty-catch)
    }
    ended = true;
  });
  settle();
  Monitor* const going = monitor.release();
  delete going; // who waits has been woken, or has seen monitor_stopped
  waiting.join();
  EXPECT_TRUE(ended);
}

TEST_F(MonitorTest, gives_up_at_its_deadline) {
  Socket socket(context, SocketType::pull);
  Monitor monitor(socket);
  EXPECT_THROW(static_cast<void>(monitor.next(1ms)), TimeoutError);
  EXPECT_FALSE(monitor.try_next().has_value());
  for (const MonitorEvent& event : monitor.events(1ms))
    ADD_FAILURE() << name_of(event.kind);
}

TEST(MonitorFramesTest, only_an_event_is_taken_for_one) {
  using namespace std::literals::string_view_literals;
  const auto parse = [](const Multipart& frames) { return detail::parse_monitor_frames(frames); };
  const std::optional<MonitorEvent> event =
      parse(multipart("\x00\x40\x90\x01\x00\x00"sv, "tcp://[::1]:5"));
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->kind, Kind::handshake_failed_auth);
  EXPECT_EQ(event->zap_status(), 400);
  EXPECT_EQ(event->endpoint, "tcp://[::1]:5");
  EXPECT_FALSE(parse({}));
  EXPECT_FALSE(parse(multipart("\x00\x40\x90\x01\x00\x00"sv)));
  EXPECT_FALSE(parse(multipart("\x00\x40\x90\x01\x00"sv, "x")));
  EXPECT_FALSE(parse(multipart("\x00\x40\x90\x01\x00\x00\x00"sv, "x")));
  EXPECT_FALSE(parse(multipart("\x00\x40\x90\x01\x00\x00"sv, "x", "y")));
  EXPECT_STREQ(name_of(Kind{0x0003}), "unknown event");
  EXPECT_STREQ(name_of(Kind{0x8000}), "unknown event");
  EXPECT_STREQ(name_of(Kind{0}), "unknown event");
  EXPECT_STREQ(name_of(Kind::handshake_failed_auth), "handshake_failed_auth");
}

} // namespace
} // namespace grove::zmq
