// SPDX-License-Identifier: MIT
// HubClock: what time it is for one hub.
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace grove::detail {

std::int64_t steady_nanoseconds(); // std::chrono::steady_clock, 25 ns a reading

// A cheap counter of unknown rate: only differences are compared.
inline std::uint64_t cycles() {
#if defined(__x86_64__)
  return __rdtsc();
#else
  return static_cast<std::uint64_t>(steady_nanoseconds());
#endif
}

// Nanoseconds of steady_clock, read from the TSC where that is invariant: corrected at every poll,
// and carried on between two of them at a rate that is a little high, so that a time limit that
// begins now is never too short. Where a poll finds that it is ahead it does not step back: it goes
// a little slower until it is not. Virtual: stands still until it is told to jump.
class HubClock {
public:
  // Some milliseconds must pass before the rate is known; until then it is steady_clock itself.
  void open();

  std::int64_t now() {
    const std::uint64_t since = cycles() - base_cycles_;
    if (since > longest_) [[unlikely]] // the rate is not known yet, or nobody has polled for long
      return now_by_sync();
    return base_ + static_cast<std::int64_t>((since * slope_) >> rate_bits) + margin;
  }
  // Whether it was corrected so many cycles ago at most: then now() is good for reports.
  bool is_fresh(std::uint64_t age) const { return cycles() - base_cycles_ < age; }
  // An exact reading, by which later ones are corrected. May be less than what now() has said.
  std::int64_t sync();

  // How many cycles make up that time; a guess until the rate is known.
  std::uint64_t cycles_in(std::int64_t nanoseconds) const;

  void go_virtual();
  void go_real();
  bool is_virtual() const { return virtual_; }
  void jump_to(std::int64_t nanoseconds) { base_ = nanoseconds; }

private:
  [[gnu::noinline]] std::int64_t now_by_sync();

  static constexpr int rate_bits = 24;
  static constexpr std::uint64_t longest = std::uint64_t{1} << 34; // nothing overflows
  static constexpr std::int64_t margin = 20; // the TSC may be read out of order

  bool virtual_ = false;
  std::uint64_t rate_ = 0;    // nanoseconds per cycle, times 2^24, a little high
  std::uint64_t slope_ = 0;   // the same as long as it is not ahead, else a little low
  std::uint64_t longest_ = 0; // cycles for which it may be carried on; 0: the TSC is not to be used
  std::int64_t base_ = 0;
  std::int64_t before_virtual_ = 0;
  std::uint64_t base_cycles_ = 0;
  std::uint64_t first_cycles_ = 0;
  std::int64_t first_ = 0;
};

} // namespace grove::detail
