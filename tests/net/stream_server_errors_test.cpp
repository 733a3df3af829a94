// SPDX-License-Identifier: MIT
// StreamServer: when accept(2) fails.
#include <grove/net/stream_server.hpp>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <deque>
#include <iterator>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <grove/hub/process.hpp>

#include "../support/open_descriptors.hpp"
#include "../support/program_test.hpp"
#include "server_test.hpp"

namespace {

thread_local std::deque<int>
    accept_errors; // of this hub: what the next calls of accept4() fail with; 0: not
thread_local int accept_calls = 0;

} // namespace

// In place of libc's, for this program.
extern "C" int accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  ++accept_calls;
  if (!accept_errors.empty()) {
    const int error = accept_errors.front();
    accept_errors.pop_front();
    if (error != 0) {
      errno = error;
      return -1;
    }
  }
  return static_cast<int>(syscall(SYS_accept4, fd, address, size, flags));
}

namespace grove::test {
namespace {

using net::Address;
using net::StreamServer;
using net::StreamServerOptions;
using net::StreamSocket;

StreamServerOptions quick() {
  StreamServerOptions options;
  options.min_delay = 1ms;
  options.max_delay = 4ms;
  return options;
}

class StreamServerErrorsTest : public HubTest {
protected:
  void TearDown() override {
    accept_errors.clear();
    HubTest::TearDown();
  }
};

// reliability 2
TEST_F(StreamServerErrorsTest, errors_of_one_connection_are_passed_over) {
  const ErrorLog errors;
  StreamServer server(Address::loopback(), echo, quick());
  server.start();
  for (const int error : {ECONNABORTED, EPERM, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET,
                          EHOSTUNREACH, ENETUNREACH, EINTR}) {
    accept_errors = {error};
    StreamSocket client = net::connect(server.address(), hang);
    EXPECT_EQ(exchange(client, "x"), "x") << error;
    EXPECT_TRUE(accept_errors.empty());
  }
  EXPECT_EQ(errors.size(), 0U);
  EXPECT_EQ(server.stats().pauses, 0U);
}

// gevent V15, reliability 2
TEST_F(StreamServerErrorsTest, want_of_memory_is_reported_once_and_tried_again) {
  for (const int error : {ENOBUFS, ENOMEM, EMFILE, ENFILE}) {
    const ErrorLog errors;
    StreamServer server(Address::loopback(), echo, quick());
    server.start();
    settle(); // it waits by now
    // The descriptor that is kept back finds nothing to shed but what comes after.
    accept_errors = {error, EAGAIN, error, EAGAIN, error, EAGAIN};
    if (error == ENOBUFS || error == ENOMEM)
      accept_errors = {error, error, error};
    StreamSocket client = net::connect(server.address(), hang);
    EXPECT_EQ(exchange(client, "x"), "x") << error;
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_THAT(errors[0].what, ::testing::HasSubstr("accept"));
    EXPECT_EQ(server.stats().pauses, 3U);
    accept_errors = {ENOBUFS};
    StreamSocket again = net::connect(server.address(), hang);
    EXPECT_EQ(exchange(again, "y"), "y");
    EXPECT_EQ(errors.size(), 2U); // it had succeeded in between
  }
}

// gevent V15
TEST_F(StreamServerErrorsTest, pauses_are_doubled_up_to_the_longest) {
  Hub::current().on_error([](const UnhandledError&) {});
  StreamServerOptions options;
  options.min_delay = 2ms;
  options.max_delay = 16ms;
  StreamServer server(Address::loopback(), echo, options);
  server.start();
  settle();
  accept_errors.assign(6, ENOBUFS);
  const auto before = now();
  StreamSocket client = net::connect(server.address(), hang);
  EXPECT_EQ(exchange(client, "x"), "x");
  EXPECT_GE(now() - before, 2ms + 4ms + 8ms + 3 * 16ms);
  EXPECT_EQ(server.stats().pauses, 6U);
  Hub::current().on_error({});
}

TEST_F(StreamServerErrorsTest, stop_ends_a_pause) {
  Hub::current().on_error([](const UnhandledError&) {});
  StreamServerOptions options;
  options.min_delay = options.max_delay = std::chrono::hours(1);
  StreamServer server(Address::loopback(), echo, options);
  server.start();
  settle();
  accept_errors = {ENOBUFS};
  StreamSocket client = net::connect(server.address(), hang);
  while (server.stats().pauses == 0)
    sleep(1ms);
  EXPECT_FALSE(server.stop(5ms)); // the client's handler waits for more; it was accepted at the end
  EXPECT_EQ(server.stats().accepted, 1U);
  Hub::current().on_error({});
}

// gevent V7
class StreamServerSpawnErrorsTest : public AnySpawnTest {};
INSTANTIATE_TEST_SUITE_P(Each, StreamServerSpawnErrorsTest,
                         ::testing::Values(Way::greenlets, Way::bounded, Way::pool), name_of_way);

TEST_P(StreamServerSpawnErrorsTest, spawn_that_fails_is_reported_and_the_connection_dropped) {
  const ErrorLog errors;
  StreamServerOptions with = options();
  with.min_delay = 1ms;
  StreamServer server(Address::loopback(), echo, with);
  server.start();
  settle();
  {
    const SpawnHook refuse([](const GreenletRef<>&) { throw TestError(); });
    EXPECT_EQ(read_all(server.address()), "");
  }
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_THAT(errors[0].what, ::testing::HasSubstr("test error"));
  EXPECT_EQ(server.stats().pauses, 1U);
  StreamSocket client = net::connect(server.address(), hang);
  EXPECT_EQ(exchange(client, "x"), "x");
  EXPECT_EQ(server.connections_count(), 1U);
}

class StreamServerDescriptorsTest : public ProgramTest {};

// Connects so many times, and says how many were answered and how many reset; then, when it is told
// to, closes all and says when a new connection is answered.
const char* const clients = R"(
import socket, sys
port, count = int(sys.argv[1]), int(sys.argv[2])
sys.stdin.readline()
all = [socket.create_connection(('127.0.0.1', port)) for i in range(count)]
answered = reset = 0
for s in all:
    s.settimeout(20)
    try:
        s.sendall(b'x')
        if s.recv(1) == b'x': answered += 1
        else: reset += 1
    except (ConnectionResetError, BrokenPipeError): reset += 1
print(answered, reset, flush=True)
sys.stdin.readline()
for s in all: s.close()
while True:
    try:
        s = socket.create_connection(('127.0.0.1', port), timeout=20)
        s.sendall(b'y')
        if s.recv(1) == b'y': break
    except (ConnectionResetError, BrokenPipeError): pass
print('answered again', flush=True)
)";

std::chrono::nanoseconds processor_time() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

// The limit under which so many more can be opened.
rlim_t limit_for(std::size_t more) {
  const auto open = open_descriptors();
  int limit = 0;
  while (static_cast<std::size_t>(limit) -
             static_cast<std::size_t>(std::distance(open.begin(), open.lower_bound(limit))) <
         more) {
    ++limit;
  }
  return static_cast<rlim_t>(limit);
}

// gevent V15, pitfall 51, reliability 1
TEST_F(StreamServerDescriptorsTest, without_descriptors_it_sheds_pauses_and_goes_on) {
  EXPECT_EXIT(
      run([] {
        int reports = 0;
        std::string text;
        Hub::current().on_error([&](const UnhandledError& error) {
          ++reports;
          text = error.what;
        });
        StreamServer server(Address::loopback(), echo);
        server.start();
        Process peers(
            {"/usr/bin/python3", "-c", clients, std::to_string(server.address().port()), "64"},
            {.in = Stdio::pipe(), .out = Stdio::pipe()});
        settle();
        const rlimit few{limit_for(16), limit_for(16)};
        setrlimit(RLIMIT_NOFILE, &few);
        const int calls_before = accept_calls;
        const auto sleeps_before = Hub::current().stats().sleeps;
        const auto busy_before = processor_time();
        const auto begin = now();
        peers.in().write_all("go\n");
        const std::string counts = peers.out().read_line(hang).value_or("");
        const auto stats = server.stats();
        const int calls = accept_calls - calls_before;
        const auto sleeps = Hub::current().stats().sleeps - sleeps_before;
        const auto lasted = now() - begin;
        const auto busy = processor_time() - busy_before;
        peers.in().write_all("go on\n");
        const auto freed = now();
        const bool again = peers.out().read_line(hang) == "answered again";
        std::printf("without descriptors for %lld ms, busy for %lld ms of them; the next "
                    "client is served after %lld ms\n",
                    static_cast<long long>(lasted / 1ms), static_cast<long long>(busy / 1ms),
                    static_cast<long long>((now() - freed) / 1ms));
        std::fflush(stdout);
        const std::string figures = counts + " " + std::to_string(stats.accepted) + " accepted, " +
                                    std::to_string(stats.shed) + " shed, " +
                                    std::to_string(stats.pauses) + " pauses, " +
                                    std::to_string(calls) + " calls, " + std::to_string(sleeps) +
                                    " sleeps, " + std::to_string(reports) + " reports, " + text;
        std::fputs(figures.c_str(), stderr);
        const auto accepted = stats.accepted;
        const bool right = again && peers.wait(hang).success() && accepted >= 8 &&
                           accepted + stats.shed == 64 && stats.pauses >= 1 && reports >= 1 &&
                           text.find("Too many open files") != std::string::npos &&
                           // one for each connection, and some for each look that finds none
                           static_cast<std::uint64_t>(calls) <= 3 * 64 + 4 * stats.pauses;
        std::fputs(right ? " right" : " wrong", stderr);
        return right ? 0 : 1;
      }),
      ::testing::ExitedWithCode(0), "right");
}

} // namespace
} // namespace grove::test
