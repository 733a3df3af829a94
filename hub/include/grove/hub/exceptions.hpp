// SPDX-License-Identifier: MIT
// What grove throws: the two that are no std::exception, and the errors that are.
#pragma once

#include <exception>
#include <stdexcept>
#include <string>

namespace grove {

class Timeout;

// GreenletExit is thrown in a killed greenlet, at its suspension point. It is no std::exception, so
// that a `catch (const std::exception&)` cannot swallow it. Catching it and going on declines the
// kill (counted in Hub::Stats::declined_kills).
struct GreenletExit {};

// TimeoutExpired is thrown in a greenlet whose Timeout scope has run out, at its suspension point.
// Like GreenletExit it is no std::exception. `scope` tells which of several nested scopes it was;
// compare with Timeout::is().
struct TimeoutExpired {
  const Timeout* scope;
};

// Interrupted is thrown in main by grove::Main when SIGINT or SIGTERM arrives. No std::exception.
struct Interrupted {
  int signal;
};

// TimeoutError: the time limit given to one get-like call has passed.
class TimeoutError : public std::runtime_error {
  using runtime_error::runtime_error;
};

// Killed is what get() throws when the greenlet it asks was killed.
class Killed : public std::runtime_error {
  using runtime_error::runtime_error;
};

// Closed: the object was closed (or destroyed) before or during the call.
class Closed : public std::runtime_error {
  using runtime_error::runtime_error;
};

// Deadlock is thrown in a wait of main when nothing can ever run again. Its text lists who waits,
// and for what.
class Deadlock : public std::runtime_error {
  using runtime_error::runtime_error;
};

// The type and the text of what was thrown, of whatever type it is: "std::runtime_error: no luck".
// What the hub itself says of an error that nobody caught; for links, logs and reports. Any thread.
// "nothing" for a null pointer.
std::string describe(const std::exception_ptr& error);

} // namespace grove
