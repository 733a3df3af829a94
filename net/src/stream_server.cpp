// SPDX-License-Identifier: MIT
// StreamServer: the object in its user's hands.
#include <grove/net/stream_server.hpp>

#include <utility>

#include <grove/hub/timeout.hpp>

#include "stream_server_core.hpp"

namespace grove::net {

StreamServer::StreamServer(const Address& address, Function handler, std::string_view type,
                           StreamServerOptions options)
    : core_(std::make_shared<detail::StreamServerCore>(address, std::nullopt, std::move(handler),
                                                       type, std::move(options))) {}

StreamServer::StreamServer(Listener listener, Function handler, std::string_view type,
                           StreamServerOptions options) {
  const Address address = listener.local_address();
  core_ = std::make_shared<detail::StreamServerCore>(address, std::move(listener),
                                                     std::move(handler), type, std::move(options));
}

StreamServer::~StreamServer() {
  if (core_ == nullptr)
    return; // moved
  if (core_->is_copy()) {
    detail::ServerCore::abandon(core_);
    return;
  }
  const Shield shield;
  core_->stop(std::chrono::seconds(0));
}

void StreamServer::start() { core_->start(); }

// Calls that wait hold the core: whoever they wait for may destroy the server.
void StreamServer::serve_forever() {
  const auto core = core_;
  core->serve_forever(core->options().grace);
}
bool StreamServer::wait_stopped(Deadline deadline) {
  const auto core = core_;
  return core->wait_stopped(deadline);
}
bool StreamServer::stop(Deadline deadline) {
  const auto core = core_;
  return core->stop(deadline);
}
void StreamServer::stop_accepting() { core_->stop_taking(); }

bool StreamServer::accepting() const { return core_->taking(); }
Address StreamServer::address() const { return core_->address(); }
StreamServerStats StreamServer::stats() const { return core_->stats(); }
std::size_t StreamServer::connections_count() const { return core_->handlers().all().size(); }
std::vector<ConnectionInfo> StreamServer::connections() const { return core_->connections(); }
std::string StreamServer::to_string() const { return core_->to_string(); }

} // namespace grove::net
