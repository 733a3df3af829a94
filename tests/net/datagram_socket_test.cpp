// SPDX-License-Identifier: MIT
// Datagrams: what arrives, from whom, what does not fit, waits, ends, errors; other programs.
#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <grove/hub/exceptions.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/process.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/hub/wait_any.hpp>
#include <grove/net/datagram_socket.hpp>

#include "../support/datagrams.hpp"
#include "../support/hub_test.hpp"
#include "../support/pipe_files.hpp"
#include "../support/python.hpp"
#include "../support/temporary_directory.hpp"

namespace grove::test {
namespace {

using net::Address;
using net::Datagram;
using net::DatagramSocket;

// -- every kind of address -----------------------------------------------------------------------

class EveryDatagramTest : public HubTest, public ::testing::WithParamInterface<const char*> {
protected:
  Address address(const std::string& name) const {
    const std::string kind = GetParam();
    if (kind == "path")
      return Address::unix_path(directory_.path() + "/" + name);
    if (kind == "abstract")
      return Address::unix_path("@" + directory_.path() + name);
    return Address::parse(kind);
  }

private:
  TemporaryDirectory directory_;
};

TEST_P(EveryDatagramTest, messages_arrive_whole_and_tell_who_sent_them) {
  DatagramSocket a(address("a"));
  DatagramSocket b(address("b"));
  b.send_to("one", a.local_address());
  b.send_to("", a.local_address());
  b.send_to("three", a.local_address());
  for (const char* text : {"one", "", "three"}) {
    const Received got = receive(a);
    EXPECT_EQ(got.text, text);
    EXPECT_EQ(got.datagram.peer, b.local_address());
    EXPECT_FALSE(got.datagram.truncated);
  }
  a.send_to("back", b.local_address());
  EXPECT_EQ(receive(b).text, "back");
}

TEST_P(EveryDatagramTest, what_does_not_fit_is_told_and_is_lost) {
  DatagramSocket a(address("a"));
  DatagramSocket b(address("b"));
  for (const char* text : {"longer than that", "four", "next"})
    b.send_to(text, a.local_address());
  char four[4];
  Datagram got = a.recv_from(four);
  EXPECT_EQ(got.size, 4u);
  EXPECT_TRUE(got.truncated);
  EXPECT_EQ(std::string_view(four, 4), "long");
  got = a.recv_from(four);
  EXPECT_EQ(std::string_view(four, got.size), "four");
  EXPECT_FALSE(got.truncated);
  char two[2];
  EXPECT_EQ(error_of([&] { a.recv(two); }).value(), EMSGSIZE);
}

TEST_P(EveryDatagramTest, a_connected_one_talks_to_its_peer_only) {
  DatagramSocket server(address("server"));
  DatagramSocket client(address("client"));
  DatagramSocket stranger(address("stranger"));
  client.connect(server.local_address());
  EXPECT_EQ(client.peer_address(), server.local_address());
  client.send("question");
  const Received got = receive(server);
  EXPECT_EQ(got.text, "question");
  if (server.local_address().is_ip()) {
    stranger.send_to("noise", client.local_address());
  } else {
    EXPECT_EQ(error_of([&] { stranger.send_to("noise", client.local_address()); }).value(), EPERM);
  }
  server.send_to("answer", got.datagram.peer);
  char buffer[100];
  EXPECT_EQ(client.recv(buffer, 10s), 6u);
  EXPECT_EQ(std::string_view(buffer, 6), "answer");

  client.connect({});
  EXPECT_EQ(client.peer_address(), Address());
  client.send_to("hello", stranger.local_address());
  stranger.send_to("heard", receive(stranger).datagram.peer);
  EXPECT_EQ(receive(client).text, "heard");
}

TEST_P(EveryDatagramTest, many_are_taken_at_once) {
  DatagramSocket a(address("a"));
  DatagramSocket b(address("b"));
  std::vector<std::string> buffers(5, std::string(4, ' '));
  std::vector<DatagramSocket::Slot> slots;
  for (std::string& buffer : buffers)
    slots.push_back({buffer, {}});
  auto receiver = spawn([&] { return a.recv_many(slots, 10s); });
  settle();
  EXPECT_FALSE(receiver.ready());
  for (const char* text : {"1", "22", "55555", "333"})
    b.send_to(text, a.local_address());
  std::size_t count = receiver.get();
  while (count < 4)
    count += a.recv_many(std::span(slots).subspan(count), 10s);
  EXPECT_EQ(count, 4u);
  EXPECT_EQ(buffers[1].substr(0, slots[1].datagram.size), "22");
  EXPECT_TRUE(slots[2].datagram.truncated);
  EXPECT_EQ(buffers[3].substr(0, slots[3].datagram.size), "333");
  EXPECT_EQ(slots[3].datagram.peer, b.local_address());
  EXPECT_EQ(a.recv_many({}), 0u);
}

TEST_P(EveryDatagramTest, a_wait_that_ends_otherwise_takes_nothing) {
  DatagramSocket a(address("a"));
  DatagramSocket b(address("b"));
  char buffer[100];
  EXPECT_THROW(a.recv_from(buffer, 1ms), TimeoutError);
  EXPECT_EQ(a.try_recv_from(buffer), std::nullopt);
  auto killed = spawn([&] { a.recv_from(buffer); });
  settle();
  EXPECT_THROW(a.recv(buffer), std::logic_error) << "a second one";
  EXPECT_FALSE(killed.ready());
  killed.kill();
  b.send_to("here", a.local_address());
  EXPECT_EQ(receive(a).text, "here");
}

// gevent C19, C21
TEST_P(EveryDatagramTest, close_wakes_who_waits) {
  DatagramSocket a(address("a"));
  const Address where = a.local_address();
  auto receiver = spawn([&] {
    char buffer[100];
    EXPECT_THROW(a.recv_from(buffer), Closed);
  });
  settle();
  a.close();
  receiver.get();
  EXPECT_FALSE(a.is_open());
  EXPECT_THROW(a.send_to("x", where), Closed);
  EXPECT_THROW(a.local_address(), Closed);
}

TEST_P(EveryDatagramTest, it_stands_in_wait_any) {
  DatagramSocket a(address("a"));
  DatagramSocket b(address("b"));
  EXPECT_EQ(wait_any(a.readable_op(), after(1ms)).index(), 1u);
  auto waiter =
      spawn([&] { return wait_any(a.readable_op(), b.readable_op(), after(10s)).index(); });
  settle();
  a.send_to("x", b.local_address());
  EXPECT_EQ(waiter.get(), 1u);
  EXPECT_EQ(receive(b).text, "x");
}

// gevent C4
TEST_P(EveryDatagramTest, one_receives_while_another_sends) {
  DatagramSocket a(address("a"));
  DatagramSocket b(address("b"));
  constexpr int count = 500;
  const auto talk = [](DatagramSocket& self, const Address& peer) {
    auto sender = spawn([&self, peer] {
      for (int i = 0; i < count; ++i) {
        self.send_to(std::to_string(i), peer);
        if (i % 20 == 19) // datagrams that find no room are dropped
          sleep(1ms);
      }
      self.send_to("end", peer);
    });
    int received = 0;
    while (receive(self).text != "end")
      ++received;
    sender.get();
    return received;
  };
  auto other = spawn([&] { return talk(b, a.local_address()); });
  EXPECT_EQ(talk(a, b.local_address()), count);
  EXPECT_EQ(other.get(), count);
}

TEST_P(EveryDatagramTest, one_that_was_made_elsewhere_is_taken_over) {
  DatagramSocket a(address("a"));
  const Address where = a.local_address();
  const int fd = a.release();
  EXPECT_FALSE(a.is_open());
  DatagramSocket again = DatagramSocket::adopt(fd);
  EXPECT_EQ(again.local_address(), where);
  DatagramSocket(where.family()).send_to("x", where);
  EXPECT_EQ(receive(again).text, "x");
}

INSTANTIATE_TEST_SUITE_P(, EveryDatagramTest,
                         ::testing::Values("127.0.0.1:0", "[::1]:0", "path", "abstract"),
                         [](const auto& row) {
                           const std::string kind = row.param;
                           return kind == "127.0.0.1:0" ? "ipv4"
                                  : kind == "[::1]:0"   ? "ipv6"
                                                        : kind;
                         });

// -- UDP -----------------------------------------------------------------------------------------

class UdpTest : public HubTest {};

TEST_F(UdpTest, a_refusal_is_told_to_a_connected_one) {
  Address nobody;
  {
    DatagramSocket gone(Address::loopback());
    nobody = gone.local_address();
  }
  DatagramSocket socket(AF_INET);
  socket.send_to("into the void", nobody); // nothing tells
  socket.connect(nobody);
  socket.send("x");
  char buffer[10];
  EXPECT_EQ(error_of([&] { socket.recv(buffer, 10s); }).value(), ECONNREFUSED);
  EXPECT_THROW(socket.recv(buffer, 1ms), TimeoutError) << "it was told once";
  const std::string text = text_of<std::system_error>([&] {
    for (int i = 0; i < 2; ++i)
      socket.send("x");
  });
  EXPECT_NE(text.find("send on udp 127.0.0.1:"), std::string::npos) << text;
  EXPECT_NE(text.find(nobody.to_string()), std::string::npos) << text;
}

TEST_F(UdpTest, errors_say_what_was_tried_on_what) {
  DatagramSocket socket(Address::loopback());
  const std::string in_use =
      text_of<std::system_error>([&] { DatagramSocket other(socket.local_address()); });
  EXPECT_NE(in_use.find("bind " + socket.local_address().to_string()), std::string::npos) << in_use;
  const std::string huge = text_of<std::system_error>(
      [&] { socket.send_to(std::string(100'000, 'x'), Address::loopback(9)); });
  EXPECT_NE(huge.find("send to 127.0.0.1:9 on udp 127.0.0.1:"), std::string::npos) << huge;
  EXPECT_EQ(
      error_of([&] { socket.send_to(std::string(100'000, 'x'), Address::loopback(9)); }).value(),
      EMSGSIZE);
  EXPECT_EQ(error_of([&] { socket.send("x"); }).value(), EDESTADDRREQ);
  EXPECT_EQ(error_of([] { DatagramSocket::adopt(-1); }).value(), EBADF);
}

TEST_F(UdpTest, what_is_no_datagram_socket_is_not_taken_over) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(error_of([&] { DatagramSocket::adopt(fd); }).value(), EPROTOTYPE);
  EXPECT_EQ(::close(fd), 0) << "it is still the caller's";
}

TEST_F(UdpTest, any_takes_both_families_unless_told_otherwise) {
  DatagramSocket both(Address::any());
  const std::uint16_t port = both.local_address().port();
  DatagramSocket(AF_INET).send_to("four", Address::loopback(port));
  EXPECT_EQ(receive(both).text, "four");
  DatagramSocket six(AF_INET6);
  six.send_to("six", Address::ip("::1", port));
  EXPECT_EQ(receive(both).text, "six");
  six.send_to("four by six", Address::loopback(port));
  const Received got = receive(both);
  EXPECT_EQ(got.text, "four by six");
  both.send_to("back", got.datagram.peer);
  EXPECT_EQ(receive(six).text, "back");

  DatagramSocket only(Address::any(), {.ipv6_only = true});
  DatagramSocket beside(Address::ip("0.0.0.0", only.local_address().port()));
}

TEST_F(UdpTest, several_sockets_share_a_port) {
  DatagramSocket one(Address::loopback(), {.reuse_port = true});
  DatagramSocket two(one.local_address(), {.reuse_port = true});
  EXPECT_EQ(one.local_address(), two.local_address());
}

// pitfall 49
TEST_F(UdpTest, one_that_never_waits_gives_way) {
  DatagramSocket sink(Address::loopback());
  DatagramSocket source(AF_INET);
  bool other_ran = false;
  auto other = spawn([&] { other_ran = true; });
  for (int i = 0; i < 100; ++i)
    source.send_to("x", sink.local_address());
  EXPECT_TRUE(other_ran);
}

// -- other programs ------------------------------------------------------------------------------

// gevent C27
TEST_F(UdpTest, python_gets_its_answer) {
  DatagramSocket server(Address::loopback());
  auto answers = spawn([&] {
    for (int i = 0; i < 3; ++i) {
      const Received got = receive(server, 60s);
      server.send_to("Received " + std::to_string(got.text.size()) + " bytes", got.datagram.peer);
    }
  });
  EXPECT_EQ(python("import socket, sys\n"
                   "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                   "s.settimeout(30)\n"
                   "for text in (b'hello', b'', b'x' * 1500):\n"
                   "    s.sendto(text, ('127.0.0.1', int(sys.argv[1])))\n"
                   "    print(s.recv(100).decode())\n",
                   {std::to_string(server.local_address().port())}),
            "Received 5 bytes\nReceived 0 bytes\nReceived 1500 bytes\n");
  answers.get();
}

TEST_F(UdpTest, netcat_gets_its_answer) {
  DatagramSocket server(Address::loopback());
  const std::string port = std::to_string(server.local_address().port());
  Process nc({"nc", "-u", "127.0.0.1", port}, {.in = Stdio::pipe(), .out = Stdio::pipe()});
  nc.in().write_all("hello\n");
  const Received got = receive(server, 60s);
  EXPECT_EQ(got.text, "hello\n");
  server.send_to("good day\n", got.datagram.peer);
  EXPECT_EQ(nc.out().read_line(60s), "good day");
}

} // namespace
} // namespace grove::test
