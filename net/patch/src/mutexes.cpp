// SPDX-License-Identifier: MIT
// Debug builds count the pthread mutexes (and so std::mutex) that a thread holds: whoever waits
// green with one stops all others of the thread that want it. They work as ever.
#include "mutexes.hpp"

#include <grove/hub/detail/wait.hpp>

#if GROVE_DEBUG_CHECKS && !defined(GROVE_PATCH_WRAP)

#include <dlfcn.h>
#include <pthread.h>

#include <cstdio>
#include <ctime>

#include <grove/hub/greenlet.hpp>

#include "green.hpp"

namespace grove::patch {

namespace {

// Of this thread, since somebody waited last.
constinit thread_local int held = 0;

int counted(int result) {
  if (result == 0)
    ++held;
  return result;
}

void look(const char* what) {
  if (held == 0 || enabled.load(std::memory_order_relaxed) == 0)
    return;
  const int count = std::exchange(held, 0); // the next one is not to blame
  std::fprintf(stderr, "grove: %s waits in %s and holds %d pthread mutex%s\n",
               current_name().c_str(), what, count, count == 1 ? "" : "es");
}

} // namespace

#define GROVE_MUTEX_HOOK(name, parameters, arguments, after)                                       \
  extern "C" {                                                                                     \
  [[gnu::visibility("default"), gnu::used]] int hook_##name parameters asm(#name);                 \
  }                                                                                                \
  int hook_##name parameters {                                                                     \
    static const auto real = reinterpret_cast<int(*) parameters>(dlsym(RTLD_NEXT, #name));         \
    return after(real arguments);                                                                  \
  }

GROVE_MUTEX_HOOK(pthread_mutex_lock, (pthread_mutex_t * mutex), (mutex), counted)
GROVE_MUTEX_HOOK(pthread_mutex_trylock, (pthread_mutex_t * mutex), (mutex), counted)
GROVE_MUTEX_HOOK(pthread_mutex_timedlock, (pthread_mutex_t * mutex, const timespec* end),
                 (mutex, end), counted)
GROVE_MUTEX_HOOK(pthread_mutex_clocklock,
                 (pthread_mutex_t * mutex, clockid_t clock, const timespec* end),
                 (mutex, clock, end), counted)

namespace {
int released(int result) {
  if (result == 0 && held > 0) // locked before it was reported, or by another greenlet
    --held;
  return result;
}
} // namespace
GROVE_MUTEX_HOOK(pthread_mutex_unlock, (pthread_mutex_t * mutex), (mutex), released)

void watch_mutexes() { detail::park_observer = look; }

} // namespace grove::patch

#else

namespace grove::patch {
void watch_mutexes() {}
} // namespace grove::patch

#endif
