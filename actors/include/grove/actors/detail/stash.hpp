// SPDX-License-Identifier: MIT
// How a handler's message is kept for later: for classes that have a stash.
#pragma once

#include <cstddef>
#include <utility>

#include <grove/actors/detail/actor_state.hpp>
#include <grove/actors/detail/envelope.hpp>
#include <grove/actors/detail/receives.hpp>

namespace grove::detail {

// It says `static constexpr std::size_t stash_capacity`.
template <class A>
concept HasStash = requires {
  std::size_t{A::stash_capacity};
};

// The handler leaves the message as it is: it takes a const M&.
template <class A, class M, class R = ReplyOf<A, M>>
concept LeavesMessage = requires {
  static_cast<R (A::*)(const M&)>(&A::receive);
}
|| requires { static_cast<R (A::*)(const M&) const>(&A::receive); };

void set_stash(Identity* actor, std::size_t capacity);
void begin_stash_turn(Identity* actor, bool leaves_message) noexcept;
bool wants_deferral(Identity* actor) noexcept;
void end_stash_turn(Identity* actor) noexcept;
void put_into_stash(Identity* actor, Mail* mail);

// Around the call of a handler, which may have called defer(). Nothing for all other classes.
template <class A, class M>
class StashTurn {
public:
  explicit StashTurn(Identity*) {}
  static constexpr bool deferred() { return false; }
  template <class Body>
  static void keep(const Envelope<Body>&) {}
};
template <HasStash A, class M>
class StashTurn<A, M> {
public:
  explicit StashTurn(Identity* actor) : actor_(actor) {
    begin_stash_turn(actor, LeavesMessage<A, M>);
  }
  StashTurn(const StashTurn&) = delete;
  StashTurn& operator=(const StashTurn&) = delete;
  ~StashTurn() { end_stash_turn(actor_); }
  bool deferred() const { return wants_deferral(actor_); }
  template <class Body>
  void keep(Envelope<Body>& envelope) {
    if (!deferred())
      return;
    put_into_stash(actor_, envelope.mail);
    envelope.mail = nullptr;
  }

private:
  Identity* actor_;
};

} // namespace grove::detail
