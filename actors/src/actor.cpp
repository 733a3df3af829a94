// SPDX-License-Identifier: MIT
// The life of an actor: birth, turns, end.
#include <grove/actors/actor.hpp>

#include <cstdio>
#include <stdexcept>
#include <string>
#include <utility>

#include <grove/actors/spawn.hpp>
#include <grove/hub/detail/report.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/timeout.hpp>

#include "actor_extras.hpp"
#include "class_totals.hpp"

namespace grove {

namespace detail {

constinit Identity nobody{.home = no_hub_index};

void Sidecar::drop_extras() noexcept { delete extras(); }
Birth* Sidecar::any_birth() const noexcept {
  const ActorExtras* const mine = extras();
  return mine != nullptr ? mine->birth : reinterpret_cast<Birth*>(word_); // NOLINT: see word_
}
void Sidecar::set_birth(Birth* birth) noexcept {
  if (ActorExtras* const mine = extras())
    mine->birth = birth;
  else
    word_ = reinterpret_cast<std::uintptr_t>(birth);
}
ActorExtras& Sidecar::make_extras() {
  ActorExtras* mine = extras();
  if (mine == nullptr) {
    mine = new ActorExtras;
    mine->birth = birth();
    word_ = reinterpret_cast<std::uintptr_t>(mine) + 1;
  }
  return *mine;
}

namespace {

// Messages handled before the next in the run queue has its turn. With so many left it is asked how
// long that takes: after the 1st, the 4th, the 16th and the 40th.
constexpr unsigned turn_budget = 64;
constexpr std::uint64_t looks_at_clock = 1ULL << 63 | 1ULL << 60 | 1ULL << 48 | 1ULL << 24;
constexpr std::uint16_t ends = flag::stopping | flag::kill_pending;
constexpr std::uint16_t unusual = ends | flag::special;

template <Mail* (*Take)(Identity*)>
void drop_all(Identity* self) noexcept {
  while (Mail* mail = Take(self))
    drop_mail(mail, Dropped::gone);
}
[[gnu::noinline]] void drop_mail_of(Identity* self) noexcept {
  drop_stash(self); // older than the inbox
  if ((self->flags & flag::special) != 0)
    drop_all<take_special>(self);
  drop_all<take>(self);
}
inline void drop_inbox(Identity* self) noexcept {
  if (inbox_of(self).head != nullptr || extras_of_actor(self) != nullptr)
    drop_mail_of(self);
}

inline bool comes_back(Identity* self) noexcept {
  const Supervision* supervision = supervision_of(self);
  return supervision != nullptr && !supervision->for_good && supervision->supervisor.alive();
}

inline bool keeps_inbox(Identity* self) noexcept {
  return comes_back(self) && supervision_of(self)->keeps_inbox;
}

// The spawner goes on next: child first, spawner next, depth first.
void end_start(Identity* self, const ExitReason* failure) {
  Birth* birth = inbox_of(self).sidecar.birth();
  if (birth == nullptr)
    return; // the spawner was interrupted and is gone
  inbox_of(self).sidecar.set_birth(nullptr);
  birth->inbox = nullptr;
  if (failure != nullptr) {
    birth->error = failure->error;
    birth->killed = failure->kind == ExitReason::Kind::killed;
  }
  wake_next(birth->spawner);
}

// on_stop, behind finish()'s shield: what takes too long is let through it, see kill_overdue().
void run_on_stop(Identity* self, const ExitReason& reason) {
  struct Phase {
    Identity* self;
    explicit Phase(Identity* me) : self(me) {
      if (ActorExtras* extras = extras_of_actor(self))
        extras->in_on_stop = true;
    }
    Phase(const Phase&) = delete;
    Phase& operator=(const Phase&) = delete;
    ~Phase() {
      ActorExtras* extras = extras_of_actor(self);
      if (extras == nullptr)
        return;
      if (extras->overdue)
        ++this_hub->context->shields;
      extras->in_on_stop = false;
    }
  };
  try {
    const Phase phase(self);
    object_of<Actor>(self)->on_stop(reason);
  } catch (const GreenletExit&) { // it was overdue
  } catch (...) {
    report_unhandled(self, std::current_exception());
  }
}

// Why it was told to end, if that says more than how its last handler went.
void take_ending(Identity* self, ExitReason& reason) {
  const ActorExtras* extras = extras_of_actor(self);
  if (extras != nullptr && extras->ending &&
      (extras->ends_now || reason.kind != ExitReason::Kind::killed))
    reason = *extras->ending;
}

// Under the actor's own identity, on a host's stack: on_stop and destructors may wait. Most actors
// that end have no extras, and nearly nothing to do here.
// `start_failure`: on_start has failed with it, of which the spawner will hear; nobody else need.
void finish(Identity* self, ExitReason reason, const ExitReason* start_failure = nullptr) noexcept {
  this_hub->context->handling = nullptr;
  if (start_failure != nullptr)
    reason = *start_failure;
  else if (reason.kind == ExitReason::Kind::failed)
    report_unhandled(self, reason.error);
  else
    take_ending(self, reason);
  const Shield shield;
  if (!keeps_inbox(self))
    drop_inbox(self); // who waits for an answer must not wait for the children's ends
  if (extras_of_actor(self) != nullptr)
    end_children(self);
  if (reason.kind != ExitReason::Kind::killed && start_failure == nullptr)
    run_on_stop(self, reason);
  if (!keeps_inbox(self))
    drop_inbox(self);
  end_dependents(self); // greenlets that were to end with it may use the object
  self->ops->destroy(self);
  drop_locals(self); // one that is restarted begins without them
  if (extras_of_actor(self) != nullptr)
    end_children(self); // that on_stop or a destructor has made
  if (start_failure != nullptr)
    end_start(self, start_failure); // nothing is left of it when its spawner hears
  if (comes_back(self))
    suspend(self, reason);
  else
    end_for_good(self, reason);
}

// After what the handler (or on_start) threw, in a catch block: keeps why the actor ends.
ExitReason reason_in_flight() {
  try {
    throw;
  } catch (const GreenletExit&) {
    return {ExitReason::Kind::killed, nullptr};
  } catch (...) {
    return {ExitReason::Kind::failed, std::current_exception()};
  }
}

// True if the actor goes on.
bool run_start(Identity* self) {
  this_hub->context->handling = nullptr; // what is there is of who ran here before
  self->flags = static_cast<std::uint16_t>(self->flags & ~flag::unstarted);
  ExitReason failure;
  try {
    if ((self->flags & flag::kill_pending) != 0)
      throw GreenletExit{};
    object_of<Actor>(self)->on_start();
    end_start(self, nullptr);
    return true;
  } catch (...) {
    failure = reason_in_flight();
  }
  const Birth* birth = inbox_of(self).sidecar.birth();
  const bool told = birth != nullptr;
  if (told)
    forget_spawner(self, birth->spawner);
  finish(self, failure, told ? &failure : nullptr);
  return false;
}

// Handles mail until there is none, the turn is over, or one of the flags is set. `left`: of the
// turn's messages; `began`: what look_at_turn() has returned.
template <Mail* (*Take)(Identity*), std::uint16_t Flags>
inline void work(Identity* self, unsigned left, std::uint64_t began) {
  while (Mail* mail = Take(self)) {
    ++inbox_of(self).handled;
    mail->handle(self, mail);
    if ((self->flags & Flags) != 0 || --left == 0) [[unlikely]]
      break;
    if ((looks_at_clock >> left & 1) != 0) [[unlikely]] {
      began = look_at_turn(*this_hub, began);
      if (began == 0)
        break;
    }
  }
}

// Nearly always there is one message. The others are handled elsewhere, with registers of their
// own. True if there is more.
[[gnu::noinline]] bool work_on(Identity* self) {
  if ((self->flags & unusual) == 0)
    work<take, unusual>(self, turn_budget - 1, look_at_turn(*this_hub, 0));
  return inbox_of(self).head != nullptr;
}
inline bool work_plain(Identity* self) {
  if (Mail* mail = take(self)) [[likely]] {
    ++inbox_of(self).handled;
    mail->handle(self, mail);
  }
  return inbox_of(self).head != nullptr && work_on(self);
}

// It ends, or its inbox is more than a plain queue.
[[gnu::noinline]] void end_unusual_turn(Identity* self) noexcept {
  if ((self->flags & ends) != 0) {
    const bool killed = (self->flags & flag::kill_pending) != 0;
    finish(self, {killed ? ExitReason::Kind::killed : ExitReason::Kind::stopped, nullptr});
  } else if (has_special_mail(self)) {
    this_hub->push(self);
  } else {
    self->flags = static_cast<std::uint16_t>(self->flags & ~flag::scheduled);
  }
}

// Why a turn has failed: in raw memory, as most turns do not.
union Failure {
  ExitReason reason;
  Failure() {}  // NOLINT: as said
  ~Failure() {} // NOLINT
};
[[gnu::noinline]] ExitReason* note_failure(Failure& failure) { // in a catch block
  return ::new (static_cast<void*>(&failure.reason)) ExitReason(reason_in_flight());
}
[[gnu::noinline]] void finish_failed(Identity* self, ExitReason* reason) noexcept {
  finish(self, std::move(*reason));
  reason->~ExitReason();
}

// Calls work(self), which tells whether there is more mail, and does what is to be done then:
// outside the catch block, as it may wait.
template <class Work>
[[gnu::always_inline]] inline void take_turn(Identity* self, Work work) noexcept {
  Failure failure;
  ExitReason* failed = nullptr;
  bool more = false;
  try {
    more = work(self);
  } catch (const Rejected&) { // a message that was told, and is refused: nothing more
    more = inbox_of(self).head != nullptr;
  } catch (...) {
    failed = note_failure(failure);
  }
  if (failed != nullptr) [[unlikely]] {
    finish_failed(self, failed);
    return;
  }
  const std::uint16_t flags = self->flags;
  if ((flags & unusual) != 0) [[unlikely]]
    end_unusual_turn(self);
  else if (more)
    this_hub->push(self);
  else
    self->flags = static_cast<std::uint16_t>(flags & ~flag::scheduled);
}

[[gnu::noinline]] void run_unusual(Identity* self) noexcept {
  if ((self->flags & flag::unstarted) != 0 && !run_start(self))
    return;
  if ((self->flags & ends) != 0)
    end_unusual_turn(self);
  else if ((self->flags & flag::special) != 0)
    take_turn(self, [](Identity* me) {
      work<take_special, ends>(me, turn_budget, 0);
      return has_special_mail(me);
    });
  else
    take_turn(self, work_plain);
}

} // namespace

// No buffers here: handlers are called through a pointer, with guards of their own.
__attribute__((no_stack_protector)) void run_actor(Identity* self) noexcept {
  if ((self->flags & (flag::unstarted | unusual)) != 0) [[unlikely]]
    run_unusual(self);
  else
    take_turn(self, work_plain);
}

namespace {
// Every reference is stale from here on.
void leave(HubState& hub, Identity* self) noexcept {
  self->flags |= flag::finished;
  release_joiners(self);
  count_end(self);
  inbox_of(self).~Inbox();
  give_identity(hub, self);
}
} // namespace

void end_for_good(Identity* self, const ExitReason& reason) noexcept {
  drop_inbox(self);                       // what was sent while it ended
  if (extras_of_actor(self) == nullptr) { // known to nobody
    leave(*this_hub, self);
    return;
  }
  Obituary obituary(self, reason);
  leave(*this_hub, self);
  obituary.send();
}

void accept_mail(Identity* self, Mail* mail) noexcept {
  if ((self->flags & flag::special) != 0) [[unlikely]]
    accept_special(self, mail);
  else
    append(*this_hub, self, mail);
}

void kill_idle_actor(Identity* self) noexcept {
  if (const Supervision* supervision = supervision_of(self);
      supervision != nullptr && supervision->suspended)
    return; // nothing of it runs
  self->flags |= flag::kill_pending;
  if ((self->flags & flag::scheduled) != 0)
    return;
  self->flags |= flag::scheduled;
  this_hub->push(self);
}

void abandon_actor(HubState& hub, Identity* self) noexcept {
  if (extras_of_actor(self) != nullptr) { // the constructor has made itself known
    drop_half_made(self);
    end_for_good(self, {ExitReason::Kind::gone, nullptr});
    return;
  }
  drop_inbox(self);
  leave(hub, self);
}

void wait_for_start(HubState& hub, Identity* child) {
  child->flags |= flag::unstarted;
  Inbox& inbox = inbox_of(child);
  Birth birth{hub.current, &inbox, nullptr};
  inbox.sidecar.set_birth(&birth);
  if ((hub.current->flags & flag::interrupts) == 0) [[likely]] {
    park_behind(hub, child, "spawn");
  } else { // came while the constructor waited: the child is born, whatever becomes of us
    hub.push(child);
    park("spawn");
  }
  if (birth.error != nullptr)
    std::rethrow_exception(birth.error);
  if (birth.killed)
    throw ActorDown("spawn: the actor was killed in on_start");
}

void throw_actor_not_first(const char* type) {
  throw std::logic_error(std::string("grove: spawn<") + type +
                         ">: Actor must be the first of its base classes");
}

} // namespace detail

void Actor::stop() noexcept { detail::slot_of_actor(this)->flags |= detail::flag::stopping; }

std::string ExitReason::what() const {
  switch (kind) {
  case Kind::stopped:
    return "stopped";
  case Kind::killed:
    return "killed";
  case Kind::shutdown:
    return "shut down";
  case Kind::gone:
    return "gone before anybody looked";
  case Kind::failed:
    break;
  }
  return describe(error);
}

} // namespace grove
