// SPDX-License-Identifier: MIT
// Savina 6, Chameneos, with CAF; the rules are in bench/savina.
#include "savina.hpp"

#include <utility>

namespace savina {

namespace {

constexpr int64_t creatures = 100;
constexpr int64_t meetings = 200'000;
constexpr int faded = 3; // red, yellow, blue: 0, 1, 2

int complement(int mine, int other) {
  if (mine == faded || other == faded)
    return faded;
  return mine == other ? mine : 3 - mine - other;
}

struct Creature {
  actor mall;
  int colour = 0;
  int64_t met = 0;
};
behavior creature(caf::stateful_actor<Creature>* self, actor mall, int colour) {
  self->state = {std::move(mall), colour, 0};
  self->send(self->state.mall, meet_atom::value, colour);
  return {
      [self](meet_atom, int other) {
        auto& mine = self->state;
        mine.colour = complement(mine.colour, other);
        ++mine.met;
        self->send(sender_of_message(self), change_atom::value, mine.colour);
        self->send(mine.mall, meet_atom::value, mine.colour);
      },
      [self](change_atom, int now) {
        auto& mine = self->state;
        mine.colour = now;
        ++mine.met;
        self->send(mine.mall, meet_atom::value, mine.colour);
      },
      [self](fade_atom) {
        self->state.colour = faded;
        self->send(self->state.mall, met_atom::value, self->state.met);
        self->quit();
      },
  };
}

struct Mall {
  int64_t* met = nullptr;
  int64_t left = meetings;
  int64_t faded = 0;
  actor waiting;
};
behavior mall(caf::stateful_actor<Mall>* self, int64_t* met) {
  self->state.met = met;
  for (int64_t i = 0; i < creatures; ++i)
    self->spawn(creature, actor{self}, static_cast<int>(i % 3));
  return {
      [self](meet_atom, int colour) {
        auto& mine = self->state;
        if (mine.left == 0) {
          self->send(sender_of_message(self), fade_atom::value);
        } else if (!mine.waiting) {
          mine.waiting = sender_of_message(self);
        } else {
          --mine.left;
          self->delegate(mine.waiting, meet_atom::value, colour); // its sender stays the sender
          mine.waiting = nullptr;
        }
      },
      [self](met_atom, int64_t times) {
        *self->state.met += times;
        if (++self->state.faded == creatures)
          self->quit();
      },
  };
}

} // namespace

void chameneos(caf::actor_system& system) {
  int64_t met = 0;
  system.spawn(mall, &met);
  system.await_all_actors_done();
  expect_equal("meetings, counted by both", met, 2 * meetings);
}

} // namespace savina
