// SPDX-License-Identifier: MIT
// Error: a request that is answered with a status other than what was asked for.
#pragma once

#include <stdexcept>
#include <string>

namespace grove::http {

// What a handler throws to be answered for with an error page: `throw Error(404, "no such user")`.
// The text is shown to the client. Any other exception is answered with 500, and only logged.
class Error : public std::runtime_error {
public:
  Error(unsigned status, const std::string& text) : runtime_error(text), status_(status) {}
  unsigned status() const { return status_; }

private:
  unsigned status_;
};

// The message breaks the rules, or a limit; what is wrong is its text: "two Host fields". Where it
// ends is in doubt: the connection is closed after the answer. Reading a body throws it too.
class BadRequest final : public Error {
  using Error::Error;
};

// The text that goes with a status: "Not Found"; "Unknown" for one without.
const char* reason_phrase(unsigned status) noexcept;

} // namespace grove::http
