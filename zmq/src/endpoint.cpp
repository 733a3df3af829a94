// SPDX-License-Identifier: MIT
// What an endpoint's text tells.
#include "endpoint.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace grove::zmq::detail {

namespace {

// All addresses of an interface belong to it.
bool is_loopback_interface(const std::string& name) {
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0)
    return false;
  bool found = false;
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    if (name == one->ifa_name)
      found = (one->ifa_flags & IFF_LOOPBACK) != 0;
  }
  freeifaddrs(all);
  return found;
}

bool is_loopback(const std::string& host) {
  in_addr four{};
  if (inet_pton(AF_INET, host.c_str(), &four) == 1)
    return (ntohl(four.s_addr) >> 24) == 127;
  in6_addr six{};
  if (inet_pton(AF_INET6, host.c_str(), &six) == 1) {
    return IN6_IS_ADDR_LOOPBACK(&six) || (IN6_IS_ADDR_V4MAPPED(&six) && six.s6_addr[12] == 127);
  }
  return is_loopback_interface(host);
}

} // namespace

bool is_public(const std::string& endpoint) {
  const std::size_t colon = endpoint.find("://");
  const std::string_view transport(endpoint.data(), std::min(colon, endpoint.size()));
  if (transport != "tcp") { // others of libzmq's that reach far, or no endpoint at all
    constexpr std::string_view far[] = {"pgm", "epgm", "norm", "tipc", "udp", "vmci", "ws", "wss"};
    return std::ranges::find(far, transport) != std::end(far);
  }
  std::string host = endpoint.substr(colon + 3);
  const std::size_t port = host.rfind(':');
  if (port == std::string::npos) // libzmq will say what is amiss
    return false;
  host.resize(port);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  return !is_loopback(host);
}

} // namespace grove::zmq::detail
