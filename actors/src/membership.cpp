// SPDX-License-Identifier: MIT
// Where actors keep what they belong to.
#include "membership.hpp"

#include <algorithm>

namespace grove::detail {

void enter_membership(const IdentityRef& actor, const std::shared_ptr<Membership>& membership) {
  auto& all = need_extras(actor.identity).memberships;
  if (std::find(all.begin(), all.end(), membership) == all.end())
    all.push_back(membership);
}

void leave_membership(const IdentityRef& actor, const Membership& membership) noexcept {
  ActorExtras* extras = actor.alive() ? extras_of_actor(actor.identity) : nullptr;
  if (extras == nullptr)
    return;
  std::erase_if(extras->memberships, [&](const auto& one) { return one.get() == &membership; });
}

void tell_memberships_of_restart(ActorExtras& extras, const IdentityRef& actor) noexcept {
  extras.subscriptions.clear();
  std::erase_if(extras.memberships, [&](const auto& one) { return !one->object_ended(actor); });
}

void end_memberships(ActorExtras& extras, const IdentityRef& actor) noexcept {
  for (const auto& one : std::exchange(extras.memberships, {}))
    one->actor_ended(actor);
}

} // namespace grove::detail
