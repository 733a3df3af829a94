// SPDX-License-Identifier: MIT
// patch::all() and what it tells.
#include <grove/patch/patch.hpp>

#include <pthread.h>

#include <stdexcept>

#include "green.hpp"
#include "mutexes.hpp"

namespace grove::patch {

namespace {

unsigned groups_of(const Options& options) {
  return (options.sockets ? sockets : 0U) | (options.streams ? streams : 0U) |
         (options.polling ? polling : 0U) | (options.sleeping ? sleeping : 0U) |
         (options.names ? names : 0U);
}

CallCount count_of(const Call& call) {
  return {call.name, call.made.load(std::memory_order_relaxed),
          call.waited.load(std::memory_order_relaxed)};
}

} // namespace

void all(const Options& options) {
  const std::vector<std::string> found = faults();
  if (!found.empty()) {
    std::string text = "grove: patch::all(): not every call would wait green:";
    for (const std::string& line : found)
      text += "\n  " + line;
    throw std::logic_error(text);
  }
  static const bool forks_are_watched = [] {
    remember_process();
    return pthread_atfork(nullptr, nullptr, remember_process) == 0;
  }();
  static_cast<void>(forks_are_watched);
  watch_mutexes();
  enabled.store(groups_of(options), std::memory_order_relaxed);
}

bool active() { return enabled.load(std::memory_order_relaxed) != 0; }

std::vector<CallCount> counts() {
  std::vector<CallCount> result;
  for (const Call& call : calls)
    result.push_back(count_of(call));
  return result;
}

CallCount count(std::string_view name) {
  for (const Call& call : calls) {
    if (name == call.name)
      return count_of(call);
  }
  throw std::invalid_argument("grove: patch::count(): " + std::string(name) + "() is not patched");
}

} // namespace grove::patch
