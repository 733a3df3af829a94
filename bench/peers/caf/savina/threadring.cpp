// SPDX-License-Identifier: MIT
// Savina 5, Thread Ring, with CAF; the rules are in bench/savina.
#include "savina.hpp"

#include <cstddef>
#include <utility>
#include <vector>

namespace savina {

namespace {

constexpr int64_t actors = 100;
constexpr int64_t hops = 100'000;

struct Member {
  actor next;
  int64_t* hopped = nullptr;
};
behavior member(caf::stateful_actor<Member>* self, int64_t* hopped) {
  self->state.hopped = hopped;
  return {
      [self](next_atom, actor& next) { self->state.next = std::move(next); },
      [self](hop_atom, int64_t left) {
        if (left > 0) {
          ++*self->state.hopped;
          self->send(self->state.next, hop_atom::value, left - 1);
        } else {
          self->send(self->state.next, end_atom::value, actors - 1);
        }
      },
      [self](end_atom, int64_t left) {
        if (left > 0)
          self->send(self->state.next, end_atom::value, left - 1);
        self->quit();
      },
  };
}

} // namespace

void threadring(caf::actor_system& system) {
  int64_t hopped = 0;
  {
    std::vector<actor> ring;
    for (int64_t i = 0; i < actors; ++i)
      ring.push_back(system.spawn(member, &hopped));
    for (std::size_t i = 0; i < ring.size(); ++i)
      caf::anon_send(ring[i], next_atom::value, ring[(i + 1) % ring.size()]);
    caf::anon_send(ring[0], hop_atom::value, hops);
  }
  system.await_all_actors_done();
  expect_equal("hops", hopped, hops);
}

} // namespace savina
