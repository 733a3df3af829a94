// SPDX-License-Identifier: MIT
// Closings: who waits for many descriptors hears when one is closed. Private to grove's libraries.
#pragma once

#include <grove/hub/detail/wait.hpp>

namespace grove::detail {

// A closed descriptor is gone from every epoll set without a word. The waiter is granted whenever
// one is closed on this hub, whichever it is, and has to look again.
void wait_for_closings(Waiter& waiter);

// To be called by whatever closes a descriptor that others may know by its number.
void tell_of_closing() noexcept;
// Whether anybody on this thread would hear it.
bool is_closing_awaited() noexcept;

} // namespace grove::detail
