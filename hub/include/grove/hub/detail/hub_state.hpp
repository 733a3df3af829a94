// SPDX-License-Identifier: MIT
// The part of a hub that inlined code touches: run queue, current identity, free lists.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <grove/hub/detail/identity.hpp>

namespace grove {
class Hub;
}

namespace grove::detail {

inline constexpr std::uint16_t no_hub_index = 0xff;
inline constexpr std::size_t max_hubs = 255;
inline constexpr std::size_t identity_classes = 32;
inline constexpr std::size_t mail_classes = 4;
inline constexpr std::uint16_t no_free_list = 0xfffe; // from operator new; no thread's index

// A message on its way to an identity, or a closure on its way to a hub. The body follows.
struct Mail {
  Mail* next;
  // Handles the mail and gives it back. With an identity: it is handled there. With null: it is
  // dropped, or, when it has no target, it delivers itself (a reply, a posted closure).
  void (*handle)(Identity*, Mail*);
  Identity* target;         // set only by senders of other hubs
  std::uint32_t generation; // likewise
  std::uint16_t home;       // the hub whose free list it belongs to, or no_free_list
  std::uint16_t size_class; // 64 << size_class bytes; mail_classes = from operator new
};
static_assert(sizeof(Mail) == 32);

// What libstdc++ and libc++abi keep per thread about exceptions (__cxa_get_globals()).
struct EhGlobals {
  void* caught = nullptr;
  unsigned uncaught = 0;
};

struct ReplySlot;
struct MessageContext;

// A stack, and what the thread keeps for the code on it while it does not run. Lies in the
// topmost page of its stack, whose first frames share that page.
struct Context {
  void* sp = nullptr; // of a host that rests: stack pointer, or fcontext_t
  EhGlobals eh;
  int error = 0;                   // errno
  std::uint32_t shields = 0;       // open Shield scopes
  const char* waits_for = nullptr; // what a parked one waits for, for reports
  std::int64_t parked_at = 0;      // HubState::time when it parked
  Context* next = nullptr;         // in the pool
  std::uint64_t question = 0;      // which ask waits here (0: none): a late reply finds another
  ReplySlot* reply = nullptr;      // where that reply belongs, on this stack
  Identity* asks = nullptr;        // while there is a question: who is to answer it
  const char* handling = nullptr;  // actors: the handler at work, "Ponger.receive(Ping)"
  const MessageContext* message = nullptr; // what came with its message, or null
  char* limit = nullptr;                   // lowest usable address
  std::size_t size = 0;                    // bytes from limit to this Context
  std::size_t usable = 0;                  // the size it was asked for
  void* fake_stack = nullptr;              // AddressSanitizer's
  void* fiber = nullptr;                   // ThreadSanitizer's
  unsigned valgrind = 0;                   // Valgrind's id of the stack
  bool own_size = false;                   // not of the default size: runs one greenlet at a time
};

struct HubState {
  // In this order so that no two that change at each switch are neighbours: a compiler that merges
  // their stores, or their loads, makes the next access wait for the store buffer.
  Identity* run_head = nullptr;
  EhGlobals* eh = nullptr;
  Identity* current = nullptr;
  int* error = nullptr;
  Context* context = nullptr;
  Hub* hub = nullptr;
  Identity** run_tail = &run_head;
  std::uint32_t tick = 0;   // dispatches until the next look at the clock
  std::uint32_t spawns = 0; // actor spawns until the spawner gives way
  std::uint64_t questions = 0;
  std::uint32_t ends = 0;   // greenlets that have ended, modulo 2^32
  bool spawn_hooks = false; // somebody wants to hear of each start
  Context* idle_hosts = nullptr;
  std::int64_t time = 0; // the hub's clock at its last poll, in nanoseconds
  std::uint16_t index = no_hub_index;
  std::uint32_t unserved = 0, awaiting = 0; // see Watch
  bool in_loop = false; // the loop runs, on the stack of whoever was last: nobody may wait
  Mail* free_mail[mail_classes] = {};
  Identity* free_identities[identity_classes] = {};

  constexpr HubState() = default;
  HubState(const HubState&) = delete;
  HubState& operator=(const HubState&) = delete;

  void push(Identity* identity) {
    identity->next = nullptr;
    *run_tail = identity;
    run_tail = &identity->next;
  }
  void push_front(Identity* identity) {
    identity->next = run_head;
    if (run_head == nullptr)
      run_tail = &identity->next;
    run_head = identity;
  }
  Identity* pop() {
    Identity* identity = run_head;
    if (identity != nullptr) {
      run_head = identity->next;
      if (run_head == nullptr)
        run_tail = &run_head;
    }
    return identity;
  }
};

// Where a thread without a hub points: its index is nobody's.
extern constinit HubState no_hub;
// The hub of this thread. Greenlets never change thread, so a cached address stays right.
extern constinit thread_local HubState* this_hub;

// Gives the main thread its hub at first use; std::logic_error on any other thread without one.
HubState& start_main_hub();

inline HubState& here() {
  HubState* hub = this_hub;
  if (hub->index == no_hub_index) [[unlikely]]
    return start_main_hub();
  return *hub;
}

} // namespace grove::detail
