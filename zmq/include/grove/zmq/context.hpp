// SPDX-License-Identifier: MIT
// Context: the I/O threads that a group of ZeroMQ sockets shares.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <grove/hub/deadline.hpp>
#include <grove/zmq/socket_type.hpp>

namespace grove::zmq {

namespace detail {
class ContextState;
}

struct ContextOptions {
  int io_threads = 1;     // one serves about a gigabyte a second
  int max_sockets = 1023; // open at the same time
};

// A socket that has not been closed.
struct OpenSocket {
  SocketType type;
  std::vector<std::string> endpoints; // bound and connected ones, the oldest first
  std::uint16_t hub;                  // Hub::index() of the hub it belongs to
};

// A Context owns libzmq's I/O threads and the names of inproc:// endpoints. One per process will do
// for nearly every program: process(). Any thread, any hub. The sockets made in it keep it alive:
// the last of a Context and its sockets to go ends it, and waits until what was sent has left or
// its LINGER is over (see Socket). On a hub that wait parks only the greenlet, shielded from kills;
// on a thread without a hub, and at the exit of the process, it blocks.
//
// In the child of a fork() the parent's contexts and sockets are dead: std::logic_error when used;
// destroying them closes nothing. process() is a new one there.
class Context {
public:
  // std::system_error when libzmq refuses.
  explicit Context(ContextOptions options = {});
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context();

  // The one that sockets use by default. It ends with the process, unless sockets are still open
  // then (those of greenlets that were abandoned): they are logged, and their last messages may be
  // lost.
  static Context& process();

  // From now on every operation on its sockets throws Closed; a greenlet that sends or receives and
  // never has to wait hears of it when it next gives way, 64 operations later at the latest. Never
  // waits.
  void shutdown() noexcept;

  // shutdown(), then waits until all its sockets are closed and nothing lingers. False if the
  // deadline came first; the log then names the sockets that are open. A timeout or a kill ends
  // only the wait: the termination goes on in the background, and term() may be called again. No
  // socket can be made any more.
  bool term(Deadline deadline = {});

  // In the order in which they were made.
  std::vector<OpenSocket> open_sockets() const;

  // libzmq's own handle, for foreign threads and libraries; null once terminated.
  void* native_handle() const noexcept;

private:
  friend class Socket;
  std::shared_ptr<detail::ContextState> state_;
};

} // namespace grove::zmq
