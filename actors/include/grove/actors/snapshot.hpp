// SPDX-License-Identifier: MIT
// snapshot(): the actors of a hub and what they do, as data.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <grove/actors/actor.hpp>
#include <grove/actors/actor_ref.hpp>

namespace grove {

// One actor, at the moment of the look.
struct ActorInfo {
  enum class State : std::uint8_t {
    idle,       // no mail
    runnable,   // has mail, or goes on soon
    running,    // it took the snapshot
    waiting,    // in a handler or a hook: see `activity`
    restarting, // has ended; its supervisor will start it again
  };
  ActorRef<Actor> actor;
  ActorRef<Actor> parent; // its supervisor, or whose child it is; null: nobody's
  std::string name;       // "Ponger-5", or the name that it is registered with
  const char* type = "";  // its class
  State state = State::idle;
  std::string activity;         // "Ponger.receive(Ping)", " waits in ask"; empty: nothing
  std::uint64_t messages = 0;   // that it has begun to handle, signals too, over all restarts
  std::uint32_t inbox = 0;      // messages that wait, urgent ones too
  std::uint32_t high_water = 0; // the most that ever waited
  std::uint32_t capacity = 0;   // of its inbox; 0: no bound
  std::uint32_t senders = 0;    // who wait for room in it
  std::uint32_t deferred = 0;   // messages in its stash
  std::uint64_t restarts = 0;
  std::chrono::nanoseconds busy{}; // while a BusySampling lived: processor time, as sampled
  std::uint16_t hub = 0;
};
const char* to_string(ActorInfo::State state);

// All actors of one class, those that have ended included. Classes of one name in two namespaces
// are two.
struct ActorClassInfo {
  const char* type = "";           // "Clerk"; its actors have the same pointer in ActorInfo::type
  const char* qualified_type = ""; // "bank::Clerk"
  std::uint64_t living = 0;
  std::uint64_t ended = 0;
  std::uint64_t messages = 0;
  std::uint64_t restarts = 0;
  std::uint32_t high_water = 0; // of any of them
  std::chrono::nanoseconds busy{};
};

// Every actor behind its parent, brothers in the order of birth, others by their number; classes by
// name.
struct ActorSnapshot {
  std::vector<ActorInfo> actors;
  std::vector<ActorClassInfo> classes;
  ActorSnapshot& operator+=(ActorSnapshot&& other); // of another hub
};

// Of the calling thread's hub. Does not wait; takes a look at every greenlet and actor of it. For
// all hubs of a system: ActorSystem::snapshot().
ActorSnapshot snapshot();

} // namespace grove
