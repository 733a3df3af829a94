// SPDX-License-Identifier: MIT
// PROXY protocol, versions 1 and 2: who a connection is from, as the proxy before us says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <grove/hub/deadline.hpp>
#include <grove/net/address.hpp>
#include <grove/net/stream.hpp>

namespace grove::net {

// What a proxy sent is no header of the protocol, or one that is refused. Only closing the
// connection is left to do.
class ProxyError : public std::runtime_error {
public:
  enum class Reason {
    not_proxy,    // it begins otherwise: the peer does not speak the protocol
    malformed,    // it breaks the protocol's rules
    too_long,     // than the protocol (version 1) or the caller (version 2) allows
    bad_checksum, // the header is not what its CRC-32C says
  };
  ProxyError(Reason reason, const std::string& text) : runtime_error(text), reason_(reason) {}
  Reason reason() const { return reason_; }

private:
  Reason reason_;
};

// The header that stands before everything else on a connection.
struct ProxyHeader {
  // A field of version 2, as "PP2_TYPE_ALPN" (1), the ALPN that the client has negotiated.
  struct Field {
    std::uint8_t type = 0;
    std::string value{};
    friend bool operator==(const Field&, const Field&) = default;
  };

  int version = 2; // 1 or 2
  // Of the connection to the proxy: from the client to where it meant to go. Both none if the proxy
  // does not say (UNKNOWN, LOCAL: a health check of its own): then they are the connection's.
  Address source{};
  Address destination{};
  bool datagram = false;       // version 2: they are of a datagram socket
  std::vector<Field> fields{}; // version 2; without padding and checksum

  // As it is sent. A header of version 2 has a checksum. std::invalid_argument for what cannot be
  // said: addresses of two kinds, Unix sockets or fields or datagrams in version 1, Unix paths of
  // more than 108 bytes, more than 65,535 bytes in all.
  std::string encode() const;
  // One header, and nothing after it. ProxyError. Pure; any thread.
  static ProxyHeader parse(std::string_view whole);

  friend bool operator==(const ProxyHeader&, const ProxyHeader&) = default;
};

// Receives a header of either version, and not a byte of what follows it. At most `limit` bytes, of
// version 2 (version 1 has 107 at the most), and under one deadline, which a server should always
// name: the proxy sends it at once. Closed if the stream ends before; ProxyError; what the stream
// throws.
//
// Anybody who can connect can claim to be from anywhere: call this on listeners only that none but
// the proxy reaches, and there on every connection.
ProxyHeader read_proxy_header(Stream& stream, Deadline deadline, std::size_t limit = 4096);

} // namespace grove::net
