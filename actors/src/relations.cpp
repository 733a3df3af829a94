// SPDX-License-Identifier: MIT
// Monitors, links and children: what an actor's end does to others.
//
// Whatever concerns an actor of another hub goes there as mail, behind what was sent before.
#include <algorithm>
#include <chrono>
#include <utility>

#include <grove/actors/actor.hpp>
#include <grove/actors/spawn.hpp>
#include <grove/hub/detail/report.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/join.hpp>

#include "actor_extras.hpp"

namespace grove {

namespace detail {

namespace {

constexpr auto shutdown_time = std::chrono::seconds(5);

bool same(const IdentityRef& a, const IdentityRef& b) {
  return a.identity == b.identity && a.generation == b.generation;
}
bool is_here(const IdentityRef& ref) { return is_here(*this_hub, ref.identity); }
IdentityRef ref_to(Identity* actor) { return {actor, actor->generation}; }
ActorRef<Actor> actor_ref(const IdentityRef& ref) { return {ref.identity, ref.generation}; }

void forget(std::vector<IdentityRef>& all, const IdentityRef& one) {
  std::erase_if(all, [&](const IdentityRef& other) { return same(one, other); });
}

// f() on the hub of that identity, behind the mail that was sent there before; dropped if that hub
// has shut down. It may not wait, nor throw.
template <class F>
void on_home_of(Identity* identity, F f) {
  Mail* mail = make_mail<F>(
      *this_hub,
      [](Identity*, Mail* come) {
        const Envelope<F> envelope(come);
        envelope.body()();
      },
      std::move(f));
  mail->target = nullptr;
  if (identity == &nobody || !send_mail(identity->home, mail))
    const Envelope<F> dropped(mail);
}

// -- Down ----------------------------------------------------------------------------------------

struct DownMail {
  std::uint64_t id;
  Down down;
};
void handle_down(Identity* actor, Mail* mail) {
  const Envelope<DownMail> envelope(mail);
  ActorExtras* extras = actor == nullptr ? nullptr : extras_of_actor(actor);
  if (extras == nullptr)
    return;
  auto& watched = extras->relations.watched;
  const auto mine = std::find_if(watched.begin(), watched.end(), [&](const Relations::Watched& w) {
    return w.id == envelope.body().id;
  });
  if (mine == watched.end())
    return; // cancelled meanwhile
  watched.erase(mine);
  object_of<Actor>(actor)->on_down(envelope.body().down);
}
void send_down(const Relations::Watcher& to, const Down& down) {
  send_signal(to.who, make_mail<DownMail>(*this_hub, handle_down, to.id, down));
}

Down gone(const IdentityRef& actor) {
  return {actor_ref(actor), {ExitReason::Kind::gone, nullptr}, {}};
}

// On the hub of `whom`.
void add_watcher(const IdentityRef& whom, const Relations::Watcher& watcher) {
  if (whom.alive())
    need_extras(whom.identity).relations.watchers.push_back(watcher);
  else
    send_down(watcher, gone(whom));
}

// -- Exit ----------------------------------------------------------------------------------------

void handle_exit(Identity* actor, Mail* mail) {
  const Envelope<Exit> envelope(mail);
  if (actor != nullptr)
    object_of<Actor>(actor)->on_exit(envelope.body());
}

// On the hub of `to`: a linked actor has ended.
void arrive_exit(const IdentityRef& to, const IdentityRef& from, const ExitReason& reason) {
  ActorExtras* extras = to.alive() ? extras_of_actor(to.identity) : nullptr;
  if (extras == nullptr)
    return;
  auto& links = extras->relations.links;
  const std::size_t before = links.size();
  forget(links, from);
  if (links.size() == before)
    return; // unlinked meanwhile
  if (extras->traps_exits)
    send_signal(to, make_mail<Exit>(*this_hub, handle_exit, actor_ref(from), reason));
  else if (!reason.normal())
    end_actor(to, Stop::now, reason);
}

// Called in a greenlet of its own where it comes from elsewhere: it may end one that runs.
void send_exit(const IdentityRef& to, const IdentityRef& from, const ExitReason& reason) {
  if (is_here(to))
    arrive_exit(to, from, reason);
  else
    hub_of(to.identity)->post([to, from, reason] { arrive_exit(to, from, reason); });
}

void add_link(const IdentityRef& to, const IdentityRef& other) {
  if (!to.alive()) {
    send_exit(other, to, {ExitReason::Kind::gone, nullptr});
    return;
  }
  auto& links = need_extras(to.identity).relations.links;
  forget(links, other);
  links.push_back(other);
}

void remove_watcher(const IdentityRef& whom, const Relations::Watcher& watcher) noexcept {
  ActorExtras* extras = whom.alive() ? extras_of_actor(whom.identity) : nullptr;
  if (extras == nullptr)
    return;
  std::erase_if(extras->relations.watchers, [&](const Relations::Watcher& other) {
    return other.id == watcher.id && same(other.who, watcher.who);
  });
}

// Watches `whom`, and returns the number of that monitor.
std::uint64_t watch(Identity* me, const IdentityRef& whom) {
  const std::uint64_t id = ++this_hub->questions;
  auto& watched = need_extras(me).relations.watched;
  watched.push_back({whom, id});
  const Relations::Watcher watcher{ref_to(me), id};
  try {
    if (whom.identity == &nobody)
      send_down(watcher, gone(whom));
    else if (is_here(whom))
      add_watcher(whom, watcher);
    else
      on_home_of(whom.identity, [whom, watcher] { add_watcher(whom, watcher); });
  } catch (...) {
    watched.pop_back();
    throw;
  }
  return id;
}

} // namespace

void send_signal(IdentityRef to, Mail* mail) noexcept {
  if (!is_here(to))
    send_elsewhere(to.identity, to.generation, mail);
  else if (to.identity->generation == to.generation)
    append(*this_hub, to.identity, mail);
  else
    mail->handle(nullptr, mail);
}

// -- ends ----------------------------------------------------------------------------------------

void end_actor(IdentityRef actor, Stop how, const ExitReason& reason) {
  if (!actor.alive())
    return;
  Identity* self = actor.identity;
  if (reason.kind != ExitReason::Kind::stopped || how == Stop::now) {
    ActorExtras& extras = need_extras(self);
    if (!extras.ending || (how == Stop::now && !extras.ends_now)) {
      extras.ending = reason;
      extras.ends_now = how == Stop::now;
    }
  }
  if (how == Stop::now) {
    kill_identity(self, nullptr);
    return;
  }
  self->flags |= flag::stopping;
  if ((self->flags & flag::scheduled) == 0) {
    self->flags |= flag::scheduled;
    this_hub->push(self);
  }
}

void end_children(Identity* self) noexcept {
  for (;;) {
    ActorExtras* extras = extras_of_actor(self);
    if (extras == nullptr || extras->relations.children.empty())
      return;
    const IdentityRef child = extras->relations.children.back();
    extras->relations.children.pop_back();
    try {
      end_actor(child, Stop::after_current, {ExitReason::Kind::shutdown, nullptr});
      if (join_identity(child, shutdown_time))
        continue;
      if (child.alive())
        kill_identity(child.identity, nullptr);
      join_identity(child, {});
    } catch (...) {
      report_unhandled(self, std::current_exception());
    }
  }
}

Obituary::Obituary(Identity* self, const ExitReason& reason) {
  ActorExtras* extras = extras_of_actor(self);
  if (extras == nullptr)
    return;
  relations_ = std::move(extras->relations);
  down_ = {actor_ref(ref_to(self)), reason, {}};
  if (!relations_.watchers.empty() || !relations_.waiting.empty())
    down_.name = name_of(self);
  const IdentityRef me = ref_to(self);
  if (relations_.parent.alive())
    forget(need_extras(relations_.parent.identity).relations.children, me);
  for (const Relations::Watched& watched : relations_.watched) {
    if (watched.whom.identity == &nobody)
      continue;
    const Relations::Watcher watcher{me, watched.id};
    if (is_here(watched.whom))
      remove_watcher(watched.whom, watcher);
    else
      on_home_of(watched.whom.identity,
                 [whom = watched.whom, watcher] { remove_watcher(whom, watcher); });
  }
}

void Obituary::send() noexcept {
  const IdentityRef me = down_.actor.joinable();
  try {
    for (const Relations::Watcher& watcher : relations_.watchers)
      send_down(watcher, down_);
    for (const AsyncResult<Down>& waiting : relations_.waiting)
      waiting.set(down_);
    for (const IdentityRef& other : relations_.links)
      send_exit(other, me, down_.reason);
  } catch (...) { // no memory for it
    report_unhandled(this_hub->current, std::current_exception());
  }
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

// -- between birth and start ---------------------------------------------------------------------

void adopt_child(Identity* parent, Identity* child) {
  Relations& theirs = need_extras(child).relations;
  need_extras(parent).relations.children.push_back(ref_to(child));
  theirs.parent = ref_to(parent);
}
void link_child(Identity* parent, Identity* child) {
  Relations& theirs = need_extras(child).relations;
  theirs.links.push_back(ref_to(parent));
  need_extras(parent).relations.links.push_back(ref_to(child));
}
std::uint64_t monitor_child(Identity* parent, Identity* child) {
  return watch(parent, ref_to(child));
}

} // namespace detail

// -- Monitor -------------------------------------------------------------------------------------

Monitor::Monitor(Monitor&& other) noexcept
    : watcher_(std::exchange(other.watcher_, {})), id_(other.id_) {}
Monitor& Monitor::operator=(Monitor&& other) noexcept {
  if (this != &other) {
    cancel();
    watcher_ = std::exchange(other.watcher_, {});
    id_ = other.id_;
  }
  return *this;
}

void Monitor::cancel() noexcept {
  using namespace detail;
  const IdentityRef me = std::exchange(watcher_, {});
  if (me.identity == nullptr || me.identity->generation != me.generation)
    return;
  ActorExtras* extras = extras_of_actor(me.identity);
  if (extras == nullptr)
    return;
  auto& watched = extras->relations.watched;
  const auto mine = std::find_if(watched.begin(), watched.end(),
                                 [&](const Relations::Watched& w) { return w.id == id_; });
  if (mine == watched.end())
    return; // it has been heard
  const IdentityRef whom = mine->whom;
  watched.erase(mine);
  if (whom.identity == &nobody)
    return;
  const Relations::Watcher watcher{me, id_};
  if (is_here(whom))
    remove_watcher(whom, watcher);
  else
    on_home_of(whom.identity, [whom, watcher] { remove_watcher(whom, watcher); });
}

AsyncResult<Down> when_down(const ActorRef<Actor>& actor) {
  using namespace detail;
  (void)here(); // whoever asks has a hub, to wait on
  const AsyncResult<Down> result;
  const IdentityRef whom = actor.joinable();
  if (whom.identity == &nobody) {
    result.set(gone(whom));
    return result;
  }
  const auto add = [whom, result] {
    if (whom.alive())
      need_extras(whom.identity).relations.waiting.push_back(result);
    else
      result.set(gone(whom));
  };
  if (is_here(whom))
    add();
  else
    on_home_of(whom.identity, add);
  return result;
}

// -- Actor ---------------------------------------------------------------------------------------

Monitor Actor::monitor(const ActorRef<Actor>& other) {
  detail::Identity* me = detail::slot_of_actor(this);
  const std::uint64_t id = detail::watch(me, other.joinable());
  return {detail::ref_to(me), id};
}

void Actor::link(const ActorRef<Actor>& other) {
  using namespace detail;
  const IdentityRef me = ref_to(slot_of_actor(this));
  const IdentityRef whom = other.joinable();
  if (same(me, whom))
    return;
  add_link(me, whom);
  if (whom.identity == &nobody)
    arrive_exit(me, whom, {ExitReason::Kind::gone, nullptr});
  else if (is_here(whom))
    add_link(whom, me);
  else
    on_home_of(whom.identity, [whom, me] { add_link(whom, me); });
}

void Actor::unlink(const ActorRef<Actor>& other) noexcept {
  using namespace detail;
  const IdentityRef me = ref_to(slot_of_actor(this));
  const IdentityRef whom = other.joinable();
  const auto part = [](const IdentityRef& from, const IdentityRef& to) {
    if (ActorExtras* extras = from.alive() ? extras_of_actor(from.identity) : nullptr)
      forget(extras->relations.links, to);
  };
  part(me, whom);
  if (whom.identity == &nobody)
    return;
  if (is_here(whom))
    part(whom, me);
  else
    on_home_of(whom.identity, [part, whom, me] { part(whom, me); });
}

void Actor::trap_exits(bool on) {
  detail::need_extras(detail::slot_of_actor(this)).traps_exits = on;
}

} // namespace grove
