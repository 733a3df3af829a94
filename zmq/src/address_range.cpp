// SPDX-License-Identifier: MIT
// Parsing and comparing addresses.
#include "address_range.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <string>

namespace grove::zmq::detail {

namespace {

constexpr unsigned ipv4_bits = 32, all_bits = 128;

bool is_ipv4(std::string_view text) { return text.find(':') == std::string_view::npos; }

} // namespace

std::optional<IpAddress> parse_address(std::string_view text) {
  if (text.find('\0') != std::string_view::npos)
    return std::nullopt;
  IpAddress address{};
  if (is_ipv4(text)) {
    address[10] = address[11] = 0xff;
    if (::inet_pton(AF_INET, std::string(text).c_str(), &address[12]) != 1)
      return std::nullopt;
  } else if (::inet_pton(AF_INET6, std::string(text.substr(0, text.find('%'))).c_str(),
                         address.data()) != 1) {
    return std::nullopt;
  }
  return address;
}

std::optional<AddressRange> AddressRange::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view first = text.substr(0, slash);
  const std::optional<IpAddress> address = parse_address(first);
  if (!address)
    return std::nullopt;
  if (slash == std::string_view::npos)
    return AddressRange(*address, all_bits);
  const std::string_view digits = text.substr(slash + 1);
  const unsigned most = is_ipv4(first) ? ipv4_bits : all_bits;
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (error != std::errc() || end != digits.data() + digits.size() || bits > most)
    return std::nullopt;
  return AddressRange(*address, all_bits - most + bits);
}

bool AddressRange::contains(const IpAddress& address) const noexcept {
  const unsigned bytes = bits_ / 8;
  if (!std::equal(first_.begin(), first_.begin() + bytes, address.begin()))
    return false;
  const unsigned rest = bits_ % 8;
  return rest == 0 || ((first_[bytes] ^ address[bytes]) >> (8 - rest)) == 0;
}

} // namespace grove::zmq::detail
