// SPDX-License-Identifier: MIT
// TrustedProxies: who may say for whom a request is.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <grove/http/fields.hpp>
#include <grove/net/address.hpp>

namespace grove::http::detail {

class TrustedProxies {
public:
  TrustedProxies() = default;
  // "10.0.0.0/8", "::1", "unix"; std::invalid_argument names one that is neither.
  explicit TrustedProxies(const std::vector<std::string>& networks);

  bool trust(const net::Address& peer) const;
  // The last address of X-Forwarded-For that is not itself a trusted proxy's; `peer` where there is
  // none, or it is no address.
  std::string client_of(const Fields& fields, const std::string& peer) const;

private:
  using Bytes = std::array<std::uint8_t, 16>; // of IPv6; IPv4 as ::ffff:a.b.c.d
  struct Network {
    Bytes address;
    unsigned bits;
  };
  static Bytes bytes_of(const net::Address& address);
  bool contains(const Bytes& address) const;

  std::vector<Network> networks_;
  bool unix_ = false;
};

} // namespace grove::http::detail
