// SPDX-License-Identifier: MIT
// A connection and its handshake.
#include <grove/tls/connect.hpp>

namespace grove::tls {

TlsStream connect(std::string_view host, std::uint16_t port, const ClientContext& context,
                  Deadline deadline, const net::ConnectOptions& options) {
  return wrap_client(net::connect(host, port, deadline, options), context, host, deadline);
}

} // namespace grove::tls
