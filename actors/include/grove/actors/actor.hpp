// SPDX-License-Identifier: MIT
// Actor: the base of classes that receive messages.
#pragma once

#include <concepts>
#include <cstddef>
#include <utility>

#include <grove/actors/actor_ref.hpp>
#include <grove/actors/down.hpp>
#include <grove/actors/exit_reason.hpp>

namespace grove {

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
  // Between messages, as they are: an actor that this one monitors has ended.
  virtual void on_down(const Down& /*down*/) {}
  // Between messages: a linked actor has ended, and this one traps exits.
  virtual void on_exit(const Exit& /*exit*/) {}

protected:
  ~Actor() = default;

  // The calls below are for the actor's own handlers and hooks.

  // Ends the actor after the message in work; mail that is still in the inbox is dropped, and its
  // askers get ActorDown. In on_start: ends it before the first one.
  void stop() noexcept;

  // In a handler that takes a const M&: keeps its message for later. What it returns is dropped; an
  // asker waits on. The class says how many the stash holds, `static constexpr std::size_t
  // stash_capacity = 100;`; one more is StashFull. std::logic_error where no message can be kept.
  void defer();
  // Puts what was deferred before all other mail, in its order. Returns how many.
  std::size_t unstash_all() noexcept;

  // -- others ----------------------------------------------------------------------------------
  // on_down() is called once, when it ends; at once with reason `gone` if it has.
  Monitor monitor(const ActorRef<Actor>& other);
  // The Down comes before ordinary mail, also before what the other has sent.
  Monitor monitor(const ActorRef<Actor>& other, Urgent);
  // Whichever of the two ends in another way than stopped, the other ends with the same reason, as
  // if unwound by kill(), but with its on_stop; or, if it traps exits, hears of it in on_exit().
  // One link per pair: a second one changes nothing. Linked to one that has ended: reason `gone`.
  void link(const ActorRef<Actor>& other);
  void unlink(const ActorRef<Actor>& other) noexcept;
  void trap_exits(bool on = true);

  // As grove::spawn<A>(); the child ends before this actor does: it is told to shut down, in the
  // reverse order of birth, before this one's on_stop, and killed if it takes longer than five
  // seconds.
  template <std::derived_from<Actor> A, class... Args>
  requires std::constructible_from<A, Args...> ActorRef<A> spawn_child(Args&&... args);
  // As grove::spawn<A>() and link() or monitor(), with nothing in between. What on_start throws is
  // thrown here and ends nobody else.
  template <std::derived_from<Actor> A, class... Args>
  requires std::constructible_from<A, Args...> ActorRef<A> spawn_link(Args&&... args);
  template <std::derived_from<Actor> A, class... Args>
  requires std::constructible_from<A, Args...> std::pair<ActorRef<A>, Monitor>
  spawn_monitor(Args&&... args);

  // A reference to oneself: `self(*this)`.
  template <class A>
  static ActorRef<A> self(const A& me) {
    detail::Identity* slot = detail::slot_of_actor(static_cast<const Actor*>(&me));
    return ActorRef<A>(slot, slot->generation);
  }
};

} // namespace grove
