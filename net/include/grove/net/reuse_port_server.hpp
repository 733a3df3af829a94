// SPDX-License-Identifier: MIT
// ReusePortServer: one server on several hubs, that is on several processors.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include <grove/hub/deadline.hpp>
#include <grove/net/address.hpp>
#include <grove/net/detail/servers_on_hubs.hpp>
#include <grove/net/stream_server.hpp>

namespace grove::net {

// ReusePortServer runs a StreamServer on each of several new hubs. Each has a listener of its own
// at the one address (SO_REUSEPORT), so the kernel gives a connection to one hub and wakes no
// other, and the connection stays there. The handler is copied to each hub: what the copies share
// must be fit for several threads. It belongs to the hub it was made on; every call but the
// constructor and address() waits for the others, and is a suspension point.
class ReusePortServer {
public:
  // Starts the threads; listens when it is started. The options are those of each server: limits
  // are for one hub. std::invalid_argument for no hubs, or for a Pool, which belongs to one hub;
  // std::system_error.
  template <StreamHandler H>
  ReusePortServer(std::size_t hubs, const Address& address, const H& handler,
                  const StreamServerOptions& options = {})
      : ReusePortServer(hubs, address, options, [handler](const Address& at, const auto& with) {
          return std::make_unique<StreamServer>(at, handler, with);
        }) {}
  ReusePortServer(const ReusePortServer&) = delete;
  ReusePortServer& operator=(const ReusePortServer&) = delete;
  // As StreamServer's, on each hub; then the threads end.
  ~ReusePortServer();

  // As those of StreamServer, on each hub. When start() throws, none listens.
  void start();
  void serve_forever();
  void stop_accepting();
  bool stop(Deadline deadline = {});

  Address address() const { return servers_.address(); }
  std::size_t hubs() const { return servers_.hubs(); }
  StreamServerStats stats();                  // the sums
  std::vector<StreamServerStats> all_stats(); // hub by hub

private:
  using Make =
      std::function<std::unique_ptr<StreamServer>(const Address&, const StreamServerOptions&)>;
  ReusePortServer(std::size_t hubs, const Address& address, const StreamServerOptions& options,
                  Make make);

  StreamServerOptions options_;
  detail::ServersOnHubs<StreamServer> servers_;
};

} // namespace grove::net
