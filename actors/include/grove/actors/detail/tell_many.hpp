// SPDX-License-Identifier: MIT
// How one of many is told what all of them get.
#pragma once

#include <grove/actors/detail/ask.hpp>
#include <grove/actors/detail/handlers.hpp>
#include <grove/actors/errors.hpp>

namespace grove::detail {

// Where nothing is known of an actor but the handler for one type of message.
struct KnownHandler {
  Handler handler;
  template <class M>
  Handler tell() const {
    return handler;
  }
};

// False: it has no room, or waits for us, and is passed over; that is counted.
template <class M>
bool tell_one_of_many(const IdentityRef& actor, Handler handler, const M& message) {
  try {
    tell<M>(KnownHandler{handler}, actor.identity, actor.generation, actor.identity->home, message);
    return true;
  } catch (const InboxFull&) {
  } catch (const AskCycle&) {
  }
  lose(Loss::dropped_message, lost_message<M>(message));
  return false;
}

} // namespace grove::detail
