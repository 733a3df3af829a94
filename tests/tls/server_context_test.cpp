// SPDX-License-Identifier: MIT
// ServerContext: certificates of clients, of several hosts, and new ones while it serves.
#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include <grove/hub/group.hpp>
#include <grove/hub/hub_thread.hpp>

#include "tls_test.hpp"

namespace grove::test {
namespace {

using tls::ClientCertificates;
using tls::Version;

// -- certificates of clients ----------------------------------------------------------------------

class ClientCertificatesTest : public TlsTest, public ::testing::WithParamInterface<Version> {
protected:
  tls::ServerContext asking(ClientCertificates how) {
    tls::ServerOptions options = server_options();
    options.client_certificates = how;
    options.client_authorities = root().authorities();
    return tls::ServerContext(options);
  }
  tls::ClientContext showing(const Issued* shown) {
    tls::ClientOptions options = client_options();
    options.max_version = GetParam();
    if (shown != nullptr)
      options.identity = shown->identity();
    return tls::ClientContext(options);
  }
  static Issued ann(const Issued* issuer) {
    return issue({.name = "ann", .names = {}, .purpose = "clientAuth"}, issuer);
  }
  // What a client is told: with TLS 1.3 only when it receives, as its handshake is over by then.
  tls::TlsError told(Sides& sides) {
    return tls_error_of([&] { sides.client->recv(1); });
  }
};
INSTANTIATE_TEST_SUITE_P(of, ClientCertificatesTest,
                         ::testing::Values(Version::tls_1_2, Version::tls_1_3),
                         [](const auto& version) {
                           return version.param == Version::tls_1_2 ? "1_2" : "1_3";
                         });

TEST_P(ClientCertificatesTest, a_required_one_that_is_good_is_taken) {
  const Issued shown = ann(&root());
  Sides sides = shake_hands(showing(&shown), asking(ClientCertificates::required));
  const auto peer = sides.server->peer_certificate();
  ASSERT_TRUE(peer.has_value());
  EXPECT_EQ(peer->subject, "CN=ann");
  sides.server->send_all("welcome");
  EXPECT_EQ(sides.client->recv(10), "welcome");
}
TEST_P(ClientCertificatesTest, a_required_one_that_is_missing_is_refused) {
  Sides sides = shake_hands(showing(nullptr), asking(ClientCertificates::required));
  EXPECT_EQ(tls_error_of(sides.server).reason(), Reason::no_certificate);
  EXPECT_EQ(told(sides).reason(), Reason::refused);
}
TEST_P(ClientCertificatesTest, an_optional_one_may_be_missing) {
  Sides sides = shake_hands(showing(nullptr), asking(ClientCertificates::optional));
  EXPECT_FALSE(sides.server->peer_certificate().has_value());
}
TEST_P(ClientCertificatesTest, one_of_an_unknown_authority_is_refused_though_it_is_optional) {
  const Issued stranger = authority("a stranger");
  const Issued shown = ann(&stranger);
  for (const auto how : {ClientCertificates::optional, ClientCertificates::required}) {
    Sides sides = shake_hands(showing(&shown), asking(how));
    EXPECT_EQ(tls_error_of(sides.server).reason(), Reason::unknown_issuer);
    EXPECT_EQ(told(sides).reason(), Reason::refused);
    EXPECT_EQ(told(sides).alert(), 48) << "unknown_ca";
  }
}

// -- several hosts --------------------------------------------------------------------------------

using ServerContextTest = TlsTest;

TEST_F(ServerContextTest, a_client_gets_the_certificate_of_the_host_that_it_names) {
  const Issued a = issue({.name = "a", .names = {"DNS:a.test"}}, &root());
  const Issued b = issue({.name = "b", .names = {"DNS:b.test", "DNS:*.b.test"}}, &root());
  const tls::ServerContext server({.identities = {a.identity(), b.identity()}});
  const auto shown = [&](const char* host) {
    return shake_hands(client_, server, host).client->peer_certificate()->subject;
  };
  EXPECT_EQ(shown("a.test"), "CN=a");
  EXPECT_EQ(shown("b.test"), "CN=b");
  EXPECT_EQ(shown("www.b.test"), "CN=b");
  EXPECT_EQ(tls_error_of(shake_hands(client_, server, "c.test").client).reason(),
            Reason::wrong_host);
}

TEST_F(ServerContextTest, one_host_may_have_certificates_of_two_kinds) {
  const Issued rsa = issue({.rsa_bits = 2048}, &root());
  const tls::ServerContext server({.identities = {rsa.identity(), localhost().identity()}});
  tls::ClientOptions options = client_options();
  options.max_version = Version::tls_1_2;
  Sides sides = shake_hands(tls::ClientContext(options), server);
  EXPECT_TRUE(sides.client->cipher().starts_with("ECDHE-ECDSA-")) << sides.client->cipher();
}

// -- new ones -------------------------------------------------------------------------------------

TEST_F(ServerContextTest, a_reload_is_for_handshakes_to_come) {
  Sides before = shake_hands(client_, server_);
  const Issued next = issue({.name = "next"}, &root());
  const tls::ServerContext copy = server_;
  server_.reload({.identities = {next.identity()}});
  EXPECT_EQ(shake_hands(client_, copy).client->peer_certificate()->subject, "CN=next");
  before.server->send_all("goes on");
  EXPECT_EQ(before.client->recv(100), "goes on");
}

TEST_F(ServerContextTest, a_reload_that_fails_changes_nothing) {
  EXPECT_THROW(server_.reload({}), std::invalid_argument);
  EXPECT_THROW(server_.reload({.identities = {issue({.rsa_bits = 1024}, &root()).identity()}}),
               tls::TlsError);
  EXPECT_TRUE(shake_hands(client_, server_).client.stream.has_value());
}

// Contexts are shared by two hubs, and a thread exchanges the server's identity all the time: each
// handshake gets one or the other, whole.
TEST_F(ServerContextTest, a_reload_under_load_disturbs_nobody) {
  const tls::ServerOptions one{.identities = {issue({.name = "one"}, &root()).identity()}};
  const tls::ServerOptions two{.identities = {issue({.name = "two"}, &root()).identity()}};
  server_.reload(one);
  std::atomic<int> reloads = 0;
  std::atomic<bool> stop = false;
  std::thread reloading([&] {
    while (!stop) {
      server_.reload(++reloads % 2 == 0 ? one : two);
      std::this_thread::yield();
    }
  });
  const auto clients = [&] {
    int count = 0;
    for (; count < 20 || reloads < 50; ++count) {
      Sides sides = shake_hands(client_, server_);
      sides.server->send_all("hello");
      EXPECT_EQ(sides.client->recv(10), "hello");
      const auto shown = sides.client->peer_certificate();
      EXPECT_TRUE(sides.client->resumed() || shown->subject == "CN=one" ||
                  shown->subject == "CN=two");
    }
    return count;
  };
  HubThread other;
  scope([&](Group& all) {
    all.spawn([&] { EXPECT_GE(other.call(clients), 20); });
    for (int i = 0; i < 3; ++i)
      all.spawn([&] { EXPECT_GE(clients(), 20); });
  });
  stop = true;
  reloading.join();
}

} // namespace
} // namespace grove::test
