// SPDX-License-Identifier: MIT
// UDP: a server that says how much it has received, and a client that asks
// until it is answered. A datagram may get lost, so the client sends it again
// now and then.
#include <array>
#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>

#include "common.hpp"

using namespace std::chrono_literals;

namespace {

namespace net = grove::net;

int run_server(std::uint16_t port) {
  net::DatagramServer* answers = nullptr;
  net::DatagramServer server(
      net::Address::loopback(port), [&](std::string_view data, const net::Address& peer) {
        fmt::print("udp_echo: {}: got {}\n", peer.to_string(), data);
        answers->send_to(fmt::format("Received {} bytes", data.size()), peer);
      });
  answers = &server;
  server.start();
  fmt::print("udp_echo: at {}\n", server.address().to_string());
  server.serve_forever();
  return 0;
}

int run_client(const net::Address& server, const std::string& message) {
  net::DatagramSocket socket(server.family());
  socket.connect(server);
  std::array<char, 1024> answer{};
  for (int attempt = 0; attempt < 5; ++attempt) {
    socket.send(message);
    try {
      const std::size_t size = socket.recv(answer, 1s);
      fmt::print("{}\n", std::string_view(answer.data(), size));
      return 0;
    } catch (const grove::TimeoutError&) { // one of the two got lost, perhaps
    }
  }
  throw std::runtime_error("no answer from " + server.to_string());
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app{"Datagrams there and back."};
  std::uint16_t port = 7002;
  net::Address address;
  std::string message = "hello";
  auto* server = app.add_subcommand("server", "answers");
  sample::add_port(*server, port);
  auto* client = app.add_subcommand("client", "asks");
  sample::add_address(*client, address, "SERVER", "such as 127.0.0.1:7002");
  client->add_option("MESSAGE", message, "what to send")->capture_default_str();
  app.require_subcommand(1);
  return sample::run(app, argc, argv,
                     [&] { return *server ? run_server(port) : run_client(address, message); });
}
