// SPDX-License-Identifier: MIT
// Timers: the hub's heap of due times.
#pragma once

#include <cstdint>
#include <vector>

#include <grove/hub/detail/timer.hpp>

namespace grove::detail {

// An intrusive 4-ary heap ordered by due time, then by order of arming.
class Timers {
public:
  bool empty() const { return heap_.empty(); }
  std::size_t size() const { return heap_.size(); }
  std::int64_t earliest() const { return heap_.front().due; }
  void add(Timer& timer, std::int64_t due);
  void remove(Timer& timer) noexcept; // an armed one
  // Fires everything due by `now`, in order; what that arms anew waits for the next call.
  void fire_due(std::int64_t now) noexcept;
  // Moves all of them by that many nanoseconds.
  void shift(std::int64_t by) noexcept;
  // Disarms all others, without firing them.
  template <class Keep>
  void keep_if(Keep keep) {
    std::vector<Entry> all;
    all.swap(heap_);
    for (const Entry& entry : all) {
      entry.timer->position = Timer::idle;
      if (keep(*entry.timer))
        add(*entry.timer, entry.due);
    }
  }

private:
  struct Entry { // the key beside the pointer: a comparison stays in the heap's own lines
    std::int64_t due;
    std::uint64_t order;
    Timer* timer;
    bool operator<(const Entry& other) const {
      return due != other.due ? due < other.due : order < other.order;
    }
  };
  void place(std::size_t at, const Entry& entry) {
    heap_[at] = entry;
    entry.timer->position = static_cast<std::uint32_t>(at);
  }
  void sift_up(std::size_t at, const Entry& entry);
  void sift_down(std::size_t at, const Entry& entry);

  std::vector<Entry> heap_;
  std::uint64_t armed_ = 0; // how many were ever armed
};

} // namespace grove::detail
