// SPDX-License-Identifier: MIT
// Addresses and their texts.
#include <grove/net/address.hpp>

#include <arpa/inet.h>
#include <net/if.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <stdexcept>

namespace grove::net {

namespace {

constexpr socklen_t path_offset = offsetof(sockaddr_un, sun_path);
constexpr std::size_t longest_path = sizeof(sockaddr_un::sun_path) - 1;

[[noreturn]] void throw_bad(std::string_view text, const std::string& why) {
  throw std::invalid_argument("grove: address \"" + std::string(text) + "\": " + why);
}

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc() || at != end)
    return std::nullopt;
  return value;
}

std::optional<std::uint32_t> scope_id(const std::string& scope) {
  if (const unsigned index = if_nametoindex(scope.c_str()))
    return index;
  return number<std::uint32_t>(scope);
}

// Of an IPv6 address with its scope, if it is one.
std::optional<sockaddr_in6> ipv6(std::string_view text) {
  sockaddr_in6 result{};
  result.sin6_family = AF_INET6;
  const std::size_t percent = text.find('%');
  if (percent != std::string_view::npos) {
    const auto id = scope_id(std::string(text.substr(percent + 1)));
    if (!id)
      return std::nullopt;
    result.sin6_scope_id = *id;
  }
  if (inet_pton(AF_INET6, std::string(text.substr(0, percent)).c_str(), &result.sin6_addr) != 1)
    return std::nullopt;
  return result;
}

std::string scope_name(std::uint32_t id) {
  std::array<char, IF_NAMESIZE> name{};
  return if_indextoname(id, name.data()) != nullptr ? std::string(name.data()) : std::to_string(id);
}

// What tells one address from another, beside the family.
std::string_view bytes(const void* data, std::size_t size) {
  return {static_cast<const char*>(data), size};
}

} // namespace

Address Address::ip(std::string_view text, std::uint16_t port) {
  if (text.find('\0') != std::string_view::npos)
    throw_bad(text, "there is a zero in it");
  Address result;
  sockaddr_in v4{};
  if (inet_pton(AF_INET, std::string(text).c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    result.data_.ipv4 = v4;
    result.size_ = sizeof v4;
  } else if (const auto v6 = net::ipv6(text)) {
    result.data_.ipv6 = *v6;
    result.size_ = sizeof *v6;
  } else {
    throw_bad(text, "this is no IP address");
  }
  return result.with_port(port);
}

Address Address::parse(std::string_view text) {
  if (text.starts_with("unix:"))
    return unix_path(text.substr(5));
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos)
    throw_bad(text, "there is no port");
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  const auto port = number<std::uint16_t>(digits);
  if (!port)
    throw_bad(text, "\"" + std::string(digits) + "\" is no port from 0 to 65535");
  if (host.empty() || host == "*")
    return any(*port);
  const bool bracketed = host.front() == '[' && host.back() == ']' && host.size() > 2;
  if (bracketed)
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != std::string_view::npos)
    throw_bad(text, "an IPv6 address stands in brackets before its port");
  Address result;
  try {
    result = ip(host, *port);
  } catch (const std::invalid_argument&) {
    throw_bad(text, "\"" + std::string(host) + "\" is no IP address (names: see resolve())");
  }
  if (bracketed && result.family() != AF_INET6)
    throw_bad(text, "only an IPv6 address stands in brackets");
  return result;
}

Address Address::loopback(std::uint16_t port) {
  Address result;
  result.data_.ipv4.sin_family = AF_INET;
  result.data_.ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  result.size_ = sizeof(sockaddr_in);
  return result.with_port(port);
}

Address Address::any(std::uint16_t port) {
  Address result;
  result.data_.ipv6.sin6_family = AF_INET6;
  result.size_ = sizeof(sockaddr_in6);
  return result.with_port(port);
}

Address Address::unix_path(std::string_view path) {
  const bool abstract = path.starts_with('@');
  if (path.size() <= (abstract ? 1U : 0U))
    throw_bad(path, "a Unix socket has a path, or a name behind '@'");
  if (path.size() > longest_path) {
    throw_bad(path, "a Unix socket's path has at most " + std::to_string(longest_path) +
                        " bytes, and this one " + std::to_string(path.size()));
  }
  if (!abstract && path.find('\0') != std::string_view::npos)
    throw_bad(path, "there is a zero in it");
  Address result;
  result.data_.local.sun_family = AF_UNIX;
  path.copy(result.data_.local.sun_path, path.size());
  if (abstract)
    result.data_.local.sun_path[0] = '\0';
  result.size_ = path_offset + static_cast<socklen_t>(path.size() + (abstract ? 0 : 1));
  return result;
}

Address Address::from(const sockaddr* address, socklen_t size) {
  Address result;
  if (address == nullptr || size < sizeof(sa_family_t) || address->sa_family == AF_UNSPEC)
    return result;
  const auto take = [&](socklen_t its_size) {
    if (size < its_size)
      throw std::invalid_argument("grove: an address of the kernel's is cut off");
    std::memcpy(&result.data_, address, its_size);
    result.size_ = its_size;
  };
  switch (address->sa_family) {
  case AF_INET:
    take(sizeof(sockaddr_in));
    return result;
  case AF_INET6:
    take(sizeof(sockaddr_in6));
    return result;
  case AF_UNIX: {
    if (size <= path_offset)
      return result; // never bound
    const auto* path = reinterpret_cast<const sockaddr_un*>(address)->sun_path;
    const std::size_t length = std::min<std::size_t>(size - path_offset, longest_path + 1);
    if (path[0] == '\0') {
      std::string name(path, length);
      name[0] = '@';
      return length > 1 ? unix_path(std::string_view(name).substr(0, longest_path)) : result;
    }
    return unix_path(std::string_view(path, strnlen(path, std::min(length, longest_path))));
  }
  default:
    throw std::invalid_argument("grove: no address of the family " +
                                std::to_string(address->sa_family));
  }
}

bool Address::is_loopback() const {
  if (family() == AF_INET)
    return (ntohl(data_.ipv4.sin_addr.s_addr) >> 24) == 127;
  if (family() != AF_INET6)
    return false;
  const in6_addr& address = data_.ipv6.sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&address))
    return address.s6_addr[12] == 127;
  return IN6_IS_ADDR_LOOPBACK(&address);
}

std::uint16_t Address::port() const {
  if (family() == AF_INET)
    return ntohs(data_.ipv4.sin_port);
  return family() == AF_INET6 ? ntohs(data_.ipv6.sin6_port) : std::uint16_t{0};
}

Address Address::with_port(std::uint16_t port) const {
  Address result = *this;
  if (family() == AF_INET)
    result.data_.ipv4.sin_port = htons(port);
  else if (family() == AF_INET6)
    result.data_.ipv6.sin6_port = htons(port);
  else
    throw std::logic_error("grove: the address " + to_string() + " can have no port");
  return result;
}

std::string Address::host() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  switch (family()) {
  case AF_INET:
    return inet_ntop(AF_INET, &data_.ipv4.sin_addr, text.data(), text.size());
  case AF_INET6: {
    std::string result =
        inet_ntop(AF_INET6, &data_.ipv6.sin6_addr, text.data(), socklen_t{text.size()});
    if (data_.ipv6.sin6_scope_id != 0)
      result += "%" + scope_name(data_.ipv6.sin6_scope_id);
    return result;
  }
  case AF_UNIX: {
    const char* path = data_.local.sun_path;
    if (path[0] != '\0')
      return path;
    std::string name(path, size_ - path_offset);
    name[0] = '@';
    return name;
  }
  default:
    return "none";
  }
}

std::string Address::to_string() const {
  switch (family()) {
  case AF_INET:
    return host() + ":" + std::to_string(port());
  case AF_INET6:
    return "[" + host() + "]:" + std::to_string(port());
  case AF_UNIX:
    return "unix:" + host();
  default:
    return "none";
  }
}

bool operator==(const Address& a, const Address& b) {
  if (a.family() != b.family())
    return false;
  switch (a.family()) {
  case AF_INET:
    return a.data_.ipv4.sin_port == b.data_.ipv4.sin_port &&
           a.data_.ipv4.sin_addr.s_addr == b.data_.ipv4.sin_addr.s_addr;
  case AF_INET6:
    return a.data_.ipv6.sin6_port == b.data_.ipv6.sin6_port &&
           a.data_.ipv6.sin6_scope_id == b.data_.ipv6.sin6_scope_id &&
           std::memcmp(&a.data_.ipv6.sin6_addr, &b.data_.ipv6.sin6_addr, sizeof(in6_addr)) == 0;
  case AF_UNIX:
    return bytes(&a.data_, a.size_) == bytes(&b.data_, b.size_);
  default:
    return true;
  }
}

} // namespace grove::net

std::size_t
std::hash<grove::net::Address>::operator()(const grove::net::Address& address) const noexcept {
  using grove::net::bytes;
  const sockaddr* data = address.data();
  const std::hash<std::string_view> of;
  switch (address.family()) {
  case AF_INET: // family, port, address: without what pads it
    return of(bytes(data, offsetof(sockaddr_in, sin_zero)));
  case AF_INET6: { // not the flow
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(data);
    return of(bytes(&v6->sin6_addr, sizeof v6->sin6_addr)) * 31 +
           (std::size_t{v6->sin6_port} << 32 | v6->sin6_scope_id);
  }
  default:
    return of(bytes(data, address.size()));
  }
}
