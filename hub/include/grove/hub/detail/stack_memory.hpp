// SPDX-License-Identifier: MIT
// Memory of stacks whose owners wait for long.
#pragma once

namespace grove::detail {

struct Identity;

// Gives the system back what a suspended greenlet's calls once used below where it waits now: a
// system call, and page faults when it goes that deep again. Its own hub only.
void trim_stack(const Identity& suspended) noexcept;

} // namespace grove::detail
