// SPDX-License-Identifier: MIT
// Extras: what only few identities need, allocated when one does.
#pragma once

#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <string>

#include <grove/hub/detail/timer.hpp>
#include <grove/hub/greenlet.hpp>

namespace grove::detail {

struct StartTimer : Timer {
  Identity* identity = nullptr;
};

struct Extras {
  std::string name;
  std::size_t stack_size = 0;
  std::exception_ptr kill_error;     // what a pending kill throws; null: GreenletExit
  Timeout* first_expired = nullptr;  // in the order of expiry
  std::unique_ptr<StartTimer> start; // start_later() is under way
  struct Linked {
    std::uint64_t id;
    bool on_value, on_exception;
    GreenletRef<>::Link call;
  };
  WaitNode joiners; // actors only: greenlets are joined more often and keep theirs at hand
  std::deque<Linked> links;
  std::uint64_t next_link = 1;
};

inline Extras& extras_of(Identity* identity) {
  if (identity->extras == nullptr)
    identity->extras = new Extras;
  return *identity->extras;
}

} // namespace grove::detail
