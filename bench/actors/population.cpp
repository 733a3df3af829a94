// SPDX-License-Identifier: MIT
// Millions of actors: at once and idle, or one after the other as the leaves of a tree.
#include <chrono>
#include <cstddef>
#include <cstdint>

#include <benchmark/benchmark.h>

#include <grove/actors/actor.hpp>
#include <grove/actors/spawn.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>

#include "support/check.hpp"
#include "support/fresh_process.hpp"

namespace {

constexpr std::int64_t population = 1'000'000;

// -- idle actors ----------------------------------------------------------------------------------

struct Add {
  std::int64_t amount;
  std::int64_t* total;
};
class Idler : public grove::Actor {
public:
  void receive(const Add& add) {
    ++messages_;
    sum_ += add.amount;
    *add.total += sum_;
  }

private:
  std::int64_t messages_ = 0; // its 16 bytes
  std::int64_t sum_ = 0;
};

struct Census {
  double seconds; // until all had handled a message
  double bytes;   // by which the process grew meanwhile
  double peak_bytes;
  std::int64_t total;
  std::int64_t living;
};

// The actors are kept by nobody: references are not counted, and none are held.
template <std::int64_t Population>
Census settle() {
  std::int64_t total = 0;
  grove::yield(); // the hub is there
  const double before = bench::resident_bytes();
  const auto start = std::chrono::steady_clock::now();
  for (std::int64_t i = 0; i < Population; ++i)
    grove::spawn<Idler>().tell(Add{1, &total});
  while (total < Population)
    grove::yield();
  const double seconds = bench::seconds_since(start);
  const double after = bench::resident_bytes();
  const auto living = static_cast<std::int64_t>(grove::Hub::current().stats().living);
  return {seconds, after - before, bench::peak_resident_bytes(), total, living};
}

// One iteration makes all of them; its time is that of making them and of one message to each.
template <std::int64_t Population>
void idle_actors(benchmark::State& state, const char* name) {
  for (auto _ : state) {
    const auto census = bench::in_fresh_process<settle<Population>>(name);
    if (!census) {
      state.SkipWithError("the process that was measured has failed");
      return;
    }
    bench::expect_equal(state, "total", census->total, Population);
    bench::expect_equal(state, "living", census->living, Population);
    state.SetIterationTime(census->seconds);
    state.counters["bytes_each"] = census->bytes / static_cast<double>(Population);
    state.counters["peak_rss_mb"] = census->peak_bytes / 1e6;
  }
}

void idle_million(benchmark::State& state) { idle_actors<population>(state, "idle_actors/grove"); }
void idle_ten_million(benchmark::State& state) {
  idle_actors<10 * population>(state, "idle_actors/grove_ten_million");
}

// -- skynet ---------------------------------------------------------------------------------------

struct Sum {
  std::int64_t value;
};

// A node of a tree with ten branches each; a leaf knows its number, and all others what is below.
class Node : public grove::Actor {
public:
  Node(grove::ActorRef<Node> parent, std::int64_t first, std::int64_t leaves)
      : parent_(parent), first_(first), leaves_(leaves) {}
  Node(std::int64_t leaves, std::int64_t* result, grove::Event* done)
      : first_(0), leaves_(leaves), result_(result), done_(done) {}

  void on_start() override {
    if (leaves_ == 1) {
      report(first_);
      return;
    }
    const std::int64_t part = leaves_ / 10;
    for (std::int64_t i = 0; i < 10; ++i)
      grove::spawn<Node>(self(*this), first_ + i * part, part);
  }
  void receive(const Sum& sum) {
    sum_ += sum.value;
    if (++reported_ == 10)
      report(sum_);
  }

private:
  void report(std::int64_t value) {
    if (done_ == nullptr) {
      parent_.tell(Sum{value});
    } else {
      *result_ = value;
      done_->set();
    }
    stop();
  }

  grove::ActorRef<Node> parent_;
  std::int64_t first_;
  std::int64_t leaves_;
  std::int64_t sum_ = 0;
  int reported_ = 0;
  std::int64_t* result_ = nullptr;
  grove::Event* done_ = nullptr;
};

struct Harvest {
  double seconds;
  double peak_bytes;
  std::int64_t sum;
};

Harvest grow() {
  grove::Event done;
  std::int64_t sum = 0;
  const auto start = std::chrono::steady_clock::now();
  grove::spawn<Node>(population, &sum, &done);
  done.wait();
  return {bench::seconds_since(start), bench::peak_resident_bytes(), sum};
}

void skynet(benchmark::State& state) {
  for (auto _ : state) {
    const auto harvest = bench::in_fresh_process<grow>("skynet/grove");
    if (!harvest) {
      state.SkipWithError("the process that was measured has failed");
      return;
    }
    bench::expect_equal(state, "sum", harvest->sum, population * (population - 1) / 2);
    state.SetIterationTime(harvest->seconds);
    state.counters["peak_rss_mb"] = harvest->peak_bytes / 1e6;
  }
}

BENCHMARK(skynet)
    ->Name("skynet/grove")
    ->Iterations(1)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(idle_million)
    ->Name("idle_actors/grove")
    ->Iterations(1)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(idle_ten_million)
    ->Name("idle_actors/grove_ten_million")
    ->Iterations(1)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

} // namespace
