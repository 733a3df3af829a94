// SPDX-License-Identifier: MIT
// What references do away from the hot path: stop, kill, join, and mail to other hubs.
#include <grove/actors/actor_ref.hpp>

#include <cstdio>
#include <functional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <utility>

#include <grove/hub/detail/report.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/hub_thread.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/log.hpp>

#include "actor_extras.hpp"

namespace grove::detail {

void handle_stop(Identity* actor, Mail* mail) {
  release_mail<0>(*this_hub, mail);
  if (actor != nullptr)
    actor->flags |= flag::stopping;
}

namespace {

// join and kill on the actor's own hub, for callers on other hubs and on threads without one. An
// actor ends with its hub, if not before: then the answer is true.
bool there(Identity* slot, Deadline deadline, const std::function<bool()>& f) {
  if (slot == &nobody)
    return true;
  Hub& home = *hub_of(slot);
  if (this_hub->index == no_hub_index) {
    bool done = true;
    try {
      block_on(home, [&] { done = f(); }, {});
    } catch (const Closed&) {
      return true;
    }
    return done;
  }
  struct Answer {
    AsyncResult<bool> result;
    bool owed = true;
    explicit Answer(AsyncResult<bool> r) : result(std::move(r)) {}
    Answer(Answer&& other) noexcept
        : result(std::move(other.result)), owed(std::exchange(other.owed, false)) {}
    Answer& operator=(Answer&&) = delete;
    ~Answer() {
      if (owed)
        result.set(true);
    }
  };
  AsyncResult<bool> result;
  home.post([answer = Answer(result), f] { answer.result.set(f()); });
  return !result.wait(deadline) ? false : result.get();
}

} // namespace

void stop_actor(Identity* slot, std::uint32_t generation, Stop how) {
  HubState& hub = *this_hub;
  const IdentityRef actor{slot, generation};
  const bool here = is_here(hub, slot);
  if (how != Stop::drained) {
    if (here)
      end_actor(actor, how, {});
    else if (slot != &nobody)
      hub_of(slot)->post([actor, how] { end_actor(actor, how, {}); });
    return;
  }
  if (here && slot->generation != generation)
    return;
  Mail* mail = take_mail<0>(hub);
  mail->handle = handle_stop;
  send_signal(actor, mail);
}

namespace {
// On its own hub. Of a supervised one: what runs of it.
bool kill_here(const IdentityRef& actor, Deadline deadline) {
  if (!actor.alive())
    return true;
  Supervision* supervision = supervision_of(actor.identity);
  if (supervision == nullptr) {
    kill_identity(actor.identity, nullptr);
    return join_identity(actor, deadline);
  }
  if (supervision->suspended)
    return true;
  if (actor.identity == this_hub->current) { // throws, unless it is held back
    kill_identity(actor.identity, nullptr);
    throw std::logic_error("grove: kill: an actor waits for its own end");
  }
  const AsyncResult<void> end;
  supervision->ends.push_back(end);
  kill_identity(actor.identity, nullptr);
  return end.wait(deadline);
}
} // namespace

bool kill_actor(Identity* slot, std::uint32_t generation, Deadline deadline) {
  const IdentityRef ref{slot, generation};
  if (is_here(*this_hub, slot))
    return kill_here(ref, deadline);
  return there(slot, deadline, [ref, deadline] { return kill_here(ref, deadline); });
}

bool join_actor(Identity* slot, std::uint32_t generation, Deadline deadline) {
  const IdentityRef ref{slot, generation};
  if (is_here(*this_hub, slot))
    return join_identity(ref, deadline);
  return there(slot, deadline, [ref, deadline] { return join_identity(ref, deadline); });
}

std::string describe_ref(IdentityRef ref, const char* type) {
  if (ref.identity == &nobody)
    return "nobody";
  const std::string what = type != nullptr ? type : "actor";
  if (is_here(*this_hub, ref.identity))
    return ref.alive() ? name_of(ref.identity) : what + " (has ended)";
  // Of another hub's actor only what never changes may be looked at.
  char place[64];
  std::snprintf(place, sizeof place, " at %p/%u of hub %u", static_cast<void*>(ref.identity),
                ref.generation, unsigned{ref.identity->home});
  return what + place;
}
std::ostream& print_text(std::ostream& out, const std::string& text) { return out << text; }

bool send_to_hub(std::uint16_t home, Identity* actor, std::uint32_t generation,
                 Mail* mail) noexcept {
  mail->target = actor;
  mail->generation = generation;
  if (actor != &nobody && send_mail(home, mail))
    return true;
  drop_mail(mail, Dropped::gone);
  return false;
}

namespace {
[[gnu::noinline]] void report_it(Identity* actor) noexcept {
  actor->flags |= flag::told_long;
  try {
    log(LogLevel::warning, name_of(actor) + " has " + std::to_string(long_inbox) +
                               " messages in its inbox: it does not keep up with its senders");
  } catch (...) { // a report that cannot be made is no reason to fail
  }
}
} // namespace

void report_long_inbox(Identity* actor) noexcept {
  if ((actor->flags & flag::told_long) == 0) // asked of each further message
    report_it(actor);
}

} // namespace grove::detail
