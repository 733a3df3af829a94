// SPDX-License-Identifier: MIT
// Stream: bytes in both directions, whatever carries them.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <grove/hub/deadline.hpp>

namespace grove::net {

// Stream is what TCP and Unix sockets, TLS and pairs of pipes have in common. Hub-local. One
// greenlet at a time receives and one sends, and they may be two: std::logic_error for a second in
// the same direction. Every call that takes a deadline is a suspension point; it throws
//   - TimeoutError when the deadline came first,
//   - Closed when the stream is, or gets, closed on this side,
//   - std::system_error when the connection fails, with what was tried on what.
// Of a receiving call that a kill or a timeout interrupts nothing is lost: what it had already
// taken comes first in the next one. Of a sending one an unknown part has been sent: only closing
// is left to do.
class Stream {
public:
  Stream() = default;
  Stream(Stream&&) noexcept = default;
  Stream& operator=(Stream&&) noexcept = default;
  virtual ~Stream() = default;

  // -- receiving -----------------------------------------------------------------------------
  // At least one byte, at most so many; 0 at the end (or into an empty span).
  std::size_t recv_into(std::span<char> into, Deadline deadline = {}) {
    return kept_ == nullptr ? read_some(into, deadline) : take_kept(into);
  }
  std::string recv(std::size_t at_most, Deadline deadline = {}); // empty at the end
  // All of it, under one deadline. Closed if the stream ends before.
  void recv_exactly(std::span<char> into, Deadline deadline = {});
  std::string recv_exactly(std::size_t count, Deadline deadline = {});
  // Until recv_into() would not wait; takes nothing. False if the deadline came first. A server
  // that waits so for its next request needs no buffer meanwhile.
  bool wait_readable(Deadline deadline = {}) { return kept_ != nullptr || wait_to_read(deadline); }

  // -- sending -------------------------------------------------------------------------------
  // Some of it, at least one byte (none of nothing); how much.
  std::size_t send(std::string_view data, Deadline deadline = {}) {
    return write_some(std::span(&data, 1), deadline);
  }
  // All of it, under one deadline; several parts leave together (writev(2)).
  void send_all(std::string_view data, Deadline deadline = {});
  void send_all(std::span<const std::string_view> parts, Deadline deadline = {});
  // Likewise, and it may take long: TimeoutError when none of it has gone for `stall`.
  void send_steadily(std::string_view data, std::chrono::nanoseconds stall) {
    send_steadily(std::span(&data, 1), stall);
  }
  void send_steadily(std::span<const std::string_view> parts, std::chrono::nanoseconds stall);

  // -- the end -------------------------------------------------------------------------------
  // Says that nothing more will be sent: the peer sees the end. Receiving goes on.
  virtual void shutdown_write(Deadline deadline = {}) = 0;
  // Wakes with Closed who waits. A second time: nothing.
  virtual void close() noexcept = 0;
  virtual bool is_open() const noexcept = 0;
  // For error texts and logs: "tcp 127.0.0.1:4711 to 127.0.0.1:80".
  virtual std::string name() const = 0;

protected:
  // The same, without what was kept. Between writing to `into` and returning there is no switch: it
  // may be a buffer of the hub's. `parts` may hold empty ones.
  virtual std::size_t read_some(std::span<char> into, Deadline deadline) = 0;
  virtual bool wait_to_read(Deadline deadline) = 0;
  virtual std::size_t write_some(std::span<const std::string_view> parts, Deadline deadline) = 0;
  bool has_kept() const { return kept_ != nullptr; }

private:
  template <class NextLimit>
  void send_each(std::span<const std::string_view> parts, NextLimit next_limit);
  std::size_t take_kept(std::span<char> into);
  void keep(std::string_view taken);
  std::unique_ptr<std::string> kept_; // by a call that was interrupted; never empty
};

} // namespace grove::net
