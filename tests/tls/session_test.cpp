// SPDX-License-Identifier: MIT
// Sessions that are resumed, and those that must not be.
#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include <openssl/evp.h>

#include <ticket_keys.hpp>

#include "tls_test.hpp"

namespace grove::test {
namespace {

using tls::Version;
using tls::detail::TicketKeys;

class SessionTest : public TlsTest, public ::testing::WithParamInterface<Version> {
protected:
  tls::ClientContext client(std::size_t sessions = 10) {
    tls::ClientOptions options = client_options();
    options.max_version = GetParam();
    options.sessions = sessions;
    return tls::ClientContext(options);
  }
  // Whether both say that they have resumed. Tickets of TLS 1.3 come with the first bytes.
  bool resumed(const tls::ClientContext& client, const tls::ServerContext& server,
               const char* host = "localhost") {
    Sides sides = shake_hands(client, server, host);
    sides.server->send_all("hello");
    EXPECT_EQ(sides.client->recv(10), "hello");
    EXPECT_EQ(sides.client->resumed(), sides.server->resumed());
    return sides.client->resumed();
  }
};
INSTANTIATE_TEST_SUITE_P(of, SessionTest, ::testing::Values(Version::tls_1_2, Version::tls_1_3),
                         [](const auto& version) {
                           return version.param == Version::tls_1_2 ? "1_2" : "1_3";
                         });

TEST_P(SessionTest, the_second_connection_to_a_host_resumes_the_first) {
  const tls::ClientContext mine = client();
  EXPECT_FALSE(resumed(mine, server_));
  for (int i = 0; i < 5; ++i)
    EXPECT_TRUE(resumed(mine, server_)) << i;
}
TEST_P(SessionTest, what_was_verified_stays_known_when_it_is_resumed) {
  const tls::ClientContext mine = client();
  resumed(mine, server_);
  Sides sides = shake_hands(mine, server_);
  ASSERT_TRUE(sides.client->resumed());
  EXPECT_EQ(sides.client->peer_certificate()->pem, localhost().chain);
}
TEST_P(SessionTest, a_session_is_not_resumed_with_another_host) {
  const tls::ServerContext server(
      {.identities = {issue({.names = {"DNS:a.test", "DNS:b.test"}}, &root()).identity()}});
  const tls::ClientContext mine = client();
  EXPECT_FALSE(resumed(mine, server, "a.test"));
  EXPECT_FALSE(resumed(mine, server, "b.test"));
  EXPECT_TRUE(resumed(mine, server, "a.test"));
}
TEST_P(SessionTest, nothing_is_resumed_after_a_reload) {
  const tls::ClientContext mine = client();
  resumed(mine, server_);
  server_.reload(server_options());
  EXPECT_FALSE(resumed(mine, server_));
}
TEST_P(SessionTest, a_server_may_issue_no_tickets_and_a_client_keep_none) {
  tls::ServerOptions options = server_options();
  options.ticket_lifetime = 0s;
  const tls::ServerContext without(options);
  const tls::ClientContext mine = client();
  EXPECT_FALSE(resumed(mine, without));
  EXPECT_FALSE(resumed(mine, without));
  const tls::ClientContext forgetful = client(0);
  EXPECT_FALSE(resumed(forgetful, server_));
  EXPECT_FALSE(resumed(forgetful, server_));
}
TEST_P(SessionTest, a_client_with_a_certificate_is_resumed_with_it) {
  tls::ServerOptions options = server_options();
  options.client_certificates = tls::ClientCertificates::required;
  options.client_authorities = root().authorities();
  const tls::ServerContext server(options);
  tls::ClientOptions own = client_options();
  own.max_version = GetParam();
  own.identity = issue({.name = "ann", .purpose = "clientAuth"}, &root()).identity();
  const tls::ClientContext mine(own);
  EXPECT_FALSE(resumed(mine, server));
  Sides sides = shake_hands(mine, server);
  EXPECT_TRUE(sides.client->resumed());
  EXPECT_EQ(sides.server->peer_certificate()->subject, "CN=ann");
}
TEST_P(SessionTest, one_that_is_forgotten_is_not_resumed) {
  const tls::ServerContext server(
      {.identities = {issue({.names = {"DNS:a.test", "DNS:b.test"}}, &root()).identity()}});
  const tls::ClientContext mine = client(1);
  resumed(mine, server, "a.test");
  resumed(mine, server, "b.test");
  EXPECT_FALSE(resumed(mine, server, "a.test"));
}

// -- the keys of tickets --------------------------------------------------------------------------

class TicketKeysTest : public ::testing::Test {
protected:
  struct Ticket {
    std::array<unsigned char, 16> name{};
    std::array<unsigned char, EVP_MAX_IV_LENGTH> iv{};
  };
  int prepare(TicketKeys::Use use, Ticket& ticket, std::chrono::seconds at) {
    const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> cipher(
        EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
    const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> hmac(
        EVP_MAC_fetch(nullptr, "HMAC", nullptr), EVP_MAC_free);
    const std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> mac(EVP_MAC_CTX_new(hmac.get()),
                                                                        EVP_MAC_CTX_free);
    return keys_.prepare(use, ticket.name.data(), ticket.iv.data(), cipher.get(), mac.get(),
                         start_ + at);
  }
  Ticket seal(std::chrono::seconds at) {
    Ticket ticket;
    EXPECT_EQ(prepare(TicketKeys::Use::seal, ticket, at), 1);
    return ticket;
  }
  int open(Ticket ticket, std::chrono::seconds at) {
    return prepare(TicketKeys::Use::open, ticket, at);
  }

  TicketKeys keys_{100s};
  const TicketKeys::Clock::time_point start_ = TicketKeys::Clock::now();
};

TEST_F(TicketKeysTest, a_key_is_replaced_and_opens_for_one_more_term) {
  const Ticket first = seal(0s);
  EXPECT_EQ(seal(99s).name, first.name);
  EXPECT_EQ(open(first, 99s), 1);
  const Ticket second = seal(100s);
  EXPECT_NE(second.name, first.name);
  EXPECT_EQ(open(first, 150s), 2) << "and asks for a new one";
  EXPECT_EQ(open(second, 150s), 1);
  EXPECT_EQ(open(first, 200s), 0);
  EXPECT_EQ(open(second, 200s), 2);
}
TEST_F(TicketKeysTest, a_key_that_was_not_used_for_long_opens_nothing_any_more) {
  const Ticket first = seal(0s);
  EXPECT_EQ(open(first, 200s), 0);
}
TEST_F(TicketKeysTest, what_others_have_made_is_not_opened) {
  seal(0s);
  EXPECT_EQ(open(Ticket{}, 1s), 0);
}

} // namespace
} // namespace grove::test
