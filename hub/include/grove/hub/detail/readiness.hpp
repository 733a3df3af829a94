// SPDX-License-Identifier: MIT
// Readiness: a greenlet's place in the line of a descriptor.
#pragma once

#include <grove/hub/detail/wait.hpp>
#include <grove/hub/detail/watch.hpp>

namespace grove::detail {

struct Direction;

// One of those, possibly several, that a greenlet is about to park for: a direction of a
// descriptor. Whoever stands in line is woken in turn, one for each look that finds the descriptor
// ready: to be woken means to try. Lives on the waiting stack; hub-local.
class Readiness {
public:
  Readiness() = default;
  Readiness(const Readiness&) = delete;
  Readiness& operator=(const Readiness&) = delete;
  ~Readiness();

  // Goes into the line, once. An errno instead: EBADF; EPERM for a regular file, which is never
  // "not ready"; EBUSY if it wants to be `alone` there and is not.
  int stand(int fd, unsigned interest, bool alone = false);
  // After the wait: close_descriptor() or forget_descriptor() has taken the line away.
  bool closed() const { return waiter_.broken; }

private:
  Waiter waiter_;
  bool counted_ = false;
};

// What close_descriptor() does before it closes. Its own hub only.
void forget_descriptor(int fd) noexcept;
// Whether that would do anything.
bool is_descriptor_known(int fd) noexcept;

// Whether poll() finds one of `events` now, an end or an error; no suspension point.
bool is_ready_now(int fd, short events) noexcept;

} // namespace grove::detail
