// SPDX-License-Identifier: MIT
// StreamServerCore: the accepting side of a StreamServer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <grove/net/stream_server.hpp>

#include "reserve_descriptor.hpp"
#include "server_core.hpp"

namespace grove::net::detail {

class StreamServerCore final : public ServerCore {
public:
  using Function = std::function<void(StreamSocket&, const Address&)>;
  StreamServerCore(const Address& address, std::optional<Listener> listener, Function handler,
                   std::string_view type, StreamServerOptions options);

  void start() override;
  void stop_taking() override;

  const Address& address() const { return address_; }
  const StreamServerOptions& options() const { return options_; }
  StreamServerStats stats() const;
  std::vector<ConnectionInfo> connections() const;
  std::string to_string() const override;

private:
  class Connection;

  void take_one() override;
  void failed(const std::exception& error) override;
  void release() noexcept override;
  void admit(StreamSocket socket); // to the line of those that wait for a handler
  void shed() noexcept;

  Address address_;
  bool own_listener_; // made here, from the address
  std::optional<Listener> listener_;
  Function handler_;
  std::string type_;
  StreamServerOptions options_;
  StreamServerStats stats_;
  std::unordered_map<std::uint64_t, std::size_t> per_peer_; // by key_of(), with a limit only
  ReserveDescriptor reserve_;
};

} // namespace grove::net::detail
