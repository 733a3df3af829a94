// SPDX-License-Identifier: MIT
// How a DatagramServer receives and answers.
#include "datagram_server_core.hpp"

#include <memory>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include <grove/hub/exceptions.hpp>
#include <grove/hub/wait_any.hpp>

namespace grove::net::detail {

class DatagramServerCore::Received final : public Job {
public:
  Received(DatagramServerCore& core, std::string_view data, const Address& peer)
      : Job(core.jobs()), core_(core), data_(data), peer_(peer) {}
  void run() override { core_.handler_(data_, peer_); }
  std::string name() const override { return "datagram from " + peer_.to_string(); }

private:
  DatagramServerCore& core_;
  std::string data_;
  Address peer_;
};

DatagramServerCore::DatagramServerCore(const Address& address, std::optional<DatagramSocket> socket,
                                       Function handler, std::string_view type,
                                       DatagramServerOptions options)
    : ServerCore({"DatagramServer", options.spawn, options.max_handlers, options.max_receive,
                  options.min_delay, options.max_delay}),
      address_(address), own_socket_(!socket), socket_(std::move(socket)),
      handler_(std::move(handler)), type_(type), options_(std::move(options)) {
  if (options_.max_size == 0)
    throw std::invalid_argument("grove: DatagramServer: a limit of 0");
  if (!own_socket_ && options_.bind)
    throw std::invalid_argument("grove: DatagramServer: how to bind, for a socket that is bound");
}

void DatagramServerCore::start() {
  check_home("DatagramServer.start");
  if (taking())
    return;
  if (!socket_ && !own_socket_)
    throw std::logic_error("grove: DatagramServer.start: its socket was closed: " + to_string());
  if (!socket_) {
    socket_.emplace(address_, options_.bind.value_or(DatagramOptions()));
    address_ = socket_->local_address(); // a port of 0 has become one; it is kept
  }
  buffer_.resize(options_.max_size);
  begin();
}

void DatagramServerCore::take_one() {
  const auto datagram = socket_->try_recv_from(buffer_);
  if (!datagram) {
    wait_any(ending_op(), socket_->readable_op());
    return;
  }
  succeeded();
  if (datagram->truncated) {
    ++stats_.too_long;
    return;
  }
  jobs().line_up(std::make_unique<Received>(*this, std::string_view(buffer_.data(), datagram->size),
                                            datagram->peer));
  ++stats_.received;
}

void DatagramServerCore::stop_taking() {
  check_home("DatagramServer.stop_receiving");
  end();
}

DatagramSocket& DatagramServerCore::socket(const char* what) {
  if (!socket_)
    throw Closed(std::string(what) + ": " + to_string() + " has no socket");
  return *socket_;
}

bool DatagramServerCore::try_send_to(std::string_view message, const Address& to) {
  DatagramSocket& mine = socket("DatagramServer.try_send_to");
  return turn_.value() != 0 && mine.try_send_to(message, to);
}

void DatagramServerCore::send_to(std::string_view message, const Address& to, Deadline deadline) {
  if (try_send_to(message, to))
    return;
  if (!turn_.acquire(deadline))
    throw TimeoutError("DatagramServer.send_to: the deadline came before its turn");
  struct Turn {
    Semaphore& of;
    ~Turn() { of.release(); }
  } turn{turn_};
  socket("DatagramServer.send_to").send_to(message, to, deadline);
}

DatagramServerStats DatagramServerCore::stats() const {
  DatagramServerStats stats = stats_;
  stats.ended = handlers().ended();
  stats.failed = handlers().failed();
  stats.pauses = pauses();
  return stats;
}

std::string DatagramServerCore::to_string() const {
  return fmt::format("DatagramServer at {}, handler {}", address_.to_string(),
                     options_.name.empty() ? type_ : options_.name);
}

} // namespace grove::net::detail
