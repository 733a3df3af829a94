// SPDX-License-Identifier: MIT
// systemd_listeners(), from another descriptor than the one of the protocol: for tests.
#pragma once

#include <vector>

#include <grove/net/systemd.hpp>

namespace grove::net::detail {

std::vector<SystemdListener> listeners_from(int first_descriptor);

} // namespace grove::net::detail
