// SPDX-License-Identifier: MIT
// Whether a call may wait green, and how it does.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/hub_state.hpp>
#include <grove/hub/detail/readiness.hpp>

#include "calls.hpp"

namespace grove::patch {

enum Group : unsigned { sockets = 1, streams = 2, polling = 4, sleeping = 8, names = 16 };
inline constinit std::atomic<unsigned> enabled{0};

// A hub's thread, on the stack of the greenlet that runs (and not on that of a signal handler), and
// not in the hub's own loop.
[[gnu::always_inline]] inline bool on_greenlet() {
  const detail::HubState& hub = *detail::this_hub;
  if (hub.index == detail::no_hub_index || hub.in_loop)
    return false;
  const auto* here = static_cast<const char*>(__builtin_frame_address(0));
  return here >= hub.context->limit && here < hub.context->limit + hub.context->size;
}
[[gnu::always_inline]] inline bool green(Group group) {
  return (enabled.load(std::memory_order_relaxed) & group) != 0 && on_greenlet();
}

// This process is the child of a vfork(): the memory, and so the hub, is its parent's.
bool in_vforked_child();
void remember_process(); // which it is; again in the child of a fork()

inline bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK; }

// What came of a try to wait.
enum class Waited {
  ready,
  failed, // errno tells how: ECANCELED, EBADF, or what a time limit gives
  inert,  // it must be left to the kernel
};
Waited wait_for(Id id, int fd, unsigned interest, Deadline deadline, int error_of_timeout);
// A suspension point without a descriptor: the time has come, or an interrupt has (failed).
Waited sleep_until(Id id, Deadline deadline);

// Whoever need not wait for long lets others run now and then.
void count_success();

// The waits of one call on a socket that the kernel was asked not to block for. What is asked about
// the socket is asked once, and only if there is something to wait for.
class SocketWait {
public:
  SocketWait(Id id, int fd, unsigned interest) : id_(id), fd_(fd), interest_(interest) {}
  // After EAGAIN. failed and EAGAIN: its user wants to hear that, or its time is up.
  Waited once();
  // Whether its user has asked for O_NONBLOCK, as errno EAGAIN then; or it is no descriptor.
  bool blocks();

private:
  Id id_;
  int fd_;
  unsigned interest_;
  enum class Asked { no, blocks, does_not } asked_ = Asked::no;
  bool timed_ = false;
  Deadline deadline_;
};
// SO_RCVTIMEO or SO_SNDTIMEO, from now on.
Deadline socket_deadline(int fd, int option);

// call(flags) until it does not say EAGAIN any more. errno stays as it was if it succeeds.
template <class F>
auto on_socket(Id id, int fd, unsigned interest, F call) {
  const int before = errno;
  SocketWait wait(id, fd, interest);
  for (;;) {
    const auto result = call(MSG_DONTWAIT);
    if (result >= 0) {
      errno = before;
      count_success();
      return result;
    }
    if (errno == EINTR)
      continue;
    if (!would_block())
      return result;
    switch (wait.once()) {
    case Waited::ready:
      continue;
    case Waited::failed:
      return result;
    case Waited::inert:
      return call(0);
    }
  }
}

} // namespace grove::patch
