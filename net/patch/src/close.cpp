// SPDX-License-Identifier: MIT
// close, dup2, dup3: whoever waits for what a number stood for hears of its end.
#include <unistd.h>

#include "green.hpp"

namespace grove::patch {

namespace {

// From the loop too, where the hub drops what is over; but not from a signal handler, which may
// have come in the midst of the hub's work.
void forget(int fd) {
  if (enabled.load(std::memory_order_relaxed) == 0)
    return;
  detail::HubState& hub = *detail::this_hub;
  if (hub.index == detail::no_hub_index)
    return;
  const auto* here = static_cast<const char*>(__builtin_frame_address(0));
  if (here < hub.context->limit || here >= hub.context->limit + hub.context->size)
    return;
  if (detail::is_descriptor_known(fd) && !in_vforked_child())
    detail::forget_descriptor(fd);
}

// Not if the call fails: then the number stands for what it has stood for.
bool will_replace(int from, int to) {
  const int before = errno;
  const bool will = from != to && fcntl(from, F_GETFD) >= 0;
  errno = before;
  return will;
}

} // namespace

GROVE_HOOK(int, close, (int fd)) {
  GROVE_COUNT(close);
  forget(fd);
  return GROVE_REAL(close)(fd);
}

GROVE_HOOK(int, dup2, (int from, int to)) {
  GROVE_COUNT(dup2);
  if (will_replace(from, to))
    forget(to);
  return GROVE_REAL(dup2)(from, to);
}

GROVE_HOOK(int, dup3, (int from, int to, int flags)) {
  GROVE_COUNT(dup3);
  if (will_replace(from, to))
    forget(to);
  return GROVE_REAL(dup3)(from, to, flags);
}

} // namespace grove::patch
