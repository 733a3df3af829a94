// SPDX-License-Identifier: MIT
// DatagramServer: the object in its user's hands.
#include <grove/net/datagram_server.hpp>

#include <utility>

#include <grove/hub/timeout.hpp>

#include "datagram_server_core.hpp"

namespace grove::net {

DatagramServer::DatagramServer(const Address& address, Function handler, std::string_view type,
                               DatagramServerOptions options)
    : core_(std::make_shared<detail::DatagramServerCore>(address, std::nullopt, std::move(handler),
                                                         type, std::move(options))) {}

DatagramServer::DatagramServer(DatagramSocket socket, Function handler, std::string_view type,
                               DatagramServerOptions options) {
  const Address address = socket.local_address();
  core_ = std::make_shared<detail::DatagramServerCore>(
      address, std::move(socket), std::move(handler), type, std::move(options));
}

DatagramServer::~DatagramServer() {
  if (core_ == nullptr)
    return; // moved
  if (core_->is_copy()) {
    detail::ServerCore::abandon(core_);
    return;
  }
  const Shield shield;
  core_->stop(std::chrono::seconds(0));
}

void DatagramServer::start() { core_->start(); }
void DatagramServer::stop_receiving() { core_->stop_taking(); }

// Calls that wait hold the core: whoever they wait for may destroy the server.
void DatagramServer::serve_forever() {
  const auto core = core_;
  core->serve_forever(core->options().grace);
}
bool DatagramServer::wait_stopped(Deadline deadline) {
  const auto core = core_;
  return core->wait_stopped(deadline);
}
bool DatagramServer::stop(Deadline deadline) {
  const auto core = core_;
  return core->stop(deadline);
}
void DatagramServer::send_to(std::string_view message, const Address& to, Deadline deadline) {
  const auto core = core_;
  core->send_to(message, to, deadline);
}
bool DatagramServer::try_send_to(std::string_view message, const Address& to) {
  return core_->try_send_to(message, to);
}

bool DatagramServer::receiving() const { return core_->taking(); }
Address DatagramServer::address() const { return core_->address(); }
DatagramServerStats DatagramServer::stats() const { return core_->stats(); }
std::size_t DatagramServer::handlers_count() const { return core_->handlers().all().size(); }
std::string DatagramServer::to_string() const { return core_->to_string(); }

} // namespace grove::net
