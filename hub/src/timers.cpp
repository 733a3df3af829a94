// SPDX-License-Identifier: MIT
// The timer heap.
#include "timers.hpp"

namespace grove::detail {

void Timers::add(Timer& timer, std::int64_t due) {
  if (timer.armed())
    remove(timer);
  const Entry entry{due, armed_, &timer};
  heap_.push_back(entry); // all that can throw
  timer.due = due;
  timer.order = armed_++;
  const std::size_t at = heap_.size() - 1;
  if (at == 0 || !(entry < heap_[(at - 1) / 4])) // most are due late
    timer.position = static_cast<std::uint32_t>(at);
  else
    sift_up(at, entry);
}

void Timers::remove(Timer& timer) noexcept {
  const std::size_t at = timer.position;
  timer.position = Timer::idle;
  if (at == heap_.size() - 1) { // most end soon
    heap_.pop_back();
    return;
  }
  const Entry last = heap_.back();
  heap_.pop_back();
  if (at > 0 && last < heap_[(at - 1) / 4])
    sift_up(at, last);
  else
    sift_down(at, last);
}

void Timers::fire_due(std::int64_t now) noexcept {
  const std::uint64_t armed_before = armed_;
  while (!heap_.empty() && heap_.front().due <= now && heap_.front().order < armed_before) {
    Timer& timer = *heap_.front().timer;
    remove(timer);
    timer.fire(timer);
  }
}

void Timers::shift(std::int64_t by) noexcept {
  for (Entry& entry : heap_)
    entry.timer->due = entry.due += by;
}

void Timers::sift_up(std::size_t at, const Entry& entry) {
  while (at > 0) {
    const std::size_t parent = (at - 1) / 4;
    if (!(entry < heap_[parent]))
      break;
    place(at, heap_[parent]);
    at = parent;
  }
  place(at, entry);
}

void Timers::sift_down(std::size_t at, const Entry& entry) {
  for (;;) {
    const std::size_t first = 4 * at + 1;
    if (first >= heap_.size())
      break;
    const std::size_t end = first + 4 < heap_.size() ? first + 4 : heap_.size();
    std::size_t least = first;
    for (std::size_t child = first + 1; child < end; ++child) {
      if (heap_[child] < heap_[least])
        least = child;
    }
    if (!(heap_[least] < entry))
      break;
    place(at, heap_[least]);
    at = least;
  }
  place(at, entry);
}

} // namespace grove::detail
