// SPDX-License-Identifier: MIT
// Both ends of a connection, over TCP or a Unix socket.
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include <sys/socket.h>

#include <grove/hub/greenlet.hpp>
#include <grove/net/connect.hpp>
#include <grove/net/listener.hpp>
#include <grove/net/stream_socket.hpp>

namespace grove::test {

struct Connected {
  net::StreamSocket client, server;

  static Connected tcp() { return over(net::Address::loopback()); }
  static Connected over(const net::Address& address) {
    net::Listener listener(address);
    net::StreamSocket client = net::connect(listener.local_address());
    return {std::move(client), listener.accept()};
  }
  static Connected unix_pair() {
    auto [a, b] = net::socket_pair();
    return {std::move(a), std::move(b)};
  }
};

// Sends until there is no room; how much.
inline std::size_t fill(net::StreamSocket& socket) {
  const std::string block(64 * 1024, 'f');
  std::size_t sent = 0;
  while (const auto n = socket.try_send(block))
    sent += *n;
  return sent;
}
// Takes what is there.
inline std::size_t drain(net::StreamSocket& socket) {
  std::string block(64 * 1024, ' ');
  std::size_t taken = 0;
  while (const auto n = socket.try_recv_into(block)) {
    if (*n == 0)
      break;
    taken += *n;
  }
  return taken;
}

} // namespace grove::test
