// SPDX-License-Identifier: MIT
// Keeps every processor that this process may use awake, with threads that run only when nothing
// else wants to. A virtual processor that has gone to sleep takes up to hundreds of microseconds to
// wake, which is the host's affair, and would hide what a wake-up costs. Ends with its parent.
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <thread>

namespace {

void spin_on(int cpu) {
  cpu_set_t only{};
  CPU_SET(static_cast<unsigned>(cpu), &only);
  const sched_param none{};
  if (pthread_setaffinity_np(pthread_self(), sizeof only, &only) != 0 ||
      sched_setscheduler(0, SCHED_IDLE, &none) != 0) {
    std::perror("keep_awake");
    return;
  }
  for (;;) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
  }
}

} // namespace

int main() {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  cpu_set_t usable{};
  sched_getaffinity(0, sizeof usable, &usable);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(static_cast<unsigned>(cpu), &usable))
      std::thread(spin_on, cpu).detach();
  }
  pause();
}
