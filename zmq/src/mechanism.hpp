// SPDX-License-Identifier: MIT
// What the servers of all mechanisms have in common.
#pragma once

#include <zmq.h>

#include <string>

#include <grove/zmq/option.hpp>
#include <grove/zmq/socket.hpp>

namespace grove::zmq::detail {

// libzmq lets CURVE clients in unasked while nobody answers at inproc://zeromq.zap.01. With this
// option (a draft that is built in all the same) it refuses them, and asks only if there is
// a domain.
inline constexpr Option<bool> zap_enforce_domain{93, "zap_enforce_domain"};

inline void set_zap_domain(Socket& socket, const std::string& domain) {
  socket.set(zap_enforce_domain, true);
  if (!domain.empty())
    socket.set(option::zap_domain, domain);
  else
    zmq_setsockopt(socket.native_handle(), ZMQ_ZAP_DOMAIN, nullptr, 0); // its way to clear it
}

} // namespace grove::zmq::detail
