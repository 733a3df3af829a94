// SPDX-License-Identifier: MIT
// Stream sockets: receiving and sending that waits, ends, errors.
#include <cerrno>
#include <chrono>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <sys/socket.h>

#include <grove/hub/exceptions.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/net/connect.hpp>
#include <grove/net/listener.hpp>
#include <grove/net/stream_socket.hpp>

#include "../support/connected.hpp"
#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

using net::StreamSocket;

class StreamSocketTest : public HubTest {
protected:
  Connected ends_ = Connected::tcp();
  StreamSocket& client_ = ends_.client;
  StreamSocket& server_ = ends_.server;
};

// gevent C1
TEST_F(StreamSocketTest, long_data_arrives_complete) {
  std::string data(8 << 20, ' ');
  for (std::size_t i = 0; i < data.size(); ++i)
    data[i] = static_cast<char>(i * 7 + (i >> 13));
  auto sender = spawn([&] {
    client_.send_all(data);
    client_.shutdown_write();
  });
  EXPECT_EQ(server_.recv_exactly(data.size()), data);
  EXPECT_EQ(server_.recv(100), "");
  sender.get();
}

TEST_F(StreamSocketTest, parts_leave_together_and_in_order) {
  std::vector<std::string> texts;
  std::string whole;
  for (int i = 0; i < 100; ++i) {
    texts.push_back(i % 7 == 0 ? ""
                               : std::string(static_cast<std::size_t>(i) * 1000,
                                             static_cast<char>('a' + i % 26)));
    whole += texts.back();
  }
  const std::vector<std::string_view> parts(texts.begin(), texts.end());
  auto sender = spawn([&] { client_.send_all(parts); });
  EXPECT_EQ(server_.recv_exactly(whole.size()), whole);
  sender.get();
  const std::vector<std::string_view> two{"head ", "body"};
  client_.send_all(two);
  EXPECT_EQ(server_.recv(100), "head body");
}

// gevent C2
TEST_F(StreamSocketTest, nothing_is_sent_at_once) {
  client_.send_all("");
  client_.send_all("", 1s);
  EXPECT_EQ(client_.send("", 1s), 0u);
  EXPECT_EQ(client_.try_send(""), 0u);
  client_.send_all(std::vector<std::string_view>{"", ""});
  client_.close();
  EXPECT_EQ(server_.recv(10), "");
}

// gevent C4
TEST_F(StreamSocketTest, one_reads_while_another_writes_the_same_socket) {
  std::string got;
  auto reader = spawn([&] { got = client_.recv_exactly(6); });
  auto writer = spawn([&] { client_.send_all("to server"); });
  EXPECT_EQ(server_.recv_exactly(9), "to server");
  server_.send_all("answer");
  reader.get();
  writer.get();
  EXPECT_EQ(got, "answer");
}

// gevent C5
TEST_F(StreamSocketTest, a_receive_that_is_late_is_a_timeout_error) {
  const auto begin = Clock::now();
  try {
    server_.recv(1, 50ms);
    FAIL();
  } catch (const TimeoutError& e) {
    EXPECT_NE(std::string(e.what()).find("recv on tcp 127.0.0.1:"), std::string::npos) << e.what();
  }
  EXPECT_GE(Clock::now() - begin, 50ms);
  client_.send_all("x");
  EXPECT_EQ(server_.recv(10, 10s), "x");
}

// gevent C6
TEST_F(StreamSocketTest, one_deadline_holds_for_all_of_a_send) {
  const std::string much(500 << 20, 'm');
  const auto begin = Clock::now();
  EXPECT_THROW(client_.send_all(much, 100ms), TimeoutError);
  EXPECT_GE(Clock::now() - begin, 100ms);
  EXPECT_LT(Clock::now() - begin, 30s);
}

TEST_F(StreamSocketTest, what_is_there_is_taken_even_after_the_deadline) {
  client_.send_all("first");
  EXPECT_EQ(server_.recv(100), "first"); // a short read: the next one waits before it tries
  client_.send_all("second");
  EXPECT_EQ(server_.recv(100, 0s), "second");
  EXPECT_THROW(server_.recv(100, 0s), TimeoutError);
}

// gevent C19, pitfall 38
TEST_F(StreamSocketTest, closing_wakes_who_receives) {
  auto reader = spawn([&] { server_.recv(1); });
  settle();
  server_.close();
  EXPECT_THROW(reader.get(), Closed);
  EXPECT_FALSE(server_.is_open());
  server_.close();
}

TEST_F(StreamSocketTest, closing_wakes_who_sends) {
  fill(client_);
  auto writer = spawn([&] { client_.send_all("more"); });
  settle();
  client_.close();
  EXPECT_THROW(writer.get(), Closed);
}

// gevent C20
TEST_F(StreamSocketTest, a_second_reader_is_told_so_and_the_first_undisturbed) {
  auto reader = spawn([&] { return server_.recv(10); });
  settle();
  for (int i = 0; i < 2; ++i) {
    EXPECT_THROW(server_.recv(1), std::logic_error);
    EXPECT_THROW(server_.wait_readable(), std::logic_error);
    std::vector<char> one(1);
    EXPECT_THROW(server_.try_recv_into(one), std::logic_error);
  }
  client_.send_all("to the first");
  EXPECT_EQ(reader.get(), "to the fir");
  EXPECT_EQ(server_.recv(10), "st");
}

// gevent C21
TEST_F(StreamSocketTest, a_closed_socket_says_so_without_a_switch) {
  client_.close();
  bool ran = false;
  auto other = spawn([&] { ran = true; });
  EXPECT_THROW(client_.send_all("x", 1s), Closed);
  EXPECT_THROW(client_.recv(1, 1s), Closed);
  EXPECT_FALSE(ran);
  other.get();
  EXPECT_EQ(client_.descriptor(), -1);
}

// gevent C24, C14
TEST(Connect, a_refusal_names_whom_it_asked) {
  net::Address address;
  {
    const net::Listener listener(net::Address::loopback());
    address = listener.local_address();
  }
  for (const bool bound : {false, true}) {
    try {
      net::ConnectOptions options;
      if (bound)
        options.bind_to = net::Address::ip("127.0.0.2", 0);
      net::connect(address, 10s, options);
      FAIL();
    } catch (const std::system_error& e) {
      EXPECT_EQ(e.code(), std::errc::connection_refused);
      EXPECT_EQ(std::string(e.what()),
                "connect to " + address.to_string() + ": Connection refused");
    }
  }
}

TEST(Connect, the_source_address_can_be_chosen) {
  net::Listener listener(net::Address::loopback());
  net::StreamSocket client =
      net::connect(listener.local_address(), 10s, {.bind_to = net::Address::ip("127.0.0.3", 0)});
  net::StreamSocket server = listener.accept();
  EXPECT_EQ(server.peer_address().host(), "127.0.0.3");
  EXPECT_EQ(server.peer_address(), client.local_address());
  EXPECT_EQ(client.peer_address(), listener.local_address());
}

// gevent C25
TEST(SocketPair, what_was_written_before_the_end_is_read) {
  auto [writer, reader] = net::socket_pair();
  writer.send_all("all of it");
  writer.close();
  EXPECT_EQ(reader.recv_exactly(9), "all of it");
  EXPECT_EQ(reader.recv(1), "");
}

TEST_F(StreamSocketTest, what_a_killed_receiver_had_is_read_by_the_next) {
  auto reader = spawn([&] { server_.recv_exactly(10); });
  settle();
  client_.send_all("01234");
  sleep(1ms); // it takes the first half, or not: nothing is lost
  reader.kill();
  client_.send_all("56789");
  EXPECT_EQ(server_.recv_exactly(10), "0123456789");
}

TEST_F(StreamSocketTest, an_end_in_the_middle_is_closed_and_keeps_what_came) {
  client_.send_all("half");
  client_.close();
  EXPECT_THROW(server_.recv_exactly(8), Closed);
  EXPECT_EQ(server_.recv(8), "half");
  EXPECT_EQ(server_.recv(8), "");
}

} // namespace
} // namespace grove::test
