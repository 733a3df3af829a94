// SPDX-License-Identifier: MIT
// Hub::post from another thread to a hub that is at work: what it costs who posts.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

#include <benchmark/benchmark.h>

#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/hub_thread.hpp>

#include "support/check.hpp"
#include "support/fresh_process.hpp"

namespace {

constexpr std::int64_t batch = 1000;

// One iteration is one post; the hub has run all of a batch before the next one begins.
void cross_thread(benchmark::State& state) {
  std::atomic<std::int64_t> ran = 0;
  grove::HubThread thread;
  thread.hub().post([&] {
    for (;;) // until it is killed with its hub
      grove::yield();
  });
  std::int64_t posted = 0;
  while (state.KeepRunningBatch(batch)) {
    const auto start = std::chrono::steady_clock::now();
    for (std::int64_t i = 0; i < batch; ++i)
      thread.hub().post([&ran] { ran.fetch_add(1, std::memory_order_relaxed); });
    state.SetIterationTime(bench::seconds_since(start));
    posted += batch;
    while (ran.load(std::memory_order_acquire) < posted)
      std::this_thread::yield();
  }
  bench::expect_equal(state, "ran", ran.load(), static_cast<std::int64_t>(state.iterations()));
}

BENCHMARK(cross_thread)->Name("post/cross_thread")->UseManualTime();

} // namespace
