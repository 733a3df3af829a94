// SPDX-License-Identifier: MIT
// Back traces by the C++ runtime's own unwinder.
#include "back_trace.hpp"

#include <ucontext.h>
#include <unwind.h>

#include <algorithm>
#include <iterator>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "schedule.hpp"
#include "switch.hpp"

namespace grove::detail {

namespace {

// What the unwinder needs on the stack that it looks at (measured: 2.5 KiB), with a reserve.
constexpr std::size_t room_needed = 6 * 1024;

std::uintptr_t interrupted_at(const void* ucontext) {
  const auto& machine = static_cast<const ucontext_t*>(ucontext)->uc_mcontext;
#if defined(__x86_64__)
  return static_cast<std::uintptr_t>(machine.gregs[REG_RIP]);
#elif defined(__aarch64__)
  return machine.pc;
#else
  (void)machine;
  return 0;
#endif
}

// Whatever parks, and whatever looks at who parks. Not what a host calls at the other end: the
// greenlet's own function is often inlined there.
bool is_above(std::string_view function) { return function.starts_with("grove::detail::"); }
bool is_below(std::string_view function) {
  return function.starts_with("grove::detail::stack_main") || function.starts_with("grove_stack_");
}

} // namespace

void BackTrace::capture() noexcept {
  count_ = 0;
  cut_ = no_room_ = false;
  _Unwind_Backtrace(
      [](_Unwind_Context* frame, void* self) {
        auto& trace = *static_cast<BackTrace*>(self);
        int before_instruction = 0; // an interrupted one: the address is its own, not a return's
        const auto address = _Unwind_GetIPInfo(frame, &before_instruction);
        if (address == 0)
          return _URC_END_OF_STACK;
        if (trace.count_ == most) {
          trace.cut_ = true;
          return _URC_END_OF_STACK;
        }
        trace.addresses_[trace.count_++] = address + (before_instruction != 0 ? 1 : 0);
        return _URC_NO_REASON;
      },
      this);
}

void BackTrace::capture_interrupted(const void* ucontext) noexcept {
  capture();
  drop_before(interrupted_at(ucontext) + 1);
}

void BackTrace::drop_before(std::uintptr_t address) noexcept {
  auto* const end = addresses_.data() + count_;
  auto* const found = std::find(addresses_.data(), end, address);
  if (found == end)
    return;
  count_ = static_cast<std::size_t>(std::copy(found, end, addresses_.data()) - addresses_.data());
}

void BackTrace::capture_of(HubState& hub, Identity* identity) noexcept {
  count_ = 0;
  cut_ = no_room_ = false;
  if (identity == hub.current || identity->context == hub.context) {
    capture();
    return;
  }
  if ((identity->flags & flag::parked) == 0 || identity->context == nullptr)
    return;
  const char* limit = identity->context->limit;
  if (limit != nullptr &&
      static_cast<const char*>(identity->sp) - limit < static_cast<std::ptrdiff_t>(room_needed)) {
    no_room_ = true;
    return;
  }
  visit(
      hub, identity, [](void* self) { static_cast<BackTrace*>(self)->capture(); }, this);
}

void BackTrace::print(std::ostream& out, Symbols& symbols, const char* indent) const {
  if (no_room_) {
    out << indent << "(its stack is too full for a back trace)\n";
    return;
  }
  std::vector<Symbols::Place> places;
  places.reserve(count_);
  for (std::size_t i = 0; i < count_; ++i)
    places.push_back(symbols.find(addresses_[i]));
  auto first = std::find_if(places.begin(), places.end(),
                            [](const Symbols::Place& place) { return !is_above(place.function); });
  if (first == places.end()) // all grove's own: better than nothing
    first = places.begin();
  const auto last =
      std::find_if(places.rbegin(), std::make_reverse_iterator(first),
                   [](const Symbols::Place& place) { return !is_below(place.function); })
          .base();
  const auto flags = out.flags();
  for (auto at = first; at != last; ++at) {
    out << indent << '#' << std::dec << at - first << ' ' << std::hex;
    if (at->function.empty())
      out << "0x" << addresses_[static_cast<std::size_t>(at - places.begin())];
    else
      out << at->function << "+0x" << at->into;
    if (!at->module.empty())
      out << " (" << at->module << "+0x" << at->offset << ')';
    out << '\n';
  }
  out.flags(flags);
  if (cut_)
    out << indent << "(and more below)\n";
}

} // namespace grove::detail
