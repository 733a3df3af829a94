// SPDX-License-Identifier: MIT
// Savina 1, Ping Pong: 40,000 times there and back, and a message to itself in between.
#include <cstdint>

#include <grove/actors/actor.hpp>
#include <grove/actors/spawn.hpp>

#include "savina/program.hpp"

namespace {

constexpr std::int64_t pings = 40'000;

class Pinger;
struct Ping {
  grove::ActorRef<Pinger> from;
};

class Ponger : public grove::Actor {
public:
  explicit Ponger(std::int64_t* pinged) : pinged_(pinged) {}
  void receive(const Ping& ping);

private:
  std::int64_t* pinged_;
};

struct Pong {
  grove::ActorRef<Ponger> from;
};
struct Serve {};

class Pinger : public grove::Actor {
public:
  Pinger(grove::ActorRef<Ponger> partner, std::int64_t* ponged)
      : partner_(partner), ponged_(ponged) {}

  void receive(const Serve&) {
    --left_;
    partner_.tell(Ping{self(*this)});
  }
  void receive(const Pong&) {
    ++*ponged_;
    if (left_ > 0) {
      self(*this).tell(Serve{});
    } else {
      partner_.stop();
      stop();
    }
  }

private:
  grove::ActorRef<Ponger> partner_;
  std::int64_t* ponged_;
  std::int64_t left_ = pings;
};

void Ponger::receive(const Ping& ping) {
  ++*pinged_;
  ping.from.tell(Pong{self(*this)});
}

auto ping_pong() {
  std::int64_t pinged = 0;
  std::int64_t ponged = 0;
  const auto ponger = grove::spawn<Ponger>(&pinged);
  const auto pinger = grove::spawn<Pinger>(ponger, &ponged);
  pinger.tell(Serve{});
  pinger.join();
  ponger.join();
  return [pinged, ponged] {
    savina::expect_equal("pings", pinged, pings);
    savina::expect_equal("pongs", ponged, pings);
  };
}

SAVINA_PROGRAM("pingpong", ping_pong);

} // namespace
