// SPDX-License-Identifier: MIT
// Timers: the hub's heap of due times.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <grove/hub/detail/timer.hpp>

namespace grove::detail {

// An intrusive 4-ary heap ordered by due time, then by order of arming. Most timers are disarmed
// before anybody asks for the earliest: until then new ones lie behind the heap, in no order.
class Timers {
public:
  bool empty() const { return all_.empty(); }
  std::size_t size() const { return all_.size(); }
  std::int64_t earliest() { // of one at least
    sort_in();
    return all_.front().due;
  }
  void add(Timer& timer, std::int64_t due) {
    if (timer.armed()) [[unlikely]]
      remove(timer);
    all_.push_back({due, &timer}); // all that can throw
    timer.due = due;
    timer.order = armed_++;
    timer.position = static_cast<std::uint32_t>(all_.size() - 1);
  }
  void remove(Timer& timer) noexcept { // an armed one
    const std::size_t at = timer.position;
    timer.position = Timer::idle;
    if (at < sorted_) [[unlikely]]
      remove_sorted(at);
    else
      fill_from_back(at);
  }
  // Fires everything due by `now`, in order; what that arms anew waits for the next call.
  void fire_due(std::int64_t now) noexcept;
  // Moves all of them by that many nanoseconds.
  void shift(std::int64_t by) noexcept;
  // Disarms all others, without firing them.
  template <class Keep>
  void keep_if(Keep keep) noexcept {
    std::size_t kept = 0;
    for (const Entry entry : all_) { // a copy: its place may be taken
      if (keep(*entry.timer))
        place(kept++, entry);
      else
        entry.timer->position = Timer::idle;
    }
    all_.erase(all_.begin() + static_cast<std::ptrdiff_t>(kept), all_.end());
    sorted_ = 0;
  }

private:
  struct Entry { // the key beside the pointer: a comparison seldom leaves the heap's own lines
    std::int64_t due;
    Timer* timer;
    bool operator<(const Entry& other) const {
      return due != other.due ? due < other.due : timer->order < other.timer->order;
    }
  };
  void place(std::size_t at, Entry entry) {
    all_[at] = entry;
    entry.timer->position = static_cast<std::uint32_t>(at);
  }
  // The last one goes where a gap is.
  void fill_from_back(std::size_t gap) {
    const Entry last = all_.back();
    all_.pop_back();
    if (gap != all_.size())
      place(gap, last);
  }
  void sort_in() {
    for (; sorted_ != all_.size(); ++sorted_)
      sift_up(sorted_, all_[sorted_]);
  }
  void remove_sorted(std::size_t at);
  void sift_up(std::size_t at, Entry entry);
  void sift_down(std::size_t at, Entry entry);

  std::vector<Entry> all_;
  std::size_t sorted_ = 0;  // so many of them are the heap
  std::uint64_t armed_ = 0; // how many were ever armed
};

} // namespace grove::detail
