// SPDX-License-Identifier: MIT
// Pipes.
#include <grove/hub/pipe.hpp>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include <grove/hub/descriptor.hpp>
#include <grove/hub/detail/readiness.hpp>
#include <grove/hub/detail/without_sigpipe.hpp>

namespace grove {

namespace {

constexpr std::size_t block_size = 64 * 1024;
constexpr std::size_t line_chunk = 4 * 1024; // what is left of it moves with each line

[[noreturn]] void throw_errno(const char* what, int fd) {
  throw std::system_error(errno, std::system_category(),
                          std::string("grove: ") + what + " descriptor " + std::to_string(fd));
}
[[noreturn]] void throw_closed(const char* what) {
  throw Closed(std::string(what) + ": the pipe was closed");
}

ssize_t write_quietly(int fd, std::string_view bytes) {
  detail::WithoutSigpipe quiet;
  ssize_t n;
  do
    n = ::write(fd, bytes.data(), bytes.size());
  while (n < 0 && errno == EINTR);
  if (n < 0 && errno == EPIPE)
    quiet.broken();
  return n;
}

ssize_t read_once(int fd, char* to, std::size_t size) {
  ssize_t n;
  do
    n = ::read(fd, to, size);
  while (n < 0 && errno == EINTR);
  return n;
}

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK; }

// Until the descriptor is ready; Closed if it was closed meanwhile, and TimeoutError.
template <class State>
void await(const State& state, bool (*wait)(int, Deadline), const char* what, Deadline deadline) {
  try {
    if (!wait(state->fd, deadline))
      throw TimeoutError(std::string(what) + ": the deadline came first");
  } catch (const std::system_error& e) {
    if (e.code().value() == ECANCELED)
      throw_closed(what);
    throw;
  }
  if (state->fd < 0)
    throw_closed(what);
}

} // namespace

// -- PipeEnd -------------------------------------------------------------------------------------

PipeEnd::PipeEnd(int fd, const char* what) : state_(std::make_shared<State>()) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0)
    throw_errno(what, fd);
  if ((flags & O_NONBLOCK) == 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
    throw_errno(what, fd);
  const int own = fcntl(fd, F_GETFD);
  if ((own & FD_CLOEXEC) == 0)
    fcntl(fd, F_SETFD, own | FD_CLOEXEC);
  state_->fd = fd;
}

PipeEnd& PipeEnd::operator=(PipeEnd&& other) noexcept {
  if (this != &other) {
    close_quietly();
    home_ = other.home_;
    state_ = std::move(other.state_);
  }
  return *this;
}

std::shared_ptr<PipeEnd::State> PipeEnd::open_state(const char* what) const {
  home_(what);
  if (!is_open())
    throw_closed(what);
  return state_;
}

void PipeEnd::close() {
  if (!is_open())
    return;
  close_descriptor(std::exchange(state_->fd, -1));
}

void PipeEnd::close_quietly() noexcept {
  if (!is_open())
    return;
  const int fd = std::exchange(state_->fd, -1);
  if (detail::this_hub->index == detail::no_hub_index) { // the hub is gone, and nobody waits
    ::close(fd);
    return;
  }
  try {
    close_descriptor(fd);
  } catch (const std::system_error&) { // closed behind our back
  }
}

int PipeEnd::release() {
  if (state_ != nullptr && !state_->read.empty())
    throw std::logic_error("grove: PipeEnd.release: " + std::to_string(state_->read.size()) +
                           " bytes that were read would be lost");
  return state_ == nullptr ? -1 : std::exchange(state_->fd, -1);
}

// -- PipeReader ----------------------------------------------------------------------------------

namespace {
template <class State>
std::optional<std::size_t> take(const State& state, std::span<char> to) {
  if (to.empty())
    return 0;
  if (!state->read.empty()) {
    const std::size_t count = std::min(to.size(), state->read.size());
    std::memcpy(to.data(), state->read.data(), count);
    state->read.erase(0, count);
    return count;
  }
  const ssize_t n = read_once(state->fd, to.data(), to.size());
  if (n >= 0)
    return static_cast<std::size_t>(n);
  if (!would_block())
    throw_errno("read", state->fd);
  return std::nullopt;
}

// Appends up to `limit` bytes to what was read; false at the end.
template <class State>
bool read_more(const State& state, std::size_t limit, const char* what, Deadline deadline) {
  std::string& buffer = state->read;
  const std::size_t had = buffer.size();
  for (;;) {
    buffer.resize(had + std::min(limit, block_size));
    const ssize_t n = read_once(state->fd, buffer.data() + had, buffer.size() - had);
    const int error = errno;
    buffer.resize(had + static_cast<std::size_t>(std::max(n, ssize_t{0})));
    errno = error;
    if (n >= 0)
      return n > 0;
    if (!would_block())
      throw_errno("read", state->fd);
    await(state, wait_readable, what, deadline);
  }
}
} // namespace

std::optional<std::size_t> PipeReader::try_read(std::span<char> to) {
  return take(open_state("PipeReader.try_read"), to);
}

std::size_t PipeReader::read(std::span<char> to, Deadline deadline) {
  const auto state = open_state("PipeReader.read");
  detail::check_interrupts();
  for (;;) {
    if (const auto count = take(state, to))
      return *count;
    await(state, wait_readable, "PipeReader.read", deadline);
  }
}

std::string PipeReader::read_exactly(std::size_t count, Deadline deadline) {
  const auto state = open_state("PipeReader.read_exactly");
  if (count > state->read.max_size()) {
    const auto number = static_cast<std::ptrdiff_t>(count);
    throw std::invalid_argument("grove: PipeReader.read_exactly: " + std::to_string(number) +
                                (number < 0 ? " bytes is negative" : " bytes is too many"));
  }
  detail::check_interrupts();
  while (state->read.size() < count) {
    if (!read_more(state, count - state->read.size(), "PipeReader.read_exactly", deadline)) {
      throw Closed("PipeReader.read_exactly: the pipe ended after " +
                   std::to_string(state->read.size()) + " of " + std::to_string(count) + " bytes");
    }
  }
  std::string result = state->read.substr(0, count);
  state->read.erase(0, count);
  return result;
}

std::optional<std::string> PipeReader::read_line(Deadline deadline, std::size_t limit) {
  constexpr const char* what = "PipeReader.read_line";
  const auto state = open_state(what);
  detail::check_interrupts();
  std::string& buffer = state->read;
  for (std::size_t seen = 0;;) {
    const std::size_t end = buffer.find('\n', seen);
    if (std::min(end, buffer.size()) > limit) {
      throw std::length_error(std::string(what) + ": a line is longer than " +
                              std::to_string(limit) + " bytes");
    }
    if (end != std::string::npos) {
      std::string line = buffer.substr(0, end);
      buffer.erase(0, end + 1);
      return line;
    }
    if (seen != 0 && deadline.has_passed()) // of a source that never pauses
      throw TimeoutError(std::string(what) + ": the deadline came first");
    seen = buffer.size();
    if (!read_more(state, line_chunk, what, deadline))
      return buffer.empty() ? std::nullopt : std::optional(std::exchange(buffer, {}));
    detail::yield_now();
    if (state->fd < 0)
      throw_closed(what);
  }
}

std::string PipeReader::read_all(Deadline deadline) {
  const auto state = open_state("PipeReader.read_all");
  detail::check_interrupts();
  while (read_more(state, block_size, "PipeReader.read_all", deadline)) {
    if (deadline.has_passed()) // of a source that never pauses
      throw TimeoutError("PipeReader.read_all: the deadline came first");
    detail::yield_now();
    if (state->fd < 0)
      throw_closed("PipeReader.read_all");
  }
  return std::exchange(state->read, {});
}

PipeReader::ReadableOp::ReadableOp(PipeReader& reader)
    : state_(reader.open_state("PipeReader.readable_op")),
      watch_(state_->fd, detail::readable, [](detail::Watch& watch, unsigned) noexcept {
        auto* waiter = static_cast<detail::Waiter*>(watch.owner);
        watch.stop();
        if ((waiter->who->flags & detail::flag::parked) == 0)
          return;
        waiter->granted = true;
        detail::wake(waiter->who);
      }) {
  watch_.owner = &waiter_;
}

bool PipeReader::ReadableOp::ready() const {
  if (!state_->read.empty())
    return true;
  return detail::is_ready_now(state_->fd, POLLIN);
}

// -- PipeWriter ----------------------------------------------------------------------------------

namespace {
std::optional<std::size_t> put(int fd, std::string_view bytes) {
  if (bytes.empty())
    return 0;
  const ssize_t n = write_quietly(fd, bytes);
  if (n >= 0)
    return static_cast<std::size_t>(n);
  if (!would_block())
    throw_errno("write", fd);
  return std::nullopt;
}
} // namespace

std::optional<std::size_t> PipeWriter::try_write(std::string_view bytes) {
  return put(open_state("PipeWriter.try_write")->fd, bytes);
}

std::size_t PipeWriter::write_some(std::string_view bytes, Deadline deadline) {
  const auto state = open_state("PipeWriter.write_some");
  detail::check_interrupts();
  for (;;) {
    if (const auto count = put(state->fd, bytes))
      return *count;
    await(state, wait_writable, "PipeWriter.write_some", deadline);
  }
}

void PipeWriter::write_all(std::string_view bytes, Deadline deadline) {
  const auto state = open_state("PipeWriter.write_all");
  detail::check_interrupts();
  while (!bytes.empty()) {
    if (const auto count = put(state->fd, bytes))
      bytes.remove_prefix(*count);
    else
      await(state, wait_writable, "PipeWriter.write_all", deadline);
  }
}

// -- Pipe ----------------------------------------------------------------------------------------

// Closed unless somebody has taken them over.
struct Pipe::Ends {
  int read = -1;
  int write = -1;
  Ends() {
    detail::here(); // first of all: it throws where there is no hub
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
      throw std::system_error(errno, std::system_category(), "grove: pipe");
    read = ends[0];
    write = ends[1];
  }
  Ends(const Ends&) = delete;
  Ends& operator=(const Ends&) = delete;
  ~Ends() {
    for (const int fd : {read, write}) {
      if (fd >= 0)
        ::close(fd);
    }
  }
  template <class End>
  static End taken(int& fd) {
    End end(fd);
    fd = -1;
    return end;
  }
};

Pipe::Pipe() : Pipe(Ends()) {}

Pipe::Pipe(Ends&& ends)
    : reader(Ends::taken<PipeReader>(ends.read)), writer(Ends::taken<PipeWriter>(ends.write)) {}

} // namespace grove
