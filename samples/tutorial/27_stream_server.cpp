// SPDX-License-Identifier: MIT
// StreamServer: a greenlet for each connection. Look at it with `nc 127.0.0.1 5000`.
#include <fmt/core.h>

#include <cstdint>
#include <cstdio>

#include <grove/net.hpp>

#include "../options.hpp"

namespace net = grove::net;

namespace {

void handle(net::StreamSocket& socket) {
  socket.send_all("Hello from a telnet!\n");
  for (int i = 0; i < 5; ++i)
    socket.send_all(fmt::format("{}\n", i));
} // then it is closed

} // namespace

int main(int argc, char** argv) {
  return grove::main(argc, argv, [&]() -> int {
    std::uint16_t port = 5000;
    CLI::App app{"Says hello to whoever connects."};
    app.add_option("--port", port, "0: any")->capture_default_str();
    if (const auto status = sample::parse(app, argc, argv))
      return *status;

    net::StreamServer server(net::Address::loopback(port), handle);
    server.start();
    fmt::print("at {}\n", server.address().to_string());
    std::fflush(stdout); // NOLINT(cert-err33-c)
    server.serve_forever();
    return 0;
  });
}
