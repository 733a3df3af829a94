// SPDX-License-Identifier: MIT
// Savina 1, Ping Pong, with CAF; the rules are in bench/savina.
#include "savina.hpp"

#include <utility>

namespace savina {

namespace {

constexpr int64_t pings = 40'000;

struct Ponger {
  int64_t* pinged = nullptr;
};
behavior ponger(caf::stateful_actor<Ponger>* self, int64_t* pinged) {
  self->state.pinged = pinged;
  return {[self](ping_atom) {
    ++*self->state.pinged;
    return pong_atom::value;
  }};
}

struct Pinger {
  actor partner;
  int64_t* ponged = nullptr;
  int64_t left = pings;
};
behavior pinger(caf::stateful_actor<Pinger>* self, actor partner, int64_t* ponged) {
  self->state.partner = std::move(partner);
  self->state.ponged = ponged;
  return {
      [self](again_atom) {
        --self->state.left;
        self->send(self->state.partner, ping_atom::value);
      },
      [self](pong_atom) {
        ++*self->state.ponged;
        if (self->state.left > 0) {
          self->send(self, again_atom::value);
        } else {
          self->send_exit(self->state.partner, caf::exit_reason::user_shutdown);
          self->quit();
        }
      },
  };
}

} // namespace

void pingpong(caf::actor_system& system) {
  int64_t pinged = 0;
  int64_t ponged = 0;
  caf::anon_send(system.spawn(pinger, system.spawn(ponger, &pinged), &ponged), again_atom::value);
  system.await_all_actors_done();
  expect_equal("pings", pinged, pings);
  expect_equal("pongs", ponged, pings);
}

} // namespace savina
