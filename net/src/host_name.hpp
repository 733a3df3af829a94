// SPDX-License-Identifier: MIT
// Host names: what is one, what is an address, and under which names to look for it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <grove/net/address.hpp>

namespace grove::net::detail {

// "127.0.0.1", "::1", "fe80::1%eth0". With a colon in it, it is an address or nothing:
// ResolveError.
std::optional<Address> address_in(std::string_view host);

// In lower case, as it is looked up. ResolveError.
std::string checked_host_name(std::string_view host);
std::string checked_service_name(std::string_view name); // "_xmpp-client._tcp.example.org"

bool is_localhost(std::string_view name); // and what ends so (RFC 6761)

// In this order: a name with enough dots first as it is, another first under each domain; one that
// ends in a dot, only without it.
std::vector<std::string> candidates(const std::string& name, const std::vector<std::string>& search,
                                    std::size_t ndots);

// The text without a dot at its end.
inline std::string_view without_dot(std::string_view name) {
  return name.ends_with('.') ? name.substr(0, name.size() - 1) : name;
}

} // namespace grove::net::detail
