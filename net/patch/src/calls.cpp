// SPDX-License-Identifier: MIT
// Where libc's own functions are.
#include "calls.hpp"

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>

namespace grove::patch {

constinit Call calls[call_count] = {
#define GROVE_PATCH_ENTRY(name) {#name},
    GROVE_PATCH_CALLS(GROVE_PATCH_ENTRY)
#undef GROVE_PATCH_ENTRY
};

#ifdef GROVE_PATCH_WRAP
extern "C" {
#define GROVE_PATCH_REAL(name) void real_##name() asm("__real_" #name);
GROVE_PATCH_CALLS(GROVE_PATCH_REAL)
#undef GROVE_PATCH_REAL
}
void* find_original(Id id) {
  static constexpr void (*originals[])() = {
#define GROVE_PATCH_REAL(name) real_##name,
      GROVE_PATCH_CALLS(GROVE_PATCH_REAL)
#undef GROVE_PATCH_REAL
  };
  void* found = reinterpret_cast<void*>(originals[static_cast<std::size_t>(id)]);
  call_of(id).original.store(found, std::memory_order_relaxed);
  return found;
}
#else
void* find_original(Id id) {
  const int error = errno;
  void* found = dlsym(RTLD_NEXT, call_of(id).name);
  if (found == nullptr) { // nobody to tell who could go on without it
    std::fprintf(stderr, "grove: patch: there is no %s() but our own; is the program static?\n",
                 call_of(id).name);
    std::abort();
  }
  call_of(id).original.store(found, std::memory_order_relaxed);
  errno = error;
  return found;
}
#endif

} // namespace grove::patch
