// SPDX-License-Identifier: MIT
// HeldMessages: what one actor tells another, kept on its way until a test lets it arrive.
#pragma once

#include <cstddef>

#include <grove/actors/actor_ref.hpp>
#include <grove/hub/detail/wait.hpp>

namespace grove::testing {

// While a HeldMessages lives, what `from` tells or asks `to` does not arrive: it is let in one by
// one, or all at once, in its order; what others tell `to` passes it by. So a test makes the orders
// that are possible, and rare.
//
// Signals are not held: stop(), kill(), the Down of an end; nor is what a timer tells. What was in
// the inbox before stays there. An urgent message arrives behind what is in the inbox by then. If
// `to` ends, what is held is dropped, and its askers get ActorDown. Both actors, and the test, are
// of one hub. Nothing of this costs an inbox that is not held.
class [[nodiscard]] HeldMessages {
public:
  // std::logic_error if `to` is of another hub, or this pair is held already; ActorDown if `to` has
  // ended.
  HeldMessages(const ActorRef<Actor>& from, const ActorRef<Actor>& to)
      : HeldMessages(from.joinable(), to.joinable()) {}
  // What the calling greenlet, say the test itself, tells it.
  explicit HeldMessages(const ActorRef<Actor>& to);
  HeldMessages(HeldMessages&& other) noexcept;
  HeldMessages& operator=(HeldMessages&&) = delete;
  ~HeldMessages() { release(); }

  std::size_t size() const; // so many wait
  // The one that waits longest arrives. False if there is none.
  bool deliver_next();
  // It is lost, as in a full inbox: who asked gets InboxFull. False if there is none.
  bool drop_next();
  // All arrive, and nothing is held any more.
  void release();

private:
  HeldMessages(detail::IdentityRef from, detail::IdentityRef to);

  detail::HomeCheck home_;
  detail::IdentityRef from_;
  detail::IdentityRef to_;
};

} // namespace grove::testing
