// SPDX-License-Identifier: MIT
// Port forwarder: what comes to a port goes on to an address, and back. The end of one direction is
// passed on, and the other goes on.
//
// SIGTERM and Ctrl-C close the port; connections that are there go on to their end, or for so many
// seconds, and then the program ends with status 0.
#include <chrono>
#include <csignal>
#include <exception>

#include "common.hpp"

using namespace std::chrono_literals;

namespace {

namespace net = grove::net;

void forward(net::StreamSocket& client, const net::Address& peer, const net::Address& target) {
  try {
    net::StreamSocket server = net::connect(target, 10s);
    net::relay(client, server); // both ways
  } catch (const std::exception& error) {
    fmt::print("port_forwarder: {}: {}\n", peer.to_string(), error.what());
    if (client.is_open())
      client.reset_on_close(); // it is told, too
  }
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app{"Passes connections on to an address."};
  std::uint16_t port = 0;
  int grace = 60;
  net::Address target;
  sample::add_port(app, port);
  sample::add_address(app, target, "TARGET", "such as 127.0.0.1:80");
  app.add_option("--grace", grace, "seconds for connections that are there, after SIGTERM")
      ->capture_default_str()
      ->check(CLI::Range(0, 86'400));
  return sample::run(app, argc, argv, [&] {
    net::StreamServer server(net::Address::loopback(port),
                             [&](net::StreamSocket& client, const net::Address& peer) {
                               forward(client, peer, target);
                             });
    const auto end = [&] {
      fmt::print("port_forwarder: closing the port, {} connections to go\n",
                 server.connections_count());
      server.stop(std::chrono::seconds(grace));
    };
    const auto on_term = grove::on_signal(SIGTERM, end);
    const auto on_int = grove::on_signal(SIGINT, end);
    server.start();
    fmt::print("port_forwarder: {} to {}\n", server.address().to_string(), target.to_string());
    server.serve_forever(); // until it was stopped
    return 0;
  });
}
