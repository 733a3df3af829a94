// SPDX-License-Identifier: MIT
// The switch on x86-64, inlined: no call and no ret, so the processor's return-address predictor
// stays aligned. (jump_fcontext is entered by a call and left by a jmp, after which every ret up
// the resumed call chain is mispredicted: a factor of four in real call chains.) Callee-saved
// registers are clobbers: the compiler saves what is live. MXCSR and the x87 control word belong to
// the thread. For who else switches, and how it is done elsewhere, see src/switch.hpp.
#pragma once

#include <grove/hub/detail/hub_state.hpp>

#if defined(__SANITIZE_ADDRESS__)
#define GROVE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GROVE_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define GROVE_TSAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define GROVE_TSAN 1
#endif
#ifndef GROVE_ASAN
#define GROVE_ASAN 0
#endif
#ifndef GROVE_TSAN
#define GROVE_TSAN 0
#endif

// GROVE_PORTABLE_SWITCH comes with the library's CMake target: it says how the library was built.
#if defined(GROVE_PORTABLE_SWITCH) || !defined(__x86_64__) || GROVE_ASAN || GROVE_TSAN
#define GROVE_INLINE_SWITCH 0
#else
#define GROVE_INLINE_SWITCH 1
#endif

namespace grove::detail {

// Who leaves, and whom for: a host that rests has no state of its own to keep.
enum class Switch : std::uint8_t { between_two, from_host, to_host };

// What the C++ runtime and libc keep per thread, and we per context; errno comes last, by the
// caller.
template <Switch How = Switch::between_two>
[[gnu::always_inline]] inline void exchange_thread_state(HubState& hub, Context* from,
                                                         Context* to) {
  if constexpr (How != Switch::from_host) {
    from->eh = *hub.eh;
    from->error = *hub.error;
  }
  if constexpr (How == Switch::to_host)
    *hub.eh = {};
  else
    *hub.eh = to->eh;
  hub.context = to;
}

#if GROVE_INLINE_SWITCH

// Where a new stack begins. Only a library with this switch has it: one without does not link.
extern "C" void grove_stack_entry();
[[gnu::used]] inline void (*const requires_inline_switch)() = grove_stack_entry;

// Leaves this stack, whose pointer goes to `save`: [address][rbx][rbp], then the red zone of 128
// bytes, if the function may use one. Goes on at `next`, which was left in the same way. A back
// trace that a signal takes in the middle of it ends there: the stack pointer is not where the
// function's own tables say.
#ifdef __GCC_HAVE_DWARF2_CFI_ASM
#define GROVE_TRACE_ENDS_HERE ".cfi_remember_state\n\t.cfi_undefined rip\n\t"
#define GROVE_TRACE_GOES_ON ".cfi_restore_state\n\t"
#else
#define GROVE_TRACE_ENDS_HERE
#define GROVE_TRACE_GOES_ON
#endif
#ifdef __AVX512F__
#define GROVE_CLOBBERS_MORE                                                                        \
  , "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25",      \
      "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "k0", "k1", "k2", "k3", "k4", "k5",    \
      "k6", "k7"
#else
#define GROVE_CLOBBERS_MORE
#endif
// Back traces of parked greenlets begin behind `after`.
#define GROVE_JUMP(before, after)                                                                  \
  asm volatile(GROVE_TRACE_ENDS_HERE before "pushq %%rbp\n\t"                                      \
                                            "pushq %%rbx\n\t"                                      \
                                            "leaq 1f(%%rip), %%rax\n\t"                            \
                                            "pushq %%rax\n\t"                                      \
                                            "movq %%rsp, (%0)\n\t"                                 \
                                            "movq %1, %%rsp\n\t"                                   \
                                            "popq %%rax\n\t"                                       \
                                            "jmpq *%%rax\n\t"                                      \
                                            "1: popq %%rbx\n\t"                                    \
                                            "popq %%rbp\n\t" after GROVE_TRACE_GOES_ON             \
               : "+D"(save), "+S"(next)                                                            \
               :                                                                                   \
               : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",        \
                 "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",   \
                 "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",                      \
                 "xmm15" GROVE_CLOBBERS_MORE)
[[gnu::always_inline]] inline void jump(void** save, void* next) {
  GROVE_JUMP("leaq -128(%%rsp), %%rsp\n\t", "leaq 128(%%rsp), %%rsp\n\t");
}
// For functions that are compiled without a red zone.
[[gnu::always_inline]] inline void jump_without_red_zone(void** save, void* next) {
  GROVE_JUMP("", "");
}
#undef GROVE_JUMP
#undef GROVE_CLOBBERS_MORE
#undef GROVE_TRACE_ENDS_HERE
#undef GROVE_TRACE_GOES_ON

// yield() where the next in line is suspended in the middle of something, which is nearly always:
// in the caller itself, as a ret after a switch is mispredicted whenever the other side came here
// by another call (it costs as much as all the rest). False, and nothing has happened, if it is not
// that simple.
[[gnu::always_inline]] inline bool yield_to_suspended() {
  HubState& hub = *this_hub;
  Identity* next = hub.run_head;
  if (next == nullptr || next->context == nullptr || hub.tick == 1) [[unlikely]]
    return false;
  Identity* me = hub.current;
  if ((me->flags & flag::interrupts) != 0) [[unlikely]]
    return false;
  --hub.tick;
  hub.push(me); // behind at least one: no need to look whether the queue is empty again
  hub.run_head = next->next;
  Context* self = hub.context;
  Context* to = next->context;
  me->context = self;
  hub.current = next;
  next->context = nullptr;
  exchange_thread_state(hub, self, to);
  *hub.error = to->error;
  jump(&me->sp, next->sp);
  return true;
}

#else

inline bool yield_to_suspended() { return false; }

#endif

} // namespace grove::detail
