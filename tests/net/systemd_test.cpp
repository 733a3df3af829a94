// SPDX-License-Identifier: MIT
// systemd_listeners(): the environment of a process that was activated by its sockets. What systemd
// itself does is tested with the sample echo_server.
#include <grove/net/systemd.hpp>

#include <cerrno>
#include <cstdlib>
#include <optional>
#include <string>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <grove/net/listener.hpp>
#include <grove/net/stream_server.hpp>

#include "../support/process_test.hpp"
#include "server_test.hpp"
#include "systemd.hpp"

namespace grove::test {
namespace {

using net::Address;
using net::Listener;

class SystemdTest : public HubTest {
protected:
  void TearDown() override {
    for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"})
      unsetenv(name);
    HubTest::TearDown();
  }
  static void say(const std::string& pid, const char* count, const char* names) {
    setenv("LISTEN_PID", pid.c_str(), 1);
    setenv("LISTEN_FDS", count, 1);
    setenv("LISTEN_FDNAMES", names, 1);
  }
  static std::string me() { return std::to_string(getpid()); }
  // Puts a copy of the listener there, as the parent would.
  static void place(const net::Socket& socket, int at) { dup3(socket.descriptor(), at, 0); }
  static constexpr int first = 700; // nobody else's
};

TEST_F(SystemdTest, listeners_come_with_their_names_once) {
  const Listener web(Address::loopback());
  const Listener metrics(Address::loopback());
  place(web, first);
  place(metrics, first + 1);
  say(me(), "2", "web:metrics");
  auto listeners = net::detail::listeners_from(first);
  ASSERT_EQ(listeners.size(), 2U);
  EXPECT_EQ(listeners[0].name, "web");
  EXPECT_EQ(listeners[1].name, "metrics");
  EXPECT_EQ(listeners[0].listener.local_address(), web.local_address());
  EXPECT_EQ(listeners[1].listener.local_address(), metrics.local_address());
  EXPECT_EQ(fcntl(first, F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(std::getenv("LISTEN_FDS"), nullptr); // children do not take them for theirs
  EXPECT_TRUE(net::detail::listeners_from(first).empty());

  net::StreamServer server(std::move(listeners[1].listener), echo);
  server.start();
  net::StreamSocket client = net::connect(metrics.local_address(), hang);
  EXPECT_EQ(exchange(client, "x"), "x");
}

TEST_F(SystemdTest, nothing_is_taken_that_was_not_given) {
  EXPECT_TRUE(net::systemd_listeners().empty());
  const Listener listener(Address::loopback());
  place(listener, first);
  for (const std::string& pid :
       {std::to_string(getppid()), std::string(), std::string("x"), me() + "x"}) {
    say(pid, "1", "web"); // the parent's
    EXPECT_TRUE(net::detail::listeners_from(first).empty()) << pid;
  }
  for (const char* count : {"", "x", "0", "-1", "99999999999999"}) {
    say(me(), count, "web");
    EXPECT_TRUE(net::detail::listeners_from(first).empty()) << count;
  }
  EXPECT_EQ(close(first), 0); // is ours still
}

TEST_F(SystemdTest, sockets_of_other_kinds_are_left) {
  const int datagram = socket(AF_INET, SOCK_DGRAM, 0);
  dup3(datagram, first, 0);
  const Listener listener(Address::loopback());
  place(listener, first + 1);
  say(me(), "2", "dns"); // names may be missing
  const auto listeners = net::detail::listeners_from(first);
  ASSERT_EQ(listeners.size(), 1U);
  EXPECT_EQ(listeners[0].name, "");
  EXPECT_EQ(listeners[0].listener.local_address(), listener.local_address());
  EXPECT_EQ(close(first), 0);
  EXPECT_EQ(close(datagram), 0);
}

TEST_F(SystemdTest, descriptor_that_is_not_open_is_an_error) {
  say(me(), "1", "web");
  EXPECT_EQ(code_of([] { net::detail::listeners_from(first); }), EBADF);
}

} // namespace
} // namespace grove::test
