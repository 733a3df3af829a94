// SPDX-License-Identifier: MIT
// Pipes, terminals, eventfds: no flag of a call keeps the kernel from blocking, unless it is one of
// those that know RWF_NOWAIT.
#include "streams.hpp"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>

#include "green.hpp"
#include "parts.hpp"

namespace grove::patch {

namespace {

// Whether it can be waited for at all. A disk is fast, or nobody knows: the kernel's affair.
bool is_stream(int fd) {
  struct stat status {};
  return fstat(fd, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode) &&
         !S_ISBLK(status.st_mode) && !S_ISSOCK(status.st_mode);
}

bool not_supported() { return errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL; }

// Readers and writers elsewhere may be quicker than whoever has looked: then the call blocks. That
// is only where RWF_NOWAIT is not known.
bool is_ready(int fd, short events) {
  pollfd one{fd, events, 0};
  for (;;) {
    const int n = GROVE_REAL(poll)(&one, 1, 0);
    if (n != 0 && (n > 0 || errno != EINTR))
      return true; // or an error, which the call itself will tell
    if (n == 0) {
      errno = EAGAIN;
      return false;
    }
  }
}

// So much fits when a stream is said to be ready: into a pipe (POSIX), into a terminal (Linux).
// There a control character may become more than one, which need not fit: it goes alone.
std::size_t what_fits(int fd, const iovec& part) {
  if (isatty(fd) == 0)
    return std::min<std::size_t>(part.iov_len, PIPE_BUF);
  const auto* text = static_cast<const unsigned char*>(part.iov_base);
  const std::size_t most = std::min<std::size_t>(part.iov_len, 256);
  std::size_t fits = 0;
  while (fits < most && text[fits] >= 0x20)
    ++fits;
  return std::max<std::size_t>(fits, 1);
}

ssize_t write_now(int fd, const Parts& left) {
  const ssize_t n = pwritev2(fd, left.data(), static_cast<int>(left.count()), -1, RWF_NOWAIT);
  if (n >= 0 || !not_supported())
    return n;
  const iovec* part = left.data();
  while (part->iov_len == 0)
    ++part;
  return is_ready(fd, POLLOUT) ? GROVE_REAL(write)(fd, part->iov_base, what_fits(fd, *part)) : -1;
}

// Its user has asked for O_NONBLOCK.
bool blocks(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  errno = EAGAIN;
  return flags >= 0 && (flags & O_NONBLOCK) == 0;
}

} // namespace

ssize_t read_stream(bool vector, int fd, const iovec* parts, int count) {
  const int before = errno;
  const Id id = vector ? Id::readv : Id::read;
  const auto to_kernel = [&] {
    errno = before;
    return vector ? GROVE_REAL(readv)(fd, parts, count)
                  : GROVE_REAL(read)(fd, parts->iov_base, parts->iov_len);
  };
  if (!green(streams) || !is_stream(fd))
    return to_kernel();
  for (;;) {
    ssize_t n = preadv2(fd, parts, count, -1, RWF_NOWAIT);
    if (n < 0 && not_supported()) {
      if (is_ready(fd, POLLIN))
        return to_kernel(); // as much as there is
    }
    if (n >= 0) {
      errno = before;
      return n;
    }
    if (errno == EINTR)
      continue;
    if (!would_block() || !blocks(fd))
      return -1;
    const Waited why = wait_for(id, fd, detail::readable, {}, EAGAIN);
    if (why == Waited::inert)
      return to_kernel();
    if (why == Waited::failed)
      return -1;
  }
}

ssize_t write_stream(bool vector, int fd, const iovec* parts, int count) {
  const int before = errno;
  const Id id = vector ? Id::writev : Id::write;
  const auto to_kernel = [&] {
    errno = before;
    return vector ? GROVE_REAL(writev)(fd, parts, count)
                  : GROVE_REAL(write)(fd, parts->iov_base, parts->iov_len);
  };
  if (!green(streams) || !is_stream(fd))
    return to_kernel();
  Parts left(parts, static_cast<std::size_t>(count));
  const std::size_t size = left.size();
  std::size_t done = 0;
  for (;;) {
    const ssize_t n = write_now(fd, left);
    if (n >= 0) {
      done += static_cast<std::size_t>(n);
      if (done >= size || n == 0 || !blocks(fd))
        break;
      left.take(static_cast<std::size_t>(n));
      continue;
    }
    if (errno == EINTR)
      continue;
    if (would_block() && blocks(fd)) {
      const Waited why = wait_for(id, fd, detail::writable, {}, EAGAIN);
      if (why == Waited::ready)
        continue;
      if (why == Waited::inert && done == 0)
        return to_kernel();
    }
    if (done == 0)
      return -1;
    break;
  }
  errno = before;
  return static_cast<ssize_t>(done);
}

} // namespace grove::patch
