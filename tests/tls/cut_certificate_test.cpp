// SPDX-License-Identifier: MIT
// Certificates that are cut off on their way, of either side: who gets one says what is wrong and
// with whom, the other side is told, and nobody else notices. (TLS 1.2, which sends them in the
// clear: a man in the middle needs no key.)
#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include <grove/hub/join.hpp>

#include "../support/open_descriptors.hpp"
#include "tls_test.hpp"

namespace grove::test {
namespace {

using net::StreamSocket;
using tls::TlsError;
using tls::TlsStream;

enum class Whose { servers, clients };
enum class Cut {
  certificate, // half of it, in a message that is sound
  list,        // a message that ends before the certificate does
  connection,  // half a message, and nothing behind it
};

std::size_t number(std::string_view bytes) {
  std::size_t value = 0;
  for (const char byte : bytes)
    value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}
std::string bytes(std::size_t value, std::size_t count) {
  std::string text(count, '\0');
  for (; count > 0; value >>= 8)
    text[--count] = static_cast<char>(value & 0xff);
  return text;
}

constexpr char handshake = 22;   // RFC 5246, 6.2.1
constexpr char certificate = 11; // 7.4

std::string record(const std::string& message) {
  return handshake + std::string("\3\3") + bytes(message.size(), 2) + message;
}
std::string message_of_certificates(const std::string& list) {
  return certificate + bytes(list.size(), 3) + list;
}
// `message`: type, length, length of the list, length of its first certificate, that.
std::string cut_off(const std::string& message, Cut cut) {
  constexpr std::size_t before = 1 + 3 + 3 + 3;
  const std::string half = message.substr(before, number(message.substr(7, 3)) / 2);
  switch (cut) {
  case Cut::certificate: {
    const std::string one = bytes(half.size(), 3) + half;
    return record(message_of_certificates(bytes(one.size(), 3) + one));
  }
  case Cut::list:
    return record(message_of_certificates(message.substr(4, 6) + half));
  case Cut::connection:
    break;
  }
  const std::string whole = record(message);
  return whole.substr(0, whole.size() / 2);
}

// Passes on what one side says until its certificate has come, and of that a part.
void pass_on_and_cut(StreamSocket& from, StreamSocket& to, Cut cut) {
  std::string said;
  for (;;) {
    const std::string header = from.recv_exactly(5);
    ASSERT_EQ(header.at(0), handshake);
    said += from.recv_exactly(number(header.substr(3)));
    while (said.size() >= 4 && said.size() >= 4 + number(said.substr(1, 3))) {
      const std::string message = said.substr(0, 4 + number(said.substr(1, 3)));
      said.erase(0, message.size());
      if (message[0] == certificate) {
        to.send_all(cut_off(message, cut));
        if (cut == Cut::connection)
          to.shutdown_write();
        return;
      }
      to.send_all(record(message));
    }
  }
}
void pass_on(StreamSocket& from, StreamSocket& to) {
  for (std::string piece; !(piece = from.recv(16'384)).empty();)
    to.send_all(piece);
  to.shutdown_write();
}

class CutCertificateTest : public TlsTest,
                           public ::testing::WithParamInterface<std::tuple<Whose, Cut>> {
protected:
  static tls::ServerOptions server_options() {
    tls::ServerOptions options = TlsTest::server_options();
    options.client_certificates = tls::ClientCertificates::required;
    options.client_authorities = root().authorities();
    return options;
  }
  static tls::ClientOptions client_options() {
    tls::ClientOptions options = TlsTest::client_options();
    options.max_version = tls::Version::tls_1_2;
    options.identity = issue({.name = "ann", .purpose = "clientAuth"}, &root()).identity();
    return options;
  }
  // A handshake through our hands.
  Sides shake_hands_and_cut(Whose whose, Cut cut) {
    Connected left = Connected::tcp();  // the client's
    Connected right = Connected::tcp(); // the server's
    auto server = spawn([&] {
      return side_of([&] { return tls::wrap_server(std::move(right.server), server_, 30s); });
    });
    auto client = spawn([&] {
      return side_of(
          [&] { return tls::wrap_client(std::move(left.client), client_, "localhost", 30s); });
    });
    const auto carry = [cut](StreamSocket& from, StreamSocket& to, bool the_certificate) {
      if (the_certificate)
        pass_on_and_cut(from, to, cut);
      else
        pass_on(from, to);
    };
    auto to_client = spawn([&] { carry(right.client, left.server, whose == Whose::servers); });
    auto to_server = spawn([&] { carry(left.server, right.client, whose == Whose::clients); });
    join_all({to_client, to_server});
    left.server.close(); // the man in the middle goes
    right.client.close();
    return {std::move(client).get(), std::move(server).get()};
  }
  tls::ServerContext server_{server_options()};
  tls::ClientContext client_{client_options()};
};
std::string name_of(const ::testing::TestParamInfo<std::tuple<Whose, Cut>>& each) {
  const auto [whose, cut] = each.param;
  const std::string of = whose == Whose::servers ? "the_servers" : "the_clients";
  return of + (cut == Cut::certificate ? "" : cut == Cut::list ? "_message" : "_connection");
}
INSTANTIATE_TEST_SUITE_P(of, CutCertificateTest,
                         ::testing::Combine(::testing::Values(Whose::servers, Whose::clients),
                                            ::testing::Values(Cut::certificate, Cut::list,
                                                              Cut::connection)),
                         name_of);

// reliability 37
TEST_P(CutCertificateTest, is_told_by_name_and_to_the_other_side_and_disturbs_nobody) {
  const auto [whose, cut] = GetParam();
  Sides others = shake_hands(client_, server_);
  ASSERT_TRUE(others.client.stream.has_value() && others.server.stream.has_value());
  const auto open = open_descriptors();

  Sides sides = shake_hands_and_cut(whose, cut);
  const TlsError mine = tls_error_of(whose == Whose::servers ? sides.client : sides.server);
  EXPECT_EQ(mine.phase(), Phase::handshake);
  EXPECT_EQ(mine.reason(), cut == Cut::certificate ? Reason::bad_certificate
                           : cut == Cut::list      ? Reason::protocol
                                                   : Reason::truncated)
      << mine.what();
  EXPECT_NE(std::string(mine.what()).find("TLS handshake with tcp 127.0.0.1:"), std::string::npos)
      << mine.what();
  const TlsError theirs = tls_error_of(whose == Whose::servers ? sides.server : sides.client);
  EXPECT_EQ(theirs.phase(), Phase::handshake);
  EXPECT_EQ(theirs.reason(), Reason::refused) << theirs.what();
  EXPECT_EQ(open_descriptors(), open);

  others.client->send_all("still here");
  EXPECT_EQ(others.server->recv_exactly(10), "still here");
  EXPECT_TRUE(shake_hands(client_, server_).client.stream.has_value());
}

} // namespace
} // namespace grove::test
