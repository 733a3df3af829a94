// SPDX-License-Identifier: MIT
// select: three lists, polled as one.
#include <grove/net/select.hpp>

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <string>
#include <system_error>
#include <vector>

namespace grove::net {

namespace {

void add(std::vector<pollfd>& all, const std::vector<DescriptorNumber>& some, short events) {
  for (const DescriptorNumber& one : some) {
    if (one.number < 0) {
      throw std::system_error(EBADF, std::system_category(),
                              "select: descriptor " + std::to_string(one.number));
    }
    all.push_back({one.number, events, 0});
  }
}

} // namespace

Selected select(const std::vector<DescriptorNumber>& reads,
                const std::vector<DescriptorNumber>& writes,
                const std::vector<DescriptorNumber>& excepts, Deadline deadline) {
  std::vector<pollfd> all;
  all.reserve(reads.size() + writes.size() + excepts.size());
  add(all, reads, POLLIN);
  add(all, writes, POLLOUT);
  add(all, excepts, POLLPRI);
  Selected selected;
  if (poll(all, deadline) == 0)
    return selected;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const pollfd& one = all[i];
    if ((one.revents & POLLNVAL) != 0) {
      throw std::system_error(EBADF, std::system_category(),
                              "select: descriptor " + std::to_string(one.fd));
    }
    const bool reading = i < reads.size();
    const bool writing = !reading && i < reads.size() + writes.size();
    // What select(2) calls readable and writable.
    const int wanted = reading ? POLLIN | POLLHUP | POLLERR : writing ? POLLOUT | POLLERR : POLLPRI;
    std::vector<int>& list = reading   ? selected.readable
                             : writing ? selected.writable
                                       : selected.exceptional;
    if ((one.revents & wanted) != 0 && std::ranges::find(list, one.fd) == list.end())
      list.push_back(one.fd);
  }
  return selected;
}

} // namespace grove::net
