// SPDX-License-Identifier: MIT
// Extras: what only few identities need, allocated when one does.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <grove/hub/detail/timer.hpp>
#include <grove/hub/greenlet.hpp>

#include "locals.hpp"

namespace grove::detail {

struct AssertScope;

struct StartTimer : Timer {
  Identity* identity = nullptr;
};

struct Extras {
  std::string name;
  std::atomic<bool> is_renamed{false}; // just now: signal handlers leave `name` alone
  std::size_t stack_size = 0;
  std::exception_ptr kill_error;     // what a pending kill throws; null: GreenletExit
  Timeout* first_expired = nullptr;  // in the order of expiry
  std::unique_ptr<StartTimer> start; // start_later() is under way
  struct Linked {
    std::uint64_t id;
    bool on_value, on_exception;
    GreenletRef<>::Link call;
  };
  AssertScope* asserts = nullptr; // innermost first
  std::uint32_t unwatched = 0;    // open Watchdog::Ignore scopes
  WaitNode joiners; // actors only: greenlets are joined more often and keep theirs at hand
  std::deque<Linked> links;
  std::uint64_t next_link = 1;
  Timeout* scopes = nullptr;           // the innermost open Timeout
  std::vector<IdentityRef> dependents; // end when this one does
  Locals locals;
  std::shared_ptr<Tree> tree;
};

inline Extras& extras_of(Identity* identity) {
  if (identity->extras == nullptr)
    identity->extras = new Extras;
  return *identity->extras;
}

// Who spawned a greenlet; that may have ended. Nothing for main and actors.
IdentityRef parent_of(const Identity* identity);
// Kills those that were spawned to end with it.
void kill_dependents(Identity* identity) noexcept;

} // namespace grove::detail
