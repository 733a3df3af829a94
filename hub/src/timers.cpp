// SPDX-License-Identifier: MIT
// The timer heap.
#include "timers.hpp"

#include <algorithm>

namespace grove::detail {

void Timers::make_room() {
  all_.resize(std::max(std::size_t{64}, 2 * room_));
  room_ = all_.size();
}

void Timers::remove(Timer& timer) noexcept {
  const std::size_t at = timer.position;
  timer.position = Timer::idle;
  if (at < sorted_)
    remove_sorted(at);
  else
    fill_from_back(at);
}

void Timers::remove_sorted(std::size_t at) {
  const Entry last = all_[--sorted_];
  fill_from_back(sorted_);
  if (at == sorted_)
    return;
  if (at > 0 && last < all_[(at - 1) / 4])
    sift_up(at, last);
  else
    sift_down(at, last);
}

void Timers::fire_due(std::int64_t now) noexcept {
  sort_in();
  while (sorted_ != 0 && all_.front().due <= now) {
    Timer& timer = *all_.front().timer;
    remove(timer);
    timer.fire(timer);
  }
}

void Timers::shift(std::int64_t by) noexcept {
  for (std::size_t at = 0; at < size_; ++at)
    all_[at].timer->due = all_[at].due += by;
}

void Timers::sift_up(std::size_t at, Entry entry) {
  while (at > 0) {
    const std::size_t parent = (at - 1) / 4;
    if (!(entry < all_[parent]))
      break;
    place(at, all_[parent]);
    at = parent;
  }
  place(at, entry);
}

void Timers::sift_down(std::size_t at, Entry entry) {
  for (;;) {
    const std::size_t first = 4 * at + 1;
    if (first >= sorted_)
      break;
    const std::size_t end = first + 4 < sorted_ ? first + 4 : sorted_;
    std::size_t least = first;
    for (std::size_t child = first + 1; child < end; ++child) {
      if (all_[child] < all_[least])
        least = child;
    }
    if (!(all_[least] < entry))
      break;
    place(at, all_[least]);
    at = least;
  }
  place(at, entry);
}

} // namespace grove::detail
