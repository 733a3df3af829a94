// SPDX-License-Identifier: MIT
// What hubs do for the watchdog.
#pragma once

namespace grove::detail {

// Once per process: the watchdog that GROVE_WATCHDOG asks for. Called as each hub opens.
void start_watchdog_of_environment();

// For fork(): see fork.cpp.
void lock_watchdogs() noexcept;
void unlock_watchdogs() noexcept;

} // namespace grove::detail
