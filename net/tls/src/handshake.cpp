// SPDX-License-Identifier: MIT
// The handshake, which makes a TlsStream of a socket.
#include <grove/tls/connect.hpp>

#include <memory>
#include <utility>

#include "connection.hpp"
#include "server_state.hpp"

namespace grove::tls {

namespace {

// Closes the socket unless the handshake comes to its end: nobody else has it.
TlsStream shake_hands(const std::shared_ptr<detail::Connection>& connection, Deadline deadline) {
  TlsStream stream(connection);
  connection->handshake(deadline);
  return stream;
}

} // namespace

TlsStream wrap_client(net::StreamSocket&& socket, const ClientContext& context,
                      std::string_view host, Deadline deadline) {
  const auto& state = context.state();
  auto connection =
      std::make_shared<detail::Connection>(std::move(socket), state->context(), nullptr);
  connection->expect(host, state);
  return shake_hands(connection, earlier(deadline, state->handshake_timeout()));
}

TlsStream wrap_server(net::StreamSocket&& socket, const ServerContext& context, Deadline deadline) {
  auto config = context.state()->config();
  SSL_CTX* const ssl_context = config->context();
  const Deadline limit = earlier(deadline, config->handshake_timeout());
  auto connection =
      std::make_shared<detail::Connection>(std::move(socket), ssl_context, std::move(config));
  connection->accept();
  return shake_hands(connection, limit);
}

} // namespace grove::tls
