// SPDX-License-Identifier: MIT
// Monitor: what happens to the connections of a socket.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include <grove/hub/deadline.hpp>
#include <grove/zmq/socket.hpp>

namespace grove::zmq {

// What has happened: zmq_socket_monitor(3) tells when. In brackets: what comes with it.
enum class MonitorEventKind : std::uint16_t {
  connected = 0x0001,                  // [descriptor] the handshake is still to come
  connect_delayed = 0x0002,            // connecting goes on in the background
  connect_retried = 0x0004,            // [interval] the next attempt comes after so long
  listening = 0x0008,                  // [descriptor] bound
  bind_failed = 0x0010,                // [error]
  accepted = 0x0020,                   // [descriptor] the handshake is still to come
  accept_failed = 0x0040,              // [error]
  closed = 0x0080,                     // [descriptor] by us
  close_failed = 0x0100,               // [error]
  disconnected = 0x0200,               // [descriptor] the session has broken
  monitor_stopped = 0x0400,            // the last event
  handshake_failed_no_detail = 0x0800, // [error] garbage, or the peer has gone
  handshake_succeeded = 0x1000,        // messages may go both ways
  handshake_failed_protocol = 0x2000,  // [value: a ZMQ_PROTOCOL_ERROR_...] wrong keys, too
  handshake_failed_auth = 0x4000,      // [zap_status] the Authenticator has said no
};
// "handshake_failed_auth"; "unknown event" of a number that is none of them.
const char* name_of(MonitorEventKind kind) noexcept;

struct MonitorEvent {
  MonitorEventKind kind;
  std::string endpoint; // ours or the peer's, as libzmq has it
  std::int32_t value;   // as libzmq has it; what it means depends on `kind`

  // A descriptor as it was then: it may be another's by now.
  std::optional<int> descriptor() const noexcept;
  std::optional<std::error_code> error() const noexcept;
  std::optional<std::chrono::milliseconds> interval() const noexcept;
  std::optional<int> zap_status() const noexcept; // 300, 400 or 500

  friend bool operator==(const MonitorEvent&, const MonitorEvent&) = default;
};

class MonitorEvents;

// A Monitor hears what happens to the connections of a socket, from when it is made until it is
// destroyed or the socket closed; the last event is monitor_stopped. One at a time for a socket: a
// second one ends the first. Made and used on the socket's hub; the two may go in either order.
//
// Events that nobody has read wait in memory, all of them, for libzmq would rather stop its I/O
// thread than lose one: read them. Reading is for any number of greenlets, first come, first
// served. A kill, a Timeout scope or a timeout at the wait takes no event.
class Monitor {
public:
  // Closed if the socket is; std::system_error when libzmq refuses: a descriptor is needed.
  explicit Monitor(Socket& socket);
  Monitor(Monitor&&) = delete;
  ~Monitor();

  // Waits for the next event. TimeoutError if the deadline came first; Closed after
  // monitor_stopped, and when the monitor or the context ends meanwhile.
  [[nodiscard]] MonitorEvent next(Deadline deadline = {});
  // Never waits.
  [[nodiscard]] std::optional<MonitorEvent> try_next();
  // `for (const MonitorEvent& event : monitor.events(1s))`: ends when the deadline, one for all of
  // it, has passed, or after monitor_stopped. The Monitor must outlive it.
  [[nodiscard]] MonitorEvents events(Deadline deadline = {});

  // No more events but those that are there, and monitor_stopped. Never waits.
  void stop() noexcept;

private:
  MonitorEvent taken(Multipart&& frames);
  std::function<void*()> watched_; // libzmq's handle, while it is open and we are its monitor
  Socket events_;
  bool stopped_ = false; // that event was taken
};

// An input range, to be run through once.
class MonitorEvents {
public:
  class iterator {
  public:
    using iterator_concept = std::input_iterator_tag;
    using value_type = MonitorEvent;
    using difference_type = std::ptrdiff_t;

    const MonitorEvent& operator*() const { return *events_->current_; }
    const MonitorEvent* operator->() const { return &*events_->current_; }
    iterator& operator++() {
      events_->advance();
      return *this;
    }
    void operator++(int) { events_->advance(); }
    friend bool operator==(const iterator& at, std::default_sentinel_t) { return at.done(); }

  private:
    friend class MonitorEvents;
    bool done() const { return !events_->current_.has_value(); }
    explicit iterator(MonitorEvents* events) : events_(events) {}
    MonitorEvents* events_;
  };

  iterator begin() {
    advance();
    return iterator(this);
  }
  static std::default_sentinel_t end() { return {}; }

private:
  friend class Monitor;
  MonitorEvents(Monitor& monitor, Deadline deadline) : monitor_(monitor), deadline_(deadline) {}
  void advance();

  Monitor& monitor_;
  Deadline deadline_;
  std::optional<MonitorEvent> current_;
};

inline MonitorEvents Monitor::events(Deadline deadline) { return {*this, deadline}; }

} // namespace grove::zmq
