// SPDX-License-Identifier: MIT
// The switch: one place, two implementations behind one interface.
//
// Inlined (x86-64): see detail/inline_switch.hpp, where yield() takes it from.
// Portable: Boost.Context's fcontext, for every other machine, the sanitizers, and to test against.
#pragma once

#include <cstddef>
#include <cstdint>

#include <grove/hub/detail/inline_switch.hpp>

#if !GROVE_INLINE_SWITCH
#include <boost/context/detail/fcontext.hpp>
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

// `top` is 64-byte aligned. The entry stub finds a zero return address and rbp = 0: the bottom.
inline void make_context(Context* context, char* top) {
  void** sp = reinterpret_cast<void**>(top);
  *--sp = nullptr;
  *--sp = nullptr;
  *--sp = reinterpret_cast<void*>(grove_stack_entry);
  context->sp = sp;
}

#else

[[gnu::always_inline]] inline void jump_without_red_zone(void** save, void* next) {
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
// the C++ runtime's exception state per context; a host that rests has none. The sanitizers must be
// told last, and not through an instrumented call. Only schedule.cpp may use it: see its flags.
template <Switch How = Switch::between_two>
[[gnu::always_inline]] inline void switch_context(HubState& hub, Context* from, void** save,
                                                  Context* to, void* sp) {
  exchange_thread_state<How>(hub, from, to);
#if GROVE_ASAN
  __sanitizer_start_switch_fiber(&from->fake_stack, to->limit, to->size);
#endif
#if GROVE_TSAN
  __tsan_switch_to_fiber(to->fiber, 0);
#endif
  if constexpr (How != Switch::to_host)
    *hub.error = to->error;
  jump_without_red_zone(save, sp);
#if GROVE_ASAN
  __sanitizer_finish_switch_fiber(from->fake_stack, nullptr, nullptr);
#endif
}

} // namespace grove::detail
