// SPDX-License-Identifier: MIT
// Stack overflow: found on the guard, told with the greenlet's name and size; then the end.
#pragma once

namespace grove::detail {

// Gives the calling thread an alternate signal stack and, once per process, handles SIGSEGV.
void watch_for_overflow();

// std::runtime_error where the thread runs with a hardware shadow stack: the switch would fault.
void refuse_shadow_stacks();

} // namespace grove::detail
