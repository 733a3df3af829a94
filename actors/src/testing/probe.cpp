// SPDX-License-Identifier: MIT
// What probes say when it is not as expected.
#include <grove/actors/testing/probe.hpp>

#include <algorithm>
#include <cstdio>

#include "current_kit.hpp"

namespace grove::testing {

namespace {

// "1.5 s", "200 ms"
std::string in_words(std::chrono::nanoseconds time) {
  struct Unit {
    double nanoseconds;
    const char* name;
  };
  const auto count = static_cast<double>(time.count());
  for (const Unit unit : {Unit{1e9, "s"}, Unit{1e6, "ms"}, Unit{1e3, "us"}}) {
    if (count >= unit.nanoseconds) {
      char text[32];
      std::snprintf(text, sizeof text, "%.6g %s", count / unit.nanoseconds, unit.name);
      return text;
    }
  }
  return std::to_string(time.count()) + " ns";
}

} // namespace

ProbeBase::Wait ProbeBase::begin(std::chrono::nanoseconds limit) {
  if (limit.count() < 0)
    throw std::invalid_argument("grove: Probe: " + std::to_string(limit.count()) +
                                " ns: nobody waits less than no time");
  return {detail::now_nanoseconds(), limit};
}
Deadline ProbeBase::end(const Wait& wait) {
  const std::chrono::nanoseconds passed(detail::now_nanoseconds() - wait.begun);
  return std::max(wait.limit - passed, std::chrono::nanoseconds(0));
}

void ProbeBase::fail(const Wait& wait, const std::string& expected, const std::string& came) const {
  const std::chrono::nanoseconds passed(detail::now_nanoseconds() - wait.begun);
  throw ExpectationFailed(name_ + " expected " + expected + " within " + in_words(wait.limit) +
                          ": " + came + " (after " + in_words(passed) + ")" + seed_in_use());
}
void ProbeBase::fail_no(const Wait& wait, const std::string& came) const {
  const std::chrono::nanoseconds passed(detail::now_nanoseconds() - wait.begun);
  throw ExpectationFailed(name_ + " expected nothing for " +
                          in_words(wait.limit - std::chrono::nanoseconds(1)) + ": " + came +
                          " came (after " + in_words(passed) + ")" + seed_in_use());
}
void ProbeBase::nothing_to_reply(const char* message) const {
  throw std::logic_error("grove: Probe.reply: " + name_ + " has taken no " + message +
                         " that is to be answered");
}

Down ProbeBase::expect_down(const ActorRef<Actor>& actor, std::chrono::nanoseconds within) {
  const Wait wait = begin(within);
  const auto mine = std::find_if(watched_.begin(), watched_.end(),
                                 [&](const auto& one) { return one.first == actor; });
  const AsyncResult<Down> down = mine != watched_.end() ? mine->second : when_down(actor);
  if (!down.wait(end(wait)))
    fail(wait, "the end of " + to_string(actor), "it lives");
  return down.get();
}

} // namespace grove::testing
