// SPDX-License-Identifier: MIT
// Receiving datagrams in tests.
#pragma once

#include <string>

#include <grove/net/datagram_socket.hpp>

#include "hub_test.hpp"

namespace grove::test {

struct Received {
  std::string text;
  net::Datagram datagram;
};
inline Received receive(net::DatagramSocket& socket, Deadline deadline = 10s) {
  std::string buffer(2000, ' ');
  const net::Datagram datagram = socket.recv_from(buffer, deadline);
  return {buffer.substr(0, datagram.size), datagram};
}

} // namespace grove::test
