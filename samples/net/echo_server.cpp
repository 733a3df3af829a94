// SPDX-License-Identifier: MIT
// Echo: whatever a client sends comes back to it. Try `nc 127.0.0.1 PORT`.
//
// With --hubs it is served by several threads, each with a hub and a listener of its own at one
// port. Started by systemd (or `systemd-socket-activate -l 7000 echo_server`) it serves the socket
// that it is given. SIGTERM stops it: connections have some time to come to an end by themselves.
#include <array>
#include <chrono>
#include <cstddef>
#include <string_view>
#include <utility>

#include "common.hpp"

namespace {

namespace net = grove::net;

void echo(net::StreamSocket& socket) {
  std::array<char, 4096> buffer{};
  while (const std::size_t n = socket.recv_into(buffer))
    socket.send_all(std::string_view(buffer.data(), n));
}

template <class Server>
int serve(Server& server) {
  server.start();
  fmt::print("echo_server: at {}\n", server.address().to_string());
  server.serve_forever();
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app{"Sends back whatever comes."};
  std::uint16_t port = 7000;
  std::size_t hubs = 1;
  int grace = 1;
  sample::add_port(app, port);
  app.add_option("--hubs", hubs, "so many threads")
      ->capture_default_str()
      ->check(CLI::Range(1, 64));
  app.add_option("--grace", grace, "seconds for connections that are there, after SIGTERM")
      ->capture_default_str()
      ->check(CLI::Range(0, 86'400));
  return sample::run(app, argc, argv, [&] {
    net::StreamServerOptions options;
    options.grace = std::chrono::seconds(grace);
    auto given = net::systemd_listeners();
    if (!given.empty()) {
      net::StreamServer server(std::move(given.front().listener), echo, options);
      return serve(server);
    }
    if (hubs != 1) {
      net::ReusePortServer server(hubs, net::Address::loopback(port), echo, options);
      return serve(server);
    }
    net::StreamServer server(net::Address::loopback(port), echo, options);
    return serve(server);
  });
}
