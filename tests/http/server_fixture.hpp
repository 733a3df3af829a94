// SPDX-License-Identifier: MIT
// A server, told in bytes: the fixture, and requests as text.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <grove/http/server.hpp>
#include <grove/net/connect.hpp>
#include <grove/net/stream_socket.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {

class HttpServerTest : public HubTest {
protected:
  void serve(http::Handler handler, http::ServerOptions options = {}) {
    server = std::make_unique<http::Server>(net::Address::loopback(), std::move(handler),
                                            std::move(options));
    server->start();
  }
  void TearDown() override {
    server.reset();
    HubTest::TearDown();
  }
  net::StreamSocket dial() const { return net::connect(server->address()); }
  // What the server says until it closes the connection.
  static std::string read_all(net::StreamSocket& socket) {
    std::string all;
    for (std::string some; !(some = socket.recv(65536, 20s)).empty();)
      all += some;
    return all;
  }
  std::string talk(std::string_view bytes) const {
    net::StreamSocket socket = dial();
    socket.send_all(bytes);
    return read_all(socket);
  }
  // Without the Date fields.
  std::string answers(std::string_view bytes) const {
    std::string all = talk(bytes);
    for (std::size_t at = 0; (at = all.find("Date: ", at)) != std::string::npos;)
      all.erase(at, all.find('\n', at) + 1 - at);
    return all;
  }

  std::unique_ptr<http::Server> server;
};

inline constexpr std::string_view close = "Host: x\r\nConnection: close\r\n\r\n";
inline constexpr std::string_view keep = "Host: x\r\n\r\n";

inline std::string get(std::string_view target, std::string_view rest = keep) {
  return "GET " + std::string(target) + " HTTP/1.1\r\n" + std::string(rest);
}
inline std::string post(std::string_view body, std::string_view rest = close) {
  return "POST / HTTP/1.1\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(rest) + std::string(body);
}

inline std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string_view::npos; ++at)
    ++found;
  return found;
}

} // namespace grove::test
