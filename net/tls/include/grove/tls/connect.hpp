// SPDX-License-Identifier: MIT
// connect, wrap_client, wrap_server: how a TlsStream comes to be.
#pragma once

#include <cstdint>
#include <string_view>

#include <grove/hub/deadline.hpp>
#include <grove/net/connect.hpp>
#include <grove/net/stream_socket.hpp>
#include <grove/tls/client_context.hpp>
#include <grove/tls/server_context.hpp>
#include <grove/tls/tls_error.hpp>
#include <grove/tls/tls_stream.hpp>

namespace grove::tls {

// All are suspension points. A handshake that fails, or that a kill or a timeout interrupts, closes
// the socket. It throws
//   - TlsError for what is wrong with the peer or its certificate;
//   - TimeoutError at the deadline, or when the context's handshake_timeout has passed;
//   - std::system_error when the connection fails.

// Connects as net::connect(host, port) does, with one deadline over lookup, connection and
// handshake. The server must prove that it is `host`.
TlsStream connect(std::string_view host, std::uint16_t port, const ClientContext& context,
                  Deadline deadline = {}, const net::ConnectOptions& options = {});

// Goes over to TLS on a connected socket, which they take over (STARTTLS). Whatever was received
// before came from anybody: nothing of it may be left in a buffer and be taken for the peer's.
TlsStream wrap_client(net::StreamSocket&& socket, const ClientContext& context,
                      std::string_view host, Deadline deadline = {});
// In a server's handler: `auto stream = tls::wrap_server(std::move(socket), context);`.
TlsStream wrap_server(net::StreamSocket&& socket, const ServerContext& context,
                      Deadline deadline = {});

} // namespace grove::tls
