// SPDX-License-Identifier: MIT
// A message of the handshake protocol that comes in pieces, long after the handshake: a ticket of
// TLS 1.3 in several records.
#include <optional>
#include <string>
#include <utility>

#include <openssl/ssl.h>

#include <server_state.hpp>

#include "tls_test.hpp"

namespace grove::test {
namespace {

using tls::TlsStream;

class HalfMessageTest : public TlsTest {
protected:
  // The bytes go through our hands. A ticket holds the client's certificate, and so is large.
  HalfMessageTest() {
    tls::ServerOptions options = server_options();
    options.client_certificates = tls::ClientCertificates::required;
    options.client_authorities = root().authorities();
    const tls::ServerContext context(options);
    SSL_CTX_set_max_send_fragment(context.state()->config()->context(), 512);
    tls::ClientOptions own = client_options();
    own.identity = issue({.name = "ann", .purpose = "clientAuth"}, &root()).identity();

    auto server = spawn([&, socket = std::move(right_.server)]() mutable {
      return tls::wrap_server(std::move(socket), context);
    });
    auto client = spawn([&, socket = std::move(left_.client)]() mutable {
      return tls::wrap_client(std::move(socket), tls::ClientContext(own), "localhost");
    });
    while (!client.ready()) {
      settle();
      pass(left_.server, right_.client);
      settle();
      pass(right_.client, left_.server);
      settle();
    }
    client_.emplace(std::move(client).get());
    pass(left_.server, right_.client);
    server_.emplace(std::move(server).get(10s));
    tickets_ = taken(right_.client);
    left_.server.send_all(tickets_.substr(0, 700));
    tickets_.erase(0, 700);
  }
  void TearDown() override {
    client_.reset();
    server_.reset();
    TlsTest::TearDown();
  }
  static std::string taken(net::StreamSocket& from) {
    std::string all;
    char piece[4096];
    while (const auto n = from.try_recv_into(piece)) {
      if (*n == 0)
        break;
      all.append(piece, *n);
    }
    return all;
  }
  static void pass(net::StreamSocket& from, net::StreamSocket& to) { to.send_all(taken(from)); }
  // The rest of the tickets arrives, and what the client sends then.
  void expect_sent(GreenletRef<>& writer) {
    settle();
    EXPECT_FALSE(writer.ready()) << "it is in the middle of a message";
    EXPECT_EQ(taken(left_.server), "");
    left_.server.send_all(tickets_);
    writer.get(10s);
    pass(left_.server, right_.client);
    EXPECT_EQ(server_->recv(100, 10s), "hello");
  }
  void expect_received() {
    server_->send_all("answer");
    pass(right_.client, left_.server);
  }
  GreenletRef<> sender() {
    return spawn([this] { client_->send_all("hello"); });
  }

  Connected left_ = Connected::unix_pair();
  Connected right_ = Connected::unix_pair();
  std::optional<TlsStream> client_, server_; // hide the contexts
  std::string tickets_;
};

TEST_F(HalfMessageTest, holds_up_a_sender_until_the_reader_has_the_rest) {
  ASSERT_GT(tickets_.size(), 100u);
  auto reader = spawn([&] { return client_->recv(100); });
  settle();
  GreenletRef<> writer = sender();
  expect_sent(writer);
  expect_received();
  EXPECT_EQ(std::move(reader).get(10s), "answer");
}

TEST_F(HalfMessageTest, is_completed_by_a_sender_where_nobody_reads) {
  EXPECT_THROW(client_->recv(100, 1ms), TimeoutError);
  GreenletRef<> writer = sender();
  expect_sent(writer);
  expect_received();
  EXPECT_EQ(client_->recv(100, 10s), "answer");
}

TEST_F(HalfMessageTest, is_completed_by_a_sender_when_the_reader_is_killed) {
  auto reader = spawn([&] { client_->recv(100); });
  settle();
  GreenletRef<> writer = sender();
  settle();
  reader.kill();
  expect_sent(writer);
}

TEST_F(HalfMessageTest, closing_wakes_the_sender) {
  auto reader = spawn([&] { client_->recv(100); });
  settle();
  GreenletRef<> writer = sender();
  settle();
  client_->close();
  EXPECT_THROW(writer.get(10s), Closed);
  EXPECT_THROW(reader.get(10s), Closed);
}

TEST_F(HalfMessageTest, a_senders_deadline_ends_its_wait) {
  auto reader = spawn([&] { return client_->recv(100); });
  settle();
  EXPECT_THROW(client_->send_all("hello", 1ms), TimeoutError);
  left_.server.send_all(tickets_);
  expect_received();
  EXPECT_EQ(std::move(reader).get(10s), "answer");
}

} // namespace
} // namespace grove::test
