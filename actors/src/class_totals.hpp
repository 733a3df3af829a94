// SPDX-License-Identifier: MIT
// What has been counted of the actors that have ended, by hub and class.
#pragma once

#include <algorithm>
#include <cstdint>

#include <grove/actors/detail/actor_state.hpp>

namespace grove::detail {

struct ClassTotals {
  const ActorClass* actor_class = nullptr; // null: none of that number has ended here
  std::uint64_t ended = 0;
  std::uint64_t messages = 0;
  std::uint64_t restarts = 0;
  std::uint64_t busy = 0; // in busy_unit
  std::uint32_t high_water = 0;
};

// Of this thread's hub; by the number of the class. Freed with the thread.
struct TotalsTable {
  ClassTotals* rows;
  std::uint32_t count;
};
extern constinit thread_local TotalsTable totals_of_hub;

// Gives the class a number if it has none, and makes its row.
ClassTotals& make_totals(ActorClass& actor_class) noexcept;

inline ClassTotals& totals_of(ActorClass& actor_class) noexcept {
  const std::uint32_t number = actor_class.number.load(std::memory_order_relaxed);
  const TotalsTable table = totals_of_hub;
  if (number >= table.count || table.rows[number].actor_class == nullptr) [[unlikely]]
    return make_totals(actor_class);
  return table.rows[number];
}

inline void count_end(Identity* actor) noexcept {
  const Inbox& inbox = inbox_of(actor);
  ClassTotals& totals = totals_of(class_of_actor(actor));
  ++totals.ended;
  totals.messages += inbox.handled;
  totals.busy += inbox.busy;
  totals.high_water = std::max(totals.high_water, inbox.high_water);
}

} // namespace grove::detail
