// SPDX-License-Identifier: MIT
// DescriptorTable: per descriptor number, who waits for it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <grove/hub/detail/wait.hpp>
#include <grove/hub/detail/watch.hpp>

namespace grove::detail {

// One direction of one descriptor. The watch stays active after a wake-up and is stopped only when
// an event finds nobody waiting: a request-reply loop then costs no epoll_ctl.
struct Direction {
  Watch watch;
  WaitList waiters;
  Direction(int fd, unsigned interest);
};

struct DescriptorTable {
  struct Entry {
    std::unique_ptr<Direction> read, write;
    std::uint64_t device = 0,
                  inode = 0; // of what the number stood for when it was first waited for
    void forget() noexcept;
  };
  std::vector<Entry> entries;
  WaitList closings; // see closings.hpp
};

} // namespace grove::detail
