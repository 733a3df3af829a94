// SPDX-License-Identifier: MIT
// What a parked greenlet costs in memory, its guarded stack included.
#include <chrono>
#include <cstddef>
#include <vector>

#include <benchmark/benchmark.h>

#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>

#include "support/check.hpp"
#include "support/fresh_process.hpp"

namespace {

constexpr std::size_t population = 1'000'000;

struct Census {
  double seconds; // until all were parked
  double bytes;   // by which the process grew meanwhile
  std::size_t parked;
  std::size_t ended;
};

Census park_all() {
  grove::Event go;
  std::size_t begun = 0;
  std::size_t ended = 0;
  std::vector<grove::GreenletRef<>> all(population); // its pages are there before the count begins
  const double before = bench::resident_bytes();
  const auto start = std::chrono::steady_clock::now();
  for (grove::GreenletRef<>& one : all) {
    one = grove::spawn([&] {
      ++begun;
      go.wait();
      ++ended;
    });
  }
  while (begun < population)
    grove::yield();
  const double seconds = bench::seconds_since(start);
  const double after = bench::resident_bytes();
  const std::size_t parked = go.waiters();
  go.set();
  for (const grove::GreenletRef<>& one : all)
    one.join();
  return {seconds, after - before, parked, ended};
}

// One iteration parks all of them; its time is that of making them.
void idle_greenlets(benchmark::State& state) {
  for (auto _ : state) {
    const auto census = bench::in_fresh_process<park_all>("idle_greenlets/grove");
    if (!census) {
      state.SkipWithError("the process that was measured has failed");
      return;
    }
    bench::expect_equal(state, "parked", census->parked, population);
    bench::expect_equal(state, "ended", census->ended, population);
    state.SetIterationTime(census->seconds);
    state.counters["bytes_each"] = census->bytes / population;
  }
}

BENCHMARK(idle_greenlets)
    ->Name("idle_greenlets/grove")
    ->Iterations(1)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

} // namespace
