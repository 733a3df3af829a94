// SPDX-License-Identifier: MIT
// The hub's clock.
#include "clock.hpp"

#include <algorithm>
#include <chrono>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <grove/hub/deadline.hpp>

#include "hub_impl.hpp"

namespace grove {

namespace detail {

namespace {
constexpr std::int64_t calibration = 2'000'000; // nanoseconds: the error is below 1e-4 then
constexpr std::int64_t no_rest = 10'000;        // between two readings, one behind the other
constexpr std::int64_t astray = 1'000'000;      // ahead by so much: the TSC is not what it was

bool invariant_tsc() {
#if defined(__x86_64__)
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  return __get_cpuid(0x80000007, &a, &b, &c, &d) != 0 && (d & (1U << 8)) != 0;
#else
  return false;
#endif
}
} // namespace

std::int64_t steady_nanoseconds() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void HubClock::open() {
  *this = {};
  for (int left = 5; left != 0; --left) { // until the thread does not rest in between
    first_ = steady_nanoseconds();
    first_cycles_ = cycles();
    if (steady_nanoseconds() - first_ < no_rest)
      break;
  }
}

std::int64_t HubClock::sync() {
  if (virtual_)
    return base_;
  static const bool usable = invariant_tsc();
  std::uint64_t count = 0;
  std::int64_t exact = 0;
  std::int64_t said = 0; // the most that now() can have said, but for the margin
  for (int left = 3; left != 0; --left) {
    const bool known = longest_ != 0;
    const std::int64_t before = known || !usable ? 0 : steady_nanoseconds();
    count = cycles(); // first: if the thread rests in between it will be ahead, not late
    exact = steady_nanoseconds();
    if (!usable)
      return exact;
    if (known && count < base_cycles_)
      break;
    const std::uint64_t since = std::min(count - base_cycles_, longest_);
    said = base_ + static_cast<std::int64_t>((since * slope_) >> rate_bits);
    if (known ? since == longest_ || exact - said < no_rest : exact - before < no_rest)
      break;
  }
  // The machine has slept, or was moved: one of the two clocks went on without the other.
  if (longest_ != 0 && (count < base_cycles_ || said - exact > astray)) {
    first_ = exact;
    first_cycles_ = count;
    base_ = 0;
    longest_ = 0;
    return exact;
  }
  const std::int64_t elapsed = exact - first_;
  if (elapsed > calibration && count > first_cycles_) {
    const double rate = static_cast<double>(elapsed) / static_cast<double>(count - first_cycles_);
    constexpr double a_little_high = 1.0 + 1e-4;
    rate_ = static_cast<std::uint64_t>(rate * a_little_high * (1 << rate_bits)) + 1;
    slope_ = rate_;
    base_ = exact;
    base_cycles_ = count;
    longest_ = longest;
    if (said > exact) {
      // Slower by 1/1024 (and faster by "a little"): after 1024 times what it is ahead by it is so
      // still, though hardly, and looks again.
      slope_ -= slope_ >> 10;
      base_ = said;
      longest_ = std::min(longest, std::max<std::uint64_t>(cycles_in(said - exact), 1) << 10);
    }
  }
  return exact;
}

std::int64_t HubClock::now_by_sync() {
  const std::int64_t exact = sync();
  return longest_ == 0 ? exact : base_ + margin;
}

std::uint64_t HubClock::cycles_in(std::int64_t nanoseconds) const {
  const auto count = static_cast<std::uint64_t>(nanoseconds);
  return rate_ == 0 ? count : (count << rate_bits) / rate_;
}

void HubClock::go_virtual() {
  base_ = before_virtual_ = now();
  longest_ = 0;
  virtual_ = true;
}

void HubClock::go_real() {
  virtual_ = false;
  base_ = before_virtual_; // the last that was said of this time
  sync();
}

std::int64_t now_nanoseconds() {
  HubState& hub = *this_hub;
  return hub.index == no_hub_index ? steady_nanoseconds() : HubImpl::of(hub).clock.now();
}

std::int64_t exact_nanoseconds() {
  HubState& hub = *this_hub;
  return hub.index == no_hub_index ? steady_nanoseconds() : HubImpl::of(hub).clock.sync();
}

} // namespace detail

Deadline::Clock::time_point now() {
  return Deadline::Clock::time_point(std::chrono::duration_cast<Deadline::Clock::duration>(
      std::chrono::nanoseconds(detail::now_nanoseconds())));
}

} // namespace grove
