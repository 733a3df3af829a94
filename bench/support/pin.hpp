// SPDX-License-Identifier: MIT
// One thread, one processor. Shared with the drivers of peers that are written in C++.
#pragma once

#include <pthread.h>
#include <sched.h>

namespace bench {

// Pins the calling thread to the `nth` processor that it may use, if there is one. The scheduler
// would at times put two threads that take turns on one processor, and measure something else.
inline void pin_to(int nth) {
  cpu_set_t usable{};
  sched_getaffinity(0, sizeof usable, &usable);
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &usable) && nth-- == 0) {
      cpu_set_t only{};
      CPU_SET(cpu, &only);
      pthread_setaffinity_np(pthread_self(), sizeof only, &only);
      return;
    }
  }
}

} // namespace bench
