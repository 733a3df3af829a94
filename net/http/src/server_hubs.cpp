// SPDX-License-Identifier: MIT
// A server on each of several hubs.
#include "server_hubs.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>

#include <grove/hub/timeout.hpp>

namespace grove::http::detail {

namespace {

net::detail::ServersOnHubs<Server>::Make maker(Handler handler, ServerOptions options) {
  options.hubs = 0;
  options.reuse_port = true;
  return [handler = std::move(handler), options = std::move(options)](const net::Address& address) {
    return std::make_unique<Server>(address, handler, options);
  };
}

} // namespace

ServerHubs::ServerHubs(const net::Address& address, Handler handler, const ServerOptions& options)
    : servers_(options.hubs, "http", address, maker(std::move(handler), options)) {}

void ServerHubs::start() {
  servers_.start([](std::unique_ptr<Server>& server) { server.reset(); });
}

void ServerHubs::serve_forever() {
  start();
  try {
    servers_.at_once([](Server& server) { server.serve_forever(); });
  } catch (...) {
    const Shield shield;
    stop(std::chrono::seconds(1));
    throw;
  }
}

Server::Stats ServerHubs::stats() const {
  Server::Stats sum;
  for (const Server::Stats& one :
       servers_.of_each<Server::Stats>([](const Server& server) { return server.stats(); }))
    sum += one;
  return sum;
}

} // namespace grove::http::detail
