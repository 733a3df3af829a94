// SPDX-License-Identifier: MIT
// ExitStatus: how a child process ended.
#pragma once

#include <optional>
#include <string>

namespace grove {

// ExitStatus says how a process ended: with an exit code, or by a signal. A value; any thread.
class ExitStatus {
public:
  // Unknown: somebody else has collected it, or the program ignores SIGCHLD.
  constexpr ExitStatus() = default;
  static constexpr ExitStatus of_code(int code) { return {Kind::code, code}; }
  static constexpr ExitStatus of_signal(int signal) { return {Kind::signal, signal}; }

  constexpr bool success() const { return *this == of_code(0); }
  constexpr bool known() const { return kind_ != Kind::unknown; }
  constexpr std::optional<int> code() const {
    return kind_ == Kind::code ? std::optional(number_) : std::nullopt;
  }
  constexpr std::optional<int> signal() const {
    return kind_ == Kind::signal ? std::optional(number_) : std::nullopt;
  }
  friend constexpr bool operator==(const ExitStatus&, const ExitStatus&) = default;

private:
  enum class Kind : unsigned char { unknown, code, signal };
  constexpr ExitStatus(Kind kind, int number) : kind_(kind), number_(number) {}
  Kind kind_ = Kind::unknown;
  int number_ = 0;
};

// "exit code 3", "SIGKILL", "unknown exit status".
std::string to_string(ExitStatus status);

} // namespace grove
