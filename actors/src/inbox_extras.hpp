// SPDX-License-Identifier: MIT
// InboxExtras: what an inbox has that is more than a plain queue.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>

#include <grove/actors/detail/actor_state.hpp>
#include <grove/actors/inbox.hpp>
#include <grove/actors/tell_timer.hpp>
#include <grove/hub/detail/wait.hpp>

namespace grove::detail {

struct MailList {
  Mail* head = nullptr;
  Mail** tail = &head;
  MailList() = default;
  MailList(const MailList&) = delete;
  MailList& operator=(const MailList&) = delete;
  bool empty() const { return head == nullptr; }
  void push(Mail* mail) {
    mail->next = nullptr;
    *tail = mail;
    tail = &mail->next;
  }
  Mail* pop() {
    Mail* mail = head;
    if (mail != nullptr) {
      head = mail->next;
      if (head == nullptr)
        tail = &head;
    }
    return mail;
  }
};

// What tests hold back of an inbox: see HeldMessages. While there is one every sender of this hub
// passes by admit(), and what a held one puts into the inbox after that is taken out again before
// anybody looks: tell() and ask() know nothing of it.
class InboxControl {
public:
  struct Held {
    IdentityRef from;
    MailList mail;
    std::size_t count = 0;
  };

  Held* find(const IdentityRef& from);
  Held& add(const IdentityRef& from); // std::bad_alloc
  void remove(Held& held) {
    held_.remove_if([&](const Held& one) { return &one == &held; });
  }
  bool empty() const { return held_.empty(); }

  // Who runs here was let in.
  void note_sender(Identity* actor);
  void catch_up(Identity* actor) noexcept;
  void drop_all(Identity* actor) noexcept;

private:
  std::list<Held> held_;
  Held* sender_ = nullptr;  // is to be held, and was let in
  Mail** place_ = nullptr;  // where its mail comes
  Mail** urgent_ = nullptr; // or there
};

struct InboxExtras {
  MailList urgent;            // before the inbox
  std::uint32_t capacity = 0; // 0: no bound
  Overflow policy = Overflow::block;
  // Who waits for room. One is called when the inbox is half empty; it calls the next when it has
  // sent, if there is room still, and goes on sending until the inbox is full.
  WaitList senders;
  std::uint32_t called = 0; // and not here yet

  MailList stash;
  std::size_t stashed = 0;
  std::size_t stash_capacity = 0; // 0: the class has none
  bool in_handler = false;        // defer() may be called
  bool leaves_message = false;    // by that handler
  bool deferring = false;

  TimedTell* timers = nullptr;           // of this hub, for this actor
  std::unique_ptr<InboxControl> control; // by a test

  InboxExtras() = default;
  InboxExtras(const InboxExtras&) = delete;
  InboxExtras& operator=(const InboxExtras&) = delete;
  ~InboxExtras();

  bool plain() const { return urgent.empty() && capacity == 0 && control == nullptr; }
  void catch_up(Identity* actor) const noexcept {
    if (control != nullptr) [[unlikely]]
      control->catch_up(actor);
  }
  void call_next() {
    if (senders.grant_one())
      ++called;
  }
  // Somebody stands in line, or has been called and is not here yet.
  bool has_line() const { return called != 0 || !senders.empty(); }
};

// The next message of an actor with flag::special; calls who waits for room.
Mail* take_special(Identity* actor);
bool has_special_mail(Identity* actor);
void drop_stash(Identity* actor) noexcept;
// Mail that has come from another hub.
void accept_special(Identity* actor, Mail* mail) noexcept;

// Signals (a stop, a Down, ...) are no messages: no bound holds for them, and none is dropped to
// make room. A bounded inbox knows them by an envelope of their own.
Mail* as_signal(Mail* mail) noexcept;
// One that comes before all ordinary mail. On the actor's hub.
void push_urgent_signal(Identity* actor, Mail* mail);
// The object has ended, and another will come in its place: what is its own goes, and what it has
// put aside becomes mail again.
void reset_inbox(Identity* actor) noexcept;

} // namespace grove::detail
