// expect: StreamHandler|no matching function
// SPDX-License-Identifier: MIT
// The socket is the server's: a handler that is to keep it moves it out of the reference.
#include <grove/net/stream_server.hpp>

void f() {
  grove::net::StreamServer server(grove::net::Address::loopback(), [](grove::net::StreamSocket) {});
}
