// SPDX-License-Identifier: MIT
// fork(): what the child keeps of its parent's hubs.
#pragma once

namespace grove::detail {

class HubImpl;

// Once per process.
void watch_for_forks();

// The registry's part: see hub.cpp.
void lock_registry() noexcept;
void unlock_registry() noexcept;
// In the child: all hubs but that one (null: all) are closed for good.
void orphan_hubs(const HubImpl* kept) noexcept;

} // namespace grove::detail
