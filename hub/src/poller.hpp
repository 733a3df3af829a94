// SPDX-License-Identifier: MIT
// Poller: the hub's epoll set, and the active watches of each descriptor.
#pragma once

#include <sys/epoll.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace grove::detail {

class Watch;

// The kernel is told of changes just before it is asked, and of a watch's end not at all: most
// descriptors are closed next, or watched again. It may then tell of what nobody asked for any more
// (that is taken back), or of what an old number stood for, which is open elsewhere yet and can not
// be named (then a new set takes the old one's place). What epoll refuses, such as a directory, is
// taken to be ready always.
class Poller {
public:
  Poller(); // std::system_error
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;
  ~Poller();

  void add(Watch& watch);
  void remove(Watch& watch) noexcept;
  void stop_all(); // but for those that were added here, not started

  // Calls back those that are ready, as the kernel has them in order. May sleep until one is, or a
  // signal comes. Whether there was one, or what nobody asked for any more.
  bool poll(bool may_sleep);

  // A set of its own in the place of one that others share, or that has gone stale. False, and
  // nothing has changed, if there is no descriptor left for it.
  bool renew();

private:
  enum class Known : unsigned char { no, perhaps, yes }; // to the kernel
  struct Entry {
    Watch* first = nullptr;
    std::uint32_t generation = 0; // goes with what the kernel is told, and comes back with events
    unsigned char told = 0;       // in which directions
    Known known = Known::no;
    bool changed = false; // is in changed_
    bool refused = false; // is in refused_
  };
  Entry& of(int fd) { return entries_[static_cast<std::size_t>(fd)]; }
  void change(int fd);
  void tell_kernel(int fd);
  bool control(int operation, int fd, const Entry& entry) const;
  void look_ahead(std::span<const epoll_event> events);
  void hear(const epoll_event& event);
  bool call(Watch* first, unsigned ready);
  void call_refused();

  int set_;
  std::vector<Entry> entries_; // by descriptor
  std::vector<int> changed_;
  std::vector<int> refused_;
  std::vector<epoll_event> events_; // doubled when it was full
  Watch* next_ = nullptr;           // to be called, as long as nobody removes it
  bool stale_ = false;
};

} // namespace grove::detail
