// SPDX-License-Identifier: MIT
// SpawnPolicy: which greenlets run a server's handlers.
#pragma once

#include <grove/hub/pool.hpp>

namespace grove::net {

// SpawnPolicy says where a server calls its handler: by default in a new greenlet each time. A
// value, for one hub.
class SpawnPolicy {
public:
  SpawnPolicy() = default;
  // In members of that pool. While it is full the server takes nothing, and what comes waits in the
  // kernel; it goes on when a slot is free. Others may use the pool, too. It must outlive the
  // server, which when it stops waits for its own handlers, and kills no others.
  SpawnPolicy(Pool& pool) : pool_(&pool) {} // NOLINT: implicit on purpose
  // In the greenlet that takes what comes, which then takes nothing else: for handlers of some
  // microseconds. A call that may wait throws std::logic_error there (see AssertNoSwitch), which is
  // reported like any error of a handler; the try_...() calls are allowed.
  static SpawnPolicy none() {
    SpawnPolicy policy;
    policy.none_ = true;
    return policy;
  }

  Pool* pool() const { return pool_; }
  bool is_none() const { return none_; }

private:
  Pool* pool_ = nullptr;
  bool none_ = false;
};

} // namespace grove::net
