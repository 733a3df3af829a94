// SPDX-License-Identifier: MIT
// The whole life of an actor: one iteration is a spawn, a message, and its end after that.
#include <cstdint>

#include <benchmark/benchmark.h>

#include <grove/actors/actor.hpp>
#include <grove/actors/spawn.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>

#include "support/check.hpp"

namespace {

struct Last {
  std::int64_t amount;
};
class Mayfly : public grove::Actor {
public:
  explicit Mayfly(std::int64_t* seen) : seen_(seen) {}
  void receive(const Last& last) {
    *seen_ += last.amount;
    stop();
  }

private:
  std::int64_t* seen_;
};

// The spawner gives way every now and then, as spawn() sees to it.
void spawn_actor(benchmark::State& state) {
  constexpr std::int64_t brood = 64'000;
  const auto living = [] {
    return static_cast<std::int64_t>(grove::Hub::current().stats().living);
  };
  const std::int64_t before = living();
  std::int64_t seen = 0;
  std::int64_t made = 0;
  while (state.KeepRunningBatch(brood)) {
    for (std::int64_t i = 0; i < brood; ++i)
      grove::spawn<Mayfly>(&seen).tell(Last{1});
    made += brood;
    while (seen < made)
      grove::yield();
  }
  bench::expect_equal(state, "messages", seen, static_cast<std::int64_t>(state.iterations()));
  bench::expect_equal(state, "living", living(), before);
}

BENCHMARK(spawn_actor)->Name("spawn_actor/grove")->UseRealTime();

} // namespace
