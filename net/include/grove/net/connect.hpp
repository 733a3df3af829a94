// SPDX-License-Identifier: MIT
// connect: a stream to an address, or to a name.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include <grove/hub/deadline.hpp>
#include <grove/net/address.hpp>
#include <grove/net/stream_socket.hpp>

namespace grove::net {

struct ConnectOptions {
  std::optional<Address> bind_to{}; // the source address
  // Happy eyeballs (RFC 8305, section 5): the next address is tried so long after the last one.
  std::chrono::milliseconds attempt_delay{250};
};

// Connects to one address. std::system_error says what was tried: "connect to 127.0.0.1:1:
// Connection refused"; TimeoutError. A kill or a timeout closes the half-open socket.
StreamSocket connect(const Address& address, Deadline deadline = {},
                     const ConnectOptions& options = {});

// Looks the host up (an IP address is taken as it is) and tries its addresses, IPv6 and IPv4 in
// turn, each a little after the last, until one is connected; one deadline over the lookup and all
// tries. If none is: the error of the last, whose text lists them all. ResolveError for the name.
StreamSocket connect(std::string_view host, std::uint16_t port, Deadline deadline = {},
                     const ConnectOptions& options = {});

} // namespace grove::net
