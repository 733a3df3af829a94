// SPDX-License-Identifier: MIT
#include <grove/actors/add_actor.hpp>

#include <exception>

#include <grove/actors/down.hpp>
#include <grove/hub/async_result.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/hub/wait_any.hpp>

namespace grove {

namespace {
void stand_for(const ActorRef<Actor>& actor, const AsyncResult<void>& begun) {
  begun.set();
  Down down;
  try {
    down = when_down(actor).get();
  } catch (...) { // we are killed
    const Shield shield;
    actor.kill();
    throw;
  }
  if (down.reason.kind == ExitReason::Kind::failed)
    std::rethrow_exception(down.reason.error);
}
} // namespace

GreenletRef<> add_actor(Group& group, const ActorRef<Actor>& actor) {
  const AsyncResult<void> begun;
  GreenletRef<> member = group.spawn([actor, begun] { stand_for(actor, begun); });
  const Shield shield;
  wait_any(begun.wait_op(), ended(member));
  if (!begun.ready()) // killed before it could begin
    actor.kill();
  return member;
}

} // namespace grove
