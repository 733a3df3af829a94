// SPDX-License-Identifier: MIT
// In which order to try the servers of a service: RFC 2782.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <grove/net/resolver.hpp>

namespace grove::net::detail {

// By priority; within one, each next is drawn by its weight. `random` gives 64 random bits.
void order_services(std::vector<Service>& services, const std::function<std::uint64_t()>& random);

} // namespace grove::net::detail
