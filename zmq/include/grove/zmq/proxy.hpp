// SPDX-License-Identifier: MIT
// Proxy: passes messages on between two sockets, both ways.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string_view>

#include <grove/hub/deadline.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/zmq/socket.hpp>

namespace grove::zmq {

// What has gone one way, since the proxy was made.
struct ProxyCounts {
  std::uint64_t messages = 0; // passed on
  std::uint64_t parts = 0;    // of these
  std::uint64_t bytes = 0;    // of these
  std::uint64_t dropped = 0;  // messages that could not be: a ROUTER's peer is unknown, or has gone
  friend bool operator==(const ProxyCounts&, const ProxyCounts&) = default;
};

struct ProxyStats {
  ProxyCounts to_backend;
  ProxyCounts to_frontend;
  std::uint64_t unknown_commands = 0; // at the control socket
};

struct ProxyOptions {
  // Gets a copy of every message, which shares its bytes. PUB, PUSH, PAIR, DEALER or XPUB. One that
  // waits for room stops both directions; a PUB never does.
  std::optional<Socket> capture{};
  // REP, PAIR, PULL or SUB. Takes the words PAUSE, RESUME, TERMINATE and STATISTICS, one a message,
  // as zmq_proxy_steerable(3): a REP answers each with an empty message, and a REP or PAIR
  // STATISTICS with eight numbers of 64 bits in the order of this machine (messages and bytes:
  // received by the frontend, sent by it, received by the backend, sent by it).
  std::optional<Socket> control{};
};

// A Proxy takes every message that comes to one socket and sends it, whole and moved rather than
// copied, through the other; both ways where the types allow it (ROUTER and DEALER, XSUB and XPUB),
// or one way (PULL to PUSH, SUB to PUB). Each way has a greenlet on the hub that made the proxy,
// and waits by itself: a side that is full stops only the way to it. At most one message for each
// way is in the proxy's own hands; nothing is lost by pausing, and nothing half sent by ending.
//
// A message that a ROUTER has no peer for is dropped and counted, as is one that finds no room
// within the socket's `sndtimeo`; without that option, a peer that does not read holds up those
// behind it. Any other error ends the proxy, as does the end of a socket or its context (Closed).
//
// It owns its sockets: bind and connect them before, or through frontend() and backend().
// Hub-local. Destroying it ends it, under a Shield, and closes them.
class Proxy {
public:
  // std::invalid_argument for REQ and REP, which have turns, for two that pass nothing on, for a
  // capture that cannot send, and for a control of another type.
  Proxy(Socket frontend, Socket backend, ProxyOptions options = {});
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;
  ~Proxy();

  Socket& frontend() noexcept { return frontend_; }
  Socket& backend() noexcept { return backend_; }

  // -- running -------------------------------------------------------------------------------
  // Begins, and returns at once. A second time, or after the end: nothing happens.
  void start();
  // start(), then join(); whatever else ends the call (a kill, a Timeout scope) ends the proxy too.
  void run();
  // Waits for the end: by stop(), TERMINATE or an error, which is thrown. False if the deadline
  // came first. A kill ends only the wait.
  bool join(Deadline deadline = {});

  // -- steering ------------------------------------------------------------------------------
  // Messages stay where they are until resume(). Waits a moment, until nothing moves any more.
  // Works before start(), too.
  void pause();
  void resume(); // never waits
  // The end. A message in the proxy's hands stays there, and goes with it. Waits as pause() does. A
  // second time: nothing.
  void stop();

  // -- state ---------------------------------------------------------------------------------
  bool paused() const noexcept { return paused_; }
  bool ended() const noexcept { return ended_.is_set(); }
  ProxyStats stats() const noexcept;

private:
  struct Way {
    Socket& from;
    Socket& to;
    bool exists; // these types can
    ProxyCounts counts{};
    std::uint64_t dropped_bytes = 0;
    Multipart held{}; // received and not sent yet
    bool captured = false;
    GreenletRef<> mover{};
  };
  bool moving() const noexcept { return started_ && !paused_ && !ended(); }
  void spawn_movers();
  void halt();
  void finish(std::exception_ptr error) noexcept;
  void guarded(const std::function<void()>& work);
  void move_messages(Way& way);
  void pass_on(Way& way);
  void obey();
  void carry_out(std::string_view word);
  Multipart statistics() const;

  Socket frontend_;
  Socket backend_;
  std::optional<Socket> capture_;
  std::optional<Socket> control_;
  Way to_backend_;
  Way to_frontend_;
  GreenletRef<> obeyer_;
  Event ended_;
  std::exception_ptr error_;
  std::uint64_t unknown_commands_ = 0;
  bool started_ = false;
  bool paused_ = false;
};

} // namespace grove::zmq
