// SPDX-License-Identifier: MIT
// What the servers of all mechanisms have in common.
#pragma once

#include <string>

#include <grove/zmq/option.hpp>
#include <grove/zmq/socket.hpp>

namespace grove::zmq::detail {

inline void set_zap_domain(Socket& socket, const std::string& domain) {
  socket.set(option::zap_enforce_domain, true);
  if (!domain.empty())
    socket.set(option::zap_domain, domain);
}

} // namespace grove::zmq::detail
