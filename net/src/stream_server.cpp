// SPDX-License-Identifier: MIT
// StreamServer: the object in its user's hands.
#include <grove/net/stream_server.hpp>

#include <stdexcept>
#include <utility>

#include <grove/hub/timeout.hpp>

#include "stream_server_core.hpp"

namespace grove::net {

namespace {

void check(const StreamServerOptions& options) {
  if (options.max_connections == 0 || options.max_per_peer == 0 || options.max_accept == 0)
    throw std::invalid_argument("grove: StreamServer: a limit of 0");
  if (options.min_delay.count() <= 0 || options.max_delay < options.min_delay)
    throw std::invalid_argument("grove: StreamServer: min_delay must be above 0, and max_delay no "
                                "less");
}

} // namespace

StreamServer::StreamServer(const Address& address, Function handler, std::string_view type,
                           StreamServerOptions options) {
  check(options);
  core_ = std::make_shared<detail::StreamServerCore>(address, std::nullopt, std::move(handler),
                                                     type, std::move(options));
}

StreamServer::StreamServer(Listener listener, Function handler, std::string_view type,
                           StreamServerOptions options) {
  check(options);
  if (options.listen)
    throw std::invalid_argument("grove: StreamServer: how to listen, for a listener that does");
  const Address address = listener.local_address();
  core_ = std::make_shared<detail::StreamServerCore>(address, std::move(listener),
                                                     std::move(handler), type, std::move(options));
}

StreamServer::~StreamServer() {
  if (core_ == nullptr)
    return; // moved
  const Shield shield;
  core_->stop(std::chrono::seconds(0));
}

void StreamServer::start() { core_->start(); }

void StreamServer::serve_forever() {
  const auto core = core_;
  core->start();
  try {
    core->wait_stopped();
  } catch (...) {
    const Shield shield;
    core->stop(core->options().grace);
    throw;
  }
}

void StreamServer::stop_accepting() { core_->stop_accepting(); }
bool StreamServer::stop(Deadline deadline) {
  const auto core = core_;
  return core->stop(deadline);
}

bool StreamServer::accepting() const { return core_->accepting(); }
Address StreamServer::address() const { return core_->address(); }
StreamServerStats StreamServer::stats() const { return core_->stats(); }
std::size_t StreamServer::connections_count() const { return core_->connections_count(); }
std::vector<ConnectionInfo> StreamServer::connections() const { return core_->connections(); }
std::string StreamServer::to_string() const { return core_->to_string(); }

} // namespace grove::net
