// SPDX-License-Identifier: MIT
// The options of PLAIN.
#include <grove/zmq/plain.hpp>

#include <stdexcept>

#include <grove/zmq/detail/secret.hpp>

#include "mechanism.hpp"

namespace grove::zmq {

void make_plain_server(Socket& socket, const std::string& domain) {
  if (domain.empty())
    throw std::invalid_argument("grove: make_plain_server: an empty domain");
  detail::set_zap_domain(socket, domain);
  socket.set(option::plain_server, true);
}

void make_plain_client(Socket& socket, std::string_view user, std::string_view password) {
  for (const std::string_view text : {user, password}) {
    if (text.empty() || text.size() > 255)
      throw std::invalid_argument(
          "grove: make_plain_client: user and password have 1 to 255 bytes");
  }
  std::string secret(password);
  const detail::WipeAtExit wipe(secret);
  socket.set(option::plain_username, std::string(user));
  socket.set(option::plain_password, secret);
}

} // namespace grove::zmq
