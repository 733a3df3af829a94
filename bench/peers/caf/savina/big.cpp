// SPDX-License-Identifier: MIT
// Savina 7, Big, with CAF; the rules are in bench/savina.
#include "savina.hpp"

#include <cstddef>
#include <utility>
#include <vector>

namespace savina {

namespace {

constexpr int64_t actors = 120;
constexpr int64_t pings = 20'000;
constexpr int64_t nobody = -1;
using Neighbours = std::vector<actor>;

struct Pongs {
  int64_t asked_for = 0;
  int64_t others = 0; // of somebody who was not pinged
};

struct Sink {
  Neighbours neighbours;
  int64_t done = 0;
};
behavior sink(caf::stateful_actor<Sink>* self) {
  return {
      [self](const Neighbours& neighbours) { self->state.neighbours = neighbours; },
      [self](done_atom) {
        if (++self->state.done < actors)
          return;
        for (const auto& neighbour : self->state.neighbours)
          self->send_exit(neighbour, caf::exit_reason::user_shutdown);
        self->quit();
      },
  };
}

struct Neighbour {
  int64_t number = 0;
  actor sink;
  Pongs* pongs = nullptr;
  savina::PseudoRandom chance;
  Neighbours neighbours;
  int64_t sent = 0;
  int64_t pinged = nobody;
};
behavior neighbour(caf::stateful_actor<Neighbour>* self, int64_t number, actor sink, Pongs* pongs) {
  self->state.number = number;
  self->state.sink = std::move(sink);
  self->state.pongs = pongs;
  self->state.chance = savina::PseudoRandom(number);
  return {
      [self](const Neighbours& neighbours) { self->state.neighbours = neighbours; },
      [self](ping_atom, int64_t from) {
        self->send(self->state.neighbours[static_cast<std::size_t>(from)], pong_atom::value,
                   self->state.number);
      },
      [self](pong_atom, int64_t from) {
        auto& mine = self->state;
        if (from != mine.pinged)
          ++mine.pongs->others;
        else if (from != nobody)
          ++mine.pongs->asked_for;
        if (mine.sent == pings) {
          self->send(mine.sink, done_atom::value);
          return;
        }
        ++mine.sent;
        mine.pinged = mine.chance.next(actors);
        self->send(mine.neighbours[static_cast<std::size_t>(mine.pinged)], ping_atom::value,
                   mine.number);
      },
  };
}

} // namespace

void big(caf::actor_system& system) {
  Pongs pongs;
  {
    const auto end = system.spawn(sink);
    Neighbours neighbours;
    for (int64_t i = 0; i < actors; ++i)
      neighbours.push_back(system.spawn(neighbour, i, end, &pongs));
    caf::anon_send(end, neighbours);
    for (const auto& each : neighbours)
      caf::anon_send(each, neighbours);
    for (const auto& each : neighbours)
      caf::anon_send(each, pong_atom::value, nobody);
  }
  system.await_all_actors_done();
  expect_equal("pongs", pongs.asked_for, actors * pings);
  expect_equal("pongs of others", pongs.others, 0);
}

} // namespace savina
