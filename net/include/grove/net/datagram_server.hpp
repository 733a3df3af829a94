// SPDX-License-Identifier: MIT
// DatagramServer: receives datagrams and calls a handler for each.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/type_name.hpp>
#include <grove/net/address.hpp>
#include <grove/net/datagram_socket.hpp>
#include <grove/net/spawn_policy.hpp>

namespace grove::net {

namespace detail {
class DatagramServerCore;
}

struct DatagramServerOptions {
  // How to bind; for a server of an address only.
  std::optional<DatagramOptions> bind{};
  SpawnPolicy spawn{};
  // So many handlers at a time; meanwhile the kernel keeps what comes, and
  // drops what it has no room for. std::invalid_argument for 0.
  std::size_t max_handlers = 1000;
  std::size_t max_size = 65'536; // bytes; of longer ones nothing is handed over
  std::size_t max_receive = 100; // in a row, then everybody else has a turn
  // How long it pauses after receiving has failed: from the one, doubled each
  // time, to the other.
  std::chrono::milliseconds min_delay{10};
  std::chrono::milliseconds max_delay{1000};
  // How long handlers may go on when serve_forever() is interrupted, before
  // they are killed.
  std::chrono::milliseconds grace{1000};
  std::string name{}; // in texts; empty: the handler's type
};

// Since the server was made.
struct DatagramServerStats {
  std::uint64_t received = 0; // handlers that were called, or will be
  std::uint64_t ended = 0;    // of these, handlers that have ended, in whatever way
  std::uint64_t failed = 0;   // of these, by an exception
  std::uint64_t too_long = 0; // datagrams of more than max_size bytes
  std::uint64_t pauses = 0;   // after receiving had failed, or a greenlet could not be made
  friend bool operator==(const DatagramServerStats&, const DatagramServerStats&) = default;
};

// What handles a datagram: f(data) or f(data, peer). The data lasts as long as
// the call. It is kept, and called for several datagrams at once.
template <class F>
concept DatagramHandler = std::copy_constructible<std::decay_t<F>> &&
    (std::invocable<std::decay_t<F>&, std::string_view> ||
     std::invocable<std::decay_t<F>&, std::string_view, const Address&>);

// DatagramServer receives at an address and calls its handler with each
// datagram: see StreamServer, whose life and whose treatment of errors it
// shares. A handler answers with send_to().
class DatagramServer {
public:
  // Binds when it is started. Port 0: see address().
  template <DatagramHandler H>
  DatagramServer(const Address& address, H&& handler, DatagramServerOptions options = {})
      : DatagramServer(address, function(std::forward<H>(handler)), handler_name<H>(),
                       std::move(options)) {}
  // From a socket that is bound already. std::invalid_argument if options.bind
  // is given, too.
  template <DatagramHandler H>
  DatagramServer(DatagramSocket socket, H&& handler, DatagramServerOptions options = {})
      : DatagramServer(std::move(socket), function(std::forward<H>(handler)), handler_name<H>(),
                       std::move(options)) {}
  DatagramServer(DatagramServer&&) noexcept = default;
  DatagramServer& operator=(DatagramServer&&) = delete;
  // Kills the handlers that are left and waits for their ends, under a Shield.
  ~DatagramServer();

  // As StreamServer's. stop_receiving() leaves the socket open, for answers,
  // until the last handler has ended; what has come and was not received by
  // then is dropped.
  void start();
  void serve_forever();
  bool wait_stopped(Deadline deadline = {});
  void stop_receiving();
  bool stop(Deadline deadline = {});

  // Sends from the server's address; waits while the kernel has no room, first
  // come, first served. Closed if the server has no socket. See
  // DatagramSocket::send_to().
  void send_to(std::string_view message, const Address& to, Deadline deadline = {});
  bool try_send_to(std::string_view message,
                   const Address& to); // also without spawn

  bool receiving() const;
  // Where it receives, or last did; before, what it was made with.
  Address address() const;
  DatagramServerStats stats() const;
  std::size_t handlers_count() const; // under way
  // "DatagramServer at 127.0.0.1:4711, handler
  // serve(int)::<lambda(std::string_view)>".
  std::string to_string() const;

private:
  using Function = std::function<void(std::string_view, const Address&)>;
  DatagramServer(const Address& address, Function handler, std::string_view type,
                 DatagramServerOptions options);
  DatagramServer(DatagramSocket socket, Function handler, std::string_view type,
                 DatagramServerOptions options);

  template <class H>
  static Function function(H&& handler) {
    using F = std::decay_t<H>;
    if constexpr (std::invocable<F&, std::string_view, const Address&>) {
      return [f = F(std::forward<H>(handler))](std::string_view data, const Address& peer) mutable {
        std::invoke(f, data, peer);
      };
    } else {
      return [f = F(std::forward<H>(handler))](std::string_view data, const Address&) mutable {
        std::invoke(f, data);
      };
    }
  }
  template <class H>
  static constexpr std::string_view handler_name() {
    return grove::detail::qualified_name_view<std::decay_t<H>>();
  }

  std::shared_ptr<detail::DatagramServerCore> core_; // also held by calls that wait
};

} // namespace grove::net
