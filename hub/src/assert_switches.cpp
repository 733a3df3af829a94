// SPDX-License-Identifier: MIT
// The scopes that watch their own greenlet.
#include <grove/hub/assert_switches.hpp>

#include <algorithm>
#include <exception>
#include <sstream>
#include <stdexcept>
#include <string>

#include "back_trace.hpp"
#include "extras.hpp"
#include "hub_impl.hpp"
#include "interrupts.hpp"

namespace grove {

namespace detail {

namespace {

std::string words(const SourcePlace& where) {
  const std::string file = where.file;
  return file.substr(file.rfind('/') + 1) + ":" + std::to_string(where.line);
}

std::string words(std::int64_t nanoseconds) {
  return std::to_string(nanoseconds / 1'000'000) + " ms";
}

void mark(Identity* owner) {
  const bool any = owner->extras->asserts != nullptr;
  owner->flags =
      static_cast<std::uint16_t>((owner->flags & ~flag::asserts) | (any ? flag::asserts : 0));
}

} // namespace

AssertScope::AssertScope(SourcePlace place, bool none, std::int64_t limit)
    : owner(grove::detail::here().current), where(place), no_switch(none), most(limit),
      since(limit != 0 ? now_nanoseconds() : 0) {
  if (!looks_at_switches())
    return;
  outer = std::exchange(extras_of(owner).asserts, this);
  mark(owner);
}

AssertScope::~AssertScope() {
  if (!looks_at_switches())
    return;
  owner->extras->asserts = outer;
  mark(owner);
}

void Asserts::check(HubState& hub, Identity* me) {
  if (hub.eh->uncaught != 0)
    return; // what unwinds may wait
  for (const AssertScope* scope = me->extras->asserts; scope != nullptr; scope = scope->outer) {
    if (!scope->no_switch)
      continue;
    std::ostringstream out;
    out << "grove: " << name_of(me) << " made a call that may wait, under the AssertNoSwitch of "
        << words(scope->where) << ":\n";
    BackTrace trace;
    trace.capture();
    Symbols symbols;
    trace.print(out, symbols, "    ");
    throw std::logic_error(out.str());
  }
}

void Asserts::suspended(Identity* me) {
  std::int64_t now = 0;
  for (AssertScope* scope = me->extras->asserts; scope != nullptr; scope = scope->outer) {
    if (scope->most == 0)
      continue;
    now = now != 0 ? now : now_nanoseconds();
    scope->longest = std::max(scope->longest, now - scope->since);
    scope->since = now;
  }
}

void Asserts::resumed(Identity* me) {
  std::int64_t now = 0;
  for (AssertScope* scope = me->extras->asserts; scope != nullptr; scope = scope->outer) {
    if (scope->most != 0)
      scope->since = now = now != 0 ? now : now_nanoseconds();
  }
}

} // namespace detail

AssertSwitches::AssertSwitches(detail::SourcePlace where)
    : scope_(where, false, 0), dispatches_(detail::HubImpl::here().dispatches()),
      unwinding_(std::uncaught_exceptions()) {}

AssertSwitches::AssertSwitches(std::chrono::nanoseconds longest, detail::SourcePlace where)
    : scope_(where, false,
             longest.count() > 0 ? longest.count()
                                 : throw std::invalid_argument("grove: AssertSwitches: the limit "
                                                               "must be above zero")),
      dispatches_(detail::HubImpl::here().dispatches()), unwinding_(std::uncaught_exceptions()) {}

AssertSwitches::~AssertSwitches() noexcept(false) {
  if (std::uncaught_exceptions() != unwinding_)
    return;
  const std::string who = "grove: " + current_name();
  const std::string place = "the AssertSwitches of " + detail::words(scope_.where);
  if (detail::HubImpl::here().dispatches() == dispatches_) // NOLINTNEXTLINE: it says so
    throw std::logic_error(who + " did not let anybody run under " + place);
  if (scope_.most == 0)
    return;
  detail::Asserts::suspended(scope_.owner);
  if (scope_.longest > scope_.most) { // NOLINTNEXTLINE: it says so
    throw std::logic_error(who + " ran for " + detail::words(scope_.longest) +
                           " without letting anybody run under " + place + ", which allows " +
                           detail::words(scope_.most));
  }
}

} // namespace grove
