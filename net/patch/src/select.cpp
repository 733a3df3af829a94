// SPDX-License-Identifier: MIT
// select, pselect: a poll over the descriptors of the sets, however many there are.
#include <sys/select.h>
#include <sys/time.h>

#include <chrono>
#include <new>
#include <vector>

#include "poll.hpp"

namespace grove::patch {

namespace {

// Sets may be longer than fd_set says: whoever knows how many descriptors there are made room.
constexpr int word_bits = 8 * static_cast<int>(sizeof(fd_mask));
fd_mask& word(fd_set* set, int fd) { return reinterpret_cast<fd_mask*>(set)[fd / word_bits]; }
fd_mask bit(int fd) { return static_cast<fd_mask>(1UL << static_cast<unsigned>(fd % word_bits)); }
bool has(fd_set* set, int fd) { return set != nullptr && (word(set, fd) & bit(fd)) != 0; }
int put(fd_set* set, int fd, bool asked, bool ready) {
  if (!asked)
    return 0;
  if (ready)
    word(set, fd) |= bit(fd);
  else
    word(set, fd) &= ~bit(fd);
  return ready ? 1 : 0;
}

int select_until(Id id, int count, fd_set* reads, fd_set* writes, fd_set* errors,
                 Deadline deadline) {
  std::vector<pollfd> entries;
  for (int fd = 0; fd < count; ++fd) {
    short events = 0;
    if (has(reads, fd))
      events |= POLLIN | POLLRDNORM;
    if (has(writes, fd))
      events |= POLLOUT | POLLWRNORM;
    if (has(errors, fd))
      events |= POLLPRI;
    if (events != 0)
      entries.push_back({fd, events, 0});
  }
  if (poll_until(id, entries.data(), entries.size(), deadline) < 0)
    return -1;
  for (const pollfd& entry : entries) {
    if ((entry.revents & POLLNVAL) != 0) {
      errno = EBADF;
      return -1;
    }
  }
  int ready = 0;
  for (const pollfd& entry : entries) {
    const auto asked = [&](short events) { return (entry.events & events) != 0; };
    const auto is = [&](int events) { return (entry.revents & events) != 0; };
    ready += put(reads, entry.fd, asked(POLLIN), is(POLLIN | POLLRDNORM | POLLHUP | POLLERR));
    ready += put(writes, entry.fd, asked(POLLOUT), is(POLLOUT | POLLWRNORM | POLLERR));
    ready += put(errors, entry.fd, asked(POLLPRI), is(POLLPRI));
  }
  return ready;
}

int select_held(Id id, int count, fd_set* reads, fd_set* writes, fd_set* errors,
                Deadline deadline) {
  try {
    return select_until(id, count, reads, writes, errors, deadline);
  } catch (const std::bad_alloc&) {
    errno = ENOMEM;
    return -1;
  }
}

} // namespace

// As Linux does, it leaves in `timeout` what is left of it.
GROVE_HOOK(int, select,
           (int count, fd_set* reads, fd_set* writes, fd_set* errors, timeval* timeout)) {
  GROVE_COUNT(select);
  const bool waits = timeout == nullptr || timeout->tv_sec > 0 || timeout->tv_usec > 0;
  const bool valid = timeout == nullptr || (timeout->tv_sec >= 0 && timeout->tv_usec >= 0);
  if (!waits || !valid || count < 0 || !green(polling))
    return GROVE_REAL(select)(count, reads, writes, errors, timeout);
  Deadline deadline;
  if (timeout != nullptr)
    deadline = after(
        {timeout->tv_sec + timeout->tv_usec / 1'000'000, timeout->tv_usec % 1'000'000 * 1'000});
  const int n = select_held(Id::select, count, reads, writes, errors, deadline);
  if (timeout != nullptr && !deadline.is_never()) {
    using std::chrono::microseconds;
    auto left = std::chrono::duration_cast<microseconds>(
        std::chrono::nanoseconds(deadline.nanoseconds()) - now().time_since_epoch());
    left = std::max(left, microseconds(0));
    timeout->tv_sec = left.count() / 1'000'000;
    timeout->tv_usec = left.count() % 1'000'000;
  }
  return n;
}

GROVE_HOOK(int, pselect,
           (int count, fd_set* reads, fd_set* writes, fd_set* errors, const timespec* timeout,
            const sigset_t* mask)) {
  GROVE_COUNT(pselect);
  const bool waits =
      timeout == nullptr || (is_valid(*timeout) && (timeout->tv_sec != 0 || timeout->tv_nsec != 0));
  if (!waits || count < 0 || !green(polling) || !is_own_mask(mask))
    return GROVE_REAL(pselect)(count, reads, writes, errors, timeout, mask);
  return select_held(Id::pselect, count, reads, writes, errors,
                     timeout == nullptr ? Deadline() : after(*timeout));
}

} // namespace grove::patch
