// SPDX-License-Identifier: MIT
// TestKit: a test of actors that is a function of its seed.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <grove/actors/spawn.hpp>
#include <grove/hub/simulation.hpp>

namespace grove::testing {

// While a TestKit lives, time on this hub is virtual, and who runs next is drawn from a seed (see
// Simulation): the same seed gives the same run. The seed is that of the environment variable
// GROVE_SEED, else the one given, else 1. What a probe finds missing names it, so that the run can
// be had again. At its end the actors that it has spawned are killed, the last one first.
//
// One at a time on a hub, made and used by a greenlet of it, say main; std::logic_error otherwise.
class TestKit {
public:
  TestKit() : TestKit(1) {}
  // std::invalid_argument if GROVE_SEED is no number.
  explicit TestKit(std::uint64_t seed);
  TestKit(const TestKit&) = delete;
  TestKit& operator=(const TestKit&) = delete;
  ~TestKit();

  std::uint64_t seed() const { return simulation_.seed(); }
  // "GROVE_SEED=17": for the messages of a test's own.
  std::string how_to_repeat() const;
  const Simulation& simulation() const { return simulation_; }

  // As grove::spawn<A>(); it ends with the kit.
  template <std::derived_from<Actor> A, class... Args>
  requires std::constructible_from<A, Args...> ActorRef<A> spawn(Args&&... args) {
    const ActorRef<A> actor = grove::spawn<A>(std::forward<Args>(args)...);
    actors_.push_back(actor);
    return actor;
  }

  // Lets others run until nobody can without time passing. (One nanosecond passes.)
  void settle();
  // The same, for so long: what is due by then is done. std::invalid_argument for a negative time.
  void advance(std::chrono::nanoseconds time);

private:
  Simulation simulation_;
  std::vector<ActorRef<Actor>> actors_;
};

// What for_each_seed() throws of an f that threw: its text names the seed, and what that was is
// nested in it (std::rethrow_if_nested).
class FailedWithSeed : public std::runtime_error {
public:
  FailedWithSeed(std::uint64_t seed, const std::string& text)
      : std::runtime_error(text), seed_(seed) {}
  std::uint64_t seed() const { return seed_; }

private:
  std::uint64_t seed_;
};

// Runs f with a TestKit of each of the seeds 1 to `count`, or only with that of GROVE_SEED, if it
// is set. The first that throws ends it: FailedWithSeed. Kills and Timeout scopes pass.
void for_each_seed(std::uint64_t count, const std::function<void(TestKit&)>& f);

} // namespace grove::testing
