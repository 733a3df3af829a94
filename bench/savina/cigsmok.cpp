// SPDX-License-Identifier: MIT
// Savina 13, Cigarette Smokers: an arbiter lets one of 200 smokers smoke, at random, 1,000 times.
#include <cstddef>
#include <cstdint>
#include <vector>

#include <grove/actors/actor.hpp>
#include <grove/actors/spawn.hpp>
#include <grove/hub/join.hpp>

#include "savina/program.hpp"
#include "savina/work.hpp"

namespace {

constexpr std::int64_t rounds = 1'000;
constexpr std::int64_t smokers = 200;

class Arbiter;
struct Smoke {
  std::int64_t busy; // for busy_wait()
};

class Smoker : public grove::Actor {
public:
  Smoker(grove::ActorRef<Arbiter> arbiter, std::int64_t* smoked)
      : arbiter_(arbiter), smoked_(smoked) {}
  void receive(const Smoke& smoke);

private:
  grove::ActorRef<Arbiter> arbiter_;
  std::int64_t* smoked_;
};

struct Begin {};
struct StartedSmoking {};

class Arbiter : public grove::Actor {
public:
  explicit Arbiter(std::int64_t* smoked) : smoked_(smoked) {}

  void on_start() override {
    for (std::int64_t i = 0; i < smokers; ++i)
      smokers_.push_back(grove::spawn<Smoker>(self(*this), smoked_));
  }
  void receive(const Begin&) { choose(); }
  void receive(const StartedSmoking&) {
    if (++round_ < rounds) {
      choose();
      return;
    }
    for (const auto& smoker : smokers_)
      smoker.stop();
    grove::join_all(smokers_);
    stop();
  }

private:
  void choose() {
    const auto& smoker = smokers_[static_cast<std::size_t>(chance_.next(smokers))];
    smoker.tell(Smoke{chance_.next(1'000) + 10});
  }

  std::int64_t* smoked_;
  std::vector<grove::ActorRef<Smoker>> smokers_;
  savina::PseudoRandom chance_{rounds * smokers};
  std::int64_t round_ = 0;
};

void Smoker::receive(const Smoke& smoke) {
  arbiter_.tell(StartedSmoking{});
  savina::busy_wait(smoke.busy);
  ++*smoked_;
}

auto smoke() {
  std::int64_t smoked = 0;
  const auto arbiter = grove::spawn<Arbiter>(&smoked);
  arbiter.tell(Begin{});
  arbiter.join();
  return [smoked] { savina::expect_equal("cigarettes", smoked, rounds); };
}

SAVINA_PROGRAM("cigsmok", smoke);

} // namespace
