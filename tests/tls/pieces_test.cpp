// SPDX-License-Identifier: MIT
// Bytes that arrive one by one, and messages of the handshake protocol that come in several records
// long after the handshake: tickets of TLS 1.3.
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include <openssl/ssl.h>
#include <sys/ioctl.h>

#include <grove/hub/exceptions.hpp>
#include <grove/hub/group.hpp>

#include <server_state.hpp>

#include "tls_test.hpp"

namespace grove::test {
namespace {

using tls::TlsStream;
using tls::Version;

// What both sides say goes through our hands, in records of half a kilobyte. A ticket holds the
// client's certificate, and needs several.
class RelayedTest : public TlsTest {
protected:
  void TearDown() override {
    client_.reset();
    server_.reset();
    TlsTest::TearDown();
  }
  GreenletRef<> begin(Version version) {
    tls::ServerOptions options = server_options();
    options.client_certificates = tls::ClientCertificates::required;
    options.client_authorities = root().authorities();
    const tls::ServerContext context(options);
    SSL_CTX_set_max_send_fragment(context.state()->config()->context(), 512);
    tls::ClientOptions own = client_options();
    own.max_version = version;
    own.identity = issue({.name = "ann", .purpose = "clientAuth"}, &root()).identity();
    const tls::ClientContext mine(own);
    return spawn([this, context, mine] {
      auto server =
          spawn([&] { server_.emplace(tls::wrap_server(std::move(right_.server), context, 30s)); });
      client_.emplace(tls::wrap_client(std::move(left_.client), mine, "localhost", 30s));
      server.get();
    });
  }

  Connected left_ = Connected::unix_pair();
  Connected right_ = Connected::unix_pair();
  std::optional<TlsStream> client_;
  std::optional<TlsStream> server_; // hides the context
};

// -- one by one -----------------------------------------------------------------------------------

class ByteByByteTest : public RelayedTest, public ::testing::WithParamInterface<Version> {
protected:
  static void drip(net::StreamSocket& from, net::StreamSocket& to) {
    char byte = 0;
    while (from.recv_into({&byte, 1}) != 0) {
      to.send_all({&byte, 1});
      yield();
    }
    to.shutdown_write();
  }
};
INSTANTIATE_TEST_SUITE_P(of, ByteByByteTest, ::testing::Values(Version::tls_1_2, Version::tls_1_3),
                         [](const auto& version) {
                           return version.param == Version::tls_1_2 ? "1_2" : "1_3";
                         });

TEST_P(ByteByByteTest, all_arrives_while_both_sides_send_and_receive) {
  auto forth = spawn([this] { drip(left_.server, right_.client); });
  auto back = spawn([this] { drip(right_.client, left_.server); });
  begin(GetParam()).get();
  const auto line = [](int i) { return "line " + std::to_string(100 + i); };
  constexpr int lines = 100;
  const auto talk = [&](Group& all, TlsStream& stream) {
    all.spawn([&] { // before, while and after the server's tickets arrive
      for (int i = 0; i < lines; ++i) {
        stream.send_all(line(i));
        settle(30);
      }
      stream.shutdown_write();
    });
    all.spawn([&] {
      for (int i = 0; i < lines; ++i)
        EXPECT_EQ(stream.recv_exactly(line(i).size(), 30s), line(i));
      EXPECT_EQ(stream.recv(1, 30s), "");
    });
  };
  scope([&](Group& all) {
    talk(all, *client_);
    talk(all, *server_);
  });
  client_->close();
  server_->close();
  forth.get();
  back.get();
}

// -- the first half of a ticket -------------------------------------------------------------------

class HalfTicketTest : public RelayedTest {
protected:
  void SetUp() override {
    RelayedTest::SetUp();
    const int descriptor = left_.client.descriptor();
    auto ready = begin(Version::tls_1_3);
    while (!client_) {
      settle();
      pass(left_.server, right_.client);
      settle();
      pass(right_.client, left_.server);
      settle();
    }
    pass(left_.server, right_.client);
    ready.get(30s);
    tickets_ = taken(right_.client);
    // The first record whole, so that OpenSSL sees the beginning of the message, and some of the
    // second.
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(tickets_.at(i)); };
    const std::size_t first = 5U + 256U * at(3) + at(4);
    ASSERT_GT(tickets_.size(), 2 * first) << "two tickets, of two records each";
    left_.server.send_all(tickets_.substr(0, first + 20));
    tickets_.erase(0, first + 20);
    has_unread_ = [descriptor] {
      int bytes = 0;
      return ioctl(descriptor, FIONREAD, &bytes) == 0 && bytes != 0;
    };
  }
  static std::string taken(net::StreamSocket& from) {
    std::string all;
    char piece[4096];
    while (const auto n = from.try_recv_into(piece))
      all.append(piece, *n);
    return all;
  }
  static void pass(net::StreamSocket& from, net::StreamSocket& to) { to.send_all(taken(from)); }

  GreenletRef<> sender() {
    return spawn([this] { client_->send_all("hello"); });
  }
  GreenletRef<std::string> reader() {
    auto reading = spawn([this] { return client_->recv(100); });
    do
      sleep(100us);
    while (has_unread_());
    EXPECT_FALSE(reading.ready());
    return reading;
  }
  void expect_to_wait(const GreenletRef<>& writer) {
    settle();
    EXPECT_FALSE(writer.ready()) << "it is in the middle of a message";
    EXPECT_EQ(taken(left_.server), "");
  }
  void bring_the_rest() { left_.server.send_all(tickets_); }
  void expect_sent(const GreenletRef<>& writer) {
    writer.get(10s);
    pass(left_.server, right_.client);
    EXPECT_EQ(server_->recv(100, 10s), "hello");
  }
  void answer() {
    server_->send_all("answer");
    pass(right_.client, left_.server);
  }

  std::string tickets_; // the rest of them
  std::function<bool()> has_unread_;
};

TEST_F(HalfTicketTest, holds_up_a_sender_until_the_reader_has_the_rest) {
  auto reading = reader();
  auto writing = sender();
  expect_to_wait(writing);
  bring_the_rest();
  expect_sent(writing);
  answer();
  EXPECT_EQ(std::move(reading).get(10s), "answer");
}

TEST_F(HalfTicketTest, is_completed_by_a_sender_where_nobody_reads) {
  EXPECT_THROW(client_->recv(100, 0ms), TimeoutError);
  auto writing = sender();
  expect_to_wait(writing);
  bring_the_rest();
  expect_sent(writing);
  answer();
  EXPECT_EQ(client_->recv(100, 10s), "answer");
}

TEST_F(HalfTicketTest, a_reader_that_comes_while_a_sender_completes_it_waits_behind_it) {
  EXPECT_THROW(client_->recv(100, 0ms), TimeoutError);
  auto writing = sender();
  expect_to_wait(writing);
  auto reading = reader();
  EXPECT_THROW(client_->recv(100, 1ms), TimeoutError);
  EXPECT_FALSE(client_->wait_readable(1ms));
  EXPECT_FALSE(reading.ready());
  bring_the_rest();
  expect_sent(writing);
  answer();
  EXPECT_EQ(std::move(reading).get(10s), "answer");
}

TEST_F(HalfTicketTest, is_left_to_who_reads_when_the_sender_that_completed_it_is_killed) {
  EXPECT_THROW(client_->recv(100, 0ms), TimeoutError);
  auto writing = sender();
  expect_to_wait(writing);
  auto reading = reader();
  writing.kill();
  bring_the_rest();
  answer();
  EXPECT_EQ(std::move(reading).get(10s), "answer");
  expect_sent(sender());
}

TEST_F(HalfTicketTest, is_completed_by_a_sender_when_the_reader_is_killed) {
  auto reading = reader();
  auto writing = sender();
  expect_to_wait(writing);
  reading.kill();
  expect_to_wait(writing);
  bring_the_rest();
  expect_sent(writing);
}

TEST_F(HalfTicketTest, holds_up_the_end_as_well) {
  auto reading = reader();
  auto ending = spawn([this] { client_->shutdown_write(); });
  expect_to_wait(ending);
  bring_the_rest();
  ending.get(10s);
  pass(left_.server, right_.client);
  EXPECT_EQ(server_->recv(100, 10s), "");
  answer();
  EXPECT_EQ(std::move(reading).get(10s), "answer");
}

TEST_F(HalfTicketTest, closing_wakes_everybody) {
  auto reading = reader();
  auto writing = sender();
  expect_to_wait(writing);
  client_->close();
  EXPECT_THROW(writing.get(10s), Closed);
  EXPECT_THROW(reading.get(10s), Closed);
}

TEST_F(HalfTicketTest, a_senders_deadline_ends_its_wait) {
  auto reading = reader();
  EXPECT_THROW(client_->send_all("hello", 1ms), TimeoutError);
  bring_the_rest();
  answer();
  EXPECT_EQ(std::move(reading).get(10s), "answer");
}

} // namespace
} // namespace grove::test
