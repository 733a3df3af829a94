// SPDX-License-Identifier: MIT
// What an endpoint's text tells.
#pragma once

#include <string>

namespace grove::zmq::detail {

// Whether other machines may reach what is bound there: all but ipc, inproc, and loopback addresses
// of tcp. libzmq takes numbers and names of interfaces for bind(), and never asks a name server.
bool is_public(const std::string& endpoint);

} // namespace grove::zmq::detail
