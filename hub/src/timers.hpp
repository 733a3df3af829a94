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
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  std::int64_t earliest() { // of one at least
    sort_in();
    return all_.front().due;
  }
  void add(Timer& timer, std::int64_t due) {
    if (timer.armed()) [[unlikely]]
      remove(timer);
    if (!has_room()) [[unlikely]]
      make_room(); // all that can throw
    add_idle(timer, due);
  }
  bool has_room() const { return size_ != room_; }
  void make_room();
  // One that is not armed; there is room for it.
  void add_idle(Timer& timer, std::int64_t due) noexcept {
    const std::size_t at = size_++;
    all_[at] = {due, &timer};
    timer.due = due;
    timer.order = armed_++;
    timer.position = static_cast<std::uint32_t>(at);
  }
  // If it is the one that was armed last, which is nearly always so, and has not been sorted in.
  bool remove_last(Timer& timer) noexcept {
    const std::size_t last = size_ - 1;
    if (timer.position != last || last < sorted_)
      return false;
    size_ = last;
    timer.position = Timer::idle;
    return true;
  }
  void remove(Timer& timer) noexcept; // an armed one
  // Fires everything due by `now`, in order; what that arms anew waits for the next call.
  void fire_due(std::int64_t now) noexcept;
  // Moves all of them by that many nanoseconds.
  void shift(std::int64_t by) noexcept;
  // Disarms all others, without firing them.
  template <class Keep>
  void keep_if(Keep keep) noexcept {
    std::size_t kept = 0;
    for (std::size_t at = 0; at < size_; ++at) {
      const Entry entry = all_[at]; // a copy: its place may be taken
      if (keep(*entry.timer))
        place(kept++, entry);
      else
        entry.timer->position = Timer::idle;
    }
    size_ = kept;
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
    --size_;
    if (gap != size_)
      place(gap, all_[size_]);
  }
  void sort_in() {
    for (; sorted_ != size_; ++sorted_)
      sift_up(sorted_, all_[sorted_]);
  }
  void remove_sorted(std::size_t at);
  void sift_up(std::size_t at, Entry entry);
  void sift_down(std::size_t at, Entry entry);

  std::vector<Entry> all_;  // with room behind the last
  std::size_t size_ = 0;    // so many of them are timers
  std::size_t room_ = 0;    // all_.size()
  std::size_t sorted_ = 0;  // so many of them are the heap
  std::uint64_t armed_ = 0; // how many were ever armed
};

} // namespace grove::detail
