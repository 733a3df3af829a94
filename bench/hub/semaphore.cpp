// SPDX-License-Identifier: MIT
// A permit that nobody else wants.
#include <cstdint>

#include <benchmark/benchmark.h>

#include <grove/hub/semaphore.hpp>

#include "support/check.hpp"

namespace {

// One iteration is one acquire and one release.
void uncontended(benchmark::State& state) {
  grove::Semaphore semaphore(1);
  std::int64_t taken = 0;
  for (auto _ : state) {
    taken += semaphore.acquire() ? 1 : 0;
    benchmark::ClobberMemory();
    semaphore.release();
    benchmark::ClobberMemory();
  }
  bench::expect_equal(state, "permits", taken, static_cast<std::int64_t>(state.iterations()));
}

BENCHMARK(uncontended)->Name("semaphore/uncontended")->UseRealTime();

} // namespace
