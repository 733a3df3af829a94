// SPDX-License-Identifier: MIT
// What grove's other libraries tell the hub, and ask it, about identities.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <string>

#include <grove/hub/detail/hub_state.hpp>

namespace grove::detail {

// "Ponger-5", or the name it was given. On its own hub.
std::string name_of(Identity* identity);
// Of this hub, greenlets too: calls f for each that has not ended. f must neither make nor end any.
void for_each_living(const std::function<void(Identity*)>& f);
// To the hub's error hook. On its own hub.
void report_unhandled(Identity* identity, const std::exception_ptr& error) noexcept;
// What came to nothing: see Hub::Stats. On a thread without a hub it is not counted.
enum class Loss { dead_letter, late_reply, expired_request, dropped_message };
void count_loss(Loss what) noexcept;
// The hub of an identity; it may have shut down.
Hub* hub_of(const Identity* identity);

// What is done at the end of an identity that is no greenlet. Its locals go first, while it is
// still alive: their destructors may wait, and whoever joins it waits for them.
void drop_locals(Identity* identity) noexcept;
// Kills those that were spawned to end with it.
void end_dependents(Identity* identity) noexcept;
void release_joiners(Identity* identity) noexcept;
void drop_extras(Identity* identity) noexcept;

// Suspends the current greenlet, to which nothing is to be thrown, and runs `child` at once;
// wake_next() resumes it before all others.
void park_behind(HubState& hub, Identity* child, const char* what);
void wake_next(Identity* identity) noexcept;
// Called now and then in a turn of many steps, with a 0 at first and then with what it returned.
// Returns 0 when 100 us have passed since the first call: who runs is to give way, and before the
// next one runs the hub looks outside. Never under a Simulation, where computing takes no time.
std::uint64_t look_at_turn(HubState& hub, std::uint64_t began) noexcept;

} // namespace grove::detail
