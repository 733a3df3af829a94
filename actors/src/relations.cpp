// SPDX-License-Identifier: MIT
// Monitors and links: who hears of an actor's end, and who ends with it.
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

#include "relations.hpp"

namespace grove {

namespace detail {

namespace {

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
  this_hub->context->handling = nullptr; // no message
  object_of<Actor>(actor)->on_down(envelope.body().down);
}
} // namespace

void send_down(const Relations::Watcher& to, const Down& down) {
  if (!to.urgent) {
    send_signal(to.who, make_mail<DownMail>(*this_hub, handle_down, DownMail{to.id, down}));
    return;
  }
  const auto deliver = [to, down] {
    if (to.who.alive())
      push_urgent_signal(to.who.identity,
                         make_mail<DownMail>(*this_hub, handle_down, DownMail{to.id, down}));
  };
  if (is_here(to.who))
    deliver();
  else
    on_home_of(to.who.identity, deliver);
}

namespace {

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
  // One that was started again has no part in the links of the object before it.
  const ActorExtras* extras = actor == nullptr ? nullptr : extras_of_actor(actor);
  if (extras == nullptr || !extras->traps_exits)
    return;
  this_hub->context->handling = nullptr; // no message
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
    send_signal(to, make_mail<Exit>(*this_hub, handle_exit, Exit{actor_ref(from), reason}));
  else if (!reason.normal() && to.identity == this_hub->current)
    hub_of(to.identity)->post([to, reason] { end_actor(to, Stop::now, reason); }); // not in here
  else if (!reason.normal())
    end_actor(to, Stop::now, reason);
}

} // namespace

// Called in a greenlet of its own where it comes from elsewhere: it may end one that runs.
void send_exit(const IdentityRef& to, const IdentityRef& from, const ExitReason& reason) {
  if (is_here(to))
    arrive_exit(to, from, reason);
  else
    hub_of(to.identity)->post([to, from, reason] { arrive_exit(to, from, reason); });
}

namespace {
void add_link(const IdentityRef& to, const IdentityRef& other) {
  if (!to.alive()) {
    send_exit(other, to, {ExitReason::Kind::gone, nullptr});
    return;
  }
  auto& links = need_extras(to.identity).relations.links;
  forget(links, other);
  links.push_back(other);
}

} // namespace

void remove_watcher(const IdentityRef& whom, const Relations::Watcher& watcher) noexcept {
  ActorExtras* extras = whom.alive() ? extras_of_actor(whom.identity) : nullptr;
  if (extras == nullptr)
    return;
  std::erase_if(extras->relations.watchers, [&](const Relations::Watcher& other) {
    return other.id == watcher.id && same(other.who, watcher.who);
  });
}

void stop_watching(const IdentityRef& me, const Relations::Watched& watched) {
  const IdentityRef whom = watched.whom;
  const Relations::Watcher watcher{me, watched.id};
  if (is_here(whom))
    remove_watcher(whom, watcher);
  else
    on_home_of(whom.identity, [whom, watcher] { remove_watcher(whom, watcher); });
}

namespace {
// Watches `whom`, and returns the number of that monitor.
std::uint64_t watch(Identity* me, const IdentityRef& whom, bool urgent) {
  const std::uint64_t id = ++this_hub->questions;
  auto& watched = need_extras(me).relations.watched;
  watched.push_back({whom, id});
  const Relations::Watcher watcher{ref_to(me), id, urgent};
  try {
    if (is_here(whom))
      add_watcher(whom, watcher);
    else if (!on_home_of(whom.identity, [whom, watcher] { add_watcher(whom, watcher); }))
      send_down(watcher, gone(whom));
  } catch (...) {
    watched.pop_back();
    throw;
  }
  return id;
}

} // namespace

void send_signal(IdentityRef to, Mail* mail) noexcept {
  if (!is_here(to))
    send_elsewhere(to.identity, to.generation, as_signal(mail));
  else if (to.identity->generation == to.generation)
    append(*this_hub, to.identity,
           (to.identity->flags & flag::special) != 0 ? as_signal(mail) : mail);
  else
    mail->handle(nullptr, mail);
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
  return watch(parent, ref_to(child), false);
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
  const Relations::Watched was = *mine;
  watched.erase(mine);
  stop_watching(me, was);
}

AsyncResult<Down> when_down(const ActorRef<Actor>& actor) {
  using namespace detail;
  (void)here(); // whoever asks has a hub, to wait on
  AsyncResult<Down> result;
  const IdentityRef whom = actor.joinable();
  const auto add = [whom, result] {
    if (whom.alive())
      need_extras(whom.identity).relations.waiting.push_back(result);
    else
      result.set(gone(whom));
  };
  if (is_here(whom))
    add();
  else if (!on_home_of(whom.identity, add))
    result.set(gone(whom));
  return result;
}

// -- Actor ---------------------------------------------------------------------------------------

Monitor Actor::monitor(const ActorRef<Actor>& other) {
  detail::Identity* me = detail::slot_of_actor(this);
  const std::uint64_t id = detail::watch(me, other.joinable(), false);
  return {detail::ref_to(me), id};
}
Monitor Actor::monitor(const ActorRef<Actor>& other, Urgent) {
  detail::Identity* me = detail::slot_of_actor(this);
  const std::uint64_t id = detail::watch(me, other.joinable(), true);
  return {detail::ref_to(me), id};
}

void Actor::link(const ActorRef<Actor>& other) {
  using namespace detail;
  const IdentityRef me = ref_to(slot_of_actor(this));
  const IdentityRef whom = other.joinable();
  if (same(me, whom))
    return;
  add_link(me, whom);
  if (is_here(whom))
    add_link(whom, me);
  else if (!on_home_of(whom.identity, [whom, me] { add_link(whom, me); }))
    arrive_exit(me, whom, {ExitReason::Kind::gone, nullptr});
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
