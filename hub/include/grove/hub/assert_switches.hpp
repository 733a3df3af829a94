// SPDX-License-Identifier: MIT
// AssertSwitches and AssertNoSwitch: what a piece of code must do, or must not do, to its hub.
#pragma once

#include <chrono>
#include <cstdint>

#include <grove/hub/detail/identity.hpp>

namespace grove {

namespace detail {
// Where a scope began. (std::source_location needs a newer clang than its library.)
struct SourcePlace {
  const char* file;
  int line;
  static constexpr SourcePlace current(const char* file = __builtin_FILE(),
                                       int line = __builtin_LINE()) {
    return {file, line};
  }
};

// One of either, in the list of its greenlet, innermost first.
struct AssertScope {
  AssertScope* outer = nullptr;
  Identity* owner;
  SourcePlace where;
  bool no_switch = false;
  std::int64_t most = 0;    // nanoseconds between two switches; 0: not measured
  std::int64_t since = 0;   // when the owner was last resumed, in nanoseconds of the hub's clock
  std::int64_t longest = 0; // nanoseconds it ran without a switch

  AssertScope(SourcePlace place, bool no_switch, std::int64_t most);
  AssertScope(const AssertScope&) = delete;
  AssertScope& operator=(const AssertScope&) = delete;
  ~AssertScope();
  bool looks_at_switches() const { return no_switch || most != 0; } // else it is in no list
};
} // namespace detail

// While an AssertSwitches lives its greenlet must let others run: its end throws std::logic_error
// if it never came to the scheduler, or, with a limit, if it ever ran for longer than that without
// doing so. Nothing is thrown while another exception leaves the scope. Hub-local; lives on the
// stack of the greenlet that made it; nests. A kill or a timeout leaves it like any scope. Without
// a limit it costs nothing in between; with one, two readings of the clock a switch, for this
// greenlet only.
class AssertSwitches {
public:
  explicit AssertSwitches(detail::SourcePlace where = detail::SourcePlace::current());
  // std::invalid_argument unless the limit is above zero.
  explicit AssertSwitches(std::chrono::nanoseconds longest,
                          detail::SourcePlace where = detail::SourcePlace::current());
  AssertSwitches(const AssertSwitches&) = delete;
  AssertSwitches& operator=(const AssertSwitches&) = delete;
  ~AssertSwitches() noexcept(false);

private:
  detail::AssertScope scope_;
  std::uint64_t dispatches_;
  int unwinding_;
};

// While an AssertNoSwitch lives its greenlet must not give way: every call that may wait throws
// std::logic_error, even if it would not have waited this time, and so does yield(). The text tells
// where the scope began and what was called from where. (While the greenlet unwinds, destructors
// may wait as ever.) Costs nothing elsewhere. Hub-local; lives on the stack of the greenlet that
// made it; nests.
class AssertNoSwitch {
public:
  explicit AssertNoSwitch(detail::SourcePlace where = detail::SourcePlace::current())
      : scope_(where, true, 0) {}
  AssertNoSwitch(const AssertNoSwitch&) = delete;
  AssertNoSwitch& operator=(const AssertNoSwitch&) = delete;

private:
  detail::AssertScope scope_;
};

} // namespace grove
