// SPDX-License-Identifier: MIT
// What the rest of the hub needs of the scheduler.
#pragma once

#include <exception>

#include <grove/hub/detail/hub_state.hpp>

namespace grove::detail {

// No stack can be had for one that has not begun: it ends with that error.
void fail_to_begin(Identity* identity, std::exception_ptr error) noexcept;

// Runs what was linked to it, in greenlets of their own.
void start_links(Identity* self);

} // namespace grove::detail
