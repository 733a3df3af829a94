// SPDX-License-Identifier: MIT
#include <grove/hub/detail/warm_stack.hpp>

#include <cstdint>
#include <exception>

#include <grove/hub/assert_switches.hpp>

#include "hub_impl.hpp"
#include "switch.hpp"

namespace grove::detail {

#if GROVE_INLINE_SWITCH

// A call from one stack to another: unwinders find the caller by the frame pointer.
extern "C" void grove_call_on_stack(char* top, void (*function)(void*), void* argument);
asm(".text\n"
    ".globl grove_call_on_stack\n"
    ".type grove_call_on_stack, @function\n"
    "grove_call_on_stack:\n"
    ".cfi_startproc\n"
    "pushq %rbp\n"
    ".cfi_def_cfa_offset 16\n"
    ".cfi_offset %rbp, -16\n"
    "movq %rsp, %rbp\n"
    ".cfi_def_cfa_register %rbp\n"
    "movq %rdi, %rsp\n"
    "movq %rdx, %rdi\n"
    "call *%rsi\n"
    "leave\n"
    ".cfi_def_cfa %rsp, 8\n"
    "ret\n"
    ".cfi_endproc\n"
    ".size grove_call_on_stack, .-grove_call_on_stack\n");

namespace {
Context* take_warm_stack(HubState& hub) noexcept {
  try {
    return HubImpl::of(hub).stacks.take_warm(hub);
  } catch (const std::exception&) { // there is no memory for one more
    return nullptr;
  }
}
} // namespace

#endif

void call_on_warm_stack(void (*function)(void*), void* argument) {
#if defined(GROVE_DEBUG_CHECKS) && GROVE_DEBUG_CHECKS
  const AssertNoSwitch must_not_wait;
#endif
#if GROVE_INLINE_SWITCH
  HubState& hub = here();
  if (Context* const warm = take_warm_stack(hub)) [[likely]] {
    struct Loan {
      HubState& hub;
      Context* const own;
      Context* const warm;
      ~Loan() {
        hub.context = own;
        HubImpl::of(hub).stacks.give(hub, warm);
      }
    } const loan{hub, hub.context, warm};
    hub.context = warm; // whose guard is the one to be hit
    // Below what a host that rests has there.
    auto* const free = static_cast<char*>(warm->sp);
    return grove_call_on_stack(free - reinterpret_cast<std::uintptr_t>(free) % 64, function,
                               argument);
  }
#endif
  function(argument);
}

} // namespace grove::detail
