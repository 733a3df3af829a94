// SPDX-License-Identifier: MIT
// StreamServerCore: what a StreamServer shares with its greenlets and its calls under way.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <grove/hub/detail/wait.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/net/stream_server.hpp>

#include "handlers.hpp"
#include "reserve_descriptor.hpp"

namespace grove::net::detail {

class StreamServerCore {
public:
  using Function = std::function<void(StreamSocket&, const Address&)>;
  StreamServerCore(const Address& address, std::optional<Listener> listener, Function handler,
                   std::string_view type, StreamServerOptions options);
  StreamServerCore(const StreamServerCore&) = delete;
  StreamServerCore& operator=(const StreamServerCore&) = delete;

  void start();
  void wait_stopped() { stopped_.wait(); }
  void stop_accepting();
  bool stop(Deadline deadline);

  bool accepting() const { return listener_ && started_; }
  const Address& address() const { return address_; }
  const StreamServerOptions& options() const { return options_; }
  StreamServerStats stats() const;
  std::size_t connections_count() const { return handlers_.all().size(); }
  std::vector<ConnectionInfo> connections() const;
  std::string to_string() const;

private:
  class Connection;

  void run();
  void accept_one();
  void admit(StreamSocket socket); // to the line of those that wait for a handler
  void start_first();
  void acceptor_ended() noexcept;
  void pause(std::exception_ptr error);
  void shed() noexcept;
  void look_whether_stopped() noexcept;

  grove::detail::HomeCheck home_;
  Address address_;
  bool own_listener_; // made here, from the address
  bool started_ = false;
  std::optional<Listener> listener_;
  Function handler_;
  std::string type_;
  StreamServerOptions options_;

  StreamServerStats stats_;
  std::unordered_map<std::uint64_t, std::size_t> per_peer_; // by key_of(), with a limit only
  std::size_t in_a_row_ = 0;  // accepted since others had their turn
  std::chrono::milliseconds delay_{0};                      // of the last pause; 0 after a success
  ReserveDescriptor reserve_;
  Event closing_; // ends a pause
  Event stopped_;
  bool running_ = false; // the acceptor
  Handlers handlers_; // the last: its jobs use the rest
};

} // namespace grove::net::detail
