// SPDX-License-Identifier: MIT
// Ranges of IP addresses, in the notation of CIDR.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace grove::zmq::detail {

// An IPv6 address; IPv4 as ::ffff:a.b.c.d.
using IpAddress = std::array<std::uint8_t, 16>;
// Nothing if it is no address. A zone ("%eth0") is passed over.
std::optional<IpAddress> parse_address(std::string_view text);

class AddressRange {
public:
  // An address, or an address and '/' and a number of bits.
  static std::optional<AddressRange> parse(std::string_view text);
  bool contains(const IpAddress& address) const noexcept;

private:
  AddressRange(const IpAddress& first, unsigned bits) : first_(first), bits_(bits) {}
  IpAddress first_;
  unsigned bits_; // that count, of 128
};

} // namespace grove::zmq::detail
