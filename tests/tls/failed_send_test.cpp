// SPDX-License-Identifier: MIT
// A send that fails tells that the peer has gone; what it said before can still be read.
#include <cerrno>
#include <optional>
#include <string>
#include <system_error>

#include <grove/hub/exceptions.hpp>

#include "../support/process_test.hpp"
#include "tls_test.hpp"

namespace grove::test {
namespace {

using tls::TlsStream;
using tls::Version;

class FailedSendTest : public TlsTest, public ::testing::WithParamInterface<Version> {
protected:
  tls::ClientContext client_of_version() {
    tls::ClientOptions options = client_options();
    options.max_version = GetParam();
    return tls::ClientContext(options);
  }
  // Sends until that fails; with which error.
  static int send_in_vain(TlsStream& stream) {
    const std::string much(16'384, 'x');
    for (int i = 0; i < 10'000; ++i) {
      const int code = code_of([&] { stream.send_all(much, 10s); });
      if (code != 0)
        return code;
    }
    return 0;
  }
  static bool means_gone(int code) { return code == EPIPE || code == ECONNRESET; }
};
INSTANTIATE_TEST_SUITE_P(of, FailedSendTest, ::testing::Values(Version::tls_1_2, Version::tls_1_3),
                         [](const auto& version) {
                           return version.param == Version::tls_1_2 ? "1_2" : "1_3";
                         });

// reliability 11
TEST_P(FailedSendTest, leaves_what_the_peer_had_sent) {
  for (const bool over_tcp : {true, false}) {
    Sides sides = shake_hands(client_of_version(), server_, "localhost",
                              over_tcp ? Connected::tcp() : Connected::unix_pair());
    TlsStream& client = *sides.client;
    client.send_all("a question that nobody reads");
    sides.server->send_all("goodbye");
    sides.server->close();
    EXPECT_PRED1(means_gone, send_in_vain(client));
    EXPECT_PRED1(means_gone, code_of([&] { client.send("x"); })) << "and again";
    EXPECT_PRED1(means_gone, code_of([&] { client.shutdown_write(); }));
    EXPECT_TRUE(client.wait_readable(10s));
    EXPECT_EQ(client.recv(100, 10s), "goodbye");
    EXPECT_EQ(client.recv(100, 10s), "") << "it has said that this is the end";
  }
}

TEST_P(FailedSendTest, does_not_disturb_who_receives) {
  Sides sides = shake_hands(client_of_version(), server_, "localhost", Connected::tcp());
  TlsStream& client = *sides.client;
  auto reader = spawn([&] {
    std::string all;
    while (all.size() < 7)
      all += client.recv(100, 10s);
    return all;
  });
  settle();
  client.send_all("a question that nobody reads");
  sides.server->send_all("goodbye");
  sides.server->close();
  EXPECT_PRED1(means_gone, send_in_vain(client));
  EXPECT_EQ(std::move(reader).get(10s), "goodbye");
}

// The client of TLS 1.3 is done before the server has seen its certificate, and may be sending when
// it is refused.
// reliability 37
TEST_P(FailedSendTest, leaves_the_reason_why_the_peer_has_gone) {
  tls::ServerOptions options = server_options();
  options.client_certificates = tls::ClientCertificates::required;
  options.client_authorities = root().authorities();
  Sides sides =
      shake_hands(client_of_version(), tls::ServerContext(options), "localhost", Connected::tcp());
  EXPECT_EQ(tls_error_of(sides.server).phase(), Phase::handshake);
  if (GetParam() == Version::tls_1_2) {
    EXPECT_EQ(tls_error_of(sides.client).reason(), Reason::refused);
    return;
  }
  TlsStream& client = *sides.client;
  EXPECT_PRED1(means_gone, send_in_vain(client));
  const tls::TlsError error = tls_error_of([&] { client.recv(100, 10s); });
  EXPECT_EQ(error.reason(), Reason::refused) << error.what();
  EXPECT_EQ(error.alert(), 116) << "certificate_required: " << error.what();
  EXPECT_EQ(tls_error_of([&] { client.send("x"); }).alert(), 116) << "now that it is known";
}

// Whoever says what it has to say and closes, before the server has sent its tickets.
TEST_P(FailedSendTest, of_tickets_does_not_keep_a_server_from_reading) {
  Connected ends = Connected::unix_pair();
  auto client = spawn([&] {
    TlsStream stream =
        tls::wrap_client(std::move(ends.client), client_of_version(), "localhost", 10s);
    stream.send_all("all that I have to say");
  });
  auto server = spawn([&] {
    TlsStream stream = tls::wrap_server(std::move(ends.server), server_, 10s);
    client.join();
    std::string all;
    while (all.size() < 22)
      all += stream.recv(100, 10s);
    EXPECT_EQ(stream.recv(100, 10s), "");
    return all;
  });
  EXPECT_EQ(std::move(server).get(), "all that I have to say");
}

// A peer that refuses whoever connects, before it has been asked anything.
TEST_P(FailedSendTest, in_the_handshake_tells_what_the_peer_had_said) {
  Connected ends = Connected::unix_pair();
  ends.server.send_all(std::string("\x15\x03\x03\x00\x02\x02\x28", 7)); // fatal: handshake_failure
  ends.server.close();
  const tls::TlsError error = tls_error_of(
      [&] { tls::wrap_client(std::move(ends.client), client_of_version(), "localhost", 10s); });
  EXPECT_EQ(error.reason(), Reason::refused) << error.what();
  EXPECT_EQ(error.alert(), 40) << error.what();
}

TEST_P(FailedSendTest, in_the_handshake_is_an_error_by_itself_if_the_peer_had_said_nothing) {
  Connected ends = Connected::unix_pair();
  ends.server.shutdown_read(); // and stays: there is nothing to read, nor an end
  EXPECT_EQ(code_of([&] {
              tls::wrap_client(std::move(ends.client), client_of_version(), "localhost", 10s);
            }),
            EPIPE);
}

} // namespace
} // namespace grove::test
