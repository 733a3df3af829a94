// SPDX-License-Identifier: MIT
// The inbox that stands behind an actor's identity, and the way mail gets into it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>

#include <grove/actors/detail/actor_class.hpp>
#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/greenlet_state.hpp>
#include <grove/hub/detail/mail.hpp>
#include <grove/hub/detail/report.hpp>
#include <grove/hub/detail/wait.hpp>

namespace grove {
class Actor;
}

namespace grove::detail {

struct Birth;
struct ActorExtras;
struct ApiRow;
struct LostMessage;

// What few actors have: a spawn() that waits for on_start, or the ActorExtras, which keep that too.
class Sidecar {
public:
  Sidecar() = default;
  Sidecar(const Sidecar&) = delete;
  Sidecar& operator=(const Sidecar&) = delete;
  ~Sidecar() {
    if (word_ != 0) [[unlikely]]
      drop_extras();
  }

  Birth* birth() const { return word_ == 0 ? nullptr : any_birth(); }
  void set_birth(Birth* birth) noexcept;
  ActorExtras* extras() const {
    return (word_ & 1) != 0 ? reinterpret_cast<ActorExtras*>(word_ - 1) : nullptr;
  }
  ActorExtras& make_extras(); // or those that are there

private:
  Birth* any_birth() const noexcept;
  void drop_extras() noexcept;
  std::uintptr_t word_ = 0; // a Birth*, or an ActorExtras* plus one
};

// 40 bytes, between the identity and the object. Touched by the owning hub only: mail from
// elsewhere comes through the hub's one word and is put here by the owner.
struct Inbox {
  Mail* head = nullptr;
  Mail** tail = &head;
  Sidecar sidecar;
  std::uint64_t handled = 0;    // messages, and signals, since the actor's birth
  std::uint32_t high_water = 0; // the most that ever waited here
  std::uint32_t busy = 0;       // processor time, in units of busy_unit: see BusySampling
};
static_assert(sizeof(Inbox) == 40);
inline constexpr std::chrono::nanoseconds busy_unit = std::chrono::microseconds(100);

// The Ops of every actor.
struct ActorOps : Ops {
  ActorClass* actor_class;
  const ApiRow* api; // that the class declares, or null
};
inline ActorClass& class_of_actor(const Identity* actor) {
  return *static_cast<const ActorOps*>(actor->ops)->actor_class;
}

inline constexpr std::size_t actor_offset = sizeof(Identity) + sizeof(Inbox);
static_assert(actor_offset % 16 == 0);

inline Inbox& inbox_of(Identity* actor) { return *body<Inbox>(actor); }
inline ActorExtras* extras_of_actor(Identity* actor) { return inbox_of(actor).sidecar.extras(); }

// The Actor subobject of every actor lies at one distance from its slot: spawn() sees to it.
inline Identity* slot_of_actor(const Actor* actor) {
  auto* address = reinterpret_cast<std::byte*>(const_cast<Actor*>(actor)); // NOLINT: no write
  return reinterpret_cast<Identity*>(address - actor_offset);
}
template <class A>
A* object_of(Identity* slot) {
  return std::launder(reinterpret_cast<A*>(reinterpret_cast<std::byte*>(slot) + actor_offset));
}

// One report when an inbox has grown to this length: nobody keeps up.
inline constexpr std::uint32_t long_inbox = 100'000;
void report_long_inbox(Identity* actor) noexcept;

// One more has been put into it.
[[gnu::always_inline]] inline void count_in(Identity* actor, Inbox& inbox) {
  const std::uint32_t length = ++actor->mail;
  if (length > inbox.high_water) {
    inbox.high_water = length;
    if (length >= long_inbox) [[unlikely]]
      report_long_inbox(actor);
  }
}
// On the actor's own hub, which has let it in: see Admission.
[[gnu::always_inline]] inline void append(HubState& hub, Identity* actor, Mail* mail) {
  Inbox& inbox = inbox_of(actor);
  mail->next = nullptr;
  *inbox.tail = mail;
  inbox.tail = &mail->next;
  if ((actor->flags & flag::scheduled) == 0) {
    actor->flags |= flag::scheduled;
    hub.push(actor);
  }
  count_in(actor, inbox); // last: behind the call that it seldom makes no register is needed
}
inline Mail* take(Identity* actor) {
  Inbox& inbox = inbox_of(actor);
  Mail* mail = inbox.head;
  if (mail != nullptr) {
    inbox.head = mail->next;
    if (inbox.head == nullptr)
      inbox.tail = &inbox.head;
    --actor->mail;
  }
  return mail;
}

// -- inboxes that are more than a plain queue (flag::special) -------------------------------------

// Who may put one more into a bounded inbox without a closer look.
struct Entrance {
  std::uint32_t limit = std::numeric_limits<std::uint32_t>::max();
  std::uint32_t turn_generation = 0;
  Identity* turn = nullptr; // of those that stand in line, who was called last
  bool line = false;        // somebody waits for room, or has been called
};
// Of an actor with flag::special: its ActorExtras begin with it.
inline Entrance& entrance_of(Identity* actor) {
  return *reinterpret_cast<Entrance*>(extras_of_actor(actor));
}
inline bool may_enter(const HubState& hub, Identity* actor) {
  const Entrance& entrance = entrance_of(actor);
  return actor->mail < entrance.limit &&
         (!entrance.line ||
          (entrance.turn == hub.current && entrance.turn_generation == hub.current->generation));
}

enum class Admission : std::uint8_t {
  in,      // there is room for one more, as long as nobody else runs
  gone,    // the actor has ended while its senders waited
  full,    // the message is to be dropped
  timeout, // there was no room before the deadline
};
// May wait for room, if that is the inbox's way; throws InboxFull, if that is, and AskCycle.
Admission admit_asked(Identity* actor, std::uint32_t generation, Deadline deadline);
// The same for what is told: false, and counted, if the message is to be dropped. After
// may_enter().
bool admit_told(Identity* actor, std::uint32_t generation, const LostMessage& message);
// For who cannot wait, nor be told. False: it is to be dropped.
bool admit_tick(Identity* actor);
// Before ordinary mail; to whatever hub. On the actor's own it was let in before.
void send_urgent(Identity* actor, std::uint32_t generation, Mail* mail);

// The mail goes to an actor of another hub, or to one that has ended.
// False if its hub has shut down (or there is no actor): the mail was dropped.
bool send_to_hub(std::uint16_t home, Identity* actor, std::uint32_t generation,
                 Mail* mail) noexcept;
inline bool send_elsewhere(Identity* actor, std::uint32_t generation, Mail* mail) noexcept {
  return send_to_hub(actor->home, actor, generation, mail);
}

// What a reference to nobody points at.
extern constinit Identity nobody;

} // namespace grove::detail
