// expect: StreamHandler|no matching function
// SPDX-License-Identifier: MIT
// What handles a connection takes a StreamSocket by reference: gevent V6.
#include <grove/net/stream_server.hpp>

void f() {
  grove::net::StreamServer server(grove::net::Address::loopback(), [](int) {});
}
