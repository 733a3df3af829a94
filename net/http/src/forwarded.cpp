// SPDX-License-Identifier: MIT
// X-Forwarded-For, and whom to believe.
#include "forwarded.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <stdexcept>

#include "grammar.hpp"

namespace grove::http::detail {

namespace {

std::optional<net::Address> address_of(std::string_view text) {
  try {
    return net::Address::ip(text, 0);
  } catch (const std::invalid_argument&) {
    return std::nullopt;
  }
}

} // namespace

TrustedProxies::TrustedProxies(const std::vector<std::string>& networks) {
  for (const std::string& text : networks) {
    if (text == "unix") {
      unix_ = true;
      continue;
    }
    const auto slash = std::min(text.find('/'), text.size());
    const auto address = address_of(std::string_view(text).substr(0, slash));
    const unsigned size = address && address->family() == AF_INET ? 32 : 128;
    unsigned bits = size;
    bool good = address.has_value();
    if (good && slash < text.size()) {
      const auto parsed = std::from_chars(text.data() + slash + 1, text.data() + text.size(), bits);
      good = parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() && bits <= size;
    }
    if (!good)
      throw std::invalid_argument("grove: http: the trusted proxy '" + text +
                                  "' is no address or network");
    networks_.push_back({bytes_of(*address), bits + 128 - size});
  }
}

TrustedProxies::Bytes TrustedProxies::bytes_of(const net::Address& address) {
  Bytes bytes{};
  if (address.family() == AF_INET) {
    bytes[10] = bytes[11] = 0xff;
    const auto* ipv4 = reinterpret_cast<const sockaddr_in*>(address.data());
    std::memcpy(&bytes[12], &ipv4->sin_addr, 4);
  } else {
    const auto* ipv6 = reinterpret_cast<const sockaddr_in6*>(address.data());
    std::memcpy(bytes.data(), &ipv6->sin6_addr, 16);
  }
  return bytes;
}

bool TrustedProxies::contains(const Bytes& address) const {
  return std::ranges::any_of(networks_, [&](const Network& network) {
    const unsigned whole = network.bits / 8;
    const unsigned rest = network.bits % 8;
    if (!std::equal(address.begin(), address.begin() + whole, network.address.begin()))
      return false;
    const auto mask = static_cast<std::uint8_t>(0xff00U >> rest);
    return rest == 0 || ((address[whole] ^ network.address[whole]) & mask) == 0;
  });
}

bool TrustedProxies::trust(const net::Address& peer) const {
  return peer.is_ip() ? !networks_.empty() && contains(bytes_of(peer)) : unix_;
}

std::string TrustedProxies::client_of(const Fields& fields, const std::string& peer) const {
  const std::string chain = fields.joined("X-Forwarded-For");
  std::string_view left = chain;
  std::string client = peer;
  while (!left.empty()) {
    const auto comma = left.rfind(',');
    const std::string_view last =
        trimmed(comma == std::string_view::npos ? left : left.substr(comma + 1));
    left = comma == std::string_view::npos ? std::string_view() : left.substr(0, comma);
    const auto address = address_of(last);
    if (!address)
      return client;
    client = address->host();
    if (!contains(bytes_of(*address)))
      return client;
  }
  return client;
}

} // namespace grove::http::detail
