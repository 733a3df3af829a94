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
//                                           direction whose bit is set serve the first in line
//
// Three kinds wait. A call (recv) is granted the turn, and tries when it runs; meanwhile nobody
// else may. An operation of wait_any() is tried by whoever serves the line, and woken only when it
// is done, since others of its greenlet may win first; after an attempt for it ZMQ_EVENTS is read
// again if anybody is still waiting. A watcher, of wait(), stands beside the lines, is woken when
// the bit of its direction is set, and takes no turn.
//
// A receive that says "again" has handled the commands itself: it reads ZMQ_EVENTS only if somebody
// waits to send.
//
// It rests on one invariant: while somebody stands in a direction and nobody holds its turn, either
// commands are waiting (the descriptor is readable, and watched), or that direction was looked at
// after the last commands were handled, and was not ready, or a reminder is under way.
//
// The reminder may take the watch's place for a moment: who waits alone, and stays so, leaves a
// stream to gather (gather.hpp). Whoever joins it, or leaves, ends that.
#pragma once

#include <chrono>
#include <cstdint>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/wait.hpp>
#include <grove/zmq/detail/attempt.hpp>

namespace grove::zmq::detail {

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
  // Start or stop calling Edge::on_readable() while ZMQ_FD is readable (P65: never writable). To
  // stop also calls off what remind() promised.
  virtual void watch(bool on) noexcept = 0;
  // Calls Edge::on_reminder() from the hub's poll, so much later; of several, at the first. After
  // no time at all it comes before any deadline that is due then.
  virtual void remind(std::chrono::nanoseconds after) noexcept = 0;
  // Somebody was refused, and nobody else waits: for how long it should not be woken, so that
  // messages, or room for them, gather. Zero: not at all.
  virtual std::chrono::nanoseconds pause(Direction d) noexcept = 0;

protected:
  ~Port() = default;
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
  struct Counts {
    std::uint64_t wake_ups = 0; // greenlets that were given the turn, their message, or the news
    std::uint64_t spurious = 0; // of these, who found nothing
    std::uint64_t again = 0;    // attempts that were refused
    std::uint64_t looks = 0;    // readings of ZMQ_EVENTS
    std::uint64_t glances = 0;  // looks because ZMQ_EVENTS had contradicted an attempt
    std::uint64_t gathers = 0;  // waits that began without the watch
  };

  explicit Edge(Port& port) : port_(port) {}
  Edge(const Edge&) = delete;
  Edge& operator=(const Edge&) = delete;

  // -- calls -----------------------------------------------------------------------------------
  // The fast path: one attempt, and nothing else when nobody waits. Follow `again` and `busy` with
  // wait(), which completes the protocol.
  template <class F>
  Outcome first(Direction d, F& attempt) {
    if (budget_ == 0 || !idle(d)) [[unlikely]]
      return Outcome::busy;
    --budget_;
    if (attempt() == Attempt::again) {
      ++counts_.again;
      return Outcome::again;
    }
    if (watching_) [[unlikely]]
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
    Attempt result = attempt();
    counts_.again += result == Attempt::again;
    // A send that says "again" may not have looked whether there is room by now (P66).
    if (result == Attempt::again && d == Direction::send && (look(true) & bit(d)) != 0 && idle(d)) {
      result = attempt();
      counts_.again += result == Attempt::again;
    }
    settle();
    return result == Attempt::done ? Outcome::done : Outcome::again;
  }

  // -- operations ------------------------------------------------------------------------------
  // Try, stand in line, leave it, in this order; between the first two nothing suspends. A waiter's
  // `item` is its Errand.
  bool try_now(Direction d, Errand& errand) noexcept;
  void stand(Direction d, grove::detail::Waiter& waiter, const Errand& errand) noexcept;
  void leave(Direction d, grove::detail::Waiter& waiter, const Errand& errand) noexcept;

  // Who is done asks whether it has to give way, and says that it has.
  bool due() const noexcept { return budget_ == 0; }
  void rested() noexcept { budget_ = operations_per_turn; }

  // -- watchers: likewise ------------------------------------------------------------------------
  // False also when others have to run first: who then stands is told after that.
  bool is_ready(Direction d, std::uint64_t& seen) noexcept;
  void stand_by(Direction d, grove::detail::Waiter& waiter, std::uint64_t seen) noexcept;
  void leave(grove::detail::Waiter& waiter) noexcept;

  // -- news ------------------------------------------------------------------------------------
  // After anything else that may have handled commands or changed who can send or receive: bind,
  // connect, options. Costs nothing when nobody waits.
  void settle() noexcept {
    if (wants_news(Direction::receive) || wants_news(Direction::send)) [[unlikely]]
      look();
  }
  // For the Port's watch and reminder.
  void on_readable() noexcept { look(); }
  void on_reminder() noexcept;

  // Wakes all: their wait() returns `closed`, operations and watchers are broken.
  void close() noexcept;
  bool closed() const noexcept { return closed_; }

  const Counts& counts() const noexcept { return counts_; }
  static constexpr std::uint32_t operations_per_turn = 64; // P49

private:
  struct Line {
    grove::detail::WaitList waiters;
    grove::detail::WaitList watchers;
    bool taken = false; // a call was granted the turn and has not finished yet
  };
  // What became of a line: whether anything was tried, and whether the last attempt was refused.
  struct Served {
    bool tried = false;
    Errand* refused = nullptr;
  };
  Line& line(Direction d) { return lines_[static_cast<unsigned>(d)]; }
  bool idle(Direction d) { return !line(d).taken && line(d).waiters.empty(); }
  bool stands(Direction d) { return !line(d).waiters.empty() || !line(d).watchers.empty(); }
  bool anybody() { return stands(Direction::receive) || stands(Direction::send); }
  bool wants_news(Direction d) {
    return (!line(d).taken && !line(d).waiters.empty()) || !line(d).watchers.empty();
  }
  unsigned events() noexcept;
  unsigned look(bool fresh = false) noexcept;
  Served serve(Direction d) noexcept;
  void pass_on(Direction d) noexcept;
  void look_before_parking(std::uint64_t seen) noexcept;
  void doubt() noexcept;
  void update_watch() noexcept;
  std::chrono::nanoseconds pause(Direction d, Deadline deadline) noexcept;
  void gather(std::chrono::nanoseconds pause) noexcept;

  Port& port_;
  Line lines_[2];
  std::uint32_t budget_ = operations_per_turn;
  bool watching_ = false;  // true while anybody stands, perhaps a little longer
  bool gathering_ = false; // watching_ in name only: a reminder is under way
  bool doubt_ = false;     // a reminder is under way for the sake of a doubtful one
  bool closed_ = false;
  std::uint64_t acts_ = 0; // what may have handled commands, as far as operations must know
  Counts counts_;
};

} // namespace grove::zmq::detail
