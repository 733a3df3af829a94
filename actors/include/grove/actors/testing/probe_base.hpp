// SPDX-License-Identifier: MIT
// ProbeBase: what all probes have, whatever they receive.
#pragma once

#include <chrono>
#include <cstdint>
#include <ostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <grove/actors/actor_ref.hpp>
#include <grove/actors/down.hpp>
#include <grove/actors/message.hpp>
#include <grove/hub/deadline.hpp>

namespace grove::testing {

// What a probe throws: its text tells what was expected, what came instead and after how long, and
// the seed of the TestKit.
class ExpectationFailed : public std::runtime_error {
  using runtime_error::runtime_error;
};

// How long a probe waits if nothing else is said, on the hub's clock: virtual under a TestKit.
inline constexpr std::chrono::nanoseconds patience = std::chrono::seconds(3);

// What all probes have.
class ProbeBase {
public:
  ProbeBase(const ProbeBase&) = delete;
  ProbeBase& operator=(const ProbeBase&) = delete;

  // From now on it looks out for that actor's end: for expect_down().
  void watch(const ActorRef<Actor>& actor) { watched_.emplace_back(actor, when_down(actor)); }
  // Waits for the end of an actor, and tells how it was; of one that had ended before it was
  // watched the reason is `gone`.
  Down expect_down(const ActorRef<Actor>& actor, std::chrono::nanoseconds within = patience);

protected:
  explicit ProbeBase(std::string name) : name_(std::move(name)) {}
  ~ProbeBase() = default;

  // Since when it waits, and how long. std::invalid_argument for a negative time.
  struct Wait {
    std::int64_t begun;
    std::chrono::nanoseconds limit;
  };
  static Wait begin(std::chrono::nanoseconds limit);
  static Deadline end(const Wait& wait);
  [[noreturn]] void fail(const Wait& wait, const std::string& expected,
                         const std::string& came) const;
  [[noreturn]] void fail_no(const Wait& wait, const std::string& came) const;
  [[noreturn]] void nothing_to_reply(const char* message) const;

  // "Ping (7)"; without the value if it cannot be printed.
  template <class M>
  static std::string show(const M& message) {
    const char* name = detail::message_type<M>.name;
    if constexpr (requires(std::ostream & out) { out << message; }) {
      std::ostringstream out;
      out << name << " (" << message << ")";
      return out.str();
    } else {
      return name;
    }
  }

private:
  std::string name_;
  std::vector<std::pair<ActorRef<Actor>, AsyncResult<Down>>> watched_;
};

} // namespace grove::testing
