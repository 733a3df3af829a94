// SPDX-License-Identifier: MIT
// close, dup2, dup3: whoever waits for what a number stood for hears of its end.
#include <unistd.h>

#include <grove/hub/detail/closings.hpp>

#include "green.hpp"

namespace grove::patch {

namespace {

// From the loop too, where the hub drops what is over; but not from a signal handler, which may
// have come in the midst of the hub's work.
bool may_touch_the_hub() {
  if (enabled.load(std::memory_order_relaxed) == 0)
    return false;
  detail::HubState& hub = *detail::this_hub;
  if (hub.index == detail::no_hub_index)
    return false;
  const auto* here = static_cast<const char*>(__builtin_frame_address(0));
  return here >= hub.context->limit && here < hub.context->limit + hub.context->size;
}

// Before it happens: whoever waits for this one, by its number.
void forget(int fd) {
  if (may_touch_the_hub() && detail::is_descriptor_known(fd) && !in_vforked_child())
    detail::forget_descriptor(fd);
}

// After it has happened: whoever waits for many.
void tell() {
  if (may_touch_the_hub() && detail::is_closing_awaited() && !in_vforked_child())
    detail::tell_of_closing();
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
  const int result = GROVE_REAL(close)(fd);
  tell();
  return result;
}

GROVE_HOOK(int, dup2, (int from, int to)) {
  GROVE_COUNT(dup2);
  if (will_replace(from, to))
    forget(to);
  const int result = GROVE_REAL(dup2)(from, to);
  tell();
  return result;
}

GROVE_HOOK(int, dup3, (int from, int to, int flags)) {
  GROVE_COUNT(dup3);
  if (will_replace(from, to))
    forget(to);
  const int result = GROVE_REAL(dup3)(from, to, flags);
  tell();
  return result;
}

} // namespace grove::patch
