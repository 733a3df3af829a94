// SPDX-License-Identifier: MIT
// PLAIN: sockets that authenticate by user and password, in the clear.
#pragma once

#include <string>
#include <string_view>

#include <grove/zmq/socket.hpp>

namespace grove::zmq {

// Passwords of PLAIN cross the network as they are: for ipc://, and networks that are trusted.
//
// The socket takes only peers with a user and password that the Authenticator of its context
// admits to the domain; nobody, while there is none. Before bind(). On the socket's hub; never
// waits. std::invalid_argument for an empty domain; std::system_error when libzmq refuses; Closed.
void make_plain_server(Socket& socket, const std::string& domain = "global");

// The socket names itself to the servers it connects to. Before connect(). As above;
// std::invalid_argument unless both have 1 to 255 bytes.
void make_plain_client(Socket& socket, std::string_view user, std::string_view password);

} // namespace grove::zmq
