// SPDX-License-Identifier: MIT
// InboxOptions: how many messages may wait for an actor, and what happens to one more.
#pragma once

#include <cstddef>
#include <cstdint>

namespace grove {

// What a full inbox does with one more message.
enum class Overflow : std::uint8_t {
  block,    // the sender waits for its turn; ask() until its deadline
  reject,   // InboxFull at the sender
  drop_new, // that message is dropped
  drop_old, // the oldest ordinary one is dropped to make room
};

// An inbox is without bounds by default. Of one that is bounded: stop() and kill() are no messages,
// and always come through. Who asks with a message that is dropped gets InboxFull; every one that
// is dropped is counted in Hub::Stats::dropped_messages. Senders that wait are let in in their
// turn, from when the inbox is half empty; a kill or a Timeout scope ends their wait, and nothing
// was sent. An actor that fills its own inbox, or two that wait for room in each other's, get
// AskCycle. The bound is kept by the actor's hub: a sender on another one neither waits nor gets
// InboxFull. What it sends to a full inbox is dropped (reject, drop_new), or taken in beyond the
// bound (block).
struct InboxOptions {
  std::size_t capacity = 0; // messages; 0: no bound
  Overflow policy = Overflow::block;
};

// For spawn<A>(ActorOptions{.inbox = {.capacity = 1024}}, args...).
struct ActorOptions {
  InboxOptions inbox;
};

} // namespace grove
