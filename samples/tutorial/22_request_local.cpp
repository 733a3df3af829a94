// SPDX-License-Identifier: MIT
// GreenletLocal in a server: what a request is, for whatever is called while it
// is handled. Just enough of HTTP is here for `curl http://127.0.0.1:8000/`.
#include <fmt/core.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

#include <grove/net.hpp>

#include "../options.hpp"

using namespace std::chrono_literals;
namespace net = grove::net;

namespace {

struct Request {
  std::string remote_addr;
};
const grove::GreenletLocal<Request> request;

std::string logic() {
  grove::sleep(10ms); // other requests come and go meanwhile
  return "Hello " + request->remote_addr;
}

void handle(net::StreamSocket& socket, const net::Address& peer) {
  net::BufferedReader lines(socket);
  while (const auto line = lines.read_line(1024, 10s)) { // "GET / HTTP/1.1", and the headers
    if (line->empty())
      break;
  }
  request.set({peer.host()});
  const std::string body = logic();
  socket.send_all(fmt::format("HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n"
                              "Content-Length: {}\r\n\r\n{}",
                              body.size(), body));
} // the request goes with the greenlet

} // namespace

int main(int argc, char** argv) {
  return grove::main(argc, argv, [&]() -> int {
    std::uint16_t port = 8000;
    CLI::App app{"Says hello by the address that a request came from."};
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
