// SPDX-License-Identifier: MIT
// Nine programs of the Savina suite with CAF 0.17, to compare bench/savina with: the same messages,
// parameters and checks.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

#include <caf/all.hpp>

#include "../../../savina/work.hpp"

namespace savina {

using caf::actor;
using caf::behavior;
using std::int64_t;

using again_atom = caf::atom_constant<caf::atom("again")>;
using change_atom = caf::atom_constant<caf::atom("change")>;
using done_atom = caf::atom_constant<caf::atom("done")>;
using end_atom = caf::atom_constant<caf::atom("end")>;
using fade_atom = caf::atom_constant<caf::atom("fade")>;
using hop_atom = caf::atom_constant<caf::atom("hop")>;
using how_many_atom = caf::atom_constant<caf::atom("howmany")>;
using increment_atom = caf::atom_constant<caf::atom("increment")>;
using meet_atom = caf::atom_constant<caf::atom("meet")>;
using met_atom = caf::atom_constant<caf::atom("met")>;
using next_atom = caf::atom_constant<caf::atom("next")>;
using paid_atom = caf::atom_constant<caf::atom("paid")>;
using pay_atom = caf::atom_constant<caf::atom("pay")>;
using ping_atom = caf::atom_constant<caf::atom("ping")>;
using pong_atom = caf::atom_constant<caf::atom("pong")>;
using request_atom = caf::atom_constant<caf::atom("request")>;
using response_atom = caf::atom_constant<caf::atom("response")>;
using start_atom = caf::atom_constant<caf::atom("start")>;
using take_atom = caf::atom_constant<caf::atom("take")>;
using work_atom = caf::atom_constant<caf::atom("work")>;

inline void expect_equal(const char* what, int64_t have, int64_t want) {
  if (have != want)
    throw std::runtime_error(std::string(what) + ": " + std::to_string(have) + ", not " +
                             std::to_string(want));
}

inline actor sender_of_message(caf::event_based_actor* self) {
  return caf::actor_cast<actor>(self->current_sender());
}

// One whole run each; throws if the result is wrong.
void pingpong(caf::actor_system& system);
void count(caf::actor_system& system);
void fjthrput(caf::actor_system& system);
void fjcreate(caf::actor_system& system);
void threadring(caf::actor_system& system);
void chameneos(caf::actor_system& system);
void big(caf::actor_system& system);
void banking(caf::actor_system& system);
void fib(caf::actor_system& system);

} // namespace savina
