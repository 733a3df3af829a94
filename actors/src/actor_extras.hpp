// SPDX-License-Identifier: MIT
// ActorExtras: what only few actors need, allocated when one does.
#pragma once

#include <grove/actors/detail/actor_state.hpp>

namespace grove::detail {

struct ActorExtras {
  Birth* birth = nullptr; // the spawn() that waits for on_start
};

inline ActorExtras& need_extras(Identity* actor) { return inbox_of(actor).aside.make_extras(); }

} // namespace grove::detail
