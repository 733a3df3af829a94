// SPDX-License-Identifier: MIT
// Greenlets that wake each other and hand items over.
#include <cstdint>

#include <benchmark/benchmark.h>

#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/queue.hpp>

#include "support/check.hpp"

namespace {

constexpr std::int64_t round_trips = 20'000;

// One iteration is one item handed over, half a round trip.
void queue_ping_pong(benchmark::State& state) {
  std::int64_t returned = 0;
  while (state.KeepRunningBatch(2 * round_trips)) {
    grove::Queue<std::int64_t> there;
    grove::Queue<std::int64_t> back;
    auto echo = grove::spawn([&] {
      for (std::int64_t i = 0; i < round_trips; ++i)
        back.put(there.get() + 1);
    });
    auto player = grove::spawn([&] {
      std::int64_t ball = 0;
      for (std::int64_t i = 0; i < round_trips; ++i) {
        there.put(ball + 1);
        ball = back.get();
      }
      return ball;
    });
    returned += player.get();
    echo.get();
  }
  bench::expect_equal(state, "items", returned, static_cast<std::int64_t>(state.iterations()));
}

// One iteration is one item from a producer, in bursts, to a consumer.
void queue_put_get(benchmark::State& state) {
  constexpr std::int64_t bursts = 1'000;
  constexpr std::int64_t burst = 64;
  std::int64_t sum = 0;
  while (state.KeepRunningBatch(bursts * burst)) {
    grove::Queue<std::int64_t> queue;
    auto producer = grove::spawn([&] {
      for (std::int64_t i = 0; i < bursts; ++i) {
        for (std::int64_t n = 0; n < burst; ++n)
          queue.put(1);
        grove::yield();
      }
    });
    auto consumer = grove::spawn([&] {
      std::int64_t got = 0;
      for (std::int64_t i = 0; i < bursts * burst; ++i)
        got += queue.get();
      return got;
    });
    sum += consumer.get();
    producer.get();
  }
  bench::expect_equal(state, "sum", sum, static_cast<std::int64_t>(state.iterations()));
}

// One iteration is one wake-up.
void event_ping_pong(benchmark::State& state) {
  std::int64_t waits = 0;
  while (state.KeepRunningBatch(2 * round_trips)) {
    grove::Event there;
    grove::Event back;
    const auto play = [&waits](grove::Event& mine, grove::Event& other) {
      for (std::int64_t i = 0; i < round_trips; ++i) {
        mine.wait();
        mine.clear();
        ++waits;
        other.set();
      }
    };
    auto one = grove::spawn([&] { play(there, back); });
    auto two = grove::spawn([&] { play(back, there); });
    there.set();
    one.get();
    two.get();
  }
  bench::expect_equal(state, "waits", waits, static_cast<std::int64_t>(state.iterations()));
}

BENCHMARK(queue_ping_pong)->Name("queue/ping_pong")->UseRealTime();
BENCHMARK(queue_put_get)->Name("queue/put_get")->UseRealTime();
BENCHMARK(event_ping_pong)->Name("event/pingpong")->UseRealTime();

} // namespace
