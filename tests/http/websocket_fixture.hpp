// SPDX-License-Identifier: MIT
// A server of WebSockets, and what talks to it: our client, or bytes.
#pragma once

#include <grove/http/websocket.hpp>

#include <gmock/gmock.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <grove/http/router.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>

#include "server_fixture.hpp"

namespace grove::test {

using http::accept_websocket;
using http::Error;
using http::Request;
using http::Response;
using http::WebSocket;
using http::WebSocketOptions;
using testing::HasSubstr;
using testing::StartsWith;

inline void echo(WebSocket& socket) {
  while (auto message = socket.recv()) {
    if (message->is_text)
      socket.send_text(message->data);
    else
      socket.send_binary(message->data);
  }
}

class WebSocketTest : public HttpServerTest {
protected:
  void serve(std::function<void(WebSocket&)> handler, WebSocketOptions options = {}) {
    HttpServerTest::serve([handler = std::move(handler), options](Request& request) {
      return accept_websocket(request, handler, options);
    });
  }
  WebSocket connect(WebSocketOptions options = {}, const http::Fields& fields = {}) const {
    return http::connect_websocket(std::make_unique<net::StreamSocket>(dial()), "x", "/", fields,
                                   std::move(options), 20s);
  }
  // A connection past the handshake, for bytes.
  net::StreamSocket raw(std::string_view more = {}) const {
    net::StreamSocket socket = dial();
    socket.send_all("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    "Sec-WebSocket-Version: 13\r\n"
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
                    std::string(more) + "\r\n");
    answer.clear();
    while (answer.find("\r\n\r\n") == std::string::npos) {
      const std::string some = socket.recv(1, 20s); // none of the frames
      if (some.empty())
        break;
      answer += some;
    }
    return socket;
  }
  // What the server says to these frames, until the connection ends.
  std::string talk(std::string_view frames) const {
    net::StreamSocket socket = raw();
    socket.send_all(frames);
    return read_all(socket);
  }

  mutable std::string answer;
};

// A frame of a client, masked with zeros.
inline std::string frame(unsigned first, std::string_view data, bool masked = true) {
  std::string text(1, static_cast<char>(first));
  const unsigned mask = masked ? 0x80 : 0;
  if (data.size() < 126) {
    text += static_cast<char>(mask | data.size());
  } else {
    text += static_cast<char>(mask | 126);
    text += static_cast<char>(data.size() >> 8);
    text += static_cast<char>(data.size() & 255);
  }
  if (masked)
    text += std::string(4, '\0');
  return text + std::string(data);
}
inline std::string closing(std::uint16_t code) {
  return frame(0x88, std::string{static_cast<char>(code >> 8), static_cast<char>(code & 255)},
               false);
}
inline const std::string goodbye = frame(0x88, std::string("\x03\xe8", 2));

} // namespace grove::test
