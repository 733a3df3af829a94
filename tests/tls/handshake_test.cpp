// SPDX-License-Identifier: MIT
// Handshakes that come to nothing, each with its reason, and those that come to something.
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include <sys/socket.h>

#include <grove/hub/exceptions.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/net/listener.hpp>

#include "../support/open_descriptors.hpp"
#include "../support/process_test.hpp"
#include "tls_test.hpp"

namespace grove::test {
namespace {

using std::chrono::hours;
using tls::TlsError;
using tls::Version;

class HandshakeTest : public TlsTest {
protected:
  // What a client thinks of a server that shows this.
  TlsError refusal(const Issued& shown, std::string_view host = "localhost") {
    Sides sides =
        shake_hands(client_, tls::ServerContext({.identities = {shown.identity()}}), host);
    EXPECT_FALSE(sides.client.stream.has_value());
    TlsError error = tls_error_of(sides.client);
    EXPECT_EQ(error.phase(), Phase::handshake);
    EXPECT_TRUE(error.is_verification());
    EXPECT_NE(std::string(error.what()).find(std::string(host)), std::string::npos) << error.what();
    return error;
  }
};

// reliability 37: expired, self-signed, for another host, of an unknown authority.
TEST_F(HandshakeTest, an_expired_certificate_is_refused) {
  const Issued shown = issue({.from = hours(-48), .until = hours(-24)}, &root());
  const TlsError error = refusal(shown);
  EXPECT_EQ(error.reason(), Reason::expired);
  EXPECT_NE(std::string(error.what()).find("expired"), std::string::npos) << error.what();
}
TEST_F(HandshakeTest, a_certificate_of_the_future_is_refused) {
  EXPECT_EQ(refusal(issue({.from = hours(24), .until = hours(48)}, &root())).reason(),
            Reason::not_yet_valid);
}
TEST_F(HandshakeTest, a_self_signed_certificate_is_refused) {
  EXPECT_EQ(refusal(issue({})).reason(), Reason::self_signed);
}
TEST_F(HandshakeTest, a_certificate_of_an_unknown_authority_is_refused) {
  const Issued stranger = authority("a stranger");
  EXPECT_EQ(refusal(issue({}, &stranger)).reason(), Reason::unknown_issuer);
}
TEST_F(HandshakeTest, a_certificate_for_another_host_is_refused) {
  EXPECT_EQ(refusal(localhost(), "example.org").reason(), Reason::wrong_host);
  EXPECT_EQ(refusal(localhost(), "127.0.0.2").reason(), Reason::wrong_host);
}
TEST_F(HandshakeTest, a_name_in_the_subject_only_does_not_count) {
  EXPECT_EQ(refusal(issue({.name = "localhost", .names = {}}, &root())).reason(),
            Reason::wrong_host);
}
TEST_F(HandshakeTest, a_certificate_for_clients_is_refused) {
  EXPECT_EQ(refusal(issue({.purpose = "clientAuth"}, &root())).reason(), Reason::wrong_purpose);
}
TEST_F(HandshakeTest, an_authority_that_signs_without_being_one_is_refused) {
  EXPECT_TRUE(refusal(issue({}, &localhost())).is_verification());
}
TEST_F(HandshakeTest, the_server_is_told_that_it_was_refused) {
  const Issued shown = issue({.from = hours(-48), .until = hours(-24)}, &root());
  const Sides sides = shake_hands(client_, tls::ServerContext({.identities = {shown.identity()}}));
  const TlsError error = tls_error_of(sides.server);
  EXPECT_EQ(error.reason(), Reason::refused);
  EXPECT_EQ(error.alert(), 45) << "certificate_expired: " << error.what();
}

TEST_F(HandshakeTest, a_wildcard_stands_for_one_label) {
  const Issued shown = issue({.name = "x", .names = {"DNS:*.example.org", "DNS:f*.test"}}, &root());
  const tls::ServerContext server({.identities = {shown.identity()}});
  EXPECT_TRUE(shake_hands(client_, server, "www.example.org").client.stream.has_value());
  EXPECT_TRUE(shake_hands(client_, server, "www.example.org.").client.stream.has_value());
  for (const char* host : {"example.org", "a.b.example.org", "foo.test"})
    EXPECT_EQ(tls_error_of(shake_hands(client_, server, host).client).reason(), Reason::wrong_host)
        << host;
}
TEST_F(HandshakeTest, an_address_is_verified_and_not_named) {
  Sides sides = shake_hands(client_, server_, "127.0.0.1");
  EXPECT_EQ(sides.server->server_name(), "");
  EXPECT_TRUE(sides.client->peer_certificate().has_value());
}
TEST_F(HandshakeTest, intermediate_certificates_are_sent_along) {
  const Issued middle = authority("in the middle", &root());
  const Issued shown = issue({}, &middle);
  EXPECT_TRUE(shake_hands(client_, tls::ServerContext({.identities = {shown.identity()}}))
                  .client.stream.has_value());
}
TEST_F(HandshakeTest, whoever_asks_for_it_by_name_accepts_anybody) {
  const tls::ClientContext careless({.insecure_accept_any_certificate = true});
  const tls::ServerContext server({.identities = {issue({}).identity()}});
  EXPECT_TRUE(shake_hands(careless, server, "example.org").client.stream.has_value());
}
TEST_F(HandshakeTest, the_authorities_of_the_system_do_not_know_us) {
  EXPECT_TRUE(tls_error_of(shake_hands(tls::ClientContext(), server_).client).is_verification());
}
TEST_F(HandshakeTest, the_file_that_SSL_CERT_FILE_names_is_the_systems) {
  const TemporaryFile store(root().chain);
  setenv("SSL_CERT_FILE", store.path().c_str(), 1);
  const tls::ClientContext client;
  unsetenv("SSL_CERT_FILE");
  EXPECT_TRUE(shake_hands(client, server_).client.stream.has_value());
}
TEST_F(HandshakeTest, weak_keys_are_refused_on_both_sides) {
  const Issued weak = issue({.rsa_bits = 1024}, &root());
  EXPECT_EQ(tls_error_of([&] { tls::ServerContext({.identities = {weak.identity()}}); }).phase(),
            Phase::setup);
}

// -- what both must have in common ----------------------------------------------------------------

TEST_F(HandshakeTest, versions_that_do_not_meet_are_refused) {
  tls::ServerOptions new_only = server_options();
  new_only.min_version = Version::tls_1_3;
  tls::ClientOptions old_only = client_options();
  old_only.max_version = Version::tls_1_2;
  const Sides sides = shake_hands(tls::ClientContext(old_only), tls::ServerContext(new_only));
  EXPECT_EQ(tls_error_of(sides.client).reason(), Reason::no_version);
  EXPECT_EQ(tls_error_of(sides.server).reason(), Reason::no_version);
}

TEST_F(HandshakeTest, the_servers_first_protocol_that_the_client_offers_is_spoken) {
  tls::ServerOptions options = server_options();
  options.alpn = {"h2", "http/1.1"};
  const tls::ServerContext server(options);
  const auto spoken = [&](std::vector<std::string> offered) {
    tls::ClientOptions mine = client_options();
    mine.alpn = std::move(offered);
    Sides sides = shake_hands(tls::ClientContext(mine), server);
    EXPECT_EQ(sides.client->alpn(), sides.server->alpn());
    return sides.client->alpn();
  };
  EXPECT_EQ(spoken({"http/1.1"}), "http/1.1");
  EXPECT_EQ(spoken({"spdy/1", "http/1.1", "h2"}), "h2");
  EXPECT_EQ(spoken({}), "");
}

TEST_F(HandshakeTest, a_client_that_offers_other_protocols_only_is_refused) { // RFC 7301, 3.2
  tls::ServerOptions options = server_options();
  options.alpn = {"http/1.1"};
  tls::ClientOptions mine = client_options();
  mine.alpn = {"h2"};
  const Sides sides = shake_hands(tls::ClientContext(mine), tls::ServerContext(options));
  EXPECT_EQ(tls_error_of(sides.client).reason(), Reason::no_protocol);
  EXPECT_EQ(tls_error_of(sides.client).alert(), 120);
  EXPECT_EQ(tls_error_of(sides.server).reason(), Reason::no_protocol);
}

// -- interruptions --------------------------------------------------------------------------------

class SilentPeerTest : public HandshakeTest {
protected:
  Connected ends_ = Connected::tcp();
  const std::map<int, std::string> open_ = open_descriptors();

  template <class F>
  void expect_closed(F wrap) {
    EXPECT_THROW(wrap(), TimeoutError);
    EXPECT_EQ(open_descriptors().size(), open_.size() - 1) << "the socket is closed";
  }
};

// security 3.1: the time of a handshake
TEST_F(SilentPeerTest, a_silent_client_is_given_up_on_after_the_contexts_time) {
  tls::ServerOptions options = server_options();
  options.handshake_timeout = 20ms;
  const tls::ServerContext server(options);
  expect_closed([&] { tls::wrap_server(std::move(ends_.server), server); });
}
TEST_F(SilentPeerTest, a_silent_server_is_given_up_on_at_the_deadline) {
  expect_closed([&] { tls::wrap_client(std::move(ends_.client), client_, "localhost", 5ms); });
}
TEST_F(SilentPeerTest, a_kill_or_a_timeout_closes_the_socket) {
  auto server = spawn([&] { tls::wrap_server(std::move(ends_.server), server_); });
  settle();
  server.kill();
  EXPECT_THROW(server.get(), Killed);
  Connected others = Connected::tcp();
  EXPECT_FALSE(
      with_timeout(1ms, [&] { tls::wrap_client(std::move(others.client), client_, "localhost"); }));
  EXPECT_EQ(open_descriptors().size(), open_.size()) << "one less, and one more for the other";
}

// reliability 37: a handshake that is cut off, wherever that happens
TEST_F(HandshakeTest, a_peer_that_dies_in_the_middle_is_an_error_of_the_handshake) {
  // What a client says first, taken from one that waits for an answer in vain.
  Connected ends = Connected::tcp();
  auto client = spawn([&] { tls::wrap_client(std::move(ends.client), client_, "localhost"); });
  const std::string hello = ends.server.recv(16'384);
  client.kill();
  ASSERT_GT(hello.size(), 100u);
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{5}, std::size_t{6},
                                 hello.size() / 2, hello.size() - 1, hello.size()}) {
    Connected cut = Connected::tcp();
    cut.client.send_all(hello.substr(0, size));
    cut.client.shutdown_write();
    const TlsError error = tls_error_of([&] { tls::wrap_server(std::move(cut.server), server_); });
    EXPECT_EQ(error.reason(), Reason::truncated) << size << ": " << error.what();
    EXPECT_EQ(error.phase(), Phase::handshake);
  }
}

TEST_F(HandshakeTest, a_reset_in_the_middle_is_an_error_of_the_connection) {
  Connected ends = Connected::tcp();
  ends.client.send_all(std::string("\x16\x03\x01", 3));
  ends.client.reset_on_close();
  auto server = spawn([&] { tls::wrap_server(std::move(ends.server), server_); });
  settle();
  ends.client.close();
  EXPECT_EQ(code_of([&] { server.get(); }), ECONNRESET);
}

// -- connect --------------------------------------------------------------------------------------

TEST_F(HandshakeTest, connect_finds_the_host_and_has_it_prove_its_name) {
  net::Listener listener(net::Address::ip("0.0.0.0", 0));
  const std::uint16_t port = listener.local_address().port();
  auto server = spawn([&] {
    tls::TlsStream stream = tls::wrap_server(listener.accept(), server_);
    stream.send_all("welcome to " + stream.server_name());
    stream.close();
    return side_of([&] { return tls::wrap_server(listener.accept(), server_); });
  });
  EXPECT_EQ(tls::connect("localhost", port, client_, 30s).recv(100), "welcome to localhost");
  EXPECT_EQ(tls_error_of([&] { tls::connect("127.0.0.2", port, client_, 30s); }).reason(),
            Reason::wrong_host);
  EXPECT_EQ(tls_error_of(std::move(server).get()).reason(), Reason::refused);
}
TEST_F(HandshakeTest, one_deadline_is_over_the_connection_and_the_handshake) {
  net::Listener silent(net::Address::loopback());
  const std::uint16_t port = silent.local_address().port();
  EXPECT_THROW(tls::connect("localhost", port, client_, 20ms), TimeoutError);
}
TEST_F(HandshakeTest, an_error_names_the_connection_and_the_host) {
  net::Listener listener(net::Address::loopback());
  const std::uint16_t port = listener.local_address().port();
  auto server = spawn([&] {
    net::StreamSocket socket = listener.accept();
    socket.recv(1000); // what it does not understand
    socket.send_all("220 plain text\r\n");
    while (!socket.recv(1000).empty()) {
    }
  });
  const TlsError error = tls_error_of([&] { tls::connect("localhost", port, client_, 30s); });
  EXPECT_EQ(error.reason(), Reason::not_tls);
  EXPECT_NE(error.peer().find("127.0.0.1:" + std::to_string(port) + " (localhost)"),
            std::string::npos)
      << error.what();
  server.get();
}

TEST_F(HandshakeTest, a_certificate_that_is_asked_for_by_nobody_is_not_asked_for) {
  tls::ClientOptions options = client_options();
  options.identity = issue({.purpose = "clientAuth"}, &root()).identity();
  EXPECT_FALSE(shake_hands(tls::ClientContext(options), server_).server->peer_certificate());
}

TEST_F(HandshakeTest, misuse_is_told_at_once) {
  EXPECT_THROW(tls::ServerContext({}), std::invalid_argument);
  tls::ServerOptions options = server_options();
  options.client_certificates = tls::ClientCertificates::required;
  EXPECT_THROW(tls::ServerContext{options}, std::invalid_argument);
  options = server_options();
  options.alpn = {""};
  EXPECT_THROW(tls::ServerContext{options}, std::invalid_argument);
  options = server_options();
  options.min_version = Version::tls_1_3;
  options.max_version = Version::tls_1_2;
  EXPECT_THROW(tls::ServerContext{options}, std::invalid_argument);
  EXPECT_THROW(tls::wrap_client(Connected::unix_pair().client, client_, ""), std::invalid_argument);
}

} // namespace
} // namespace grove::test
