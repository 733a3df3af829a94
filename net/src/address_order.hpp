// SPDX-License-Identifier: MIT
// In which order to try the addresses of a host: RFC 6724, section 6.
#pragma once

#include <optional>
#include <vector>

#include <grove/net/address.hpp>

namespace grove::net::detail {

// A destination, and the source address that the kernel would use for it; none: it has no route.
struct Destination {
  Address to;
  std::optional<Address> from;
};

// Rules 1, 2, 5, 6, 8, 9 and 10; the others need to know of deprecated, home and tunnel addresses.
void sort_destinations(std::vector<Destination>& destinations);

// Asks the kernel for the sources (connect(2) of an UDP socket, which sends nothing and does not
// wait). Any thread.
void order_addresses(std::vector<Address>& addresses);

// Makes the families take turns, the first one's first (RFC 8305, section 4): a family that does
// not work costs one attempt.
void take_families_in_turn(std::vector<Address>& addresses);

} // namespace grove::net::detail
