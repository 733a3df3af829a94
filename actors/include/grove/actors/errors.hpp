// SPDX-License-Identifier: MIT
// What ask() throws.
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

} // namespace grove
