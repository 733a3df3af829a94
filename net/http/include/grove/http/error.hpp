// SPDX-License-Identifier: MIT
// Error: a request that is answered with a status other than what was asked for.
#pragma once

#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>

#include <grove/http/fields.hpp>

namespace grove::http {

// What a handler throws to be answered for with an error page: `throw Error(404, "no such user")`.
// The text is shown to the client. Any other exception is answered with 500, and only logged.
class Error : public std::runtime_error {
public:
  // The fields go with the answer: `Error(503, "too busy", {{"Retry-After", "1"}})`.
  Error(unsigned status, const std::string& text, std::initializer_list<Fields::Field> fields = {})
      : runtime_error(text), status_(status) {
    if (fields.size() > 0)
      fields_ = std::make_shared<const Fields>(fields);
  }
  unsigned status() const { return status_; }
  // What goes with the page; null if it is nothing.
  const Fields* fields() const { return fields_.get(); }

private:
  unsigned status_;
  std::shared_ptr<const Fields> fields_; // copying an exception throws nothing
};

// The message breaks the rules, or a limit; what is wrong is its text: "two Host fields". Where it
// ends is in doubt: the connection is closed after the answer. Reading a body throws it too.
class BadRequest final : public Error {
  using Error::Error;
};

// The text that goes with a status: "Not Found"; "Unknown" for one without.
const char* reason_phrase(unsigned status) noexcept;

} // namespace grove::http
