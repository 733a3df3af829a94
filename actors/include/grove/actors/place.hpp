// SPDX-License-Identifier: MIT
// Place: where in an ActorSystem an actor is to live, and when it is to end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include <grove/actors/actor.hpp>
#include <grove/actors/actor_ref.hpp>

namespace grove {

// For ActorSystem::spawn(). A value; any thread.
class Place {
public:
  // The next hub in turn.
  static Place anywhere() { return Place(Kind::anywhere, 0); }
  // The caller's hub; std::logic_error at spawn() if it is none of the system's.
  static Place here() { return Place(Kind::here, 0); }
  // That hub of the system; std::out_of_range at spawn().
  static Place on(std::size_t hub) { return Place(Kind::on, hub); }
  // Where that actor lives, or has lived. std::logic_error at spawn() if that is none of the
  // system's hubs.
  static Place beside(const ActorRef<Actor>& other) {
    Place place(Kind::beside, 0);
    place.other_ = other;
    return place;
  }
  // The same hub for the same key, in this process and system.
  template <class Key>
  static Place keyed(const Key& key) {
    return Place(Kind::keyed, std::hash<Key>()(key));
  }

  // The system's shutdown ends higher phases first; 0, the lowest, is what is not said. Those that
  // let work in have a higher one than those that do it. std::invalid_argument if negative.
  Place in_phase(int phase) const;
  int phase() const { return phase_; }

private:
  friend class ActorSystem;
  enum class Kind : std::uint8_t { anywhere, here, on, beside, keyed };
  Place(Kind kind, std::size_t value) : kind_(kind), value_(value) {}
  Kind kind_;
  int phase_ = 0;
  std::size_t value_;
  ActorRef<Actor> other_;
};

} // namespace grove
