// SPDX-License-Identifier: MIT
// The end of a listener, and of connections that nobody handles.
#include "last_connections.hpp"

#include <linux/filter.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <iterator>
#include <system_error>
#include <utility>

#include "socket_state.hpp"

namespace grove::net::detail {

namespace {

void let_nobody_in(int listener, int family) {
  if (family == AF_UNIX) {
    shutdown(listener, SHUT_RD); // connect(2) is refused; accept(2) goes on until there are none
    return;
  }
  // TCP has no such call: shutdown() would reset what waits. A filter drops the segments that ask
  // for a new connection; their clients ask again in a second, and are refused when we are gone.
  // Handshakes under way are completed.
  sock_filter code[] = {
      {BPF_LD | BPF_B | BPF_ABS, 0, 0, 13},  // the flags of the TCP header
      {BPF_JMP | BPF_JSET | BPF_K, 0, 1, 2}, // SYN?
      {BPF_RET | BPF_K, 0, 0, 0},
      {BPF_RET | BPF_K, 0, 0, 0xffffffff},
  };
  const sock_fprog program{static_cast<unsigned short>(std::size(code)), code};
  setsockopt(listener, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

int accept_now(int listener) {
  for (;;) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0 || (errno != EINTR && errno != ECONNABORTED))
      return fd;
  }
}

} // namespace

std::vector<StreamSocket> last_connections(const Listener& listener) {
  let_nobody_in(listener.descriptor(), listener.local_address().family());
  std::vector<StreamSocket> all;
  for (int fd = -1; (fd = accept_now(listener.descriptor())) >= 0;) {
    NewDescriptor fresh(fd);
    StreamSocket socket = StreamSocket::adopt(fd);
    fresh.give();
    all.push_back(std::move(socket));
  }
  return all;
}

void reset(StreamSocket socket) noexcept {
  try {
    socket.reset_on_close();
  } catch (const std::system_error&) { // it is closed in any case
  }
}

bool reset_one(int listener) noexcept {
  const int fd = accept_now(listener);
  if (fd < 0)
    return false;
  const linger at_once{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(fd);
  return true;
}

} // namespace grove::net::detail
