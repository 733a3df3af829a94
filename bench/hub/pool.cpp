// SPDX-License-Identifier: MIT
// Many small items over a pool: one iteration is one item.
#include <cstdint>
#include <numeric>
#include <vector>

#include <benchmark/benchmark.h>

#include <grove/hub/pool.hpp>

#include "support/check.hpp"

namespace {

constexpr std::int64_t items = 1'000'000;

std::vector<std::int64_t> numbers() {
  std::vector<std::int64_t> all(items);
  std::iota(all.begin(), all.end(), 0);
  return all;
}
constexpr std::int64_t sum_of_squares(std::int64_t n) { return (n - 1) * n / 2 * (2 * n - 1) / 3; }

void pool_map(benchmark::State& state) {
  const auto all = numbers();
  std::int64_t sum = 0;
  while (state.KeepRunningBatch(items)) {
    grove::Pool pool(100);
    const auto squares = pool.map([](std::int64_t i) { return i * i; }, all);
    sum += std::accumulate(squares.begin(), squares.end(), std::int64_t{0});
  }
  bench::expect_equal(state, "sum", sum,
                      static_cast<std::int64_t>(state.iterations()) / items *
                          sum_of_squares(items));
}

void pool_imap(benchmark::State& state) {
  const auto all = numbers();
  std::int64_t sum = 0;
  while (state.KeepRunningBatch(items)) {
    grove::Pool pool(100);
    for (const std::int64_t square :
         pool.imap_unordered([](std::int64_t i) { return i * i; }, all, 1000))
      sum += square;
  }
  bench::expect_equal(state, "sum", sum,
                      static_cast<std::int64_t>(state.iterations()) / items *
                          sum_of_squares(items));
}

void pool_spawn(benchmark::State& state) {
  std::int64_t sum = 0;
  while (state.KeepRunningBatch(items)) {
    grove::Pool pool(100);
    for (std::int64_t i = 0; i < items; ++i)
      pool.spawn([&sum] { ++sum; });
    pool.join();
  }
  bench::expect_equal(state, "sum", sum, static_cast<std::int64_t>(state.iterations()));
}

BENCHMARK(pool_map)->Name("pool/map")->UseRealTime();
BENCHMARK(pool_imap)->Name("pool/imap_unordered")->UseRealTime();
BENCHMARK(pool_spawn)->Name("pool/spawn")->UseRealTime();

} // namespace
