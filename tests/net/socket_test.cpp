// SPDX-License-Identifier: MIT
// Sockets: options, names, try_ calls, readiness among other things, the end.
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <grove/hub/event.hpp>
#include <grove/hub/exceptions.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub_thread.hpp>
#include <grove/hub/wait.hpp>
#include <grove/hub/wait_any.hpp>
#include <grove/net/connect.hpp>
#include <grove/net/listener.hpp>
#include <grove/net/stream_socket.hpp>

#include "../support/connected.hpp"
#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

using net::StreamSocket;

class SocketTest : public HubTest {};

TEST_F(SocketTest, nagle_is_off_on_both_sides) {
  const Connected ends = Connected::tcp();
  EXPECT_NE(ends.client.option(IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_NE(ends.server.option(IPPROTO_TCP, TCP_NODELAY), 0);
}

TEST_F(SocketTest, descriptors_do_not_block_and_are_not_inherited) {
  const Connected ends = Connected::tcp();
  const auto [a, b] = net::socket_pair();
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  const StreamSocket c = StreamSocket::adopt(pair[0]);
  const StreamSocket d = StreamSocket::adopt(pair[1]);
  for (const StreamSocket* socket : {&ends.client, &ends.server, &a, &b, &c, &d}) {
    EXPECT_NE(fcntl(socket->descriptor(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(fcntl(socket->descriptor(), F_GETFD) & FD_CLOEXEC, 0);
  }
}

TEST_F(SocketTest, an_option_that_does_not_exist_is_named_with_the_socket) {
  Connected ends = Connected::tcp();
  try {
    ends.client.set_option(SOL_SOCKET, 12345, 1);
    FAIL();
  } catch (const std::system_error& e) {
    EXPECT_EQ(e.code(), std::errc::no_protocol_option);
    EXPECT_EQ(std::string(e.what()),
              "setsockopt 1/12345 on " + ends.client.name() + ": Protocol not available");
  }
  auto [a, b] = net::socket_pair();
  EXPECT_THROW(a.set_no_delay(true), std::system_error);
  EXPECT_THROW(StreamSocket::adopt(-1), std::system_error);
  EXPECT_THROW(StreamSocket::adopt(STDERR_FILENO), std::system_error);
}

TEST_F(SocketTest, its_name_says_where_both_ends_are) {
  Connected ends = Connected::tcp();
  const std::string here = ends.client.local_address().to_string();
  const std::string there = ends.server.local_address().to_string();
  EXPECT_EQ(ends.client.name(), "tcp " + here + " to " + there);
  EXPECT_EQ(ends.server.name(), "tcp " + there + " to " + here);
  ends.client.reset_on_close();
  ends.client.close();
  EXPECT_EQ(ends.client.name(), "tcp (closed)");
  EXPECT_THROW(ends.server.recv(1), std::system_error);
  EXPECT_EQ(ends.server.name(), "tcp " + there + " to " + here) << "known after the reset too";
  const StreamSocket moved = std::move(ends.server);
  EXPECT_EQ(ends.server.name(), "no socket"); // NOLINT: after the move
  EXPECT_THROW(ends.server.recv(1), Closed);  // NOLINT
  EXPECT_EQ(net::socket_pair().first.name(), "unix");
}

TEST_F(SocketTest, keepalive_is_set_as_told) {
  Connected ends = Connected::tcp();
  ends.client.set_keep_alive({.idle = 7s, .interval = 3s, .probes = 4, .user_timeout = 1500ms});
  EXPECT_EQ(ends.client.option(SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(ends.client.option(IPPROTO_TCP, TCP_KEEPIDLE), 7);
  EXPECT_EQ(ends.client.option(IPPROTO_TCP, TCP_KEEPINTVL), 3);
  EXPECT_EQ(ends.client.option(IPPROTO_TCP, TCP_KEEPCNT), 4);
  EXPECT_EQ(ends.client.option(IPPROTO_TCP, TCP_USER_TIMEOUT), 1500);
}

TEST_F(SocketTest, trying_never_waits) {
  auto [a, b] = net::socket_pair();
  std::vector<char> block(100);
  EXPECT_EQ(b.try_recv_into(block), std::nullopt);
  EXPECT_EQ(a.try_send("hello"), 5u);
  EXPECT_EQ(b.try_recv_into(block), 5u);
  fill(a);
  EXPECT_EQ(a.try_send("more"), std::nullopt);
  a.close();
  drain(b);
  EXPECT_EQ(b.try_recv_into(block), 0u);
}

TEST_F(SocketTest, trying_comes_after_what_an_interrupted_receive_has_taken) {
  auto [a, b] = net::socket_pair();
  a.send_all("first");
  EXPECT_THROW(b.recv_exactly(10, 5ms), TimeoutError);
  a.send_all("second");
  EXPECT_TRUE(b.wait_readable());
  std::vector<char> block(100);
  EXPECT_EQ(b.try_recv_into(block), 5u);
  EXPECT_EQ(b.try_recv_into(block), 6u);
  a.send_all("third");
  EXPECT_THROW(b.recv_exactly(10, 5ms), TimeoutError);
  EXPECT_THROW(b.recv_exactly(10, 5ms), TimeoutError);
  std::string one = b.recv(1);
  EXPECT_THROW(b.recv_exactly(10, 5ms), TimeoutError);
  EXPECT_EQ(one + b.recv(100), "third");
}

TEST_F(SocketTest, shutting_down_one_direction_leaves_the_other) {
  Connected ends = Connected::tcp();
  ends.client.send_all("request");
  ends.client.shutdown_write();
  EXPECT_THROW(ends.client.send_all("x"), std::system_error);
  EXPECT_EQ(ends.server.recv(100), "request");
  EXPECT_EQ(ends.server.recv(100), "");
  EXPECT_EQ(ends.server.recv(100), "") << "the end stays the end";
  ends.server.send_all("reply");
  EXPECT_EQ(ends.client.recv(100), "reply");
}

TEST_F(SocketTest, shutting_down_receiving_ends_it_for_who_waits_and_for_ever) {
  Connected ends = Connected::tcp();
  auto reader = spawn([&] { return ends.server.recv(10); });
  settle();
  ends.server.shutdown_read();
  EXPECT_EQ(reader.get(), "");
  ends.client.send_all("late");
  sleep(1ms);
  EXPECT_EQ(ends.server.recv(10), "");
  EXPECT_TRUE(ends.server.wait_readable());
  ends.server.send_all("still");
  EXPECT_EQ(ends.client.recv(10), "still");
}

TEST_F(SocketTest, a_file_is_sent_whole_or_in_part) {
  std::FILE* const file = std::tmpfile();
  std::string text(3 << 20, ' ');
  for (std::size_t i = 0; i < text.size(); ++i)
    text[i] = static_cast<char>(i * 31 >> 7);
  ASSERT_EQ(std::fwrite(text.data(), 1, text.size(), file), text.size());
  std::fflush(file);
  Connected ends = Connected::tcp();
  auto sender = spawn([&] {
    const std::size_t whole = ends.client.send_file_all(fileno(file), 0, text.size());
    const std::size_t tail = ends.client.send_file_all(fileno(file), text.size() - 10, 1000);
    const std::size_t none = ends.client.send_file_all(fileno(file), 0, 0);
    const std::size_t behind = ends.client.send_file(fileno(file), text.size(), 10);
    return std::vector<std::size_t>{whole, tail, none, behind};
  });
  EXPECT_EQ(ends.server.recv_exactly(text.size()), text);
  EXPECT_EQ(ends.server.recv_exactly(10), text.substr(text.size() - 10));
  EXPECT_EQ(sender.get(), (std::vector<std::size_t>{text.size(), 10, 0, 0}));
  const std::size_t some = ends.client.send_file(fileno(file), 0, text.size());
  EXPECT_GT(some, 0U);
  EXPECT_LT(some, text.size()); // nobody reads
  EXPECT_EQ(ends.server.recv_exactly(some), text.substr(0, some));
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  EXPECT_THROW(ends.client.send_file(pipe[0], 0, 10), std::system_error);
  ::close(pipe[0]);
  ::close(pipe[1]);
  std::fclose(file);
}

TEST_F(SocketTest, readiness_is_waited_for_beside_other_things) {
  auto [a, b] = net::socket_pair();
  auto [c, d] = net::socket_pair();
  Event event;
  auto waiting = spawn([&b = b, &d = d, &event] {
    return wait_any(b.readable_op(), d.readable_op(), event.wait_op()).index();
  });
  settle();
  EXPECT_FALSE(waiting.ready());
  c.send_all("x");
  EXPECT_EQ(waiting.get(), 1u);
  EXPECT_EQ(d.recv(10), "x") << "it takes nothing";
  EXPECT_EQ(wait_any(b.readable_op(), b.writable_op()).index(), 1u);
  fill(a);
  EXPECT_EQ(wait_any(a.writable_op(), b.readable_op()).index(), 1u);
}

TEST_F(SocketTest, what_an_interrupted_receive_has_taken_is_ready_to_be_received) {
  auto [a, b] = net::socket_pair();
  a.send_all("half");
  EXPECT_THROW(b.recv_exactly(8, 1ms), TimeoutError);
  EXPECT_TRUE(b.wait_readable(1ms));
  EXPECT_EQ(wait_any(b.readable_op(), after(1ms)).index(), 0u);
  const std::vector<net::StreamSocket*> all{&b};
  EXPECT_EQ(std::ranges::distance(wait(all, {.deadline = 1ms, .count = 1})), 1);
  EXPECT_EQ(b.recv(8), "half");
  EXPECT_EQ(wait_any(b.readable_op(), after(1ms)).index(), 1u);
}

// gevent D6
TEST_F(SocketTest, ten_that_are_ready_are_all_reported) {
  std::vector<Connected> all;
  all.reserve(10);
  for (int i = 0; i < 10; ++i)
    all.push_back(Connected::unix_pair());
  std::vector<StreamSocket*> servers;
  for (Connected& ends : all) {
    servers.push_back(&ends.server);
    ends.client.send_all("x");
  }
  int ready = 0;
  for (StreamSocket* server : wait(servers, {.deadline = 10s})) {
    EXPECT_EQ(server->recv(1), "x");
    ++ready;
  }
  EXPECT_EQ(ready, 10);
}

TEST_F(SocketTest, who_looks_does_not_disturb_who_receives) {
  auto [a, b] = net::socket_pair();
  auto reader = spawn([&b = b] { return b.recv(10); });
  auto looker = spawn([&b = b] { return wait_any(b.readable_op()).index(); });
  auto other = spawn([&b = b] { return wait_any(b.readable_op()).index(); });
  settle();
  a.send_all("x");
  EXPECT_EQ(reader.get(), "x");
  looker.get();
  other.get();
}

// gevent D5
TEST_F(SocketTest, an_operation_whose_socket_is_closed_succeeds_and_the_next_call_says_so) {
  auto [a, b] = net::socket_pair();
  auto waiting = spawn([&b = b] { wait_any(b.readable_op()); });
  auto many = spawn([&b = b] {
    std::vector<StreamSocket*> one{&b};
    int n = 0;
    for ([[maybe_unused]] StreamSocket* socket : wait(one, {.deadline = 10s}))
      ++n;
    return n;
  });
  settle();
  b.close();
  waiting.get();
  EXPECT_EQ(many.get(), 1);
  EXPECT_THROW(b.recv(1), Closed);
  EXPECT_THROW(static_cast<void>(b.readable_op()), Closed);
}

TEST_F(SocketTest, a_socket_that_goes_takes_nobody_with_it) {
  auto pair = std::make_unique<std::pair<StreamSocket, StreamSocket>>(net::socket_pair());
  auto reader = spawn([&] { EXPECT_THROW(pair->first.recv(1), Closed); });
  auto looker = spawn([&] { wait_any(pair->first.writable_op(), pair->first.readable_op()); });
  settle();
  looker.get();
  auto again = spawn([&] { wait_any(pair->first.readable_op()); });
  settle();
  pair.reset();
  reader.get();
  again.get();
}

TEST_F(SocketTest, releasing_wakes_who_waits_and_leaves_the_descriptor_open) {
  auto [a, b] = net::socket_pair();
  auto reader = spawn([&b = b] { EXPECT_THROW(b.recv(1), Closed); });
  settle();
  StreamSocket same = StreamSocket::adopt(b.release());
  reader.get();
  EXPECT_FALSE(b.is_open());
  a.send_all("x");
  EXPECT_EQ(same.recv(1), "x");
}

TEST_F(SocketTest, assignment_closes_what_was_there) {
  auto [a, b] = net::socket_pair();
  auto [c, d] = net::socket_pair();
  b = std::move(d);
  EXPECT_EQ(a.recv(1), "");
  c.send_all("x");
  EXPECT_EQ(b.recv(1), "x");
}

TEST_F(SocketTest, one_that_nobody_waits_for_is_no_reason_to_wait_for_ever) {
  auto [a, b] = net::socket_pair();
  EXPECT_THROW(b.recv(1, 1ms), TimeoutError); // it is watched from now on
  Event never;
  EXPECT_THROW(never.wait(), Deadlock);
  auto reader = spawn([&b = b] { return b.recv(10); });
  settle();
  a.send_all("x"); // only the poll can bring this
  EXPECT_EQ(reader.get(), "x");
}

TEST_F(SocketTest, the_child_of_a_fork_may_take_over_where_a_greenlet_of_the_parent_waits) {
  auto [a, b] = net::socket_pair();
  auto reader = spawn([&b = b] { return b.recv(10); });
  settle();
  const pid_t child = fork();
  if (child == 0) {
    a.send_all("child");
    _exit(b.recv(10, 10s) == "child" ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  a.send_all("parent");
  EXPECT_EQ(reader.get(), "parent");
}

TEST_F(SocketTest, it_outlives_its_hub) {
  std::vector<StreamSocket> kept;
  {
    HubThread other;
    other.call([&] {
      auto [a, b] = net::socket_pair();
      EXPECT_THROW(b.recv(1, 1ms), TimeoutError); // it is watched
      kept.push_back(std::move(a));
      kept.push_back(std::move(b));
    });
  }
  kept.clear();
}

} // namespace
} // namespace grove::test
