// SPDX-License-Identifier: MIT
// Binding sockets: to the path of a Unix socket, to any address.
#pragma once

#include <sys/socket.h>

#include <cerrno>
#include <system_error>

#include <grove/net/address.hpp>

#include "socket_state.hpp"

namespace grove::net::detail {

// The path gets no more rights than `mode` at any time, takes the place of one that nobody is
// behind any more if it may, and is removed when the state is closed. std::system_error "WHAT
// ADDRESS: Address already in use".
void bind_path(SocketState& state, const Address& address, const char* what, unsigned mode,
               bool replace_stale);

// What `bound(address)` gives. [::] where the kernel has no IPv6 is 0.0.0.0.
template <class Bound>
SocketRef bound_to(const Address& address, bool ipv6_only, Bound bound) {
  try {
    return bound(address);
  } catch (const std::system_error& e) {
    const bool no_ipv6 = e.code().value() == EAFNOSUPPORT || e.code().value() == EADDRNOTAVAIL;
    if (!no_ipv6 || ipv6_only || address != Address::any(address.port()))
      throw;
    return bound(Address::ip("0.0.0.0", address.port()));
  }
}

} // namespace grove::net::detail
