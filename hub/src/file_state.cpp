// SPDX-License-Identifier: MIT
// Reading and writing files: over the thread pool, or by readiness.
#include "file_state.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <grove/hub/descriptor.hpp>
#include <grove/hub/detail/watch.hpp>

namespace grove {

using detail::retried;
using detail::throw_file_error;

namespace {
constexpr int calls_per_turn = 64; // that need not wait, before others have a turn
}

File::State::State(std::shared_ptr<detail::Descriptor> opened, std::string its_name)
    : name(std::move(its_name)), descriptor(std::move(opened)),
      kind(detail::kind_of_file(descriptor->number, name)),
      append((fcntl(descriptor->number, F_GETFL) & O_APPEND) != 0) {}

void File::State::make_duplicate() {
  auto fresh = std::make_shared<detail::Descriptor>(-1, true);
  fresh->number = fcntl(fd(), F_DUPFD_CLOEXEC, 0);
  if (fresh->number < 0)
    throw_file_error(errno, "dup", name);
  duplicate = std::move(fresh);
}

off_t File::State::move_place(off_t offset, int whence) const {
  return lseek(worked_on()->number, offset, whence);
}

void File::State::must_be_open(const char* what) const {
  if (closed.is_set())
    throw Closed(std::string(what) + ": " + name + " is closed");
}

// -- by threads -----------------------------------------------------------------------------------

std::string File::State::read_by_thread(std::size_t size, off_t place, const char* what,
                                        Deadline deadline) {
  struct Read {
    std::string data{};
    int error = 0;
  };
  Read read = by_thread(
      [d = worked_on(), size, place] {
        std::string data(size, '\0');
        const ssize_t n = retried([&] {
          return place < 0 ? ::read(d->number, data.data(), size)
                           : ::pread(d->number, data.data(), size, place);
        });
        if (n < 0)
          return Read{{}, errno};
        data.resize(static_cast<std::size_t>(n));
        return Read{std::move(data), 0};
      },
      what, deadline);
  if (read.error != 0)
    throw_file_error(read.error, "read", name);
  return std::move(read.data);
}

void File::State::write_by_thread(std::string_view data, off_t place, const char* what,
                                  Deadline deadline) {
  const int error = by_thread(
      [d = worked_on(), text = std::string(data), place] {
        for (std::size_t done = 0; done < text.size();) {
          const char* rest = text.data() + done;
          const std::size_t size = text.size() - done;
          const ssize_t n = retried([&] {
            return place < 0 ? ::write(d->number, rest, size)
                             : ::pwrite(d->number, rest, size, place + static_cast<off_t>(done));
          });
          if (n < 0)
            return errno;
          done += static_cast<std::size_t>(n);
        }
        return 0;
      },
      what, deadline);
  if (error != 0)
    throw_file_error(error, "write", name);
}

// -- by readiness ---------------------------------------------------------------------------------

// Before the call: nothing that was read can be lost in it.
void File::State::give_others_a_turn() {
  if (++calls < calls_per_turn)
    return;
  calls = 0;
  detail::yield_now();
}

void File::State::wait_until_ready(unsigned direction, const char* what, Deadline deadline) {
  calls = 0;
  bool ready = true;
  try {
    ready = direction == detail::readable ? wait_readable(fd(), deadline)
                                          : wait_writable(fd(), deadline);
  } catch (const std::system_error&) {
    must_be_open(what); // it was woken by close()
    throw;
  }
  must_be_open(what); // between the wake-up and now
  if (!ready)
    throw TimeoutError(std::string(what) + ": " + name + " was not ready in time");
}

// -- either ---------------------------------------------------------------------------------------

std::size_t File::State::read_some(char* into, std::size_t size, const char* what,
                                   Deadline deadline) {
  if (size == 0)
    return 0;
  must_be_open(what);
  if (pooled()) {
    const off_t place = move_place(0, SEEK_CUR);
    const std::string data = read_by_thread(std::min(size, largest_job), place, what, deadline);
    if (place >= 0 && !closed.is_set())
      move_place(place + static_cast<off_t>(data.size()), SEEK_SET);
    std::copy(data.begin(), data.end(), into);
    return data.size();
  }
  give_others_a_turn();
  must_be_open(what);
  for (;;) {
    const ssize_t n = retried([&] { return detail::read_now(fd(), kind, into, size); });
    if (n >= 0)
      return static_cast<std::size_t>(n);
    if (!detail::would_wait())
      throw_file_error(errno, "read", name);
    wait_until_ready(detail::readable, what, deadline);
  }
}

bool File::State::fill(std::size_t size, const char* what, Deadline deadline) {
  std::string more(size, '\0');
  more.resize(read_some(more.data(), more.size(), what, deadline));
  buffer += more;
  return !more.empty();
}

void File::State::write_all(std::string_view data, const char* what, Deadline deadline) {
  if (pooled()) {
    while (!data.empty()) {
      must_be_open(what);
      const std::string_view part = data.substr(0, largest_job);
      const off_t place = append ? -1 : move_place(0, SEEK_CUR);
      write_by_thread(part, place, what, deadline);
      if (place >= 0 && !closed.is_set())
        move_place(place + static_cast<off_t>(part.size()), SEEK_SET);
      data.remove_prefix(part.size());
    }
    return;
  }
  give_others_a_turn();
  must_be_open(what);
  while (!data.empty()) {
    const ssize_t n =
        retried([&] { return detail::write_now(fd(), kind, data.data(), data.size()); });
    if (n >= 0)
      data.remove_prefix(static_cast<std::size_t>(n));
    else if (detail::would_wait())
      wait_until_ready(detail::writable, what, deadline);
    else
      throw_file_error(errno, "write", name);
  }
}

void File::State::drop_buffer() {
  if (!buffer.empty() && move_place(-static_cast<off_t>(buffer.size()), SEEK_CUR) >= 0)
    buffer.clear();
}

std::string File::State::take_front(std::size_t size) {
  std::string front = buffer.substr(0, size);
  buffer.erase(0, size);
  return front;
}

} // namespace grove
