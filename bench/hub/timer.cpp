// SPDX-License-Identifier: MIT
// Timers: those that never fire, which are nearly all, and a million that do.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <benchmark/benchmark.h>

#include <grove/hub/greenlet.hpp>
#include <grove/hub/timeout.hpp>

#include "support/check.hpp"
#include "support/fresh_process.hpp"

namespace {

// One iteration is one Timeout scope around a call that does not wait, beside a thousand others.
void start_cancel(benchmark::State& state) {
  std::vector<std::unique_ptr<grove::Timeout>> others;
  for (int i = 0; i < 1000; ++i)
    others.push_back(std::make_unique<grove::Timeout>(std::chrono::seconds(100 + i * 7919 % 1000)));
  std::int64_t pending = 0;
  int seconds = 0;
  for (auto _ : state) {
    seconds = (seconds + 389) % 1000;
    const grove::Timeout timeout(std::chrono::seconds(100 + seconds));
    pending += timeout.pending() ? 1 : 0;
  }
  bench::expect_equal(state, "pending", pending, static_cast<std::int64_t>(state.iterations()));
}

constexpr std::size_t population = 1'000'000;

struct Night {
  double seconds; // from the first to wake until the last has ended
  double bytes;   // by which the process grew until all slept
  std::size_t early;
};

Night sleep_and_wake() {
  std::vector<grove::GreenletRef<>> all(population); // its pages are there before the count begins
  const auto dawn = grove::now() + std::chrono::seconds(20);
  const double before = bench::resident_bytes();
  std::size_t asleep = 0;
  std::size_t early = 0;
  for (std::size_t i = 0; i < population; ++i) {
    const auto due = dawn + std::chrono::nanoseconds(i * 7919 % population * 100);
    all[i] = grove::spawn([&asleep, &early, due] {
      ++asleep;
      grove::sleep(due);
      if (std::chrono::steady_clock::now() < due)
        ++early;
    });
  }
  while (asleep < population)
    grove::yield();
  const double bytes = bench::resident_bytes() - before;
  grove::sleep(dawn);
  const auto start = std::chrono::steady_clock::now();
  for (const auto& one : all)
    one.join();
  return {bench::seconds_since(start), bytes, early};
}

// One iteration wakes all of them: their due times lie within a tenth of a second.
void million(benchmark::State& state) {
  for (auto _ : state) {
    const auto night = bench::in_fresh_process<sleep_and_wake>("timer/million");
    if (!night) {
      state.SkipWithError("the process that was measured has failed");
      return;
    }
    bench::expect_equal(state, "woken early", night->early, std::size_t{0});
    state.SetIterationTime(night->seconds);
    state.counters["bytes_each"] = night->bytes / population;
  }
}

BENCHMARK(start_cancel)->Name("timer/start_cancel")->UseRealTime();
BENCHMARK(million)
    ->Name("timer/million")
    ->Iterations(1)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

} // namespace
