// SPDX-License-Identifier: MIT
// connect() to one address.
#include <grove/net/connect.hpp>

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <grove/hub/exceptions.hpp>
#include <grove/hub/greenlet.hpp>

#include "socket_state.hpp"

namespace grove::net {

using detail::SocketState;
using detail::Way;

namespace {

[[noreturn]] void throw_connect(int error, const Address& address) {
  throw std::system_error(error, std::system_category(), "connect to " + address.to_string());
}
[[noreturn]] void throw_late(const Address& address) {
  throw TimeoutError("connect to " + address.to_string() + ": the deadline came first");
}

void bind_to(SocketState& state, const Address& source) {
  if (source.is_ip()) { // a port is chosen when the peer is known: one for each pair of addresses
    const int on = 1;
    setsockopt(state.fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    setsockopt(state.fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  }
  if (::bind(state.fd, source.data(), source.size()) != 0) {
    throw std::system_error(errno, std::system_category(),
                            "connect from " + source.to_string() + ": bind");
  }
}

// A Unix socket whose listener's queue is full says EAGAIN, and tells nobody when there is room.
int connect_unix(int fd, const Address& address, Deadline deadline) {
  using std::chrono::milliseconds;
  for (milliseconds pause(1);; pause = std::min(pause * 2, milliseconds(50))) {
    if (::connect(fd, address.data(), address.size()) == 0)
      return 0;
    if (errno != EAGAIN)
      return errno == EINTR ? EINPROGRESS : errno;
    if (deadline.has_passed())
      throw_late(address);
    sleep(earlier(deadline, Deadline(pause)));
  }
}

// The kernel may connect a socket that looks for a listener on a port of its own choosing with
// itself, when it has chosen that very port.
bool is_own_end(const SocketState& state, const Address& address) {
  if (!address.is_loopback())
    return false;
  sockaddr_storage local{};
  socklen_t size = sizeof local;
  auto* at = reinterpret_cast<sockaddr*>(&local);
  return getsockname(state.fd, at, &size) == 0 && Address::from(at, size) == address;
}

} // namespace

StreamSocket connect(const Address& address, Deadline deadline, const ConnectOptions& options) {
  grove::detail::check_interrupts();
  if (!address.is_ip() && !address.is_unix())
    throw_connect(EAFNOSUPPORT, address);
  StreamSocket socket(detail::open_socket(address.family(), SOCK_STREAM, "connect to", address));
  SocketState& state = *socket.state_;
  if (options.bind_to)
    bind_to(state, *options.bind_to);
  int error = 0;
  if (address.is_unix()) {
    error = connect_unix(state.fd, address, deadline);
  } else {
    const int on = 1;
    setsockopt(state.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(state.fd, address.data(), address.size()) != 0)
      error = errno == EINTR ? EINPROGRESS : errno;
  }
  if (error == EINPROGRESS) {
    if (!state.wait(Way::out, "connect", deadline) && !state.is_ready(Way::out))
      throw_late(address);
    state.side(Way::out).stop(); // it would be ready for ever
    error = socket.option(SOL_SOCKET, SO_ERROR);
  }
  if (error == 0 && is_own_end(state, address))
    error = ECONNREFUSED;
  if (error != 0)
    throw_connect(error, address);
  state.set_peer(address);
  return socket;
}

} // namespace grove::net
