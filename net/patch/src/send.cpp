// SPDX-License-Identifier: MIT
// write, writev, send, sendto, sendmsg, sendmmsg.
//
// A blocking send on a stream socket takes all of the data, so what the kernel has taken without
// blocking is followed by the rest.
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>

#include "green.hpp"
#include "parts.hpp"
#include "streams.hpp"

namespace grove::patch {

namespace {

// attempt(done, flags) sends what follows the first `done` bytes.
template <class F>
ssize_t send_all(Id id, int fd, std::size_t size, F attempt) {
  const int before = errno;
  std::size_t done = 0;
  SocketWait wait(id, fd, detail::writable);
  for (;;) {
    // That somebody hung up is told by the next call, if this one has done something.
    const ssize_t n = attempt(done, MSG_DONTWAIT | (done > 0 ? MSG_NOSIGNAL : 0));
    if (n >= 0) {
      done += static_cast<std::size_t>(n);
      if (done < size && n > 0 && wait.blocks())
        continue;
      errno = before;
      count_success();
      return static_cast<ssize_t>(done);
    }
    if (errno == EINTR)
      continue;
    if (would_block()) {
      const Waited why = wait.once();
      if (why == Waited::ready)
        continue;
      if (why == Waited::inert && done == 0)
        return attempt(0, 0);
    }
    if (done == 0)
      return -1;
    errno = before;
    return static_cast<ssize_t>(done);
  }
}

ssize_t send_bytes(Id id, int fd, const void* data, std::size_t size, int flags,
                   const sockaddr* address, socklen_t length) {
  return send_all(id, fd, size, [&](std::size_t done, int extra) {
    return GROVE_REAL(sendto)(fd, static_cast<const char*>(data) + done, size - done, flags | extra,
                              address, length);
  });
}

ssize_t send_message(Id id, int fd, const msghdr* message, int flags) {
  Parts left(message->msg_iov, message->msg_iovlen);
  msghdr rest = *message;
  std::size_t sent = 0;
  return send_all(id, fd, left.size(), [&](std::size_t done, int extra) {
    if (done > sent) { // what comes with a message has gone with its beginning
      left.take(done - sent);
      sent = done;
      rest.msg_iov = const_cast<iovec*>(left.data());
      rest.msg_iovlen = left.count();
      rest.msg_control = nullptr;
      rest.msg_controllen = 0;
    }
    return GROVE_REAL(sendmsg)(fd, &rest, flags | extra);
  });
}

} // namespace

GROVE_HOOK(ssize_t, send, (int fd, const void* data, size_t size, int flags)) {
  GROVE_COUNT(send);
  if (!green(sockets) || (flags & MSG_DONTWAIT) != 0)
    return GROVE_REAL(send)(fd, data, size, flags);
  return send_bytes(Id::send, fd, data, size, flags, nullptr, 0);
}

GROVE_HOOK(ssize_t, sendto,
           (int fd, const void* data, size_t size, int flags, const sockaddr* address,
            socklen_t length)) {
  GROVE_COUNT(sendto);
  if (!green(sockets) || (flags & MSG_DONTWAIT) != 0)
    return GROVE_REAL(sendto)(fd, data, size, flags, address, length);
  return send_bytes(Id::sendto, fd, data, size, flags, address, length);
}

GROVE_HOOK(ssize_t, sendmsg, (int fd, const msghdr* message, int flags)) {
  GROVE_COUNT(sendmsg);
  if (!green(sockets) || (flags & MSG_DONTWAIT) != 0)
    return GROVE_REAL(sendmsg)(fd, message, flags);
  return send_message(Id::sendmsg, fd, message, flags);
}

GROVE_HOOK(int, sendmmsg, (int fd, mmsghdr* messages, unsigned count, int flags)) {
  GROVE_COUNT(sendmmsg);
  if (!green(sockets) || (flags & MSG_DONTWAIT) != 0)
    return GROVE_REAL(sendmmsg)(fd, messages, count, flags);
  unsigned done = 0;
  for (; done < count; ++done) {
    const ssize_t n = send_message(Id::sendmmsg, fd, &messages[done].msg_hdr, flags);
    if (n < 0)
      return done > 0 ? static_cast<int>(done) : -1;
    messages[done].msg_len = static_cast<unsigned>(n);
  }
  return static_cast<int>(done);
}

GROVE_HOOK(ssize_t, write, (int fd, const void* data, size_t size)) {
  GROVE_COUNT(write);
  if (size == 0 || !green(static_cast<Group>(sockets | streams)))
    return GROVE_REAL(write)(fd, data, size);
  const int before = errno;
  if (green(sockets)) {
    const ssize_t n = send_bytes(Id::write, fd, data, size, 0, nullptr, 0);
    if (n >= 0 || errno != ENOTSOCK)
      return n;
    errno = before;
  }
  const iovec part{const_cast<void*>(data), size};
  return write_stream(false, fd, &part, 1);
}

GROVE_HOOK(ssize_t, writev, (int fd, const iovec* parts, int count)) {
  GROVE_COUNT(writev);
  if (count <= 0 || !green(static_cast<Group>(sockets | streams)))
    return GROVE_REAL(writev)(fd, parts, count);
  const auto places = static_cast<std::size_t>(count);
  if (size_of(parts, places) == 0)
    return GROVE_REAL(writev)(fd, parts, count);
  const int before = errno;
  if (green(sockets)) {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts);
    message.msg_iovlen = places;
    const ssize_t n = send_message(Id::writev, fd, &message, 0);
    if (n >= 0 || errno != ENOTSOCK)
      return n;
    errno = before;
  }
  return write_stream(true, fd, parts, count);
}

} // namespace grove::patch
