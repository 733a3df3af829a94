// SPDX-License-Identifier: MIT
// select: which of many descriptors can be read or written.
#pragma once

#include <span>
#include <vector>

#include <grove/hub/deadline.hpp>
#include <grove/net/poll.hpp>

namespace grove::net {

// The numbers of those that are ready, in the order they were given in, each once.
struct Selected {
  std::vector<int> readable{};    // or at the end, or failed
  std::vector<int> writable{};    // or failed
  std::vector<int> exceptional{}; // urgent data of TCP
  bool empty() const { return readable.empty() && writable.empty() && exceptional.empty(); }
};

// Waits until one is ready; nothing if the deadline came first, so that select() of nothing with a
// deadline is a sleep. As net::poll(), with three lists; a descriptor that is not open, or is
// closed meanwhile, is std::system_error EBADF.
//
//   const Selected ready = select({listener, client}, {}, {}, 1s);
Selected select(const std::vector<DescriptorNumber>& reads,
                const std::vector<DescriptorNumber>& writes = {},
                const std::vector<DescriptorNumber>& excepts = {}, Deadline deadline = {});

} // namespace grove::net
