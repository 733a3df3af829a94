// SPDX-License-Identifier: MIT
// Messages that a test holds back on their way from one actor to another.
#include <grove/actors/testing/held_messages.hpp>

#include <stdexcept>
#include <string>

#include <grove/actors/errors.hpp>
#include <grove/hub/detail/report.hpp>

#include "actor_extras.hpp"
#include "ask_cycle.hpp"
#include "relations.hpp"

namespace grove {

namespace detail {

InboxControl::Held* InboxControl::find(const IdentityRef& from) {
  for (Held& one : held_) {
    if (same(one.from, from))
      return &one;
  }
  return nullptr;
}

InboxControl::Held& InboxControl::add(const IdentityRef& from) {
  Held& held = held_.emplace_back();
  held.from = from;
  return held;
}

void InboxControl::note_sender(Identity* actor) {
  Entrance& entrance = entrance_of(actor);
  entrance.turn = nullptr; // whoever comes next passes by admit() again
  entrance.line = true;
  sender_ = find(ref_to(this_hub->current));
  place_ = inbox_of(actor).tail;
  urgent_ = extras_of_actor(actor)->inbox.urgent.tail;
}

void InboxControl::catch_up(Identity* actor) noexcept {
  Held* const held = std::exchange(sender_, nullptr);
  if (held == nullptr)
    return;
  const auto take_from = [&](Mail** place, Mail**& tail) {
    Mail* mail = *place;
    if (mail == nullptr)
      return;
    *place = mail->next;
    if (*place == nullptr)
      tail = place;
    --actor->mail;
    held->mail.push(mail);
    ++held->count;
  };
  InboxExtras& inbox = extras_of_actor(actor)->inbox;
  take_from(place_, inbox_of(actor).tail);
  take_from(urgent_, inbox.urgent.tail);
  if (actor->mail == inbox.capacity / 2 && !inbox.senders.empty())
    inbox.call_next(); // as take_special() does
}

void InboxControl::drop_all(Identity* actor) noexcept {
  catch_up(actor);
  for (Held& held : held_) {
    held.count = 0;
    while (Mail* mail = held.mail.pop())
      drop_mail(mail, Dropped::gone);
  }
}

} // namespace detail

namespace testing {

using detail::InboxControl;

namespace {
// What is held of it now; null once the actor has ended.
InboxControl::Held* held_of(const detail::IdentityRef& from, const detail::IdentityRef& to) {
  if (!to.alive())
    return nullptr;
  InboxControl* control = detail::extras_of_actor(to.identity)->inbox.control.get();
  control->catch_up(to.identity);
  return control->find(from);
}
} // namespace

HeldMessages::HeldMessages(detail::IdentityRef from, detail::IdentityRef to)
    : from_(from), to_(to) {
  const auto wrong = [&](const char* what) {
    throw std::logic_error("grove: HeldMessages: " + detail::label(to.identity) + what);
  };
  if (to.identity == &detail::nobody || !detail::is_here(to))
    wrong(" is no actor of this hub");
  if (!to.alive())
    throw ActorDown("HeldMessages: the actor that is told has ended");
  auto& inbox = detail::need_extras(to.identity).inbox;
  if (inbox.control == nullptr)
    inbox.control = std::make_unique<InboxControl>();
  inbox.control->catch_up(to.identity);
  if (inbox.control->find(from) != nullptr)
    wrong(": what that sender tells it is held already");
  inbox.control->add(from);
  to.identity->flags |= detail::flag::special;
  detail::entrance_of(to.identity).turn = nullptr;
  detail::entrance_of(to.identity).line = true;
}

HeldMessages::HeldMessages(const ActorRef<Actor>& to)
    : HeldMessages(detail::ref_to(detail::here().current), to.joinable()) {}

HeldMessages::HeldMessages(HeldMessages&& other) noexcept
    : home_(other.home_), from_(other.from_), to_(std::exchange(other.to_, {})) {}

std::size_t HeldMessages::size() const {
  home_("HeldMessages.size");
  const InboxControl::Held* held = held_of(from_, to_);
  return held != nullptr ? held->count : 0;
}

bool HeldMessages::deliver_next() {
  home_("HeldMessages.deliver_next");
  InboxControl::Held* held = held_of(from_, to_);
  detail::Mail* mail = held != nullptr ? held->mail.pop() : nullptr;
  if (mail == nullptr)
    return false;
  --held->count;
  detail::append(*detail::this_hub, to_.identity, mail);
  return true;
}

bool HeldMessages::drop_next() {
  home_("HeldMessages.drop_next");
  InboxControl::Held* held = held_of(from_, to_);
  detail::Mail* mail = held != nullptr ? held->mail.pop() : nullptr;
  if (mail == nullptr)
    return false;
  --held->count;
  detail::drop_mail(mail, detail::Dropped::overflow);
  return true;
}

void HeldMessages::release() {
  while (deliver_next()) {
  }
  const detail::IdentityRef to = std::exchange(to_, {});
  if (!to.alive())
    return;
  auto& inbox = detail::extras_of_actor(to.identity)->inbox;
  inbox.control->remove(*inbox.control->find(from_));
  if (!inbox.control->empty())
    return;
  inbox.control.reset();
  detail::entrance_of(to.identity).line = inbox.has_line();
}

} // namespace testing

} // namespace grove
