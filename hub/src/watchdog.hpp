// SPDX-License-Identifier: MIT
// What hubs do for the watchdog.
#pragma once

namespace grove::detail {

// Once per process: the watchdog that GROVE_WATCHDOG asks for. Called as each hub opens.
void start_watchdog_of_environment();

} // namespace grove::detail
