// SPDX-License-Identifier: MIT
// Echo over TLS. Make a certificate for localhost, and try it:
//
//   openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj
//   /CN=localhost
//     -addext subjectAltName=DNS:localhost -keyout key.pem -out chain.pem
//   tls_echo_server chain.pem key.pem --port 7443
//   openssl s_client -connect localhost:7443 -CAfile chain.pem
//
// SIGHUP reads the files again: connections go on, new ones are shown the new certificate. If they
// are not good the old one stays. With --clients who connects must show a certificate, too.
#include <array>
#include <csignal>
#include <cstddef>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include <grove/tls.hpp>

#include "common.hpp"

namespace {

namespace net = grove::net;
namespace tls = grove::tls;

struct Options {
  std::uint16_t port = 0;
  std::string chain, key, clients;

  tls::ServerOptions read() const {
    tls::ServerOptions options{.identities = {tls::Identity::from_files(chain, key)}};
    if (!clients.empty()) {
      options.client_certificates = tls::ClientCertificates::required;
      options.client_authorities = tls::Authorities::from_file(clients);
    }
    return options;
  }
};

void echo(net::StreamSocket& socket, const tls::ServerContext& context) {
  try {
    tls::TlsStream stream = tls::wrap_server(std::move(socket), context);
    const auto peer = stream.peer_certificate();
    fmt::print("tls_echo_server: {} with {}, {}\n", peer ? peer->subject : "somebody",
               tls::to_string(stream.version()), stream.cipher());
    std::array<char, 4096> buffer{};
    while (const std::size_t n = stream.recv_into(buffer))
      stream.send_all(std::string_view(buffer.data(), n));
  } catch (const tls::TlsError& error) {
    fmt::print("tls_echo_server: {}\n", error.what());
  }
}

int serve(const Options& options) {
  tls::ServerContext context(options.read());
  const auto reload = grove::on_signal(SIGHUP, [&] {
    try {
      context.reload(options.read());
      fmt::print("tls_echo_server: new certificate\n");
    } catch (const std::exception& error) {
      fmt::print("tls_echo_server: the old certificate stays: {}\n", error.what());
    }
  });
  net::StreamServer server(net::Address::loopback(options.port),
                           [&](net::StreamSocket& socket) { echo(socket, context); });
  server.start();
  fmt::print("tls_echo_server: at {}\n", server.address().to_string());
  server.serve_forever();
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app{"Sends back whatever comes, so that nobody else can read it."};
  Options options;
  app.add_option("CHAIN", options.chain, "the certificate's file, in PEM")->required();
  app.add_option("KEY", options.key, "the private key's file, in PEM")->required();
  app.add_option("--clients", options.clients, "whose clients may come: a file of authorities");
  sample::add_port(app, options.port);
  return sample::run(app, argc, argv, [&] { return serve(options); });
}
