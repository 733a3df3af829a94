// SPDX-License-Identifier: MIT
// Watchdog: tells of a hub that is blocked, and by what.
#pragma once

#include <chrono>
#include <cstdint>

#include <grove/hub/detail/identity.hpp>

namespace grove {

// While a Watchdog lives, a thread of its own looks after every hub of the process. A hub that has
// not decided anew who runs next for the time given, though it does not sleep for want of work, is
// reported to the log sink: once per blockage, with the name of the greenlet that runs and its back
// trace. A hub whose main has never waited is left alone: nobody else runs there yet.
//
// It costs a hub that is awake one signal (SIGURG, sent to its thread; a handler that was there
// before is called for all others) per quarter of that time; a sleeping hub is not disturbed.
// System calls that are never restarted, such as nanosleep() and poll(), see EINTR. In a child of
// fork() there is no watchdog until one is made there.
//
// GROVE_WATCHDOG=100ms in the environment (us, ms or s) does the same from the first hub on; a
// Watchdog takes its place while it lives. One at a time (else std::logic_error), any thread.
class Watchdog {
public:
  // std::invalid_argument for less than 1 ms; std::system_error if there can be no thread.
  explicit Watchdog(std::chrono::nanoseconds limit);
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog();

  // While an Ignore lives, its greenlet (or actor) may block: it is not reported. Hub-local; lives
  // on the stack of that greenlet; nests.
  class Ignore {
  public:
    Ignore();
    Ignore(const Ignore&) = delete;
    Ignore& operator=(const Ignore&) = delete;
    ~Ignore();

  private:
    detail::Identity* owner_;
  };

private:
  int process_;
};

} // namespace grove
