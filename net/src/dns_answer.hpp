// SPDX-License-Identifier: MIT
// What an answer to a question about a name says. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <grove/net/address.hpp>
#include <grove/net/resolver.hpp>

namespace grove::net::detail {

// The result of a lookup: addresses (their port is 0) or services, or why there are none.
struct Answer {
  std::vector<Address> addresses{};
  std::vector<Service> services{};
  std::optional<ResolveError::Reason> failure{};
  std::string asked{};   // for the error's text: "10.0.0.1", "10.0.0.1: SERVFAIL; 10.0.0.2: ..."
  std::uint32_t ttl = 0; // seconds; 0: not to be kept
};

enum class RecordType : int { a = 1, aaaa = 28, srv = 33 };

// What one server said to one question.
struct Reply {
  std::vector<Address> addresses{};
  std::vector<Service> services{};
  // Without one there are addresses or services.
  std::optional<ResolveError::Reason> failure{};
  const char* words = "";             // of that failure, if it was the server's
  std::optional<std::uint32_t> ttl{}; // a "no" without a SOA record has none (RFC 2308)

  bool is_no() const { // that is an answer, too
    return failure == ResolveError::Reason::no_such_name ||
           failure == ResolveError::Reason::no_address;
  }
};

inline constexpr std::size_t most_addresses = 64; // of one answer; what goes beyond is left out

// `status` is what c-ares says of it, `packet` the whole message.
Reply read_reply(int status, RecordType type, std::span<const unsigned char> packet);

} // namespace grove::net::detail
