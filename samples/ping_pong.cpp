// SPDX-License-Identifier: MIT
// Two actors play ping-pong: three rounds aloud, then as fast as they can, on one hub or two.
#include <fmt/core.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>

#include <grove/actors.hpp>

#include "options.hpp"

namespace {

class Pinger;

struct Ping {
  grove::ActorRef<Pinger> from;
  bool aloud;
};
struct Pong {};
struct Game {
  std::uint64_t rounds;
  bool aloud;
  grove::AsyncResult<void> over;
};

class Ponger : public grove::Actor {
public:
  void receive(const Ping& ping);
};

class Pinger : public grove::Actor {
public:
  explicit Pinger(grove::ActorRef<Ponger> partner) : partner_(partner) {}

  void receive(const Game& game) {
    game_ = game;
    say("start");
    serve();
  }

  void receive(const Pong&) {
    say("pong");
    if (--game_.rounds > 0)
      serve();
    else
      game_.over.set();
  }

private:
  void serve() { partner_.tell(Ping{self(*this), game_.aloud}); }
  void say(const char* word) const {
    if (game_.aloud)
      fmt::print("{}\n", word);
  }

  grove::ActorRef<Ponger> partner_;
  Game game_{};
};

void Ponger::receive(const Ping& ping) {
  if (ping.aloud)
    fmt::print("ping\n");
  ping.from.tell(Pong{});
}

void play(grove::ActorRef<Pinger> pinger, std::uint64_t rounds, bool aloud) {
  const grove::AsyncResult<void> over;
  pinger.tell(Game{rounds, aloud, over});
  over.get();
}

int run(int argc, char** argv) {
  CLI::App app{"Two actors play ping-pong: three rounds aloud, then --rounds silently, timed."};
  std::uint64_t rounds = 1'000'000;
  int hubs = 1;
  app.add_option("--rounds", rounds, "silent rounds, of two messages each")
      ->capture_default_str()
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000'000}));
  app.add_option("--hubs", hubs, "2: each player on a hub, and a thread, of its own")
      ->capture_default_str()
      ->check(CLI::Range(1, 2));
  if (const auto status = sample::parse(app, argc, argv))
    return *status;

  std::optional<grove::HubThread> second;
  const auto spawn_ponger = [] { return grove::spawn<Ponger>(); };
  const auto ponger = hubs == 2 ? second.emplace("ponger").call(spawn_ponger) : spawn_ponger();
  const auto pinger = grove::spawn<Pinger>(ponger);

  play(pinger, 3, true);
  std::fflush(stdout);

  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  play(pinger, rounds, false);
  const std::chrono::duration<double> took = Clock::now() - begin;

  pinger.stop();
  ponger.stop();
  pinger.join();
  ponger.join();

  const auto messages = 2 * rounds;
  const auto each = took / static_cast<double>(messages);
  fmt::print("{} messages in {:.3f} s: {:.0f} messages/s, {:.1f} ns each\n", messages, took.count(),
             1 / each.count(), each.count() * 1e9);
  return 0;
}

} // namespace

int main(int argc, char** argv) { return grove::main(argc, argv, run); }
