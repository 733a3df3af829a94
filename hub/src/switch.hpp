// SPDX-License-Identifier: MIT
// The switch: one place, two implementations behind one interface.
//
// Inlined (x86-64): no call and no ret, so the processor's return-address predictor stays aligned;
// jump_fcontext is entered by a call and left by a jmp, after which every ret up the resumed call
// chain is mispredicted (a factor of four in real call chains). Callee-saved registers are
// clobbers: the compiler saves what is live. MXCSR and the x87 control word belong to the thread.
// Portable: Boost.Context's fcontext, for every other machine, the sanitizers, and to test against.
#pragma once

#include <cstddef>
#include <cstdint>

#include <grove/hub/detail/hub_state.hpp>

#if defined(GROVE_PORTABLE_SWITCH) || !defined(__x86_64__)
#define GROVE_INLINE_SWITCH 0
#include <boost/context/detail/fcontext.hpp>
#else
#define GROVE_INLINE_SWITCH 1
#endif

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

#if GROVE_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if GROVE_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace grove::detail {

// Where a new stack begins to run. Neither returns nor throws.
[[noreturn]] void stack_main() noexcept;

#if GROVE_INLINE_SWITCH

extern "C" void grove_stack_entry();

[[gnu::always_inline]] inline void jump(void** save, void* next) {
  asm volatile("leaq -128(%%rsp), %%rsp\n\t" // step over the red zone
               "pushq %%rbp\n\t"
               "pushq %%rbx\n\t"
               "leaq 1f(%%rip), %%rax\n\t"
               "pushq %%rax\n\t"
               "movq %%rsp, (%0)\n\t"
               "movq %1, %%rsp\n\t"
               "popq %%rax\n\t"
               "jmpq *%%rax\n\t"
               "1: popq %%rbx\n\t"
               "popq %%rbp\n\t"
               "leaq 128(%%rsp), %%rsp\n\t"
               : "+D"(save), "+S"(next)
               :
               : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
                 "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
                 "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"
#ifdef __AVX512F__
                 ,
                 "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24",
                 "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "k0", "k1", "k2",
                 "k3", "k4", "k5", "k6", "k7"
#endif
  );
}

// `top` is 64-byte aligned. The entry stub finds a zero return address and rbp = 0: the bottom.
inline void make_context(Context* context, char* top) {
  void** sp = reinterpret_cast<void**>(top);
  *--sp = nullptr;
  *--sp = nullptr;
  *--sp = reinterpret_cast<void*>(grove_stack_entry);
  context->sp = sp;
}

#else

[[gnu::always_inline]] inline void jump(void** save, void* next) {
  auto arrived = boost::context::detail::jump_fcontext(next, save);
  *static_cast<void**>(arrived.data) = arrived.fctx;
}

inline void fcontext_entry(boost::context::detail::transfer_t arrived) {
  *static_cast<void**>(arrived.data) = arrived.fctx;
  stack_main();
}

inline void make_context(Context* context, char* top) {
  context->sp = boost::context::detail::make_fcontext(
      top, static_cast<std::size_t>(top - context->limit), fcontext_entry);
}

#endif

// Leaves `from`, whose stack pointer goes to `save`, and goes on in `to` at `sp`. Keeps errno and
// the C++ runtime's exception state per context. The sanitizers must be told last, and not through
// an instrumented call.

[[gnu::always_inline]] inline void switch_context(HubState& hub, Context* from, void** save,
                                                  Context* to, void* sp) {
  from->eh = *hub.eh;
  *hub.eh = to->eh;
  from->error = *hub.error;
  hub.context = to;
#if GROVE_ASAN
  __sanitizer_start_switch_fiber(&from->fake_stack, to->limit, to->size);
#endif
#if GROVE_TSAN
  __tsan_switch_to_fiber(to->fiber, 0);
#endif
  *hub.error = to->error;
  jump(save, sp);
#if GROVE_ASAN
  __sanitizer_finish_switch_fiber(from->fake_stack, nullptr, nullptr);
#endif
}

} // namespace grove::detail
