// SPDX-License-Identifier: MIT
#include "address_order.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

namespace grove::net::detail {

namespace {

using Bytes = std::array<unsigned char, 16>; // IPv4 is mapped

Bytes bytes_of(const Address& address) {
  Bytes bytes{};
  if (address.family() == AF_INET6) {
    const auto& raw = reinterpret_cast<const sockaddr_in6*>(address.data())->sin6_addr.s6_addr;
    std::copy(std::begin(raw), std::end(raw), bytes.begin());
  } else {
    const auto& raw = reinterpret_cast<const sockaddr_in*>(address.data())->sin_addr;
    bytes[10] = bytes[11] = 0xff;
    std::copy_n(reinterpret_cast<const unsigned char*>(&raw), 4, bytes.begin() + 12);
  }
  return bytes;
}

int common_bits(const Bytes& a, const Bytes& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i])
      return static_cast<int>(8 * i) + __builtin_clz(static_cast<unsigned>(a[i] ^ b[i])) - 24;
  }
  return 128;
}

// Section 2.1.
struct Policy {
  Bytes prefix;
  int length;
  int precedence;
  int label;
};
constexpr Policy policies[] = {
    // the longest prefix first
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, 50, 0},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96, 35, 4},
    {{}, 96, 1, 3},
    {{0x20, 0x01}, 32, 5, 5},
    {{0x20, 0x02}, 16, 30, 2},
    {{0x3f, 0xfe}, 16, 1, 12},
    {{0xfe, 0xc0}, 10, 1, 11},
    {{0xfc}, 7, 3, 13},
    {{}, 0, 40, 1},
};
const Policy& policy_of(const Bytes& bytes) {
  return *std::find_if(std::begin(policies), std::end(policies), [&](const Policy& policy) {
    return common_bits(bytes, policy.prefix) >= policy.length;
  });
}

// Section 3.1.
int scope_of(const Bytes& bytes, bool ipv6) {
  constexpr int link_local = 2;
  constexpr int site_local = 5;
  constexpr int global = 14;
  if (!ipv6) {
    const bool is_local = bytes[12] == 127 || (bytes[12] == 169 && bytes[13] == 254);
    return is_local ? link_local : global;
  }
  if (bytes[0] == 0xff)
    return bytes[1] & 0xf;
  const bool is_loopback = common_bits(bytes, policies[0].prefix) == 128;
  if (is_loopback || (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80))
    return link_local;
  return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0xc0 ? site_local : global;
}

// What is greater comes first.
auto rank_of(const Destination& destination) {
  const bool ipv6 = destination.to.family() == AF_INET6;
  const Bytes to = bytes_of(destination.to);
  const Policy& policy = policy_of(to);
  const int scope = scope_of(to, ipv6);
  bool same_scope = false;
  bool same_label = false;
  int prefix = 0;
  if (destination.from) {
    const Bytes from = bytes_of(*destination.from);
    same_scope = scope_of(from, destination.from->family() == AF_INET6) == scope;
    same_label = policy_of(from).label == policy.label;
    prefix = ipv6 ? common_bits(from, to) : 0; // for IPv4 it would undo a server's rotation
  }
  return std::tuple(destination.from.has_value(), same_scope, same_label, policy.precedence, -scope,
                    prefix);
}

std::optional<Address> source_for(const Address& to) {
  const int fd = socket(to.family(), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return std::nullopt;
  std::optional<Address> source;
  const Address with_port = to.with_port(9); // some port: 0 is refused by some kernels
  sockaddr_storage raw{};
  socklen_t size = sizeof raw;
  if (connect(fd, with_port.data(), with_port.size()) == 0 &&
      getsockname(fd, reinterpret_cast<sockaddr*>(&raw), &size) == 0)
    source = Address::from(reinterpret_cast<const sockaddr*>(&raw), size);
  close(fd);
  return source;
}

} // namespace

void sort_destinations(std::vector<Destination>& destinations) {
  std::stable_sort(
      destinations.begin(), destinations.end(),
      [](const Destination& a, const Destination& b) { return rank_of(a) > rank_of(b); });
}

void order_addresses(std::vector<Address>& addresses) {
  if (addresses.size() < 2)
    return;
  std::vector<Destination> destinations;
  destinations.reserve(addresses.size());
  for (Address& address : addresses)
    destinations.push_back({address, source_for(address)});
  sort_destinations(destinations);
  for (std::size_t i = 0; i < addresses.size(); ++i)
    addresses[i] = destinations[i].to;
}

void take_families_in_turn(std::vector<Address>& addresses) {
  if (addresses.empty())
    return;
  const auto others = std::stable_partition(
      addresses.begin(), addresses.end(),
      [first = addresses.front().family()](const Address& one) { return one.family() == first; });
  const auto pairs = std::min(others - addresses.begin(), addresses.end() - others);
  for (std::ptrdiff_t i = 1; i < 2 * pairs; i += 2) // one of the others, to the place i
    std::rotate(addresses.begin() + i, others + i / 2, others + i / 2 + 1);
}

} // namespace grove::net::detail
