// SPDX-License-Identifier: MIT
// The system calls of files.
#include "file_calls.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <csignal>
#include <system_error>

namespace grove::detail {

void throw_file_error(int error, const char* call, const std::string& name) {
  throw std::system_error(error, std::system_category(), std::string(call) + ' ' + name);
}

FileKind kind_of_file(int fd, const std::string& name) {
  struct stat status {};
  if (fstat(fd, &status) != 0)
    throw_file_error(errno, "fstat", name);
  if (S_ISSOCK(status.st_mode))
    return FileKind::socket;
  if (S_ISFIFO(status.st_mode))
    return FileKind::stream;
  if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) || S_ISBLK(status.st_mode))
    return FileKind::pooled;
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0)
    throw_file_error(errno, "epoll_create1 for", name);
  epoll_event none{};
  const bool refused = epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &none) != 0 && errno == EPERM;
  ::close(epoll);
  return refused ? FileKind::pooled : FileKind::stream;
}

namespace {

bool not_supported() { return errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL; }

// -1 and EAGAIN if it is not ready.
bool is_ready(int fd, short events) {
  pollfd one{fd, events, 0};
  if (poll(&one, 1, 0) != 0)
    return true; // or an error, which the call itself will tell
  errno = EAGAIN;
  return false;
}

// Takes the SIGPIPE of a write of ours away, and leaves every other.
class SigpipeHeld {
public:
  SigpipeHeld() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  SigpipeHeld(const SigpipeHeld&) = delete;
  SigpipeHeld& operator=(const SigpipeHeld&) = delete;
  ~SigpipeHeld() {
    const int error = errno;
    if (error == EPIPE && !was_pending_) {
      const timespec no_time{};
      retried([&] { return sigtimedwait(&pipe_, nullptr, &no_time); });
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = error;
  }

private:
  sigset_t pipe_;
  sigset_t before_;
  bool was_pending_;
};

} // namespace

ssize_t read_now(int fd, FileKind kind, char* into, std::size_t size) {
  if (kind == FileKind::socket)
    return recv(fd, into, size, MSG_DONTWAIT);
  iovec part{into, size};
  const ssize_t n = preadv2(fd, &part, 1, -1, RWF_NOWAIT);
  if (n >= 0 || !not_supported())
    return n;
  return is_ready(fd, POLLIN) ? ::read(fd, into, size) : -1; // as much as there is
}

ssize_t write_now(int fd, FileKind kind, const char* from, std::size_t size) {
  if (kind == FileKind::socket)
    return send(fd, from, size, MSG_DONTWAIT | MSG_NOSIGNAL);
  const SigpipeHeld held;
  iovec part{const_cast<char*>(from), size};
  const ssize_t n = pwritev2(fd, &part, 1, -1, RWF_NOWAIT);
  if (n >= 0 || !not_supported())
    return n;
  // So much fits when it is said to be ready: into a pipe (POSIX), into a terminal (Linux). There a
  // control character may become more than one, which need not fit: it goes alone.
  std::size_t fits = std::min<std::size_t>(size, PIPE_BUF);
  if (isatty(fd) != 0) {
    const std::size_t most = std::min<std::size_t>(size, 256);
    fits = 0;
    while (fits < most && static_cast<unsigned char>(from[fits]) >= 0x20)
      ++fits;
    fits = std::max<std::size_t>(fits, 1);
  }
  return is_ready(fd, POLLOUT) ? ::write(fd, from, fits) : -1;
}

} // namespace grove::detail
