// SPDX-License-Identifier: MIT
// What the world does to connections: resets, silence, signals, splits at every byte.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <random>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <linux/filter.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <grove/hub/exceptions.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/pipe.hpp>
#include <grove/net/connect.hpp>
#include <grove/net/listener.hpp>
#include <grove/net/stream_socket.hpp>

#include "../support/connected.hpp"
#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

using net::StreamSocket;

class NetFault : public HubTest {};

template <class F>
std::error_code error_of(F f) {
  try {
    f();
  } catch (const std::system_error& e) {
    EXPECT_NE(std::string(e.what()).find(" on tcp 127.0.0.1:"), std::string::npos) << e.what();
    return e.code();
  }
  return {};
}

void reset(StreamSocket& socket) {
  socket.reset_on_close();
  socket.close();
}

// reliability 14
TEST_F(NetFault, a_reset_is_an_error_in_every_state_of_the_connection) {
  { // nothing was exchanged, and somebody waits
    Connected ends = Connected::tcp();
    auto reader = spawn([&] { return error_of([&] { ends.server.recv(1); }); });
    settle();
    reset(ends.client);
    EXPECT_EQ(reader.get(), std::errc::connection_reset);
  }
  { // in the middle of a message
    Connected ends = Connected::tcp();
    ends.client.send_all("half");
    auto reader = spawn([&] { return error_of([&] { ends.server.recv_exactly(8); }); });
    sleep(1ms);
    reset(ends.client);
    EXPECT_EQ(reader.get(), std::errc::connection_reset);
  }
  { // while we wait for room
    Connected ends = Connected::tcp();
    auto writer =
        spawn([&] { return error_of([&] { ends.client.send_all(std::string(100 << 20, 'x')); }); });
    sleep(1ms);
    reset(ends.server);
    const std::error_code error = writer.get();
    EXPECT_TRUE(error == std::errc::connection_reset || error == std::errc::broken_pipe) << error;
  }
  { // after we said that we are done
    Connected ends = Connected::tcp();
    ends.server.shutdown_write();
    EXPECT_EQ(ends.client.recv(1), "");
    reset(ends.client);
    EXPECT_EQ(error_of([&] { ends.server.recv(1); }), std::errc::connection_reset);
  }
  { // after the peer said so: it may still reset
    Connected ends = Connected::tcp();
    ends.client.shutdown_write();
    EXPECT_EQ(ends.server.recv(1), "");
    reset(ends.client);
    EXPECT_NE(error_of([&] {
                for (;;)
                  ends.server.send_all("x");
              }),
              std::error_code());
  }
  { // in the queue: accepted, and found out at the first call
    net::Listener listener(net::Address::loopback());
    StreamSocket client = net::connect(listener.local_address());
    reset(client);
    StreamSocket server = listener.accept();
    EXPECT_EQ(error_of([&] { server.recv(1); }), std::errc::connection_reset);
  }
}

// reliability 11, pitfall 52
TEST_F(NetFault, writing_to_a_peer_that_has_gone_is_an_error_and_no_signal) {
  // SIGPIPE has its default action, which would end the process.
  ASSERT_EQ(std::signal(SIGPIPE, SIG_DFL), SIG_DFL);
  std::FILE* const file = std::tmpfile();
  ASSERT_GE(std::fputs("text", file), 0);
  std::fflush(file);
  for (auto make : {&Connected::tcp, &Connected::unix_pair}) {
    for (int way = 0; way < 3; ++way) {
      Connected ends = make();
      ends.server.close();
      std::error_code error;
      while (!error) {
        try {
          if (way == 0)
            ends.client.send_all("x");
          else if (way == 1)
            ends.client.send_all(std::vector<std::string_view>{"x", "y"});
          else
            ends.client.send_file_all(fileno(file), 0, 4);
        } catch (const std::system_error& e) {
          error = e.code();
        }
      }
      EXPECT_TRUE(error == std::errc::broken_pipe || error == std::errc::connection_reset) << error;
      EXPECT_THROW(ends.client.send_all("x"), std::system_error);
    }
  }
  std::fclose(file);
}

// reliability 12
TEST_F(NetFault, a_storm_of_signals_is_not_seen_and_deadlines_are_kept) {
  struct sigaction quiet {};
  quiet.sa_handler = [](int) {};
  struct sigaction before {};
  ASSERT_EQ(sigaction(SIGALRM, &quiet, &before), 0); // without SA_RESTART
  const itimerval storm{{0, 1000}, {0, 1000}};
  setitimer(ITIMER_REAL, &storm, nullptr);
  AtExit over([&] {
    const itimerval none{};
    setitimer(ITIMER_REAL, &none, nullptr);
    sigaction(SIGALRM, &before, nullptr);
  });
  Connected ends = Connected::tcp();
  std::string data(4 << 20, ' ');
  std::mt19937 random(1);
  std::ranges::generate(data, [&] { return static_cast<char>(random()); });
  auto sender = spawn([&] { ends.client.send_all(data); });
  EXPECT_EQ(ends.server.recv_exactly(data.size()), data);
  sender.get();
  Clock::duration worst{};
  for (int i = 0; i < 20; ++i) {
    const auto begin = Clock::now();
    EXPECT_THROW(ends.server.recv(1, 20ms), TimeoutError);
    const auto took = Clock::now() - begin;
    EXPECT_GE(took, 20ms);
    worst = std::max(worst, took - 20ms);
  }
  EXPECT_LT(worst, 10s);
  std::printf("worst deadline error under 1,000 signals a second: %lld us\n",
              static_cast<long long>(worst / 1us));
  for (int i = 0; i < 100; ++i) { // accept, connect
    net::Listener listener(net::Address::loopback());
    StreamSocket client = net::connect(listener.local_address(), 10s);
    listener.accept(10s).send_all("x");
    EXPECT_EQ(client.recv(1, 10s), "x");
  }
}

volatile std::sig_atomic_t signals_seen = 0;

// A poll(2) that does not wait says EINTR, too, when a signal comes just then.
// reliability 12
TEST_F(NetFault, a_signal_makes_neither_a_socket_nor_a_pipe_look_ready) {
  struct sigaction count {};
  count.sa_handler = [](int) { signals_seen = signals_seen + 1; };
  struct sigaction before {};
  ASSERT_EQ(sigaction(SIGALRM, &count, &before), 0);
  const itimerval storm{{0, 50}, {0, 50}};
  setitimer(ITIMER_REAL, &storm, nullptr);
  AtExit over([&] {
    const itimerval none{};
    setitimer(ITIMER_REAL, &none, nullptr);
    sigaction(SIGALRM, &before, nullptr);
  });
  Connected ends = Connected::unix_pair();
  Pipe pipe;
  auto of_socket = ends.server.readable_op();
  auto of_pipe = pipe.reader.readable_op();
  int ready = 0;
  const int enough = sanitized ? 500 : 10'000;
  for (signals_seen = 0; signals_seen < enough;)
    ready += of_socket.ready() || of_pipe.ready() ? 1 : 0;
  EXPECT_EQ(ready, 0);
}

// reliability 13
TEST_F(NetFault, a_million_random_splits_leave_the_bytes_as_they_were) {
  const std::size_t splits = sanitized ? 50'000 : 1'000'000;
  const unsigned seed = std::random_device()();
  std::printf("seed %u\n", seed);
  Connected ends = Connected::unix_pair();
  ends.client.set_option(SOL_SOCKET, SO_SNDBUF, 2048);
  std::size_t sent = 0;
  std::size_t cuts = 0;
  const auto byte = [seed](std::size_t i) {
    return static_cast<char>((i * 2654435761U + seed) >> 11);
  };
  auto sender = spawn([&] {
    std::mt19937 random(seed);
    std::string piece;
    for (; cuts < splits; ++cuts) {
      piece.clear();
      const std::size_t size = 1 + random() % (random() % 50 == 0 ? 5000 : 12);
      for (std::size_t i = 0; i < size; ++i)
        piece += byte(sent + i);
      ends.client.send_all(piece);
      sent += size;
    }
    ends.client.shutdown_write();
  });
  std::mt19937 random(seed + 1);
  std::vector<char> block(4096);
  std::size_t received = 0;
  std::size_t differences = 0;
  for (;;) {
    const std::size_t size = 1 + random() % (random() % 50 == 0 ? block.size() : 12);
    const std::size_t n = ends.server.recv_into(std::span(block).first(size));
    if (n == 0)
      break;
    for (std::size_t i = 0; i < n; ++i)
      differences += block[i] != byte(received + i);
    received += n;
  }
  sender.get();
  EXPECT_EQ(differences, 0u);
  EXPECT_EQ(received, sent);
  EXPECT_EQ(cuts, splits);
}

// Whatever comes for it, the socket is dropped: the peer has vanished, and nobody says so.
void go_silent(StreamSocket& socket) {
  sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
  const sock_fprog program{1, &drop};
  ASSERT_EQ(setsockopt(socket.descriptor(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program),
            0);
}

// reliability 15
TEST_F(NetFault, a_silent_peer_is_found_by_keepalive) {
  Connected ends = Connected::tcp();
  ends.client.set_keep_alive({.idle = 1s, .interval = 1s, .probes = 1});
  go_silent(ends.server);
  const auto begin = Clock::now();
  EXPECT_EQ(error_of([&] { ends.client.recv(1, 60s); }), std::errc::timed_out);
  std::printf("found after %lld ms\n", static_cast<long long>((Clock::now() - begin) / 1ms));
}

// reliability 15
TEST_F(NetFault, a_silent_peer_that_acknowledges_nothing_is_found_by_the_user_timeout) {
  Connected ends = Connected::tcp();
  ends.client.set_keep_alive({.user_timeout = 300ms});
  go_silent(ends.server);
  ends.client.send_all("hello?");
  const auto begin = Clock::now();
  EXPECT_EQ(error_of([&] { ends.client.recv(1, 60s); }), std::errc::timed_out);
  std::printf("found after %lld ms\n", static_cast<long long>((Clock::now() - begin) / 1ms));
}

// pitfall 39, 40, 42
TEST_F(NetFault, a_descriptor_number_that_is_given_out_again_confuses_nobody) {
  for (int round = 0; round < 200; ++round) {
    auto [a, b] = net::socket_pair();
    const int number = b.descriptor();
    auto reader = spawn([&b = b] { EXPECT_THROW(b.recv(1), Closed); });
    settle();
    a.send_all("x"); // is about to be reported, for a number that then is another's
    b.close();
    auto [c, d] = net::socket_pair();
    EXPECT_TRUE(c.descriptor() == number || d.descriptor() == number);
    auto next = spawn([&d = d] { return d.recv(10, 10s); });
    settle();
    EXPECT_FALSE(next.ready());
    c.send_all("for the new one");
    EXPECT_EQ(next.get(), "for the ne");
    reader.get();
  }
}

// A duplicate keeps a closed socket's description open, which the kernel goes on to report.
// pitfall 40
TEST_F(NetFault, a_duplicate_that_stays_open_does_not_keep_the_hub_busy) {
  auto [a, b] = net::socket_pair();
  auto reader = spawn([&b = b] { EXPECT_THROW(b.recv(1), Closed); });
  settle();
  sleep(1ms); // it is registered
  const int duplicate = dup(b.descriptor());
  b.close();
  reader.get();
  a.send_all("to a description without a socket");
  const auto before = Hub::current().stats().sleeps;
  sleep(20ms);
  EXPECT_LT(Hub::current().stats().sleeps - before, 100u);
  StreamSocket again = StreamSocket::adopt(duplicate);
  EXPECT_EQ(again.recv(100, 10s), "to a description without a socket");
}

// gevent C25
TEST_F(NetFault, duplicates_stay_usable_when_the_originals_are_closed) {
  auto [a, b] = net::socket_pair();
  StreamSocket c = StreamSocket::adopt(dup(a.descriptor()));
  StreamSocket d = StreamSocket::adopt(dup(b.descriptor()));
  a.close();
  b.close();
  c.send_all("through");
  EXPECT_EQ(d.recv(10), "through");
}

// pitfall 48, 49
TEST_F(NetFault, who_never_has_to_wait_gives_way_to_the_others) {
  auto [a, b] = net::socket_pair();
  auto [c, d] = net::socket_pair();
  int turns = 0;
  bool heard = false;
  auto other = spawn([&] {
    for (;;) {
      yield();
      ++turns;
    }
  });
  auto listener = spawn([&d = d, &heard] { heard = d.recv(1, 10s) == "x"; });
  settle();
  const int before = turns;
  std::vector<char> one(1);
  c.send_all("x"); // for one that the poll has to wake
  const auto begin = Clock::now();
  for (int i = 0; i < 64 * 50 || (!heard && Clock::now() - begin < 10s); ++i) {
    a.send_all("y"); // neither call ever waits
    b.recv_into(one);
  }
  EXPECT_GE(turns - before, 50);
  EXPECT_TRUE(heard);
  other.kill();
  listener.get();
}

} // namespace
} // namespace grove::test
