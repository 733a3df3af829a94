// SPDX-License-Identifier: MIT
// Savina 7, Big: 120 actors, each of which sends 20,000 pings, one after the other, to any of them.
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <grove/actors/actor.hpp>
#include <grove/actors/spawn.hpp>
#include <grove/hub/join.hpp>

#include "savina/program.hpp"
#include "savina/work.hpp"

namespace {

constexpr std::int64_t actors = 120;
constexpr std::int64_t pings = 20'000;
constexpr std::int64_t nobody = -1;

class Neighbour;
using Neighbours = std::vector<grove::ActorRef<Neighbour>>;
struct Ping {
  std::int64_t from;
};
struct Pong {
  std::int64_t from;
};
struct Done {};

struct Pongs {
  std::int64_t asked_for = 0;
  std::int64_t others = 0; // of somebody who was not pinged
};

// Ends all when all are done.
class Sink : public grove::Actor {
public:
  void receive(Neighbours&& neighbours) { neighbours_ = std::move(neighbours); }
  void receive(const Done&);

private:
  Neighbours neighbours_;
  std::int64_t done_ = 0;
};

class Neighbour : public grove::Actor {
public:
  Neighbour(std::int64_t number, grove::ActorRef<Sink> sink, Pongs* pongs)
      : number_(number), sink_(sink), pongs_(pongs), chance_(number) {}

  void receive(Neighbours&& neighbours) { neighbours_ = std::move(neighbours); }
  void receive(const Ping& ping) { to(ping.from).tell(Pong{number_}); }
  void receive(const Pong& pong) {
    if (pong.from != pinged_)
      ++pongs_->others;
    else if (pong.from != nobody)
      ++pongs_->asked_for;
    if (sent_ == pings) {
      sink_.tell(Done{});
      return;
    }
    ++sent_;
    pinged_ = chance_.next(actors);
    to(pinged_).tell(Ping{number_});
  }

private:
  const grove::ActorRef<Neighbour>& to(std::int64_t number) const {
    return neighbours_[static_cast<std::size_t>(number)];
  }

  std::int64_t number_;
  grove::ActorRef<Sink> sink_;
  Pongs* pongs_;
  savina::PseudoRandom chance_;
  Neighbours neighbours_;
  std::int64_t sent_ = 0;
  std::int64_t pinged_ = nobody;
};

void Sink::receive(const Done&) {
  if (++done_ < actors)
    return;
  for (const auto& neighbour : neighbours_)
    neighbour.stop();
  stop();
}

auto big() {
  Pongs pongs;
  const auto sink = grove::spawn<Sink>();
  Neighbours neighbours;
  for (std::int64_t i = 0; i < actors; ++i)
    neighbours.push_back(grove::spawn<Neighbour>(i, sink, &pongs));
  sink.tell(neighbours);
  for (const auto& neighbour : neighbours)
    neighbour.tell(neighbours);
  for (const auto& neighbour : neighbours)
    neighbour.tell(Pong{nobody});
  sink.join();
  grove::join_all(neighbours);
  return [pongs] {
    savina::expect_equal("pongs", pongs.asked_for, actors * pings);
    savina::expect_equal("pongs of others", pongs.others, std::int64_t{0});
  };
}

SAVINA_PROGRAM("big", big);

} // namespace
