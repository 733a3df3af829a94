// SPDX-License-Identifier: MIT
// WakerHint: tells reports who could end a wait.
#pragma once

#include <grove/hub/detail/hub_state.hpp>

namespace grove::detail {

// Lives on the waiting stack around park(), on slow paths only: reports add "held by NAME" to what
// the current greenlet waits for. `owner` is asked for each report, and only while the wait lasts.
class WakerHint {
public:
  using Owner = IdentityRef (*)(const void* object);
  WakerHint(const char* relation, const void* object, Owner owner);
  WakerHint(const WakerHint&) = delete;
  WakerHint& operator=(const WakerHint&) = delete;
  ~WakerHint();

private:
  friend struct Wakers;
  WakerHint* prev_ = nullptr;
  WakerHint* next_ = nullptr;
  Identity* who_;
  const char* relation_; // "held by"
  const void* object_;
  Owner owner_;
};

} // namespace grove::detail
