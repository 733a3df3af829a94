// SPDX-License-Identifier: MIT
// Who waits with a pthread mutex held is told of, in debug builds.
#pragma once

namespace grove::patch {

void watch_mutexes(); // from now on

} // namespace grove::patch
