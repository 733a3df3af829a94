// SPDX-License-Identifier: MIT
// Edge: the ZMQ_EVENTS protocol. Who may try, when to look, when to park, and whom to wake.
//
// What libzmq gives is a descriptor that is readable while commands (a message has come, there is
// room again) are waiting for the socket. Commands are handled, and the descriptor made unreadable,
// by reading ZMQ_EVENTS, and by any send or recv that feels like it: so whoever handles them for
// one direction may swallow the news for the other. The protocol, per direction:
//
//            try --- done ---> pass the turn on (and look, if the other direction waits)
//             |
//           again
//             v                 bit set
//        read ZMQ_EVENTS ----------------------> try
//             | bit clear                         ^
//             v                                   | turn granted
//   stand in line, watch the descriptor --> readable: read ZMQ_EVENTS, and for each
//                                           direction whose bit is set wake the first in line
//
// A receive that says "again" has handled the commands itself: it reads ZMQ_EVENTS only if somebody
// waits to send.
//
// It rests on one invariant: while somebody is parked in a direction and nobody holds its turn,
// either commands are waiting (the descriptor is readable, and watched), or that direction was
// looked at after the last commands were handled, and was not ready.
#pragma once

#include <cstdint>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/wait.hpp>

namespace grove::zmq::detail {

enum class Direction : std::uint8_t { receive = 0, send = 1 };
constexpr Direction other(Direction d) {
  return d == Direction::receive ? Direction::send : Direction::receive;
}
// As ZMQ_POLLIN and ZMQ_POLLOUT are.
constexpr unsigned bit(Direction d) { return d == Direction::receive ? 1U : 2U; }

// What the protocol needs of a socket.
class Port {
public:
  // ZMQ_EVENTS. Handles the waiting commands. Both bits when it fails: the operation will tell.
  virtual unsigned events() noexcept = 0;
  // Start or stop calling Edge::on_readable() while ZMQ_FD is readable (P65: never writable).
  virtual void watch(bool on) noexcept = 0;

protected:
  ~Port() = default;
};

// What came of one attempt at an operation: done (or failed: not to be tried again), or EAGAIN.
enum class Attempt : std::uint8_t { done, again };

// A callable that is tried, and is not kept.
class AttemptRef {
public:
  template <class F>
  AttemptRef(F& f) // NOLINT: implicit on purpose
      : object_(&f), call_([](void* object) noexcept { return (*static_cast<F*>(object))(); }) {}
  Attempt operator()() const noexcept { return call_(object_); }

private:
  void* object_;
  Attempt (*call_)(void*) noexcept;
};

enum class Outcome : std::uint8_t {
  done,
  again,   // tried, and has to wait
  busy,    // not tried: others are before it, or the hub is due
  timeout, // the deadline has passed
  closed,
};

// One per socket. Hub-local.
class Edge {
public:
  explicit Edge(Port& port) : port_(port) {}
  Edge(const Edge&) = delete;
  Edge& operator=(const Edge&) = delete;

  // The fast path: one attempt, and nothing else when nobody waits. Follow `again` and `busy` with
  // wait(), which completes the protocol.
  template <class F>
  Outcome first(Direction d, F& attempt) {
    if (budget_ == 0 || !idle(d)) [[unlikely]]
      return Outcome::busy;
    --budget_;
    if (attempt() == Attempt::again)
      return Outcome::again;
    if (waits(other(d))) [[unlikely]]
      settle();
    return Outcome::done;
  }

  // Stands in line and tries until it is done. `outcome` is what first() returned. The only
  // suspension points are here, before an attempt: a kill thrown out of them has done nothing. The
  // caller keeps the Edge alive.
  Outcome wait(Direction d, const char* what, Deadline deadline, AttemptRef attempt,
               Outcome outcome);

  // One attempt that never waits. `again` or `busy` mean the same to the caller.
  template <class F>
  Outcome try_once(Direction d, F& attempt) {
    if (!idle(d))
      return Outcome::busy;
    const Attempt result = attempt();
    settle();
    return result == Attempt::done ? Outcome::done : Outcome::again;
  }

  // After anything else that may have handled commands or changed who can send or receive: bind,
  // connect, options. Costs nothing when nobody waits.
  void settle() noexcept {
    if (waits(Direction::receive) || waits(Direction::send)) [[unlikely]]
      look();
  }

  // For the Port's watch.
  void on_readable() noexcept { look(); }

  // Wakes all: their wait() returns `closed`.
  void close() noexcept;

  static constexpr std::uint32_t operations_per_turn = 64; // P49

private:
  struct Line {
    grove::detail::WaitList waiters;
    bool taken = false; // the first was granted the turn and has not finished yet
  };
  Line& line(Direction d) { return lines_[static_cast<unsigned>(d)]; }
  bool idle(Direction d) { return !line(d).taken && line(d).waiters.empty(); }
  bool waits(Direction d) { return !line(d).taken && !line(d).waiters.empty(); }
  void grant(Direction d) noexcept;
  void look() noexcept;
  void finish(Direction d) noexcept;
  void update_watch() noexcept;

  Port& port_;
  Line lines_[2];
  std::uint32_t budget_ = operations_per_turn;
  bool watching_ = false;
  bool closed_ = false;
};

} // namespace grove::zmq::detail
