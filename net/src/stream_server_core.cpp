// SPDX-License-Identifier: MIT
// How a StreamServer accepts, and what it does when it cannot.
#include "stream_server_core.hpp"

#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <grove/hub/exceptions.hpp>

#include "last_connections.hpp"

namespace grove::net::detail {

StreamServerCore::StreamServerCore(const Address& address, std::optional<Listener> listener,
                                   Function handler, std::string_view type,
                                   StreamServerOptions options)
    : ServerCore({"StreamServer", options.spawn, options.max_connections, options.max_accept,
                  options.min_delay, options.max_delay}),
      address_(address), own_listener_(!listener), listener_(std::move(listener)),
      handler_(std::move(handler)), type_(type), options_(std::move(options)) {
  if (options_.max_per_peer == 0)
    throw std::invalid_argument("grove: StreamServer: a limit of 0");
  if (!own_listener_ && options_.listen)
    throw std::invalid_argument("grove: StreamServer: how to listen, for a listener that does");
}

void StreamServerCore::start() {
  check_home("StreamServer.start");
  if (taking())
    return;
  if (own_listener_) {
    listener_.emplace(address_, options_.listen.value_or(ListenOptions()));
    address_ = listener_->local_address(); // a port of 0 has become one; it is kept
  } else if (!listener_) {
    throw std::logic_error("grove: StreamServer.start: its listener was closed: " + to_string());
  }
  reserve_.take();
  begin();
}

void StreamServerCore::take_one() {
  try {
    StreamSocket socket = listener_->accept();
    succeeded();
    admit(std::move(socket));
  } catch (const Closed&) { // by stop_taking()
  }
}

void StreamServerCore::failed(const std::exception& error) {
  const auto* why = dynamic_cast<const std::system_error*>(&error);
  if (listener_ && why != nullptr &&
      (why->code().value() == EMFILE || why->code().value() == ENFILE)) {
    shed();
  }
}

// Tells those who wait for a descriptor that they will not get one.
void StreamServerCore::shed() noexcept {
  for (std::size_t i = 0; i < options_.max_accept && reserve_.give(); ++i) {
    const bool was_one = reset_one(listener_->descriptor());
    reserve_.take();
    if (!was_one)
      break; // or somebody else was quicker to take the descriptor
    ++stats_.shed;
  }
  reserve_.take();
}

void StreamServerCore::stop_taking() {
  check_home("StreamServer.stop_accepting");
  if (taking() && own_listener_) {
    try {
      for (StreamSocket& socket : last_connections(*listener_))
        admit(std::move(socket));
    } catch (const std::exception&) { // no memory
    }
  }
  listener_.reset(); // wakes who accepts
  reserve_.give();
  end();
}

void StreamServerCore::release() noexcept {
  listener_.reset();
  reserve_.give();
}

} // namespace grove::net::detail
