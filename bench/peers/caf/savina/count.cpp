// SPDX-License-Identifier: MIT
// Savina 2, Counting Actor, with CAF; the rules are in bench/savina.
#include "savina.hpp"

namespace savina {

namespace {

constexpr int64_t messages = 1'000'000;

struct Counter {
  int64_t count = 0;
};
behavior counter(caf::stateful_actor<Counter>* self) {
  return {
      [self](increment_atom) { ++self->state.count; },
      [self](how_many_atom) {
        self->quit();
        return self->state.count;
      },
  };
}
behavior producer(caf::event_based_actor* self, actor counter, int64_t* counted) {
  return {[=](start_atom) {
    for (int64_t i = 0; i < messages; ++i)
      self->send(counter, increment_atom::value);
    self->request(counter, caf::infinite, how_many_atom::value).then([=](int64_t answer) {
      *counted = answer;
      self->quit();
    });
  }};
}

} // namespace

void count(caf::actor_system& system) {
  int64_t counted = 0;
  caf::anon_send(system.spawn(producer, system.spawn(counter), &counted), start_atom::value);
  system.await_all_actors_done();
  expect_equal("messages", counted, messages);
}

} // namespace savina
