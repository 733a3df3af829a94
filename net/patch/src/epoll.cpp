// SPDX-License-Identifier: MIT
// epoll_wait, epoll_pwait: an epoll descriptor can itself be waited for.
#include <sys/epoll.h>

#include <chrono>

#include "poll.hpp"

namespace grove::patch {

namespace {

int epoll_until(Id id, int fd, epoll_event* events, int size, int timeout) {
  const int before = errno;
  const Deadline deadline = timeout < 0 ? Deadline() : Deadline(std::chrono::milliseconds(timeout));
  for (bool late = false;;) {
    const int n = GROVE_REAL(epoll_wait)(fd, events, size, 0);
    if (n < 0 && errno == EINTR)
      continue;
    if (n != 0 || late) {
      if (n >= 0) {
        errno = before;
        count_success();
      }
      return n;
    }
    switch (wait_for(id, fd, detail::readable, deadline, ETIMEDOUT)) {
    case Waited::ready:
      continue;
    case Waited::inert:
      return GROVE_REAL(epoll_wait)(fd, events, size, timeout);
    case Waited::failed:
      if (errno != ETIMEDOUT)
        return -1;
      late = true;
    }
  }
}

} // namespace

GROVE_HOOK(int, epoll_wait, (int fd, epoll_event* events, int size, int timeout)) {
  GROVE_COUNT(epoll_wait);
  if (timeout == 0 || !green(polling))
    return GROVE_REAL(epoll_wait)(fd, events, size, timeout);
  return epoll_until(Id::epoll_wait, fd, events, size, timeout);
}

GROVE_HOOK(int, epoll_pwait,
           (int fd, epoll_event* events, int size, int timeout, const sigset_t* mask)) {
  GROVE_COUNT(epoll_pwait);
  if (timeout == 0 || !green(polling) || !is_own_mask(mask))
    return GROVE_REAL(epoll_pwait)(fd, events, size, timeout, mask);
  return epoll_until(Id::epoll_pwait, fd, events, size, timeout);
}

} // namespace grove::patch
