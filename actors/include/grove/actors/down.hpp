// SPDX-License-Identifier: MIT
// Down and Exit: what others hear of an actor's end.
#pragma once

#include <string>

#include <grove/actors/actor_ref.hpp>
#include <grove/actors/exit_reason.hpp>
#include <grove/hub/async_result.hpp>

namespace grove {

// To whoever monitors: exactly one, at the end for good. A restart is none.
struct Down {
  ActorRef<Actor> actor; // it has ended: for comparisons
  ExitReason reason;
  std::string name; // "Ponger-5", or the name it was given; empty if it had ended before
};

// To an actor that traps exits: a linked one has ended.
struct Exit {
  ActorRef<Actor> actor;
  ExitReason reason;
};

// The end of an actor as something to wait for, from a greenlet: get(), wait_any(). An actor that
// has ended already gives reason `gone`. Any hub may ask about the actors of any.
AsyncResult<Down> when_down(const ActorRef<Actor>& actor);

// Monitor is an actor's open interest in another's end: Actor::monitor() makes it, on_down() hears.
// Destroyed or cancelled, nothing is heard any more, even if the Down lies in the inbox already.
// Each monitor gives a Down of its own. Belongs to the actor that made it, and its hub.
class [[nodiscard]] Monitor {
public:
  Monitor() = default;
  Monitor(Monitor&& other) noexcept;
  Monitor& operator=(Monitor&& other) noexcept;
  ~Monitor() { cancel(); }

  void cancel() noexcept;
  // Goes on to the end of either without this handle.
  void detach() noexcept { watcher_ = {}; }

private:
  friend class Actor;
  Monitor(detail::IdentityRef watcher, std::uint64_t id) : watcher_(watcher), id_(id) {}
  detail::IdentityRef watcher_;
  std::uint64_t id_ = 0;
};

} // namespace grove
