// SPDX-License-Identifier: MIT
// Savina 30, Fibonacci, with CAF; the rules are in bench/savina.
#include "savina.hpp"

#include <utility>

namespace savina {

namespace {

struct Fibonacci {
  actor parent;
  int64_t* result = nullptr; // of the root
  int64_t sum = 0;
  int responses = 0;
};
behavior fibonacci(caf::stateful_actor<Fibonacci>* self, actor parent, int64_t* result) {
  self->state.parent = std::move(parent);
  self->state.result = result;
  const auto answer = [self](int64_t value) {
    if (self->state.result != nullptr)
      *self->state.result = value;
    else
      self->send(self->state.parent, response_atom::value, value);
    self->quit();
  };
  return {
      [=](request_atom, int64_t n) {
        if (n <= 2) {
          answer(1);
          return;
        }
        int64_t* const none = nullptr;
        self->send(self->spawn(fibonacci, actor{self}, none), request_atom::value, n - 1);
        self->send(self->spawn(fibonacci, actor{self}, none), request_atom::value, n - 2);
      },
      [=](response_atom, int64_t value) {
        self->state.sum += value;
        if (++self->state.responses == 2)
          answer(self->state.sum);
      },
  };
}

} // namespace

void fib(caf::actor_system& system) {
  int64_t result = 0;
  caf::anon_send(system.spawn(fibonacci, actor{}, &result), request_atom::value, int64_t{25});
  system.await_all_actors_done();
  expect_equal("the number", result, 75'025);
}

} // namespace savina
