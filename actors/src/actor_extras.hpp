// SPDX-License-Identifier: MIT
// ActorExtras: what only few actors need, allocated when one does.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <grove/actors/detail/actor_state.hpp>
#include <grove/actors/down.hpp>
#include <grove/actors/exit_reason.hpp>

namespace grove::detail {

// What actors know of each other. Of an actor of another hub nothing is looked at but its home,
// which never changes.
struct Relations {
  struct Watcher { // wants a Down
    IdentityRef who;
    std::uint64_t id; // which of its monitors
  };
  struct Watched { // by an open monitor of this actor
    IdentityRef whom;
    std::uint64_t id;
  };
  std::vector<Watcher> watchers;
  std::vector<AsyncResult<Down>> waiting; // for a Down, too
  std::vector<Watched> watched;
  std::vector<IdentityRef> links;
  std::vector<IdentityRef> children; // of this hub, in the order of birth
  IdentityRef parent;
};

struct ActorExtras {
  Birth* birth = nullptr; // the spawn() that waits for on_start
  Relations relations;
  bool traps_exits = false;
  std::optional<ExitReason> ending; // why it was told to end, when that says more than the flags
  bool ends_now = false;            // and by unwinding; else a kill overrules it
};

inline ActorExtras& need_extras(Identity* actor) { return inbox_of(actor).aside.make_extras(); }

// -- ends: on the actor's own hub
// ------------------------------------------------------------------

// Tells it to end, in that way and for that reason.
void end_actor(IdentityRef actor, Stop how, const ExitReason& reason);
// Waits for the ends of its children. Under the parent's identity.
void end_children(Identity* self) noexcept;
// Takes its relations, before they are gone, and tells the others of its end.
class Obituary {
public:
  Obituary(Identity* self, const ExitReason& reason);
  void send() noexcept; // once nobody finds the actor any more

private:
  Relations relations_;
  Down down_;
};
// Of an actor that fails to start its spawner hears by the exception, not in its relations.
void forget_spawner(Identity* self, Identity* spawner) noexcept;

// To an actor of any hub: what the library itself sends, past any bound.
void send_signal(IdentityRef to, Mail* mail) noexcept;

} // namespace grove::detail
