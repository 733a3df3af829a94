// SPDX-License-Identifier: MIT
// The same server on several hubs.
#include <grove/net/reuse_port_server.hpp>

#include <stdexcept>
#include <utility>

#include <grove/hub/timeout.hpp>

namespace grove::net {

namespace {

StreamServerOptions shared(std::size_t hubs, const StreamServerOptions& options) {
  if (hubs == 0)
    throw std::invalid_argument("grove: ReusePortServer: on no hub");
  if (options.spawn.pool() != nullptr)
    throw std::invalid_argument("grove: ReusePortServer: a Pool belongs to one hub");
  StreamServerOptions with = options;
  ListenOptions listen = options.listen.value_or(ListenOptions());
  listen.reuse_port = true;
  with.listen = listen;
  return with;
}

} // namespace

ReusePortServer::ReusePortServer(std::size_t hubs, const Address& address,
                                 const StreamServerOptions& options, Make make)
    : options_(shared(hubs, options)),
      servers_(hubs, "server", address,
               [this, make = std::move(make)](const Address& at) { return make(at, options_); }) {}

ReusePortServer::~ReusePortServer() = default;

void ReusePortServer::start() {
  servers_.start([](const std::unique_ptr<StreamServer>& server) {
    if (server != nullptr)
      server->stop_accepting();
  });
}

void ReusePortServer::serve_forever() {
  start();
  try {
    servers_.at_once([](StreamServer& server) { server.wait_stopped(); });
  } catch (...) {
    const Shield shield;
    stop(options_.grace);
    throw;
  }
}

void ReusePortServer::stop_accepting() { servers_.stop_accepting(); }

bool ReusePortServer::stop(Deadline deadline) {
  stop_accepting();
  return servers_.stop(deadline);
}

std::vector<StreamServerStats> ReusePortServer::all_stats() {
  return servers_.of_each<StreamServerStats>(
      [](const StreamServer& server) { return server.stats(); });
}

StreamServerStats ReusePortServer::stats() {
  StreamServerStats sum;
  for (const StreamServerStats& one : all_stats()) {
    sum.accepted += one.accepted;
    sum.ended += one.ended;
    sum.failed += one.failed;
    sum.refused += one.refused;
    sum.shed += one.shed;
    sum.pauses += one.pauses;
  }
  return sum;
}

} // namespace grove::net
