// SPDX-License-Identifier: MIT
// ServerHubs: a server on each of several hubs.
#pragma once

#include <grove/http/server.hpp>
#include <grove/hub/deadline.hpp>
#include <grove/net/address.hpp>
#include <grove/net/detail/servers_on_hubs.hpp>

namespace grove::http::detail {

// What is behind a Server with ServerOptions::hubs. Each hub has a copy of the handler.
class ServerHubs {
public:
  ServerHubs(const net::Address& address, Handler handler, const ServerOptions& options);

  void start();
  void serve_forever();
  bool stop(Deadline deadline) { return servers_.stop(deadline); }
  net::Address address() const { return servers_.address(); }
  Server::Stats stats() const;

private:
  net::detail::ServersOnHubs<Server> servers_;
};

} // namespace grove::http::detail
