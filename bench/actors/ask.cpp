// SPDX-License-Identifier: MIT
// An actor that asks another in a loop: one iteration is one round trip.
#include <cstdint>

#include <benchmark/benchmark.h>

#include <grove/actors/actor.hpp>
#include <grove/actors/spawn.hpp>

#include "support/check.hpp"

namespace {

struct Next {
  std::int64_t number;
};
class Adder : public grove::Actor {
public:
  std::int64_t receive(const Next& next) { return next.number + 1; }
};

struct CountTo {
  std::int64_t number;
};
class Asker : public grove::Actor {
public:
  explicit Asker(grove::ActorRef<Adder> adder) : adder_(adder) {}
  std::int64_t receive(const CountTo& to) {
    std::int64_t number = 0;
    for (std::int64_t i = 0; i < to.number; ++i)
      number = adder_.ask(Next{number});
    return number;
  }

private:
  grove::ActorRef<Adder> adder_;
};

void ask(benchmark::State& state) {
  constexpr std::int64_t round_trips = 50'000;
  const auto adder = grove::spawn<Adder>();
  const auto asker = grove::spawn<Asker>(adder);
  std::int64_t counted = 0;
  while (state.KeepRunningBatch(round_trips))
    counted += asker.ask(CountTo{round_trips});
  bench::expect_equal(state, "answers", counted, static_cast<std::int64_t>(state.iterations()));
  asker.kill();
  adder.kill();
}

BENCHMARK(ask)->Name("ask/grove")->UseRealTime();

} // namespace
