// SPDX-License-Identifier: MIT
// Listener: bind, listen, accept.
#include <grove/net/listener.hpp>

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <system_error>

#include "binding.hpp"
#include "socket_state.hpp"

namespace grove::net {

using detail::SocketRef;
using detail::SocketState;
using detail::Way;

namespace {

[[noreturn]] void throw_listen(int error, const Address& address) {
  throw std::system_error(error, std::system_category(), "listen on " + address.to_string());
}

void bind_ip(SocketState& state, const Address& address, const ListenOptions& options) {
  const auto set = [&](int level, int name, int value) {
    if (setsockopt(state.fd, level, name, &value, sizeof value) != 0)
      throw_listen(errno, address);
  };
  set(SOL_SOCKET, SO_REUSEADDR, 1);
  if (options.reuse_port)
    set(SOL_SOCKET, SO_REUSEPORT, 1);
  if (state.family == AF_INET6)
    set(IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6_only ? 1 : 0);
  set(IPPROTO_TCP, TCP_NODELAY, 1); // connections inherit it
  if (::bind(state.fd, address.data(), address.size()) != 0)
    throw_listen(errno, address);
}

SocketRef bound(const Address& address, const ListenOptions& options) {
  SocketRef state = detail::open_socket(address.family(), SOCK_STREAM, "listen on", address);
  if (address.is_unix())
    detail::bind_path(*state, address, "listen on", options.mode, options.replace_stale);
  else
    bind_ip(*state, address, options);
  return state;
}

// Of a connection that is lost before it is accepted: see accept(2). There may be another one.
bool is_of_one_connection(int error) {
  switch (error) {
  case ECONNABORTED:
  case EPERM: // a firewall's rules
  case EPROTO:
  case ENETDOWN:
  case ENOPROTOOPT:
  case EHOSTDOWN:
  case ENONET:
  case EHOSTUNREACH:
  case ENETUNREACH:
    return true;
  default:
    return false;
  }
}
constexpr int lost_in_a_row = 64; // more of them are the listener's own error

struct Accepted {
  sockaddr_storage peer;
  socklen_t size;
  int operator()(int listener) {
    for (int lost = 0;; ++lost) {
      size = sizeof peer;
      const int fd = ::accept4(listener, reinterpret_cast<sockaddr*>(&peer), &size,
                               SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0 || lost == lost_in_a_row || !is_of_one_connection(errno))
        return fd;
    }
  }
  SocketRef state(int fd, int family) {
    detail::NewDescriptor fresh(fd);
    SocketRef state = detail::own(fresh, family, SOCK_STREAM);
    if (family != AF_UNIX)
      state->set_peer(Address::from(reinterpret_cast<sockaddr*>(&peer), size));
    return state;
  }
};

} // namespace

Listener::Listener(const Address& address, const ListenOptions& options)
    : Socket(detail::bound_to(address, options.ipv6_only,
                              [&](const Address& one) { return bound(one, options); })) {
  if (::listen(state_->fd, options.backlog) != 0)
    throw_listen(errno, address);
  state_->listening = true;
}

Listener::Listener(int fd) : Socket(detail::adopt(fd)) {
  if (state_->listening && state_->type == SOCK_STREAM)
    return;
  state_->give_up();
  throw std::system_error(EINVAL, std::system_category(),
                          "take over descriptor " + std::to_string(fd) + " as a listening socket");
}

Listener Listener::adopt(int fd) { return Listener(fd); }

StreamSocket Listener::accept(Deadline deadline) {
  SocketState& state = opened("accept");
  Accepted accepted;
  const std::size_t fd = state.transfer(
      Way::in, "accept", deadline, [&](int listener) -> ssize_t { return accepted(listener); });
  return StreamSocket(accepted.state(static_cast<int>(fd), state.family));
}

std::optional<StreamSocket> Listener::try_accept() {
  SocketState& state = opened("try_accept");
  Accepted accepted;
  const ssize_t fd = state.try_transfer(
      Way::in, "accept", [&](int listener) -> ssize_t { return accepted(listener); });
  if (fd < 0)
    return std::nullopt;
  return StreamSocket(accepted.state(static_cast<int>(fd), state.family));
}

} // namespace grove::net
