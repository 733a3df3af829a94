// SPDX-License-Identifier: MIT
// GET over TLS, by hand: prints what the server answers, header and all.
//
//   tls_client example.org
//   tls_client localhost --port 7443 --authorities chain.pem --path /index.html
//
// It ends with status 1, and says why, if the server is not who it should be, or if somebody has
// cut the answer short.
#include <fmt/core.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>

#include <grove/tls.hpp>

#include "common.hpp"

namespace {

using namespace std::chrono_literals;
namespace tls = grove::tls;

struct Options {
  std::string host;
  std::uint16_t port = 443;
  std::string path = "/";
  std::string authorities, chain, key;
};

int get(const Options& options) {
  tls::ClientOptions how;
  how.alpn = {"http/1.1"};
  if (!options.authorities.empty())
    how.authorities = tls::Authorities::from_file(options.authorities);
  if (!options.chain.empty())
    how.identity = tls::Identity::from_files(options.chain, options.key);

  tls::TlsStream stream =
      tls::connect(options.host, options.port, tls::ClientContext(how), grove::Deadline(10s));
  const auto peer = stream.peer_certificate();
  fmt::print(stderr, "tls_client: {}, {}, of {}\n", tls::to_string(stream.version()),
             stream.cipher(), peer ? peer->subject : "nobody");
  stream.send_all(fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
                              options.path, options.host),
                  10s);
  std::array<char, 16 * 1024> buffer{};
  while (const std::size_t n = stream.recv_into(buffer, 30s))
    std::fwrite(buffer.data(), 1, n, stdout);
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app{"Gets a page over TLS."};
  Options options;
  app.add_option("HOST", options.host, "whom to ask")->required();
  app.add_option("--port", options.port)->capture_default_str();
  app.add_option("--path", options.path)->capture_default_str();
  app.add_option("--authorities", options.authorities, "a file in PEM, instead of the system's");
  auto* chain = app.add_option("--certificate", options.chain, "of one's own, a file in PEM");
  auto* key = app.add_option("--key", options.key, "to that certificate");
  chain->needs(key);
  key->needs(chain);
  return sample::run(app, argc, argv, [&] {
    try {
      return get(options);
    } catch (const std::exception& error) {
      fmt::print(stderr, "tls_client: {}\n", error.what());
      return 1;
    }
  });
}
