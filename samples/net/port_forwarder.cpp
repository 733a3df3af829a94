// SPDX-License-Identifier: MIT
// Port forwarder: what comes to a port goes on to an address or a name, and back. The end of one
// direction is passed on, and the other goes on.
//
// SIGTERM and Ctrl-C close the port; connections that are there go on to their end, or for so many
// seconds, and then the program ends with status 0.
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <exception>
#include <stdexcept>
#include <string>
#include <system_error>

#include "common.hpp"

using namespace std::chrono_literals;

namespace {

namespace net = grove::net;

// "127.0.0.1:80", "unix:/run/x.sock", or "db.example:5432", which is looked up for each connection.
struct Target {
  std::string text;
  net::Address address; // of family AF_UNSPEC: a name
  std::string host;
  std::uint16_t port = 0;

  net::StreamSocket connect(grove::Deadline deadline) const {
    return address.family() != AF_UNSPEC ? net::connect(address, deadline)
                                         : net::connect(host, port, deadline);
  }
};

bool read_target(const std::string& text, Target& target) {
  target.text = text;
  try {
    target.address = net::Address::parse(text);
    return true;
  } catch (const std::invalid_argument&) { // a name, perhaps
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0)
    return false;
  target.host = text.substr(0, colon);
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, target.port);
  return error == std::errc() && stop == end;
}

void forward(net::StreamSocket& client, const net::Address& peer, const Target& target) {
  try {
    net::StreamSocket server = target.connect(10s);
    net::relay(client, server); // both ways
  } catch (const std::exception& error) {
    fmt::print("port_forwarder: {}: {}\n", peer.to_string(), error.what());
    if (client.is_open())
      client.reset_on_close(); // it is told, too
  }
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app{"Passes connections on to an address or a name."};
  std::uint16_t port = 0;
  int grace = 60;
  Target target;
  sample::add_port(app, port);
  app.add_option(
         "TARGET", [&](const CLI::results_t& words) { return read_target(words.front(), target); },
         "such as 127.0.0.1:80, unix:/run/x.sock, db.example:5432")
      ->required();
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
    fmt::print("port_forwarder: {} to {}\n", server.address().to_string(), target.text);
    server.serve_forever(); // until it was stopped
    return 0;
  });
}
