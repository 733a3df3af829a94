// SPDX-License-Identifier: MIT
// The table of hooked calls: their names, the functions behind them, their counters.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>

// Each name once. The fortified twins come last: they only look at a size, and call the plain one.
#define GROVE_PATCH_CALLS(X)                                                                       \
  X(connect)                                                                                       \
  X(accept)                                                                                        \
  X(accept4)                                                                                       \
  X(read)                                                                                          \
  X(readv)                                                                                         \
  X(recv)                                                                                          \
  X(recvfrom)                                                                                      \
  X(recvmsg)                                                                                       \
  X(recvmmsg)                                                                                      \
  X(write)                                                                                         \
  X(writev)                                                                                        \
  X(send)                                                                                          \
  X(sendto)                                                                                        \
  X(sendmsg)                                                                                       \
  X(sendmmsg)                                                                                      \
  X(poll)                                                                                          \
  X(ppoll)                                                                                         \
  X(select)                                                                                        \
  X(pselect)                                                                                       \
  X(epoll_wait)                                                                                    \
  X(epoll_pwait)                                                                                   \
  X(sleep)                                                                                         \
  X(usleep)                                                                                        \
  X(nanosleep)                                                                                     \
  X(clock_nanosleep)                                                                               \
  X(getaddrinfo)                                                                                   \
  X(getnameinfo)                                                                                   \
  X(gethostbyname)                                                                                 \
  X(gethostbyname2)                                                                                \
  X(gethostbyaddr)                                                                                 \
  X(gethostbyname_r)                                                                               \
  X(gethostbyname2_r)                                                                              \
  X(gethostbyaddr_r)                                                                               \
  X(close)                                                                                         \
  X(dup2)                                                                                          \
  X(dup3)                                                                                          \
  X(__read_chk)                                                                                    \
  X(__recv_chk)                                                                                    \
  X(__recvfrom_chk)                                                                                \
  X(__poll_chk)                                                                                    \
  X(__ppoll_chk)

namespace grove::patch {

enum class Id : std::size_t {
#define GROVE_PATCH_ID(name) name,
  GROVE_PATCH_CALLS(GROVE_PATCH_ID)
#undef GROVE_PATCH_ID
      count
};
inline constexpr std::size_t call_count = static_cast<std::size_t>(Id::count);

struct Call {
  const char* name;
  std::atomic<void*> original{nullptr};
  std::atomic<std::uint64_t> made{0};
  std::atomic<std::uint64_t> waited{0};

  // A lost count costs less than a locked one.
  static void add(std::atomic<std::uint64_t>& counter) {
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
};
extern constinit Call calls[call_count]; // in no constructor's care: a call may come before any

inline Call& call_of(Id id) { return calls[static_cast<std::size_t>(id)]; }

// What the next library in line has under that name: libc's.
void* find_original(Id id);
template <class Function>
Function* original(Id id, Function*) {
  void* found = call_of(id).original.load(std::memory_order_relaxed);
  if (found == nullptr) [[unlikely]]
    found = find_original(id);
  return reinterpret_cast<Function*>(found);
}

} // namespace grove::patch

// The function itself is known to the compiler by a name of ours, so that libc's headers, which
// declare the call with attributes of their own, do not get in its way.
//
// With GROVE_PATCH_WRAP it is what the linker's --wrap makes of the name, for static programs.
#ifdef GROVE_PATCH_WRAP
#define GROVE_PATCH_SYMBOL(name) "__wrap_" #name
#else
#define GROVE_PATCH_SYMBOL(name) #name
#endif
#define GROVE_HOOK(result, name, parameters)                                                       \
  extern "C" {                                                                                     \
  [[gnu::visibility("default"),                                                                    \
    gnu::used]] result hook_##name parameters asm(GROVE_PATCH_SYMBOL(name));                       \
  }                                                                                                \
  result hook_##name parameters

// Ends the program: a buffer would overflow.
extern "C" [[noreturn]] void __chk_fail(); // NOLINT: libc's name

// libc's own.
#define GROVE_REAL(name) (original(Id::name, static_cast<decltype(&::name)>(nullptr)))
#define GROVE_COUNT(name) Call::add(call_of(Id::name).made)
