// SPDX-License-Identifier: MIT
// read, readv, recv, recvfrom, recvmsg, recvmmsg.
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <chrono>
#include <ctime>

#include "green.hpp"
#include "parts.hpp"
#include "streams.hpp"

namespace grove::patch {

namespace {

// The kernel is asked, and that is all: it would not wait, or its user has asked for that.
bool never_waits(int flags) { return (flags & (MSG_DONTWAIT | MSG_ERRQUEUE)) != 0; }

// A message has an end, and MSG_WAITALL no meaning there.
bool is_stream_socket(int fd) {
  int type = 0;
  socklen_t size = sizeof type;
  return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

// MSG_WAITALL: until all the parts are full, or a stream ends. What was peeked at stays, so that a
// second look could not wait for more: MSG_PEEK gets what is there.
ssize_t receive_all(Id id, int fd, msghdr* message, int flags) {
  const int before = errno;
  ssize_t total = 0;
  Parts left(message->msg_iov, message->msg_iovlen);
  const std::size_t wanted = left.size();
  msghdr rest = *message;
  SocketWait wait(id, fd, detail::readable);
  for (;;) {
    const ssize_t n = GROVE_REAL(recvmsg)(fd, &rest, flags | MSG_DONTWAIT);
    if (n >= 0) {
      if (total == 0) // address, control data and flags are those of the beginning
        *message = rest;
      total += n;
      if (n == 0 || static_cast<std::size_t>(total) >= wanted || (flags & MSG_PEEK) != 0 ||
          !is_stream_socket(fd) || !wait.blocks()) {
        errno = before;
        count_success();
        return total;
      }
      left.take(static_cast<std::size_t>(n));
      rest = msghdr{};
      rest.msg_iov = const_cast<iovec*>(left.data());
      rest.msg_iovlen = left.count();
      continue;
    }
    if (errno == EINTR)
      continue;
    if (would_block()) {
      const Waited why = wait.once();
      if (why == Waited::ready)
        continue;
      if (why == Waited::inert)
        return total > 0 ? total : GROVE_REAL(recvmsg)(fd, message, flags);
    }
    if (total == 0)
      return -1;
    errno = before;
    return total;
  }
}

ssize_t receive(Id id, int fd, msghdr* message, int flags) {
  return on_socket(id, fd, detail::readable,
                   [&](int extra) { return GROVE_REAL(recvmsg)(fd, message, flags | extra); });
}

} // namespace

GROVE_HOOK(ssize_t, recv, (int fd, void* buffer, size_t size, int flags)) {
  GROVE_COUNT(recv);
  if (!green(sockets) || never_waits(flags))
    return GROVE_REAL(recv)(fd, buffer, size, flags);
  if ((flags & MSG_WAITALL) != 0) {
    iovec part{buffer, size};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    return receive_all(Id::recv, fd, &message, flags);
  }
  return on_socket(Id::recv, fd, detail::readable,
                   [&](int extra) { return GROVE_REAL(recv)(fd, buffer, size, flags | extra); });
}

GROVE_HOOK(ssize_t, recvfrom,
           (int fd, void* buffer, size_t size, int flags, sockaddr* address, socklen_t* length)) {
  GROVE_COUNT(recvfrom);
  if (!green(sockets) || never_waits(flags))
    return GROVE_REAL(recvfrom)(fd, buffer, size, flags, address, length);
  if ((flags & MSG_WAITALL) != 0) {
    iovec part{buffer, size};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_name = address;
    message.msg_namelen = address != nullptr && length != nullptr ? *length : 0;
    const ssize_t n = receive_all(Id::recvfrom, fd, &message, flags);
    if (n >= 0 && address != nullptr && length != nullptr)
      *length = message.msg_namelen;
    return n;
  }
  return on_socket(Id::recvfrom, fd, detail::readable, [&](int extra) {
    return GROVE_REAL(recvfrom)(fd, buffer, size, flags | extra, address, length);
  });
}

GROVE_HOOK(ssize_t, recvmsg, (int fd, msghdr* message, int flags)) {
  GROVE_COUNT(recvmsg);
  if (!green(sockets) || never_waits(flags))
    return GROVE_REAL(recvmsg)(fd, message, flags);
  if ((flags & MSG_WAITALL) != 0)
    return receive_all(Id::recvmsg, fd, message, flags);
  return receive(Id::recvmsg, fd, message, flags);
}

// `limit` is looked at after each message only, as by the kernel.
GROVE_HOOK(int, recvmmsg, (int fd, mmsghdr* messages, unsigned count, int flags, timespec* limit)) {
  GROVE_COUNT(recvmmsg);
  if (!green(sockets) || never_waits(flags) || count == 0)
    return GROVE_REAL(recvmmsg)(fd, messages, count, flags, limit);
  const int before = errno;
  const auto start = std::chrono::steady_clock::now();
  unsigned done = 0;
  while (done < count) {
    if (done > 0 && (flags & MSG_WAITFORONE) != 0) { // the rest of what is there
      const int more = GROVE_REAL(recvmmsg)(fd, messages + done, count - done,
                                            (flags & ~MSG_WAITFORONE) | MSG_DONTWAIT, nullptr);
      errno = before;
      return static_cast<int>(done) + (more > 0 ? more : 0);
    }
    const ssize_t n = receive(Id::recvmmsg, fd, &messages[done].msg_hdr, flags & ~MSG_WAITFORONE);
    if (n < 0) {
      if (done == 0)
        return -1;
      break;
    }
    messages[done++].msg_len = static_cast<unsigned>(n);
    if (limit != nullptr &&
        std::chrono::steady_clock::now() - start >=
            std::chrono::seconds(limit->tv_sec) + std::chrono::nanoseconds(limit->tv_nsec))
      break;
  }
  errno = before;
  return static_cast<int>(done);
}

GROVE_HOOK(ssize_t, read, (int fd, void* buffer, size_t size)) {
  GROVE_COUNT(read);
  if (size == 0 || !green(static_cast<Group>(sockets | streams)))
    return GROVE_REAL(read)(fd, buffer, size);
  const int before = errno;
  if (green(sockets)) {
    const ssize_t n = on_socket(Id::read, fd, detail::readable, [&](int extra) {
      return GROVE_REAL(recv)(fd, buffer, size, extra);
    });
    if (n >= 0 || errno != ENOTSOCK)
      return n;
    errno = before;
  }
  const iovec part{buffer, size};
  return read_stream(false, fd, &part, 1);
}

GROVE_HOOK(ssize_t, readv, (int fd, const iovec* parts, int count)) {
  GROVE_COUNT(readv);
  if (count <= 0 || !green(static_cast<Group>(sockets | streams)))
    return GROVE_REAL(readv)(fd, parts, count);
  const auto places = static_cast<std::size_t>(count);
  if (size_of(parts, places) == 0)
    return GROVE_REAL(readv)(fd, parts, count);
  const int before = errno;
  if (green(sockets)) {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts);
    message.msg_iovlen = places;
    const ssize_t n = receive(Id::readv, fd, &message, 0);
    if (n >= 0 || errno != ENOTSOCK)
      return n;
    errno = before;
  }
  return read_stream(true, fd, parts, count);
}

// -- what _FORTIFY_SOURCE makes of them -----------------------------------------------------------

GROVE_HOOK(ssize_t, __read_chk, (int fd, void* buffer, size_t size, size_t room)) {
  GROVE_COUNT(__read_chk);
  if (size > room)
    __chk_fail();
  return hook_read(fd, buffer, size);
}

GROVE_HOOK(ssize_t, __recv_chk, (int fd, void* buffer, size_t size, size_t room, int flags)) {
  GROVE_COUNT(__recv_chk);
  if (size > room)
    __chk_fail();
  return hook_recv(fd, buffer, size, flags);
}

GROVE_HOOK(ssize_t, __recvfrom_chk,
           (int fd, void* buffer, size_t size, size_t room, int flags, sockaddr* address,
            socklen_t* length)) {
  GROVE_COUNT(__recvfrom_chk);
  if (size > room)
    __chk_fail();
  return hook_recvfrom(fd, buffer, size, flags, address, length);
}

} // namespace grove::patch
