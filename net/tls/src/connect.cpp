// SPDX-License-Identifier: MIT
// How a TlsStream comes to be.
#include <grove/tls/connect.hpp>

#include <memory>
#include <string>
#include <utility>

#include "connection.hpp"
#include "server_state.hpp"

namespace grove::tls {

namespace {

// Closes the socket unless the handshake comes to its end: nobody else has it.
TlsStream shake_hands(std::shared_ptr<detail::Connection> connection, Deadline deadline) {
  TlsStream stream(connection);
  connection->handshake(deadline);
  return stream;
}

} // namespace

TlsStream connect(std::string_view host, std::uint16_t port, const ClientContext& context,
                  Deadline deadline, const net::ConnectOptions& options) {
  return wrap_client(net::connect(host, port, deadline, options), context, host, deadline);
}

TlsStream wrap_client(net::StreamSocket&& socket, const ClientContext& context,
                      std::string_view host, Deadline deadline) {
  const auto& state = context.state();
  auto connection =
      std::make_shared<detail::Connection>(std::move(socket), state->context(), nullptr);
  connection->expect(host, state);
  return shake_hands(std::move(connection), earlier(deadline, state->handshake_timeout()));
}

TlsStream wrap_server(net::StreamSocket&& socket, const ServerContext& context, Deadline deadline) {
  auto config = context.state()->config();
  SSL_CTX* const ssl_context = config->context();
  const Deadline limit = earlier(deadline, config->handshake_timeout());
  auto connection =
      std::make_shared<detail::Connection>(std::move(socket), ssl_context, std::move(config));
  connection->accept();
  return shake_hands(std::move(connection), limit);
}

} // namespace grove::tls
