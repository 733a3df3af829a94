// SPDX-License-Identifier: MIT
// Names: which addresses a host has.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <grove/hub/deadline.hpp>
#include <grove/net/address.hpp>

namespace grove::net {

// A name that has no answer: "resolve nowhere.example: no such name (127.0.0.53)".
class ResolveError : public std::runtime_error {
public:
  enum class Reason { no_such_name, no_address, server_failed, refused, bad_name, bad_answer };
  ResolveError(Reason reason, const std::string& text) : runtime_error(text), reason_(reason) {}
  Reason reason() const { return reason_; }

private:
  Reason reason_;
};

// The addresses of a host, IPv6 and IPv4 as RFC 6724 orders them, with that port; at least one. An
// IP address, with a scope or without, is not looked up. By the hub's own Resolver.
std::vector<Address> resolve(std::string_view host, std::uint16_t port, Deadline deadline = {});

} // namespace grove::net
