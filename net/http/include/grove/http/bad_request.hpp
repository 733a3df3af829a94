// SPDX-License-Identifier: MIT
// BadRequest: a message that breaks the rules, or a limit.
#pragma once

#include <stdexcept>
#include <string>

namespace grove::http {

// What a server answers before it closes the connection: where one message ends and the next begins
// is in doubt. The text says what is wrong: "two Host fields".
class BadRequest : public std::runtime_error {
public:
  BadRequest(unsigned status, const std::string& why) : runtime_error(why), status_(status) {}
  unsigned status() const { return status_; } // 400, 413, 414, 431, 501, 505

private:
  unsigned status_;
};

} // namespace grove::http
