// SPDX-License-Identifier: MIT
// add_actor(): an actor as a member of a group of greenlets.
#pragma once

#include <grove/actors/actor.hpp>
#include <grove/actors/actor_ref.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/group.hpp>

namespace grove {

// Makes an actor, of any hub, a member of a Group or Pool until it has ended for good: the group
// waits for it, and kills it with the rest. If it fails, that is an error of the group:
// join_or_throw() and scope() throw it, finish() kills the others. Any other end is none.
//
//   scope([&](Group& group) {
//     for (const ActorRef<Clerk>& clerk : clerks)
//       add_actor(group, clerk);
//     group.spawn(watch_the_door);
//   }); // all have ended, or one has failed and there are no others any more
//
// The member is a greenlet that waits for the actor, and kills it when it is killed itself; its
// handle is for discard(). In a Pool it waits for a slot, as Group::spawn() does; a kill or a
// Timeout scope of the caller that ends this wait leaves the actor as it was. To start actors again
// together, rather than to end them: a Supervisor with Strategy::one_for_all.
GreenletRef<> add_actor(Group& group, const ActorRef<Actor>& actor);

} // namespace grove
