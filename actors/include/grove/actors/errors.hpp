// SPDX-License-Identifier: MIT
// What ask() and tell() throw.
#pragma once

#include <stdexcept>

#include <grove/hub/exceptions.hpp>

namespace grove {

// ActorDown: the actor had ended, or ended before it answered.
class ActorDown : public std::runtime_error {
  using runtime_error::runtime_error;
};

// AskTimeout: no answer came in time. Whether the actor has handled the message is unknown; an
// answer that comes late is dropped.
class AskTimeout : public TimeoutError {
  using TimeoutError::TimeoutError;
};

// Rejected: the actor refuses the message. Throw it, or what you derive from it, in a handler: the
// asker gets it, and the actor lives on, as after any other message. Who told hears nothing.
class Rejected : public std::runtime_error {
  using runtime_error::runtime_error;
};

// UnexpectedMessage: the actor takes messages of any type, and refuses this one: Message::refuse().
class UnexpectedMessage : public Rejected {
  using Rejected::Rejected;
};

// BrokenReply: the handler promised a reply (an AsyncResult), and dropped it before it was set.
class BrokenReply : public std::runtime_error {
  using runtime_error::runtime_error;
};

// InboxFull: the actor's inbox is bounded, full, and does not let senders wait.
class InboxFull : public std::runtime_error {
  using runtime_error::runtime_error;
};

// StashFull: defer() was called with as many messages put aside as the actor's stash holds.
class StashFull : public std::runtime_error {
  using runtime_error::runtime_error;
};

// AskCycle: the actor that is asked waits, itself or through others, for the one that asks; nobody
// would ever be answered. Thrown before anything is sent, for actors of one hub; the text names the
// handlers: "A.receive(X) → B.receive(Y) → A". It is also the answer to a question that was sent
// before: when the actor that is asked, or one that it waits for, begins to wait for the asker's
// end, as parents and supervisors do.
class AskCycle : public std::logic_error {
  using logic_error::logic_error;
};

} // namespace grove
