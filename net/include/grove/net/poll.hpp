// SPDX-License-Identifier: MIT
// poll: waiting for many descriptors at once, as poll(2) does.
#pragma once

#include <poll.h>

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/wait.hpp>
#include <grove/hub/pipe.hpp>
#include <grove/net/socket.hpp>

namespace grove::net {

// A descriptor by its number, or by what owns it; of one that is closed, -1.
struct DescriptorNumber {
  DescriptorNumber(int fd) : number(fd) {} // NOLINT: implicit on purpose
  DescriptorNumber(const Socket& socket) : number(socket.descriptor()) {} // NOLINT: likewise
  DescriptorNumber(const PipeEnd& pipe) : number(pipe.descriptor()) {}    // NOLINT: likewise
  int number;
};

// poll(2) that blocks only its greenlet: waits until something is ready, sets `revents`, and
// returns how many have some; 0 if the deadline came first. There is no limit to numbers, nor to
// how many. What is not open is reported as POLLNVAL, also when it is closed meanwhile (through its
// owner, close_descriptor() or a patched close(2); of a bare one one hears when it returns for
// another reason).
// Regular files are always ready. Any number of greenlets may poll the same descriptors, and others
// wait for them. A suspension point also if something is ready at once: the others run first. A
// kill or a Timeout scope changes nothing. std::system_error if there is no descriptor or memory
// left to do it with.
std::size_t poll(std::span<pollfd> all, Deadline deadline = {});

// Poll remembers what it is to poll, and for what. Hub-local.
class Poll {
public:
  Poll();
  Poll(const Poll&) = delete;
  Poll& operator=(const Poll&) = delete;
  ~Poll() { close(); }

  struct Ready {
    int descriptor = -1;
    short events = 0; // POLLIN, POLLOUT, POLLPRI, POLLRDHUP; POLLERR, POLLHUP, POLLNVAL unasked
  };

  // From now on it is polled for these events; a second time, for these instead. EBADF for a closed
  // one.
  void add(DescriptorNumber descriptor, short events = POLLIN | POLLPRI | POLLOUT);
  // ENOENT if it was not added.
  void modify(DescriptorNumber descriptor, short events);
  void remove(DescriptorNumber descriptor);
  std::size_t size() const;

  // Those that are ready; none if the deadline came first. Closed, also when it is closed
  // meanwhile. What is added or removed meanwhile counts from the next wait on.
  std::vector<Ready> wait(Deadline deadline = {});
  // Wakes who waits. The descriptors stay open.
  void close() noexcept;

private:
  struct State;
  State& opened(const char* what) const;
  grove::detail::HomeCheck home_;
  std::shared_ptr<State> state_;
};

} // namespace grove::net
