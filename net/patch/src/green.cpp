// SPDX-License-Identifier: MIT
// Waiting in the place of the kernel.
#include "green.hpp"

#include <pthread.h>
#include <sys/time.h>
#include <unistd.h>

#include <chrono>
#include <new>

namespace grove::patch {

namespace {

constinit std::atomic<pid_t> process{0};
thread_local unsigned successes = 0;
constexpr unsigned successes_before_yield = 128;

} // namespace

void remember_process() { process.store(getpid(), std::memory_order_relaxed); }
bool in_vforked_child() { return getpid() != process.load(std::memory_order_relaxed); }

Waited wait_for(Id id, int fd, unsigned interest, Deadline deadline, int error_of_timeout) {
  if (in_vforked_child())
    return Waited::inert;
  try {
    detail::Readiness readiness;
    const int error = readiness.stand(fd, interest);
    if (error == EPERM)
      return Waited::inert;
    if (error != 0) {
      errno = error;
      return Waited::failed;
    }
    successes = 0;
    Call::add(call_of(id).waited);
    const detail::Wake why = detail::park_held(call_of(id).name, deadline);
    if (readiness.closed()) {
      errno = EBADF;
      return Waited::failed;
    }
    if (why == detail::Wake::ready)
      return Waited::ready;
    errno = why == detail::Wake::timeout ? error_of_timeout : ECANCELED;
    return Waited::failed;
  } catch (const std::bad_alloc&) {
    errno = ENOMEM;
    return Waited::failed;
  }
}

Waited sleep_until(Id id, Deadline deadline) {
  if (in_vforked_child())
    return Waited::inert;
  try {
    successes = 0;
    Call::add(call_of(id).waited);
    if (detail::park_held(call_of(id).name, deadline) != detail::Wake::interrupt)
      return Waited::ready;
    errno = ECANCELED;
    return Waited::failed;
  } catch (const std::bad_alloc&) {
    errno = ENOMEM;
    return Waited::failed;
  }
}

void count_success() {
  if (++successes < successes_before_yield)
    return;
  successes = 0;
  if (!in_vforked_child())
    detail::yield_held();
}

Deadline socket_deadline(int fd, int option) {
  const int before = errno;
  timeval limit{};
  socklen_t size = sizeof limit;
  const bool any = getsockopt(fd, SOL_SOCKET, option, &limit, &size) == 0 &&
                   (limit.tv_sec != 0 || limit.tv_usec != 0);
  errno = before;
  if (!any)
    return {};
  return std::chrono::seconds(limit.tv_sec) + std::chrono::microseconds(limit.tv_usec);
}

bool SocketWait::blocks() {
  if (asked_ == Asked::no) {
    const int flags = fcntl(fd_, F_GETFL);
    if (flags < 0)
      return false;
    asked_ = (flags & O_NONBLOCK) != 0 ? Asked::does_not : Asked::blocks;
  }
  if (asked_ == Asked::does_not)
    errno = EAGAIN;
  return asked_ == Asked::blocks;
}

Waited SocketWait::once() {
  if (!blocks())
    return Waited::failed;
  if (!timed_) {
    deadline_ = socket_deadline(fd_, interest_ == detail::readable ? SO_RCVTIMEO : SO_SNDTIMEO);
    timed_ = true;
  }
  return wait_for(id_, fd_, interest_, deadline_, EAGAIN);
}

} // namespace grove::patch
