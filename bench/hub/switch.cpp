// SPDX-License-Identifier: MIT
// Two greenlets that give way to each other: one iteration is one switch.
#include "support/raw_switch.hpp"

#include <cstdint>

#include <grove/hub/greenlet.hpp>

#include "support/check.hpp"

namespace {

constexpr std::int64_t yields_each = 50'000;

// Calls that keep their frame: nothing is inlined, and work is left after each.
[[gnu::noinline]] std::int64_t two_deep(std::int64_t x) {
  grove::yield();
  benchmark::ClobberMemory();
  return x + 1;
}
[[gnu::noinline]] std::int64_t three_deep(std::int64_t x) {
  const std::int64_t result = two_deep(x);
  benchmark::ClobberMemory();
  return result + 1;
}
[[gnu::noinline]] std::int64_t four_deep(std::int64_t x) {
  const std::int64_t result = three_deep(x);
  benchmark::ClobberMemory();
  return result + 1;
}

std::int64_t yield_shallow() {
  std::int64_t done = 0;
  for (; done < yields_each; ++done)
    grove::yield();
  return done;
}
std::int64_t yield_deep() {
  std::int64_t sum = 0;
  for (std::int64_t i = 0; i < yields_each; ++i)
    sum += four_deep(i) - i;
  return sum / 3;
}

using Body = std::int64_t (*)();

void switching(benchmark::State& state, Body one, Body other) {
  std::int64_t yields = 0;
  while (state.KeepRunningBatch(2 * yields_each)) {
    auto first = grove::spawn(one);
    auto second = grove::spawn(other);
    yields += first.get() + second.get();
  }
  bench::expect_equal(state, "yields", yields, static_cast<std::int64_t>(state.iterations()));
}

BENCHMARK(bench::raw_switch)->Name("switch/raw")->UseRealTime();
BENCHMARK_CAPTURE(switching, yield, yield_shallow, yield_shallow)
    ->Name("switch/grove_yield")
    ->UseRealTime();
BENCHMARK_CAPTURE(switching, deep, yield_deep, yield_deep)
    ->Name("switch/grove_deep")
    ->UseRealTime();
BENCHMARK_CAPTURE(switching, mixed, yield_deep, yield_shallow)
    ->Name("switch/grove_mixed")
    ->UseRealTime();

} // namespace
