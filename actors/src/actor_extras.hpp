// SPDX-License-Identifier: MIT
// ActorExtras: what only few actors need, allocated when one does.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <grove/actors/detail/actor_state.hpp>
#include <grove/actors/down.hpp>
#include <grove/actors/exit_reason.hpp>

#include "inbox_extras.hpp"

namespace grove::detail {

// What actors know of each other. Of an actor of another hub nothing is looked at but its home,
// which never changes.
struct Relations {
  struct Watcher { // wants a Down
    IdentityRef who;
    std::uint64_t id; // which of its monitors
    bool urgent = false;
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

// Of one that a supervisor may start again.
struct Supervision {
  IdentityRef supervisor;
  std::uint64_t number = 0;      // which of its children
  std::uint64_t incarnation = 0; // which of the objects in this slot
  std::uint64_t restarts = 0;
  std::chrono::nanoseconds shutdown_time{}; // how long its end may take
  bool suspended = false; // the object has ended; the slot and the inbox wait for the supervisor
  ExitReason reason;      // then: why it ended
  bool for_good = false;  // the next end is the last
  bool keeps_inbox = true;
  std::optional<AsyncResult<ExitReason>> told; // hears of the end instead of the supervisor's inbox
  std::vector<AsyncResult<void>> ends;         // who waits for the end of what runs: kill()
};

class Membership;

struct ActorExtras : Entrance { // first: see entrance_of()
  Birth* birth = nullptr;       // the spawn() that waits for on_start
  InboxExtras inbox;
  Relations relations;
  std::unique_ptr<Supervision> supervision;
  bool ends_children_at_once = false;
  std::string registered_name;                          // empty: none
  std::vector<std::shared_ptr<Membership>> memberships; // they hear of its end
  std::vector<std::uint64_t> subscriptions;             // to what happens in topics: open ones
  bool traps_exits = false;
  std::optional<ExitReason> ending; // why it was told to end, when that says more than the flags
  bool ends_now = false;            // and by unwinding; else a kill overrules it
  bool in_on_stop = false;
  bool overdue = false; // on_stop has taken too long
};

inline ActorExtras& need_extras(Identity* actor) { return inbox_of(actor).sidecar.make_extras(); }

// -- ends: on the actor's own hub -----------------------------------------------------------------

// Tells it to end, in that way and for that reason.
void end_actor(IdentityRef actor, Stop how, const ExitReason& reason);
// The orderly end, for good, of a child or of one that a system ends; true if it is under way, and
// has to be waited for.
bool begin_end(const IdentityRef& child, Stop how);
// Kills it even in its on_stop.
void kill_overdue(const IdentityRef& actor);
// What a constructor that throws has made: children, links, a name.
void drop_half_made(Identity* self) noexcept;
// Of an actor with extras: waits for the ends of its children. Under the parent's identity.
void end_children(Identity* self) noexcept;
inline Supervision* supervision_of(Identity* actor) {
  ActorExtras* extras = extras_of_actor(actor);
  return extras == nullptr ? nullptr : extras->supervision.get();
}
// The object has ended and the supervisor will say what comes next.
void suspend(Identity* self, const ExitReason& reason) noexcept;
// The end for good of one whose object has ended: nobody finds it any more.
void end_for_good(Identity* self, const ExitReason& reason) noexcept;
// To the inbox of its supervisor.
void tell_supervisor(const Supervision& supervision, const ExitReason& reason);
// Of an actor with extras: takes its relations, before they are gone, and tells the others.
class Obituary {
public:
  Obituary(Identity* self, const ExitReason& reason);
  void send() noexcept; // once nobody finds the actor any more

private:
  Relations relations_;
  std::unique_ptr<Supervision> supervision_;
  Down down_;
};
// Of an actor that fails to start its spawner hears by the exception, not in its relations.
void forget_spawner(Identity* self, Identity* spawner) noexcept;

// It has ended: nobody finds it by its name.
void forget_name(const std::string& name, const IdentityRef& actor) noexcept;

// The same for topics, routers, work queues; after the end of an object, and after that for good.
void tell_memberships_of_restart(ActorExtras& extras, const IdentityRef& actor) noexcept;
void end_memberships(ActorExtras& extras, const IdentityRef& actor) noexcept;

// To an actor of any hub: what the library itself sends, past any bound.
void send_signal(IdentityRef to, Mail* mail) noexcept;

} // namespace grove::detail
