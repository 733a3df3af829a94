// SPDX-License-Identifier: MIT
// poll, ppoll.
#include "poll.hpp"

#include <pthread.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <memory>
#include <new>

#include <grove/hub/detail/closings.hpp>

namespace grove::patch {

namespace {

constexpr short reads = POLLIN | POLLRDNORM;
constexpr short writes = POLLOUT | POLLWRNORM;

// The hub watches for "readable" and "writable". Whatever else is asked for is watched by an epoll
// set of the call's own, which gets readable.
bool is_plain(const pollfd& entry) {
  const auto asked = static_cast<unsigned short>(entry.events);
  if ((asked & (POLLPRI | POLLRDBAND | POLLWRBAND)) != 0)
    return false;
  return (asked & reads) != 0 || ((asked & writes) != 0 && (asked & POLLRDHUP) == 0);
}

class OwnSet {
public:
  OwnSet() = default;
  OwnSet(const OwnSet&) = delete;
  OwnSet& operator=(const OwnSet&) = delete;
  ~OwnSet() {
    if (fd_ < 0)
      return;
    const int error = errno;
    detail::forget_descriptor(fd_);
    GROVE_REAL(close)(fd_);
    errno = error;
  }
  // False: errno.
  bool add(const pollfd* entries, nfds_t count, const pollfd& entry) {
    if (fd_ < 0 && (fd_ = epoll_create1(EPOLL_CLOEXEC)) < 0)
      return false;
    epoll_event event{};
    for (nfds_t i = 0; i < count; ++i) { // a descriptor may be there more than once
      if (entries[i].fd == entry.fd && !is_plain(entries[i]))
        event.events |= static_cast<unsigned short>(entries[i].events);
    }
    return epoll_ctl(fd_, EPOLL_CTL_ADD, entry.fd, &event) == 0 || errno == EEXIST ||
           errno == EPERM; // a file: it never has what is asked for, or it would have been seen
  }
  int fd() const { return fd_; }

private:
  int fd_ = -1;
};

int look(pollfd* entries, nfds_t count) {
  for (;;) {
    const int n = GROVE_REAL(poll)(entries, count, 0);
    if (n >= 0 || errno != EINTR)
      return n;
  }
}

enum class Ended { woken, timeout, failed };

// Parks until one of the descriptors may be ready.
Ended wait_for_any(Id id, const pollfd* entries, nfds_t count, Deadline deadline) {
  OwnSet own; // goes after those who stand in line for it
  std::array<detail::Readiness, 4> few;
  std::unique_ptr<detail::Readiness[]> many;
  detail::Readiness* next = few.data();
  if (2 * count + 1 > few.size()) {
    many = std::make_unique<detail::Readiness[]>(2 * count + 1);
    next = many.get();
  }
  const auto stand = [&](int fd, unsigned interest) {
    const int error = (next++)->stand(fd, interest);
    errno = error;
    return error == 0 || error == EPERM;
  };
  for (nfds_t i = 0; i < count; ++i) {
    const pollfd& entry = entries[i];
    if (entry.fd < 0)
      continue;
    bool well = true;
    if (!is_plain(entry)) {
      well = own.add(entries, count, entry);
    } else {
      if ((entry.events & reads) != 0)
        well = stand(entry.fd, detail::readable);
      if (well && (entry.events & writes) != 0)
        well = stand(entry.fd, detail::writable);
    }
    if (!well)
      return errno == EBADF ? Ended::woken : Ended::failed; // gone since the look
  }
  detail::Waiter of_closings; // which a set of descriptors is not told of
  if (own.fd() >= 0) {
    if (!stand(own.fd(), detail::readable))
      return Ended::failed;
    detail::wait_for_closings(of_closings);
  }
  Call::add(call_of(id).waited);
  switch (detail::park_held(call_of(id).name, deadline)) {
  case detail::Wake::ready:
    return Ended::woken;
  case detail::Wake::timeout:
    return Ended::timeout;
  case detail::Wake::interrupt:
    break;
  }
  errno = ECANCELED;
  return Ended::failed;
}

int milliseconds_until(Deadline deadline) {
  if (deadline.is_never())
    return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(
      std::chrono::nanoseconds(deadline.nanoseconds()) - now().time_since_epoch());
  return static_cast<int>(
      std::clamp<std::int64_t>(left.count(), 0, std::numeric_limits<int>::max()));
}

} // namespace

int poll_until(Id id, pollfd* entries, nfds_t count, Deadline deadline) {
  const int before = errno;
  for (bool late = false;;) {
    const int n = look(entries, count);
    if (n != 0 || late) {
      if (n >= 0) {
        errno = before;
        count_success();
      }
      return n;
    }
    if (in_vforked_child())
      return GROVE_REAL(poll)(entries, count, milliseconds_until(deadline));
    try {
      const Ended ended = wait_for_any(id, entries, count, deadline);
      if (ended == Ended::failed)
        return -1;
      late = ended == Ended::timeout;
    } catch (const std::bad_alloc&) {
      errno = ENOMEM;
      return -1;
    }
  }
}

bool is_own_mask(const sigset_t* mask) {
  if (mask == nullptr)
    return true;
  sigset_t own;
  if (pthread_sigmask(SIG_SETMASK, nullptr, &own) != 0)
    return false;
  for (int signal = 1; signal < _NSIG; ++signal) {
    if (sigismember(mask, signal) != sigismember(&own, signal))
      return false;
  }
  return true;
}

Deadline after(const timespec& time) {
  if (time.tv_sec > std::numeric_limits<std::int64_t>::max() / 2'000'000'000)
    return {};
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

GROVE_HOOK(int, poll, (pollfd * entries, nfds_t count, int timeout)) {
  GROVE_COUNT(poll);
  if (timeout == 0 || !green(polling))
    return GROVE_REAL(poll)(entries, count, timeout);
  return poll_until(Id::poll, entries, count,
                    timeout < 0 ? Deadline() : Deadline(std::chrono::milliseconds(timeout)));
}

GROVE_HOOK(int, ppoll,
           (pollfd * entries, nfds_t count, const timespec* timeout, const sigset_t* mask)) {
  GROVE_COUNT(ppoll);
  const bool waits =
      timeout == nullptr || (is_valid(*timeout) && (timeout->tv_sec != 0 || timeout->tv_nsec != 0));
  if (!waits || !green(polling) || !is_own_mask(mask))
    return GROVE_REAL(ppoll)(entries, count, timeout, mask);
  return poll_until(Id::ppoll, entries, count, timeout == nullptr ? Deadline() : after(*timeout));
}

// -- what _FORTIFY_SOURCE makes of them -----------------------------------------------------------

GROVE_HOOK(int, __poll_chk, (pollfd * entries, nfds_t count, int timeout, size_t room)) {
  GROVE_COUNT(__poll_chk);
  if (room / sizeof(pollfd) < count)
    __chk_fail();
  return hook_poll(entries, count, timeout);
}

GROVE_HOOK(int, __ppoll_chk,
           (pollfd * entries, nfds_t count, const timespec* timeout, const sigset_t* mask,
            size_t room)) {
  GROVE_COUNT(__ppoll_chk);
  if (room / sizeof(pollfd) < count)
    __chk_fail();
  return hook_ppoll(entries, count, timeout, mask);
}

} // namespace grove::patch
