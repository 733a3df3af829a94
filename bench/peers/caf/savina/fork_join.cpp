// SPDX-License-Identifier: MIT
// Savina 3 and 4, Fork Join: throughput and creation, with CAF; the rules are in bench/savina.
#include "savina.hpp"

#include <vector>

namespace savina {

namespace {

struct Worker {
  int64_t* done = nullptr;
  int64_t left = 0;
};
behavior worker(caf::stateful_actor<Worker>* self, int64_t* done, int64_t messages) {
  self->state = {done, messages};
  return {[self](work_atom) {
    savina::compute();
    ++*self->state.done;
    if (--self->state.left == 0)
      self->quit();
  }};
}

// Sends a round, and then lets the others run.
struct Driver {
  std::vector<actor> workers;
  int64_t left = 0;
};
behavior throughput(caf::stateful_actor<Driver>* self, int64_t* done, int64_t actors,
                    int64_t messages) {
  for (int64_t i = 0; i < actors; ++i)
    self->state.workers.push_back(self->spawn(worker, done, messages));
  self->state.left = messages;
  return {[self](again_atom) {
    for (const auto& each : self->state.workers)
      self->send(each, work_atom::value);
    if (--self->state.left > 0)
      self->send(self, again_atom::value);
    else
      self->quit();
  }};
}

} // namespace

void fjthrput(caf::actor_system& system) {
  constexpr int64_t actors = 60;
  constexpr int64_t messages = 10'000;
  int64_t done = 0;
  caf::anon_send(system.spawn(throughput, &done, actors, messages), again_atom::value);
  system.await_all_actors_done();
  expect_equal("messages", done, actors * messages);
}

void fjcreate(caf::actor_system& system) {
  constexpr int64_t actors = 40'000;
  int64_t done = 0;
  for (int64_t i = 0; i < actors; ++i)
    caf::anon_send(system.spawn(worker, &done, int64_t{1}), work_atom::value);
  system.await_all_actors_done();
  expect_equal("actors", done, actors);
}

} // namespace savina
