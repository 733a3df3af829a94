// SPDX-License-Identifier: MIT
// Address: where a socket is, or whom it talks to.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace grove::net {

// Address is an IPv4 or IPv6 address with its port, or the place of a Unix socket: a path, or an
// abstract name. A value; any thread. It never looks a name up: see resolver.hpp.
class Address {
public:
  // None: family AF_UNSPEC, the text "none". The peer of a Unix socket that was never bound has it.
  Address() = default;

  // "127.0.0.1:80", "[::1]:80", "[fe80::1%eth0]:80", ":80" and "*:80" (any, of IPv6 and IPv4),
  // "unix:/run/x.sock", "unix:@name" (abstract). std::invalid_argument names the text and what is
  // wrong with it.
  static Address parse(std::string_view text);
  // An IP address without a port: "127.0.0.1", "::1", "fe80::1%eth0".
  static Address ip(std::string_view text, std::uint16_t port);
  static Address loopback(std::uint16_t port = 0); // 127.0.0.1
  static Address any(std::uint16_t port = 0);      // [::], which takes IPv4 too
  static Address unix_path(std::string_view path); // a leading '@': an abstract name
  // As the kernel gives it; std::invalid_argument for a family that is not one of the three.
  static Address from(const sockaddr* address, socklen_t size);

  int family() const { return data_.any.sa_family; } // AF_INET, AF_INET6, AF_UNIX, AF_UNSPEC
  bool is_ip() const { return family() == AF_INET || family() == AF_INET6; }
  bool is_unix() const { return family() == AF_UNIX; }
  bool is_loopback() const;                    // 127.0.0.0/8, ::1, ::ffff:127.0.0.0/104
  std::uint16_t port() const;                  // 0 for one that has none
  Address with_port(std::uint16_t port) const; // std::logic_error if it can have none
  std::string host() const;      // "127.0.0.1", "fe80::1%eth0"; the path of a Unix socket, "@name"
  std::string to_string() const; // what parse() takes

  const sockaddr* data() const { return &data_.any; }
  socklen_t size() const { return size_; }

  friend bool operator==(const Address& a, const Address& b);

private:
  union Data {
    sockaddr_un local; // the largest first: it is the one that {} sets to zero
    sockaddr_in6 ipv6;
    sockaddr_in ipv4;
    sockaddr any;
  };
  Data data_{};
  socklen_t size_ = 0;
};

} // namespace grove::net

template <>
struct std::hash<grove::net::Address> {
  std::size_t operator()(const grove::net::Address& address) const noexcept;
};
