// SPDX-License-Identifier: MIT
// The SIGSEGV handler that knows guards, and the check for shadow stacks.
#include "overflow.hpp"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>

#include "extras.hpp"
#include "hub_impl.hpp"
#include "switch.hpp"

namespace grove::detail {

#if !GROVE_ASAN && !GROVE_TSAN // these have handlers of their own

namespace {

// Only what is async-signal-safe.
void put(const char* text) {
  [[maybe_unused]] const auto n = ::write(STDERR_FILENO, text, std::strlen(text));
}
void put(std::uint64_t number) {
  char digits[24];
  char* at = digits + sizeof digits;
  *--at = '\0';
  do {
    *--at = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number != 0);
  put(at);
}

struct sigaction previous;

// A loud name for debuggers and core files.
[[noreturn, gnu::noinline]] void THE_GREENLET_OVERFLOWED_ITS_STACK(const HubState& hub) {
  Identity* who = hub.current;
  put("grove: stack overflow in ");
  if (who->extras != nullptr && !who->extras->name.empty())
    put(who->extras->name.c_str());
  else {
    put(who->ops->kind);
    put("-");
    put(who->id);
  }
  put(", whose stack has ");
  put(hub.context->usable);
  put(" bytes; give it more with SpawnOptions::stack_size\n");
  std::signal(SIGABRT, SIG_DFL);
  std::abort();
}

void on_fault(int signal, siginfo_t* info, void* ucontext) {
  const HubState& hub = *this_hub;
  if (hub.index != no_hub_index &&
      hub.context != &HubImpl::of(const_cast<HubState&>(hub)).main_context) {
    const auto* address = static_cast<const char*>(info->si_addr);
    const char* limit = hub.context->limit;
    if (address < limit && address >= limit - guard_size)
      THE_GREENLET_OVERFLOWED_ITS_STACK(hub);
  }
  // Not ours: whoever was there before, else the default, by faulting again.
  if ((previous.sa_flags & SA_SIGINFO) != 0 && previous.sa_sigaction != nullptr) {
    previous.sa_sigaction(signal, info, ucontext);
  } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    previous.sa_handler(signal);
  } else {
    std::signal(signal, SIG_DFL);
  }
}

// Lives as long as its thread; a signal may come at any time before that.
struct AlternateStack {
  void* memory = MAP_FAILED;
  std::size_t bytes = 0;
  ~AlternateStack() {
    if (memory == MAP_FAILED)
      return;
    stack_t off{};
    off.ss_flags = SS_DISABLE;
    sigaltstack(&off, nullptr);
    munmap(memory, bytes);
  }
};

} // namespace

void watch_for_overflow() {
  static thread_local AlternateStack stack;
  stack_t present{};
  sigaltstack(nullptr, &present);
  if (stack.memory == MAP_FAILED && (present.ss_flags & SS_DISABLE) != 0) {
    const long least = sysconf(_SC_MINSIGSTKSZ);
    stack.bytes = (static_cast<std::size_t>(least > 0 ? least : 8192) + 65536 + page_size - 1) /
                  page_size * page_size;
    stack.memory =
        mmap(nullptr, stack.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack.memory == MAP_FAILED)
      throw std::bad_alloc();
    stack_t alternate{};
    alternate.ss_sp = stack.memory;
    alternate.ss_size = stack.bytes;
    sigaltstack(&alternate, nullptr);
  }
  static const bool handled = [] {
    struct sigaction action {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    return sigaction(SIGSEGV, &action, &previous) == 0;
  }();
  (void)handled;
}

#else

void watch_for_overflow() {}

#endif

void refuse_shadow_stacks() {
#if defined(__x86_64__) && GROVE_INLINE_SWITCH
  // ARCH_SHSTK_STATUS (Linux 6.6); an error means that the kernel has no shadow stacks.
  constexpr int arch_shstk_status = 0x5005;
  unsigned long features = 0;
  if (syscall(SYS_arch_prctl, arch_shstk_status, &features) == 0 && (features & 1) != 0) {
    throw std::runtime_error(
        "grove: this thread has a hardware shadow stack, which the switch does "
        "not keep; start it with GLIBC_TUNABLES=glibc.cpu.x86_shstk=off");
  }
#endif
}

} // namespace grove::detail
