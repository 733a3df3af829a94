// SPDX-License-Identifier: MIT
// Pool: a group with a bound.
#pragma once

#include <cstddef>

#include <grove/hub/group.hpp>

namespace grove {

// Pool is a Group of at most so many members at a time. spawn(), add(), apply() and map() wait for
// a free slot, first come, first served; a slot is free as soon as its member's function has ended
// or the member was discarded. What was said of Group holds of it.
class Pool : public Group {
public:
  // Without a bound, as a Group.
  Pool() = default;
  // A pool of 0 is always full. std::invalid_argument if negative.
  explicit Pool(std::ptrdiff_t bound);

  std::size_t bound() const { return bound_; } // the largest number if there is none
  std::size_t free_count() const { return bound_ - used_; }
  bool full() const { return used_ >= bound_; }

  // Waits until a slot is free, and does not take it. False if the deadline came first. Who waits
  // to spawn comes before.
  bool wait_available(Deadline deadline = {});

  // For wait_any(): succeeds when a slot is free.
  class AvailableOp : public detail::Operation {
  public:
    using Result = void;
    explicit AvailableOp(Pool& pool) : pool_(pool) {}
    bool ready() const { return !pool_.full(); }
    void arm() { pool_.watchers_.push_back(waiter_); }
    void take() {
      if (waiter_.broken)
        throw Closed("wait_any: the pool was destroyed");
    }
    static constexpr const char* name = "wait_any(Pool.wait_available)";

  private:
    Pool& pool_;
  };
  [[nodiscard]] AvailableOp available_op() {
    home_("Pool.available_op");
    return AvailableOp(*this);
  }
};

} // namespace grove
