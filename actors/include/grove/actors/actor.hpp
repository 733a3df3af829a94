// SPDX-License-Identifier: MIT
// Actor: the base of classes that receive messages.
#pragma once

#include <cstddef>
#include <exception>
#include <string>

#include <grove/actors/actor_ref.hpp>

namespace grove {

// Why an actor ends.
struct ExitReason {
  enum class Kind { stopped, killed, failed };
  Kind kind = Kind::stopped;
  std::exception_ptr error; // when failed: what left the handler
  std::string what() const; // in words
};

// Actor is the base of a class with public member functions receive(const M&) (or M, or M&&), one
// for each type of message M. Made with spawn<A>(...), it is reached through an ActorRef<A>; its
// handlers run one after the other, never two at once, in the order in which each sender sent.
// A handler may wait anywhere: meanwhile others run, and this actor's mail waits. An actor that has
// no mail owns no stack. An exception that leaves a handler ends the actor; who asked gets it.
//
// It lives on the hub that spawned it. Kills and Timeout scopes reach a handler at its suspension
// points; a kill ends the actor.
class Actor {
public:
  Actor() = default;
  Actor(const Actor&) = delete;
  Actor& operator=(const Actor&) = delete;

  // Runs before the first message, before spawn() returns. If it throws, so does spawn().
  virtual void on_start() {}
  // Runs after the last message, unless the actor was killed; kills are held back meanwhile.
  virtual void on_stop(const ExitReason& /*reason*/) {}

protected:
  ~Actor() = default;

  // Ends the actor after the message in work; mail that is still in the inbox is dropped, and its
  // askers get ActorDown. In on_start: ends it before the first one.
  void stop() noexcept;

  // In a handler that takes a const M&: keeps its message for later. What it returns is dropped; an
  // asker waits on. The class says how many the stash holds, `static constexpr std::size_t
  // stash_capacity = 100;`; one more is StashFull. std::logic_error where no message can be kept.
  void defer();
  // Puts what was deferred before all other mail, in its order. Returns how many.
  std::size_t unstash_all() noexcept;

  // A reference to oneself: `self(*this)`.
  template <class A>
  static ActorRef<A> self(const A& me) {
    detail::Identity* slot = detail::slot_of_actor(static_cast<const Actor*>(&me));
    return ActorRef<A>(slot, slot->generation);
  }
};

} // namespace grove
