// SPDX-License-Identifier: MIT
// How an actor is told to end, its children before it, and what others hear of it.
#include <chrono>
#include <utility>

#include <grove/hub/detail/report.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/timeout.hpp>

#include "ask_cycle.hpp"
#include "relations.hpp"

namespace grove::detail {

namespace {
constexpr auto shutdown_time = std::chrono::seconds(5);
}

void end_actor(IdentityRef actor, Stop how, const ExitReason& reason) {
  if (!actor.alive())
    return;
  Identity* self = actor.identity;
  if (const Supervision* supervision = supervision_of(self);
      supervision != nullptr && supervision->suspended)
    return; // nothing of it runs
  if (reason.kind != ExitReason::Kind::stopped || how == Stop::now) {
    ActorExtras& extras = need_extras(self);
    if (!extras.ending || (how == Stop::now && !extras.ends_now)) {
      extras.ending = reason;
      extras.ends_now = how == Stop::now;
    }
  }
  self->flags |= flag::stopping; // if its handler declines the kill, it ends after that
  if (how == Stop::now) {
    kill_identity(self, nullptr);
    return;
  }
  if ((self->flags & flag::scheduled) == 0) {
    self->flags |= flag::scheduled;
    this_hub->push(self);
  }
}

namespace {
// As stop() that keeps its place in the line, for another reason.
void handle_shutdown(Identity* actor, Mail* mail) {
  release_mail<0>(*this_hub, mail);
  if (actor == nullptr)
    return;
  ActorExtras& extras = need_extras(actor);
  if (!extras.ending)
    extras.ending = ExitReason{ExitReason::Kind::shutdown, nullptr};
  actor->flags |= flag::stopping;
}
} // namespace

bool begin_end(const IdentityRef& child, Stop how) {
  if (!child.alive())
    return false;
  Supervision* supervision = supervision_of(child.identity);
  if (supervision != nullptr) {
    supervision->for_good = true;
    supervision->told.reset();
    if (supervision->suspended) {
      end_for_good(child.identity, supervision->reason);
      return false;
    }
    if (supervision->shutdown_time == supervision->shutdown_time.zero()) {
      kill_identity(child.identity, nullptr);
      return true;
    }
  }
  if (how == Stop::drained) {
    Mail* mail = take_mail<0>(*this_hub);
    mail->handle = handle_shutdown;
    send_signal(child, mail);
  } else {
    end_actor(child, how, {ExitReason::Kind::shutdown, nullptr});
  }
  return true;
}

namespace {

Deadline end_of_patience(const IdentityRef& child) {
  const Supervision* supervision = child.alive() ? supervision_of(child.identity) : nullptr;
  if (supervision == nullptr)
    return shutdown_time;
  return supervision->shutdown_time == supervision->shutdown_time.max()
             ? Deadline()
             : Deadline(supervision->shutdown_time);
}

void await_end(const IdentityRef& child, Deadline patience) {
  break_cycle(*this_hub, child.identity, this_hub->current);
  const WaitsFor waits(*this_hub, child.identity);
  if (join_identity(child, patience))
    return;
  kill_overdue(child);
  join_identity(child, {});
}

} // namespace

void kill_overdue(const IdentityRef& actor) {
  if (!actor.alive())
    return;
  ActorExtras& extras = need_extras(actor.identity);
  if (extras.in_on_stop && !extras.overdue && actor.identity->context != nullptr) {
    extras.overdue = true;
    --actor.identity->context->shields;                      // finish()'s
    if ((actor.identity->flags & flag::kill_pending) != 0) { // one was held back
      wake(actor.identity, Wake::interrupt);
      return;
    }
  }
  kill_identity(actor.identity, nullptr);
}

void end_children(Identity* self) noexcept {
  ActorExtras* extras = extras_of_actor(self);
  while (!extras->relations.children.empty()) {
    auto& children = extras->relations.children;
    const auto count = extras->ends_children_at_once ? children.size() : std::size_t{1};
    const std::vector<IdentityRef> these(children.end() - static_cast<std::ptrdiff_t>(count),
                                         children.end());
    children.resize(children.size() - count);
    try {
      std::vector<std::pair<IdentityRef, Deadline>> ending;
      for (const IdentityRef& child : these) {
        const Deadline patience = end_of_patience(child);
        if (begin_end(child, Stop::after_current))
          ending.emplace_back(child, patience);
      }
      for (const auto& [child, patience] : ending)
        await_end(child, patience);
    } catch (...) {
      report_unhandled(self, std::current_exception());
    }
  }
}

namespace {
// What an actor has asked of others goes with the object; what others want to know of it stays.
void drop_own(Identity* self, Relations& relations) {
  for (const Relations::Watched& watched : std::exchange(relations.watched, {}))
    stop_watching(ref_to(self), watched);
}
} // namespace

namespace {
void drop_ties(Identity* self, Relations& relations, const ExitReason& reason) {
  drop_own(self, relations);
  for (const IdentityRef& other : std::exchange(relations.links, {}))
    send_exit(other, ref_to(self), reason);
}
} // namespace

void drop_half_made(Identity* self) noexcept {
  ActorExtras* extras = extras_of_actor(self);
  if (extras == nullptr)
    return;
  const Shield shield;
  end_children(self);
  try {
    drop_ties(self, extras->relations, {ExitReason::Kind::gone, nullptr});
  } catch (...) { // no memory for it
    report_unhandled(self, std::current_exception());
  }
}

void suspend(Identity* self, const ExitReason& reason) noexcept {
  ActorExtras& extras = *extras_of_actor(self);
  Supervision& supervision = *extras.supervision;
  constexpr auto of_what_ran =
      flag::stopping | flag::kill_pending | flag::kill_delivered | flag::expired;
  self->flags = static_cast<std::uint16_t>(self->flags & ~of_what_ran);
  extras.ending.reset();
  extras.ends_now = extras.traps_exits = extras.overdue = false;
  supervision.suspended = true;
  supervision.reason = reason;
  reset_inbox(self);
  tell_memberships_of_restart(extras, ref_to(self));
  try {
    drop_ties(self, extras.relations, reason);
    for (const AsyncResult<void>& end : std::exchange(supervision.ends, {}))
      end.set();
    if (supervision.told)
      std::exchange(supervision.told, std::nullopt)->set(reason);
    else
      tell_supervisor(supervision, reason);
  } catch (...) { // no memory for it: nobody else can bring it back
    report_unhandled(self, std::current_exception());
    end_for_good(self, reason);
  }
}

Obituary::Obituary(Identity* self, const ExitReason& reason) {
  ActorExtras* extras = extras_of_actor(self);
  relations_ = std::move(extras->relations);
  supervision_ = std::move(extras->supervision);
  down_ = {actor_ref(ref_to(self)), reason, {}};
  if (!relations_.watchers.empty() || !relations_.waiting.empty())
    down_.name = name_of(self);
  if (!extras->registered_name.empty())
    forget_name(extras->registered_name, ref_to(self));
  end_memberships(*extras, ref_to(self));
  if (relations_.parent.alive())
    forget(need_extras(relations_.parent.identity).relations.children, ref_to(self));
  drop_own(self, relations_);
}

void Obituary::send() noexcept {
  const IdentityRef me = down_.actor.joinable();
  const auto each = [](const auto& all, auto&& tell) {
    for (const auto& one : all) {
      try {
        tell(one);
      } catch (...) { // no memory for it
        report_unhandled(this_hub->current, std::current_exception());
      }
    }
  };
  if (supervision_ != nullptr)
    each(supervision_->ends, [](const AsyncResult<void>& end) { end.set(); });
  each(relations_.watchers, [&](const Relations::Watcher& one) { send_down(one, down_); });
  each(relations_.waiting, [&](const AsyncResult<Down>& one) { one.set(down_); });
  each(relations_.links, [&](const IdentityRef& one) { send_exit(one, me, down_.reason); });
}

void forget_spawner(Identity* self, Identity* spawner) noexcept {
  ActorExtras* extras = extras_of_actor(self);
  if (extras == nullptr || spawner->ops->accept == nullptr)
    return;
  const IdentityRef me = ref_to(self);
  const IdentityRef other = ref_to(spawner);
  forget(extras->relations.links, other);
  std::erase_if(extras->relations.watchers,
                [&](const Relations::Watcher& watcher) { return same(watcher.who, other); });
  if (ActorExtras* theirs = extras_of_actor(spawner))
    forget(theirs->relations.links, me);
}

} // namespace grove::detail
