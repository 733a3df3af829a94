// SPDX-License-Identifier: MIT
// StreamSocket: receiving and sending, and what only connections have.
#include <grove/net/stream_socket.hpp>

#include <netinet/tcp.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <system_error>

#include <grove/hub/detail/without_sigpipe.hpp>

#include "socket_state.hpp"

namespace grove::net {

using detail::SocketState;
using detail::Way;

namespace {

constexpr int flags = MSG_DONTWAIT | MSG_NOSIGNAL;

ssize_t send_parts(int fd, std::span<const std::string_view> parts) {
  if (parts.size() == 1)
    return ::send(fd, parts.front().data(), parts.front().size(), flags);
  std::array<iovec, 16> vectors;
  const std::size_t count = std::min(parts.size(), vectors.size());
  std::transform(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(count), vectors.begin(),
                 [](std::string_view part) {
                   return iovec{const_cast<char*>(part.data()), part.size()}; // NOLINT: is read
                 });
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = count;
  return ::sendmsg(fd, &message, flags);
}

std::size_t total(std::span<const std::string_view> parts) {
  std::size_t sum = 0;
  for (const std::string_view part : parts)
    sum += part.size();
  return sum;
}

} // namespace

StreamSocket StreamSocket::adopt(int fd) {
  detail::SocketRef state = detail::adopt(fd);
  if (state->type != SOCK_STREAM || state->listening) {
    state->give_up();
    throw std::system_error(EINVAL, std::system_category(),
                            "take over descriptor " + std::to_string(fd) +
                                " as a connected stream socket");
  }
  if (state->family != AF_UNIX) {
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  state->set_peer(state->peer_address());
  return StreamSocket(std::move(state));
}

Address StreamSocket::peer_address() const {
  SocketState& state = opened("peer_address");
  return state.peer_address();
}

// -- receiving -----------------------------------------------------------------------------------

std::size_t StreamSocket::read_some(std::span<char> into, Deadline deadline) {
  SocketState& state = opened("recv");
  if (into.empty() || state.at_end) [[unlikely]] {
    grove::detail::check_interrupts();
    return 0;
  }
  const std::size_t count = state.transfer(Way::in, "recv", deadline, [into](int fd) {
    return ::recv(fd, into.data(), into.size(), MSG_DONTWAIT);
  });
  state.drained[0] = count < into.size() && count != 0;
  return count;
}

bool StreamSocket::wait_to_read(Deadline deadline) { return Socket::wait_readable(deadline); }

Socket::ReadyOp StreamSocket::readable_op() { return {*this, grove::detail::readable, has_kept()}; }

std::optional<std::size_t> StreamSocket::try_recv_into(std::span<char> into) {
  SocketState& state = opened("try_recv_into");
  if (has_kept())
    return recv_into(into);
  if (into.empty() || state.at_end)
    return 0;
  const ssize_t count = state.try_transfer(Way::in, "recv", [into](int fd) {
    return ::recv(fd, into.data(), into.size(), MSG_DONTWAIT);
  });
  state.drained[0] = count < 0 || (count != 0 && static_cast<std::size_t>(count) < into.size());
  if (count < 0)
    return std::nullopt;
  return static_cast<std::size_t>(count);
}

void StreamSocket::shutdown_read() {
  SocketState& state = opened("shutdown_read");
  state.at_end = true; // the kernel would still take what comes
  if (::shutdown(state.fd, SHUT_RD) != 0 && errno != ENOTCONN)
    state.fail(errno, "shutdown_read");
}

// -- sending -------------------------------------------------------------------------------------

std::size_t StreamSocket::write_some(std::span<const std::string_view> parts, Deadline deadline) {
  SocketState& state = opened("send");
  const std::size_t whole = parts.size() == 1 ? parts.front().size() : total(parts);
  if (whole == 0) {
    grove::detail::check_interrupts();
    return 0;
  }
  const std::size_t count =
      state.transfer(Way::out, "send", deadline, [parts](int fd) { return send_parts(fd, parts); });
  state.drained[1] = count < whole && parts.size() <= 16;
  return count;
}

std::optional<std::size_t> StreamSocket::try_send(std::string_view data) {
  SocketState& state = opened("try_send");
  if (data.empty())
    return 0;
  const ssize_t count = state.try_transfer(
      Way::out, "send", [&data](int fd) { return send_parts(fd, std::span(&data, 1)); });
  state.drained[1] = count < 0 || static_cast<std::size_t>(count) < data.size();
  if (count < 0)
    return std::nullopt;
  return static_cast<std::size_t>(count);
}

std::size_t StreamSocket::send_file(int file, std::uint64_t offset, std::size_t count,
                                    Deadline deadline) {
  constexpr std::size_t at_once = 256 * 1024; // then others have a turn
  auto place = static_cast<off_t>(offset);
  const auto attempt = [&](int fd) {
    grove::detail::WithoutSigpipe quiet; // sendfile(2) has no flags
    const ssize_t n = ::sendfile(fd, file, &place, std::min(count, at_once));
    if (n < 0 && errno == EPIPE)
      quiet.broken();
    return n;
  };
  return opened("send_file").transfer(Way::out, "send_file", deadline, attempt);
}

std::size_t StreamSocket::send_file_all(int file, std::uint64_t offset, std::size_t count,
                                        Deadline deadline) {
  std::size_t sent = 0;
  do {
    const std::size_t n = send_file(file, offset + sent, count - sent, deadline);
    if (n == 0)
      break;
    sent += n;
    if (sent < count && deadline.has_passed())
      opened("send_file").fail_late("send_file");
  } while (sent < count);
  return sent;
}

void StreamSocket::shutdown_write(Deadline) {
  SocketState& state = opened("shutdown_write");
  if (::shutdown(state.fd, SHUT_WR) != 0)
    state.fail(errno, "shutdown_write");
}

// -- options -------------------------------------------------------------------------------------

void StreamSocket::set_no_delay(bool on) { set_option(IPPROTO_TCP, TCP_NODELAY, on ? 1 : 0); }

void StreamSocket::set_keep_alive(const KeepAlive& times) {
  const auto set = [this](int name, auto value) {
    if (value != 0)
      set_option(IPPROTO_TCP, name, static_cast<int>(value));
  };
  set(TCP_KEEPIDLE, times.idle.count());
  set(TCP_KEEPINTVL, times.interval.count());
  set(TCP_KEEPCNT, times.probes);
  set(TCP_USER_TIMEOUT, times.user_timeout.count());
  set_option(SOL_SOCKET, SO_KEEPALIVE, 1);
}

void StreamSocket::reset_on_close() {
  SocketState& state = opened("reset_on_close");
  const linger at_once{1, 0};
  if (setsockopt(state.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) != 0)
    state.fail(errno, "reset_on_close");
}

std::pair<StreamSocket, StreamSocket> socket_pair() {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0)
    throw std::system_error(errno, std::system_category(), "socket_pair");
  detail::NewDescriptor first(fds[0]);
  detail::NewDescriptor second(fds[1]);
  return {StreamSocket(detail::own(first, AF_UNIX, SOCK_STREAM)),
          StreamSocket(detail::own(second, AF_UNIX, SOCK_STREAM))};
}

} // namespace grove::net
