// SPDX-License-Identifier: MIT
// InboxExtras: what an inbox has that is more than a plain queue.
#pragma once

#include <cstddef>
#include <cstdint>

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

  TimedTell* timers = nullptr; // of this hub, for this actor

  InboxExtras() = default;
  InboxExtras(const InboxExtras&) = delete;
  InboxExtras& operator=(const InboxExtras&) = delete;
  ~InboxExtras();

  bool plain() const { return urgent.empty() && capacity == 0; }
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
// The object has ended, and another will come in its place: what is its own goes, and what it has
// put aside becomes mail again.
void reset_inbox(Identity* actor) noexcept;

} // namespace grove::detail
