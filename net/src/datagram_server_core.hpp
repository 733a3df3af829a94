// SPDX-License-Identifier: MIT
// DatagramServerCore: the socket of a DatagramServer.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <grove/hub/deadline.hpp>
#include <grove/hub/semaphore.hpp>
#include <grove/net/datagram_server.hpp>

#include "server_core.hpp"

namespace grove::net::detail {

class DatagramServerCore final : public ServerCore {
public:
  using Function = std::function<void(std::string_view, const Address&)>;
  DatagramServerCore(const Address& address, std::optional<DatagramSocket> socket, Function handler,
                     std::string_view type, DatagramServerOptions options);

  void start() override;
  void stop_taking() override;
  void send_to(std::string_view message, const Address& to, Deadline deadline);
  bool try_send_to(std::string_view message, const Address& to);

  const Address& address() const { return address_; }
  const DatagramServerOptions& options() const { return options_; }
  DatagramServerStats stats() const;
  std::string to_string() const override;

private:
  class Received;

  void take_one() override;
  void release() noexcept override { socket_.reset(); }
  DatagramSocket& socket(const char* what);

  Address address_;
  bool own_socket_; // made here, from the address
  std::optional<DatagramSocket> socket_;
  Function handler_;
  std::string type_;
  DatagramServerOptions options_;
  DatagramServerStats stats_;
  std::vector<char> buffer_;
  Semaphore turn_{1}; // to wait for room
};

} // namespace grove::net::detail
