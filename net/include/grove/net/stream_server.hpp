// SPDX-License-Identifier: MIT
// StreamServer: accepts connections and calls a handler for each.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/type_name.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/net/address.hpp>
#include <grove/net/listener.hpp>
#include <grove/net/spawn_policy.hpp>
#include <grove/net/stream_socket.hpp>

namespace grove::net {

namespace detail {
class StreamServerCore;
}

struct StreamServerOptions {
  // Backlog and the like; for a server of an address only.
  std::optional<ListenOptions> listen{};
  SpawnPolicy spawn{};
  // So many connections at a time; more wait in the kernel. std::invalid_argument for 0.
  std::size_t max_connections = std::numeric_limits<std::size_t>::max();
  // So many of one peer's IP address (of one /64 network, with IPv6); more are reset at once.
  std::size_t max_per_peer = std::numeric_limits<std::size_t>::max();
  std::size_t max_accept = 100; // in a row, then everybody else has a turn
  // How long it pauses after accept(2) has failed: from the one, doubled each time, to the other.
  std::chrono::milliseconds min_delay{10};
  std::chrono::milliseconds max_delay{1000};
  // How long handlers may go on when serve_forever() is interrupted, before they are killed.
  std::chrono::milliseconds grace{1000};
  std::string name{}; // in texts; empty: the handler's type
};

// Since the server was made.
struct StreamServerStats {
  std::uint64_t accepted = 0; // handlers that were called, or will be
  std::uint64_t ended = 0;    // of these, handlers that have ended, in whatever way
  std::uint64_t failed = 0;   // of these, by an exception
  std::uint64_t refused = 0;  // connections reset because of max_per_peer
  std::uint64_t shed = 0;     // connections reset for want of descriptors
  std::uint64_t pauses = 0;   // after accept(2) had failed, or a greenlet could not be made
  friend bool operator==(const StreamServerStats&, const StreamServerStats&) = default;
};

// A connection whose handler has not ended.
struct ConnectionInfo {
  Address peer; // none for a Unix socket without a name
  std::chrono::steady_clock::time_point since;
  std::uint64_t received = 0; // bytes, as TCP counts; 0 for Unix sockets, and once the handler
  std::uint64_t sent = 0;     // has moved the socket out
  GreenletRef<> handler;      // to look at, or to kill; empty if it has none (yet)
};

// What handles a connection: f(socket) or f(socket, peer). It is kept, and called for several
// connections at once.
template <class F>
concept StreamHandler = std::copy_constructible<std::decay_t<F>> &&
    (std::invocable<std::decay_t<F>&, StreamSocket&> ||
     std::invocable<std::decay_t<F>&, StreamSocket&, const Address&>);

// StreamServer listens at an address and calls its handler with each connection. Hub-local; its
// work is done by greenlets of its own, so it serves while others wait, once it was started.
//
// The socket is the server's. When the handler returns it is closed, unless the handler has moved
// it out (into a TLS stream, into a greenlet that outlives it): then whoever has it now closes it,
// and the server does not know about it any more. Closing a socket with data that nobody has read
// resets the connection, as ever with TCP. What the handler throws is reported once, to the hub's
// error hook, and its connection is closed; the others go on.
//
// When accept(2) fails for want of descriptors or memory this is reported, once until it succeeds
// again, and the server pauses; connections that wait for a descriptor are reset meanwhile (it
// keeps one in reserve for that), so that their clients know.
//
// In the child of a fork() the parent's server is left alone, and its calls throw std::logic_error.
class StreamServer {
public:
  // Listens when it is started. Port 0: see address().
  template <StreamHandler H>
  StreamServer(const Address& address, H&& handler, StreamServerOptions options = {})
      : StreamServer(address, function(std::forward<H>(handler)), handler_name<H>(),
                     std::move(options)) {}
  // From a socket that listens already. std::invalid_argument if options.listen is given, too.
  template <StreamHandler H>
  StreamServer(Listener listener, H&& handler, StreamServerOptions options = {})
      : StreamServer(std::move(listener), function(std::forward<H>(handler)), handler_name<H>(),
                     std::move(options)) {}
  StreamServer(StreamServer&&) noexcept = default;
  StreamServer& operator=(StreamServer&&) = delete;
  // Kills the handlers that are left and waits for their ends, under a Shield.
  ~StreamServer();

  // Listens, and goes on doing so; nothing if it does. Again after stop(), at the same port:
  // std::logic_error if it was made from a listener, which is gone then. std::system_error.
  void start();
  // Starts it if it is not, and waits until it has stopped: by stop() or stop_accepting() and then
  // the ends of all handlers. If a kill, a timeout or a signal (see grove::Main) ends the wait, the
  // server is stopped, within options.grace, before that goes on.
  void serve_forever();

  // The wait alone. False if the deadline came first.
  bool wait_stopped(Deadline deadline = {});

  // Closes the listener, and never waits: who connects from now on is refused. Handlers go on.
  // Connections that the kernel has already made wait for their handlers; none is lost, except for
  // want of descriptors. (A listener that the server was given may be others' too: what waits there
  // is left to them.)
  void stop_accepting();
  // stop_accepting(), then waits for the ends of all handlers. False if the deadline came first:
  // those that were left have then been killed, and waited for under a Shield. A kill or a timeout
  // ends the wait only: it can be called again. std::logic_error in a handler of the server's own.
  bool stop(Deadline deadline = {});

  bool accepting() const; // it has a listener
  // Where it listens, or last did; before, what it was made with.
  Address address() const;
  StreamServerStats stats() const;
  std::size_t connections_count() const;
  std::vector<ConnectionInfo> connections() const; // the oldest first
  // "StreamServer at 127.0.0.1:4711, handler serve(int)::<lambda(StreamSocket&)>".
  std::string to_string() const;

private:
  using Function = std::function<void(StreamSocket&, const Address&)>;
  StreamServer(const Address& address, Function handler, std::string_view type,
               StreamServerOptions options);
  StreamServer(Listener listener, Function handler, std::string_view type,
               StreamServerOptions options);

  template <class H>
  static Function function(H&& handler) {
    using F = std::decay_t<H>;
    if constexpr (std::invocable<F&, StreamSocket&, const Address&>) {
      return [f = F(std::forward<H>(handler))](StreamSocket& socket, const Address& peer) mutable {
        std::invoke(f, socket, peer);
      };
    } else {
      return [f = F(std::forward<H>(handler))](StreamSocket& socket, const Address&) mutable {
        std::invoke(f, socket);
      };
    }
  }
  template <class H>
  static constexpr std::string_view handler_name() {
    return grove::detail::qualified_name_view<std::decay_t<H>>();
  }

  std::shared_ptr<detail::StreamServerCore> core_; // also held by calls that wait
};

} // namespace grove::net
