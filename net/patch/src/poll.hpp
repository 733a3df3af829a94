// SPDX-License-Identifier: MIT
// What poll, ppoll, select and pselect have in common.
#pragma once

#include <csignal>
#include <ctime>
#include <poll.h>

#include "green.hpp"

namespace grove::patch {

// As poll(2), on behalf of `id`.
int poll_until(Id id, pollfd* entries, nfds_t count, Deadline deadline);

// Whether a wait under that mask is one under the thread's own. Another mask is for the thread as a
// whole: such a wait is left to the kernel.
bool is_own_mask(const sigset_t* mask);

inline bool is_valid(const timespec& time) {
  return time.tv_sec >= 0 && time.tv_nsec >= 0 && time.tv_nsec < 1'000'000'000;
}
Deadline after(const timespec& time); // from now on

} // namespace grove::patch
