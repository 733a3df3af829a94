// SPDX-License-Identifier: MIT
// connect, accept, accept4: no flag of the call keeps the kernel from blocking.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>

#include "green.hpp"
#include "on_thread.hpp"

namespace grove::patch {

namespace {

// A Unix socket whose listener has no room says EAGAIN, and there is nothing to wait for. The
// descriptor is kept open for the thread, in case we go first.
int connect_on_thread(int fd, const sockaddr* address, socklen_t length) {
  struct Try {
    int fd;
    socklen_t length;
    sockaddr_storage address{};
    int error = 0;
    Try(int descriptor, socklen_t size) : fd(descriptor), length(size) {}
    Try(const Try&) = delete;
    Try& operator=(const Try&) = delete;
    ~Try() { GROVE_REAL(close)(fd); }
  };
  const int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (own < 0)
    return -1;
  const auto attempt =
      std::make_shared<Try>(own, std::min<socklen_t>(length, sizeof(sockaddr_storage)));
  std::memcpy(&attempt->address, address, attempt->length);
  const bool done = on_thread(Id::connect, attempt, [](Try& t) {
    if (GROVE_REAL(connect)(t.fd, reinterpret_cast<sockaddr*>(&t.address), t.length) != 0)
      t.error = errno;
  });
  if (!done)
    return -1;
  errno = attempt->error;
  return attempt->error == 0 ? 0 : -1;
}

// Between "there is one" and taking it another hub might take it, and we would block.
constinit std::mutex accepting;

template <class F>
int accept_when_ready(Id id, int fd, F call) {
  const int before = errno;
  SocketWait wait(id, fd, detail::readable);
  for (;;) {
    if (!wait.blocks()) { // or it is no descriptor, which the call will say
      errno = before;
      return call();
    }
    {
      const std::lock_guard lock(accepting);
      pollfd one{fd, POLLIN, 0};
      const int n = GROVE_REAL(poll)(&one, 1, 0);
      if (n > 0) {
        errno = before;
        const int accepted = call();
        if (accepted >= 0 || (errno != EINTR && !would_block()))
          return accepted;
        continue;
      }
      if (n < 0)
        continue; // EINTR
    }
    switch (wait.once()) {
    case Waited::ready:
      continue;
    case Waited::failed:
      return -1;
    case Waited::inert:
      return call();
    }
  }
}

} // namespace

GROVE_HOOK(int, connect, (int fd, const sockaddr* address, socklen_t length)) {
  GROVE_COUNT(connect);
  if (!green(sockets))
    return GROVE_REAL(connect)(fd, address, length);
  const int before = errno;
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || (flags & O_NONBLOCK) != 0)
    return GROVE_REAL(connect)(fd, address, length);
  // A socket that is being connected is nobody else's yet: for the length of the call its flag may
  // be another.
  if (in_vforked_child() || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
    return GROVE_REAL(connect)(fd, address, length);
  const int result = GROVE_REAL(connect)(fd, address, length);
  const int error = errno;
  fcntl(fd, F_SETFL, flags);
  errno = result == 0 ? before : error;
  if (result == 0)
    return 0;
  if (error == EAGAIN && address != nullptr && address->sa_family == AF_UNIX)
    return connect_on_thread(fd, address, length);
  if (error != EINPROGRESS && error != EINTR)
    return result;
  // Its limit is SO_SNDTIMEO, and then it goes on in the background.
  const Deadline deadline = socket_deadline(fd, SO_SNDTIMEO);
  for (;;) {
    if (wait_for(Id::connect, fd, detail::writable, deadline, EINPROGRESS) != Waited::ready)
      return -1;
    int why = 0;
    socklen_t size = sizeof why;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &size) != 0)
      return -1;
    if (why != 0) {
      errno = why;
      return -1;
    }
    pollfd one{fd, POLLOUT, 0};
    if (GROVE_REAL(poll)(&one, 1, 0) > 0) { // and no signal in between
      errno = before;
      return 0;
    }
  }
}

GROVE_HOOK(int, accept, (int fd, sockaddr* address, socklen_t* length)) {
  GROVE_COUNT(accept);
  if (!green(sockets))
    return GROVE_REAL(accept)(fd, address, length);
  return accept_when_ready(Id::accept, fd, [&] { return GROVE_REAL(accept)(fd, address, length); });
}

GROVE_HOOK(int, accept4, (int fd, sockaddr* address, socklen_t* length, int flags)) {
  GROVE_COUNT(accept4);
  if (!green(sockets))
    return GROVE_REAL(accept4)(fd, address, length, flags);
  return accept_when_ready(Id::accept4, fd,
                           [&] { return GROVE_REAL(accept4)(fd, address, length, flags); });
}

} // namespace grove::patch
