// SPDX-License-Identifier: MIT
// Identity: what the run queue holds. The common head of greenlets and actors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>

namespace grove::detail {

struct Context;
struct Extras;
struct Identity;
struct Mail;
struct HubState;

// A record on the stack of whoever waits, linked into the object waited for. Whoever unlinks it to
// hand something over sets `granted`; a record whose owner was woken by something else is skipped.
//
// may_alias: g++ 12 at -O2 kept a list head's `next` in a register over the unlink() of its first
// node, though both are the same member of the same type.
struct [[gnu::may_alias]] WaitNode {
  WaitNode* prev = nullptr;
  WaitNode* next = nullptr;
  bool linked() const { return next != nullptr; }
  void unlink() {
    if (next == nullptr)
      return;
    prev->next = next;
    next->prev = prev;
    prev = next = nullptr;
  }
};

// Why a parked identity was woken.
enum class Wake : std::uint8_t {
  ready,     // what it waited for has come
  timeout,   // the call's own time limit
  interrupt, // a kill, a Timeout scope, a deadlock: thrown by park() itself
};

// What an identity is made of differs by class; the scheduler calls through this table.
struct Ops {
  void (*run)(Identity*) noexcept;           // one turn, as a plain call on a host's stack
  void (*destroy)(Identity*) noexcept;       // ends what the slot holds; null: a plain greenlet's
  void (*accept)(Identity*, Mail*) noexcept; // mail from another hub; null for plain greenlets
  void (*kill)(Identity*) noexcept;          // makes one end that has no stack now
  const char* kind;                          // for messages: "greenlet", "actor"
  std::uint32_t size_class;
};

namespace flag {
enum : std::uint16_t {
  probed = 1,           // a test counts its suspension points
  started = 2,          // it has been put into the run queue once
  parked = 4,           // suspended and not yet woken
  finished = 8,         // it will never run again
  kill_pending = 16,    // thrown at the next suspension point that allows it
  expired = 32,         // a Timeout scope of its own has run out and waits to be thrown
  deadlock = 64,        // main: the hub found that nothing can run again
  asserts = 128,        // has an AssertSwitches or AssertNoSwitch: suspension points look at it
  kill_delivered = 256, // it was thrown; whoever ends in another way has declined it
  scheduled = 512,      // actors: running, suspended or in the run queue
  stopping = 1024,      // actors: ends after the current message
  unstarted = 2048,     // actors: on_start has not run yet
  told_long = 4096,     // actors: that the inbox grew very long was reported
  own_stack = 8192,     // begins on a stack of its own size, not on a host's
  live = 16384,         // the slot is in use
  special = 32768,      // actors: the inbox is more than a plain queue
};
// All in the low byte: a test of 16 bits decodes slowly.
constexpr std::uint16_t interrupts = kill_pending | expired | deadlock | asserts | probed;
} // namespace flag

// 56 bytes. Lives in a slab whose memory stays an Identity for ever: a stale reference may look at
// `generation` at any time (on the owning hub) and finds another number.
struct Identity {
  Identity* next = nullptr;   // in the run queue, or in the list of free slots
  Context* context = nullptr; // its stack while it is suspended; null: any host may run it
  void* sp = nullptr;         // where on it: here, and not there, as every switch begins with it
  const Ops* ops = nullptr;
  Extras* extras = nullptr; // what few of them need: see extras.hpp
  std::uint32_t generation = 1;
  std::uint32_t id = 0;   // small, unique among the living of a hub, used again
  std::uint32_t mail = 0; // actors: messages in the inbox
  std::uint16_t flags = 0;
  std::uint8_t home = 0; // index of its hub; written once
  Wake wake = Wake::ready;
};
static_assert(sizeof(Identity) == 56);

// {slot, generation}: never dangles, counts nothing.
struct IdentityRef {
  Identity* identity = nullptr;
  std::uint32_t generation = 0;
  bool alive() const {
    return identity != nullptr && identity->generation == generation &&
           (identity->flags & flag::finished) == 0;
  }
};

} // namespace grove::detail
