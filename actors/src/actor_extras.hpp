// SPDX-License-Identifier: MIT
// ActorExtras: what only few actors need, allocated when one does.
#pragma once

#include <grove/actors/detail/actor_state.hpp>

#include "inbox_extras.hpp"

namespace grove::detail {

struct ActorExtras : Entrance { // first: see entrance_of()
  Birth* birth = nullptr;       // the spawn() that waits for on_start
  InboxExtras inbox;
};

inline ActorExtras& need_extras(Identity* actor) { return inbox_of(actor).aside.make_extras(); }

} // namespace grove::detail
