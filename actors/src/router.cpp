// SPDX-License-Identifier: MIT
// Routers: who is in the group, and whose turn it is.
#include <grove/actors/router.hpp>

#include <algorithm>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <utility>

#include <grove/hub/detail/hub_life.hpp>
#include <grove/hub/random.hpp>

#include "membership.hpp"

namespace grove::detail {

namespace {

struct Routee {
  IdentityRef actor;
  std::uint64_t number; // in the order in which they were added: the same in each run
};

// SplitMix64's last step (Steele, Lea and Flood, OOPSLA 2014).
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// Messages that wait, and the one in work. On its hub.
std::uint32_t work_of(const Identity* actor) {
  const bool at_work = actor->context != nullptr || actor == this_hub->current;
  return actor->mail + (at_work ? 1 : 0);
}

} // namespace

class RouterState : public Membership {
public:
  explicit RouterState(Routing r) : routing(r) {
    if (routing == Routing::smallest_inbox)
      home.emplace();
  }
  void actor_ended(const IdentityRef& actor) noexcept override { remove(actor); }
  bool add(const IdentityRef& actor);
  bool remove(const IdentityRef& actor) noexcept;
  std::size_t pick();

  const Routing routing;
  std::optional<HubLife> home; // by the smallest inbox
  std::mutex mutex;            // of what follows
  std::vector<Routee> routees;
  std::size_t turn = 0;
  std::uint64_t numbers = 0;
  std::uint64_t draws = 0; // by threads without a hub
};

bool RouterState::add(const IdentityRef& actor) {
  const std::lock_guard lock(mutex);
  if (std::any_of(routees.begin(), routees.end(),
                  [&](const Routee& one) { return same(one.actor, actor); }))
    return false;
  routees.push_back({actor, ++numbers});
  return true;
}

bool RouterState::remove(const IdentityRef& actor) noexcept {
  const std::lock_guard lock(mutex);
  const auto mine = std::find_if(routees.begin(), routees.end(),
                                 [&](const Routee& one) { return same(one.actor, actor); });
  if (mine == routees.end())
    return false;
  if (static_cast<std::size_t>(mine - routees.begin()) < turn)
    --turn; // whose turn it is stays
  routees.erase(mine);
  return true;
}

// Under the mutex; there is somebody.
std::size_t RouterState::pick() {
  const std::size_t count = routees.size();
  if (routing == Routing::random)
    return static_cast<std::size_t>(
        (this_hub->index != no_hub_index ? random_number() : mix(++draws)) % count);
  std::size_t best = turn % count;
  if (routing == Routing::smallest_inbox) {
    for (std::size_t i = 1; i < count; ++i) {
      const std::size_t other = (turn + i) % count;
      if (work_of(routees[other].actor.identity) < work_of(routees[best].actor.identity))
        best = other;
    }
  }
  turn = best + 1;
  return best;
}

RouterHandle make_router(Routing routing) { return std::make_shared<RouterState>(routing); }

bool add_routee(const RouterHandle& router, const IdentityRef& actor) {
  if (router->home && actor.identity != &nobody && (!router->home->is_here() || !is_here(actor)))
    throw std::invalid_argument("grove: Router.add: a router by the smallest inbox has routees of "
                                "its own hub only");
  return at_home_of(actor, "Router.add", [router, actor] {
    enter_membership(actor, router);
    return router->add(actor);
  });
}

bool remove_routee(const RouterHandle& router, const IdentityRef& actor) {
  try {
    return at_home_of(actor, "Router.remove", [router, actor] {
      leave_membership(actor, *router);
      return router->remove(actor);
    });
  } catch (const ActorDown&) {
    return false;
  }
}

IdentityRef next_routee(RouterState& router) {
  if (router.home && !router.home->is_here())
    throw std::logic_error("grove: Router: one by the smallest inbox is for the hub that made it");
  const std::lock_guard lock(router.mutex);
  if (router.routees.empty())
    return {&nobody, 0};
  return router.routees[router.pick()].actor;
}

// Of all routees the one that has the highest number for this key: who is not the highest for it is
// not missed, and who is new takes only what it is the highest for. (Thaler and Ravishankar, "Using
// name-based mappings to increase hit rates", IEEE/ACM ToN 1998.)
IdentityRef routee_of_key(RouterState& router, std::uint64_t key) {
  const std::lock_guard lock(router.mutex);
  IdentityRef best{&nobody, 0};
  std::uint64_t highest = 0;
  for (const Routee& one : router.routees) {
    const std::uint64_t number = mix(mix(one.number) ^ key);
    if (number >= highest) {
      highest = number;
      best = one.actor;
    }
  }
  return best;
}

std::vector<IdentityRef> routees_of(RouterState& router) {
  const std::lock_guard lock(router.mutex);
  std::vector<IdentityRef> all;
  all.reserve(router.routees.size());
  for (const Routee& one : router.routees)
    all.push_back(one.actor);
  return all;
}

} // namespace grove::detail
