// SPDX-License-Identifier: MIT
// Context: the I/O threads that a group of ZeroMQ sockets shares.
#pragma once

#include <memory>

#include <grove/hub/deadline.hpp>

namespace grove::zmq {

namespace detail {
class ContextState;
}

struct ContextOptions {
  int io_threads = 1;     // one serves about a gigabyte a second
  int max_sockets = 1023; // open at the same time
};

// A Context owns libzmq's I/O threads and the names of inproc:// endpoints. One per process will do
// for nearly every program: process(). Any thread, any hub. The sockets made in it keep it alive:
// the last of a Context and its sockets to go ends it, and waits until what was sent has left or
// its LINGER is over (see Socket). On a hub that wait parks only the greenlet, shielded from kills;
// on a thread without a hub, and at the exit of the process, it blocks.
class Context {
public:
  // std::system_error when libzmq refuses.
  explicit Context(ContextOptions options = {});
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context();

  // The one that sockets use by default. It ends with the process, unless sockets are still open
  // then (those of greenlets that were abandoned): their last messages may be lost.
  static Context& process();

  // From now on every operation on its sockets, also one that waits, throws Closed. Never waits.
  void shutdown() noexcept;

  // shutdown(), then waits until all its sockets are closed and nothing lingers. False if the
  // deadline came first. A timeout or a kill ends only the wait: the termination goes on in the
  // background, and term() may be called again. No socket can be made any more.
  bool term(Deadline deadline = {});

  // libzmq's own handle, for foreign threads and libraries; null once terminated.
  void* native_handle() const noexcept;

private:
  friend class Socket;
  std::shared_ptr<detail::ContextState> state_;
};

} // namespace grove::zmq
