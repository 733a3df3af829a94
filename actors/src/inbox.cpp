// SPDX-License-Identifier: MIT
// Inboxes that are more than a plain queue: urgent mail, bounds, the stash.
#include <grove/actors/inbox.hpp>

#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

#include <grove/actors/actor.hpp>
#include <grove/actors/detail/ask.hpp>
#include <grove/hub/detail/report.hpp>

#include "actor_extras.hpp"
#include "ask_cycle.hpp"

namespace grove {

namespace detail {

namespace {

InboxExtras& inbox_extras(Identity* actor) { return extras_of_actor(actor)->inbox; }

void clear(Identity* actor, std::uint16_t flags) {
  actor->flags = static_cast<std::uint16_t>(actor->flags & ~flags);
}

// -- bounds ---------------------------------------------------------------------------------------

struct Signal {
  Mail* mail;
};
void handle_signal(Identity* actor, Mail* mail) {
  Mail* signal = mail_body<Signal>(mail)->mail;
  release_mail<sizeof(Signal)>(*this_hub, mail);
  signal->handle(actor, signal);
}
bool is_signal(const Mail* mail) { return mail->handle == handle_signal; }

// The oldest that is no signal; null if there is none.
Mail* take_message(Mail*& head, Mail**& tail) noexcept {
  Mail** at = &head;
  while (*at != nullptr && is_signal(*at))
    at = &(*at)->next;
  Mail* oldest = *at;
  if (oldest == nullptr)
    return nullptr;
  *at = oldest->next;
  if (*at == nullptr)
    tail = at;
  return oldest;
}

// The oldest ordinary message makes room, else the oldest urgent one; signals stay.
void evict(InboxExtras& extras, Identity* actor) noexcept {
  Inbox& inbox = inbox_of(actor);
  Mail* oldest = take_message(inbox.head, inbox.tail);
  if (oldest == nullptr)
    oldest = take_message(extras.urgent.head, extras.urgent.tail);
  if (oldest == nullptr)
    return;
  --actor->mail;
  drop_mail(oldest, Dropped::overflow);
}

Admission wait_for_room(Identity* actor, std::uint32_t generation, Deadline deadline) {
  HubState& hub = *this_hub;
  check_interrupts();
  check_cycle(hub, actor, "tell");
  const WaitsFor waits(hub, actor); // who waits for room waits for the actor
  InboxExtras& inbox = inbox_extras(actor);
  for (bool had_turn = false;; had_turn = true) {
    Waiter waiter;
    entrance_of(actor).line = true;
    if (had_turn)
      inbox.senders.push_front(waiter);
    else
      inbox.senders.push_back(waiter);
    if (park_until("ActorRef.tell", deadline) == Wake::timeout)
      return Admission::timeout;
    if (waiter.broken || actor->generation != generation)
      return Admission::gone;
    --inbox.called;
    if (actor->mail < inbox.capacity) {
      Entrance& entrance = entrance_of(actor);
      entrance.turn = hub.current;
      entrance.turn_generation = hub.current->generation;
      if (actor->mail + 1 < inbox.capacity)
        inbox.call_next();
      entrance.line = inbox.has_line();
      return Admission::in;
    }
  }
}

// `message`: what is to be told, or null.
Admission let_in(Identity* actor, std::uint32_t generation, Deadline deadline,
                 const LostMessage* message) {
  InboxExtras& inbox = inbox_extras(actor);
  Entrance& entrance = entrance_of(actor);
  entrance.line = inbox.has_line(); // some may have gone
  if (may_enter(*this_hub, actor))
    return Admission::in;
  switch (inbox.policy) {
  case Overflow::block:
    return wait_for_room(actor, generation, deadline);
  case Overflow::reject:
    break;
  case Overflow::drop_new:
    if (message != nullptr)
      lose(Loss::dropped_message, *message);
    else
      count_loss(Loss::dropped_message);
    break;
  case Overflow::drop_old:
    evict(inbox, actor);
    return Admission::in;
  }
  return Admission::full;
}

Admission admit(Identity* actor, std::uint32_t generation, Deadline deadline,
                const LostMessage* message) {
  inbox_extras(actor).catch_up(actor);
  const Admission entry = let_in(actor, generation, deadline, message);
  if (entry == Admission::in) {
    if (InboxControl* control = inbox_extras(actor).control.get()) [[unlikely]]
      control->note_sender(actor);
  }
  return entry;
}

} // namespace

Admission admit_asked(Identity* actor, std::uint32_t generation, Deadline deadline) {
  return admit(actor, generation, deadline, nullptr);
}

bool admit_told(Identity* actor, std::uint32_t generation, const LostMessage& message) {
  switch (admit(actor, generation, {}, &message)) {
  case Admission::in:
    return true;
  case Admission::gone:
    lose(Loss::dead_letter, message);
    break;
  case Admission::full:
    if (inbox_extras(actor).policy == Overflow::reject)
      throw InboxFull(describe_full("tell", actor));
    break;
  case Admission::timeout:
    break; // there is no deadline
  }
  return false;
}

bool admit_tick(Identity* actor) {
  if ((actor->flags & flag::special) == 0)
    return true;
  InboxExtras& inbox = inbox_extras(actor);
  inbox.catch_up(actor);
  if (inbox.capacity == 0 || actor->mail < inbox.capacity)
    return true;
  if (inbox.policy == Overflow::drop_old) {
    evict(inbox, actor);
    return true;
  }
  return false;
}

void accept_special(Identity* actor, Mail* mail) noexcept {
  const InboxExtras& inbox = inbox_extras(actor);
  inbox.catch_up(actor);
  if (inbox.capacity != 0 && inbox.policy != Overflow::block && !is_signal(mail) &&
      actor->mail >= inbox.capacity) {
    if (inbox.policy != Overflow::drop_old) {
      drop_mail(mail, Dropped::overflow);
      return;
    }
    evict(inbox_extras(actor), actor);
  }
  append(*this_hub, actor, mail);
}

std::string describe_full(const char* call, Identity* actor) {
  std::string text = std::string(call) + ": the inbox of " + label(actor) + " is full";
  if (is_here(*this_hub, actor) && actor != &nobody) {
    if (const ActorExtras* extras = extras_of_actor(actor))
      text += " (" + std::to_string(extras->inbox.capacity) + " messages)";
  }
  return text;
}

void set_inbox(Identity* actor, const InboxOptions& options) {
  if (options.capacity == 0)
    return;
  if (options.capacity > std::numeric_limits<std::uint32_t>::max())
    throw std::invalid_argument("grove: spawn: an inbox of " + std::to_string(options.capacity) +
                                " messages: leave it without a bound");
  InboxExtras& inbox = need_extras(actor).inbox;
  inbox.capacity = static_cast<std::uint32_t>(options.capacity);
  inbox.policy = options.policy;
  entrance_of(actor).limit = inbox.capacity;
  actor->flags |= flag::special;
}

InboxExtras::~InboxExtras() {
  senders.break_all();
  while (timers != nullptr)
    timers->end();
}

Mail* as_signal(Mail* mail) noexcept {
  try {
    return make_mail<Signal>(*this_hub, handle_signal, Signal{mail});
  } catch (...) { // no memory: it must take its chance
    return mail;
  }
}

// -- taking ---------------------------------------------------------------------------------------

Mail* take_special(Identity* actor) {
  InboxExtras& inbox = inbox_extras(actor);
  inbox.catch_up(actor);
  Mail* mail = inbox.urgent.pop();
  if (mail == nullptr)
    mail = take(actor);
  else
    --actor->mail;
  if (mail == nullptr)
    return nullptr;
  if (actor->mail == inbox.capacity / 2 && !inbox.senders.empty())
    inbox.call_next();
  if (inbox.plain())
    clear(actor, flag::special);
  return mail;
}

bool has_special_mail(Identity* actor) {
  return inbox_of(actor).head != nullptr || !inbox_extras(actor).urgent.empty();
}

// -- urgent mail ----------------------------------------------------------------------------------

namespace {

void push_urgent(HubState& hub, Identity* actor, Mail* mail) {
  need_extras(actor).inbox.urgent.push(mail);
  actor->flags |= flag::special;
  count_in(actor, inbox_of(actor));
  if ((actor->flags & flag::scheduled) == 0) {
    actor->flags |= flag::scheduled;
    hub.push(actor);
  }
}

// On its way to another hub; delivers itself there.
struct UrgentTo {
  Identity* actor;
  std::uint32_t generation;
  Mail* mail;
};
void deliver_urgent(Identity*, Mail* mail) {
  const UrgentTo to = *mail_body<UrgentTo>(mail);
  release_mail<sizeof(UrgentTo)>(*this_hub, mail);
  if (!is_here(*this_hub, to.actor) || to.actor->generation != to.generation)
    drop_mail(to.mail, Dropped::gone);
  else if (!admit_tick(to.actor))
    drop_mail(to.mail, Dropped::overflow);
  else
    push_urgent(*this_hub, to.actor, to.mail);
}

} // namespace

void push_urgent_signal(Identity* actor, Mail* mail) {
  need_extras(actor).inbox.catch_up(actor); // else it would be taken for what is to be held
  push_urgent(*this_hub, actor, as_signal(mail));
}

void send_urgent(Identity* actor, std::uint32_t generation, Mail* mail) {
  HubState& hub = *this_hub;
  if (is_here(hub, actor)) {
    push_urgent(hub, actor, mail);
    return;
  }
  if (actor == &nobody) {
    drop_mail(mail, Dropped::gone);
    return;
  }
  Mail* carrier = nullptr;
  try {
    carrier = make_mail<UrgentTo>(hub, deliver_urgent, UrgentTo{actor, generation, mail});
  } catch (...) {
    drop_mail(mail, Dropped::unsent);
    throw;
  }
  carrier->target = nullptr;
  if (!send_mail(actor->home, carrier))
    deliver_urgent(nullptr, carrier);
}

// -- the stash ------------------------------------------------------------------------------------

void set_stash(Identity* actor, std::size_t capacity) {
  need_extras(actor).inbox.stash_capacity = capacity;
}

void begin_stash_turn(Identity* actor, bool leaves_message) noexcept {
  InboxExtras& inbox = extras_of_actor(actor)->inbox;
  inbox.in_handler = true;
  inbox.leaves_message = leaves_message;
  inbox.deferring = false;
}
void end_stash_turn(Identity* actor) noexcept { extras_of_actor(actor)->inbox.in_handler = false; }
bool wants_deferral(Identity* actor) noexcept { return extras_of_actor(actor)->inbox.deferring; }

void put_into_stash(Identity* actor, Mail* mail) {
  InboxExtras& inbox = extras_of_actor(actor)->inbox;
  inbox.deferring = false;
  if (const MessageContext* message = this_hub->context->message)
    mail = wrap(*this_hub, mail, *message);
  inbox.stash.push(mail);
  ++inbox.stashed;
}

std::size_t take_stash(Identity* actor) noexcept {
  InboxExtras& from = extras_of_actor(actor)->inbox;
  if (from.stash.empty())
    return 0;
  from.catch_up(actor);
  Inbox& inbox = inbox_of(actor);
  *from.stash.tail = inbox.head;
  if (inbox.head == nullptr)
    inbox.tail = from.stash.tail;
  inbox.head = std::exchange(from.stash.head, nullptr);
  from.stash.tail = &from.stash.head;
  const std::size_t count = std::exchange(from.stashed, 0);
  actor->mail += static_cast<std::uint32_t>(count);
  return count;
}

void reset_inbox(Identity* actor) noexcept {
  ActorExtras* extras = extras_of_actor(actor);
  while (extras->inbox.timers != nullptr)
    extras->inbox.timers->end();
  take_stash(actor);
}

void drop_stash(Identity* actor) noexcept {
  ActorExtras* extras = extras_of_actor(actor);
  if (extras == nullptr)
    return;
  while (Mail* mail = extras->inbox.stash.pop())
    drop_mail(mail, Dropped::gone);
  extras->inbox.stashed = 0;
  if (extras->inbox.control != nullptr)
    extras->inbox.control->drop_all(actor);
}

} // namespace detail

void Actor::defer() {
  detail::Identity* self = detail::slot_of_actor(this);
  detail::ActorExtras* extras = detail::extras_of_actor(self);
  const std::string who = detail::name_of(self);
  if (extras == nullptr || extras->inbox.stash_capacity == 0)
    throw std::logic_error("grove: defer: " + who +
                           " has no stash: its class needs a stash_capacity above zero");
  detail::InboxExtras& inbox = extras->inbox;
  if (detail::this_hub->current != self || !inbox.in_handler)
    throw std::logic_error("grove: defer: " + who + " has no message in work");
  if (!inbox.leaves_message)
    throw std::logic_error("grove: defer: the handler of " + who +
                           " has taken its message: only one that takes a const M& can defer it");
  if (!inbox.deferring && inbox.stashed >= inbox.stash_capacity)
    throw StashFull("defer: the stash of " + who + " is full (" +
                    std::to_string(inbox.stash_capacity) + " messages)");
  inbox.deferring = true;
}

std::size_t Actor::unstash_all() noexcept {
  detail::Identity* self = detail::slot_of_actor(this);
  const std::size_t count = detail::extras_of_actor(self) != nullptr ? detail::take_stash(self) : 0;
  if (count != 0 && (self->flags & detail::flag::scheduled) == 0) { // by a greenlet of its own
    self->flags |= detail::flag::scheduled;
    detail::this_hub->push(self);
  }
  return count;
}

} // namespace grove
