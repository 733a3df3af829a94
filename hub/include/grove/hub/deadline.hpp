// SPDX-License-Identifier: MIT
// The time limit of one call: a duration, a point in time, or never.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>

namespace grove {

namespace detail {
std::int64_t now_nanoseconds(); // as now(), which may run a little ahead
std::int64_t exact_nanoseconds();
[[noreturn]] void throw_negative_timeout(std::int64_t nanoseconds, const char* file, int line);
} // namespace detail

// The time of the calling thread's hub, which is steady_clock's (see Simulation for when it is
// not).
std::chrono::steady_clock::time_point now();

// A Deadline says until when a call may wait. It is made, implicitly, from a duration (counted from
// this moment; std::invalid_argument when negative, which tells the place of the call), from a
// point in time of std::chrono's steady_clock (one that has passed is allowed), or by default:
// never. A value; any thread.
class Deadline {
public:
  using Clock = std::chrono::steady_clock;

  constexpr Deadline() = default;

  template <class Rep, class Period>
  Deadline(std::chrono::duration<Rep, Period> timeout, // NOLINT: implicit on purpose
           const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    const auto limit = std::chrono::duration<double>(250.0 * 365 * 86400);
    if (timeout < timeout.zero()) {
      detail::throw_negative_timeout(
          std::chrono::duration_cast<std::chrono::nanoseconds>(timeout).count(), file, line);
    }
    if (timeout < limit) {
      const auto wait = std::chrono::duration_cast<std::chrono::nanoseconds>(timeout).count();
      if (wait == 0)
        due_ = detail::exact_nanoseconds(); // so that it has passed
      else if (__builtin_add_overflow(detail::now_nanoseconds(), wait, &due_))
        due_ = never; // simulated centuries
    }
  }
  Deadline(Clock::time_point when) : due_(since_epoch(when)) {} // NOLINT: implicit on purpose

  constexpr bool is_never() const { return due_ == never; }
  bool has_passed() const { return !is_never() && due_ <= detail::exact_nanoseconds(); }
  // Nanoseconds of steady_clock; the largest value when never.
  constexpr std::int64_t nanoseconds() const { return due_; }

  friend constexpr Deadline earlier(Deadline a, Deadline b) { return a.due_ < b.due_ ? a : b; }

private:
  static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
  static std::int64_t since_epoch(Clock::time_point when) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(when.time_since_epoch()).count();
  }
  std::int64_t due_ = never;
};

} // namespace grove
