// SPDX-License-Identifier: MIT
// The acceptor of a StreamServer, and its end.
#include "stream_server_core.hpp"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <grove/hub/detail/report.hpp>
#include <grove/hub/exceptions.hpp>
#include <grove/hub/timeout.hpp>

#include "last_connections.hpp"

namespace grove::net::detail {

namespace {

bool wants_descriptors(const std::exception& error) {
  const auto* failed = dynamic_cast<const std::system_error*>(&error);
  return failed != nullptr &&
         (failed->code().value() == EMFILE || failed->code().value() == ENFILE);
}

} // namespace

StreamServerCore::StreamServerCore(const Address& address, std::optional<Listener> listener,
                                   Function handler, std::string_view type,
                                   StreamServerOptions options)
    : address_(address), own_listener_(!listener), listener_(std::move(listener)),
      handler_(std::move(handler)), type_(type), options_(std::move(options)),
      handlers_(options_.spawn, options_.max_connections, [this] { look_whether_stopped(); }) {
  stopped_.set();
}

void StreamServerCore::start() {
  home_("StreamServer.start");
  if (accepting())
    return;
  if (own_listener_) {
    listener_.emplace(address_, options_.listen.value_or(ListenOptions()));
    address_ = listener_->local_address(); // a port of 0 has become one; it is kept
  } else if (!listener_) {
    throw std::logic_error("grove: StreamServer.start: its listener was closed: " + to_string());
  }
  reserve_.take();
  started_ = true;
  delay_ = std::chrono::milliseconds(0);
  closing_.clear();
  stopped_.clear();
  if (std::exchange(running_, true))
    return; // the acceptor has not ended since it was stopped
  // Also of one that is killed before it has begun.
  std::shared_ptr<void> end(nullptr, [this](void*) { acceptor_ended(); });
  spawn(SpawnOptions{.name = to_string()}, [this, end = std::move(end)] { run(); });
}

void StreamServerCore::run() {
  while (listener_ || handlers_.in_line()) {
    if (!handlers_.has_room())
      handlers_.wait_for_room();
    else if (handlers_.in_line())
      start_first();
    else
      accept_one();
  }
}

// Waits for a connection and starts its handler.
void StreamServerCore::accept_one() {
  try {
    StreamSocket socket = listener_->accept();
    delay_ = std::chrono::milliseconds(0);
    admit(std::move(socket));
  } catch (const Closed&) { // by stop_accepting()
    return;
  } catch (const std::exception& error) {
    if (wants_descriptors(error))
      shed();
    pause(std::current_exception());
    return;
  }
  if (handlers_.in_line())
    start_first();
  if (++in_a_row_ >= options_.max_accept) { // they may keep us busy for ever
    in_a_row_ = 0;
    yield();
  }
}

void StreamServerCore::start_first() {
  try {
    handlers_.start_first();
  } catch (const std::exception&) { // no memory for a greenlet, or a hook forbids it
    pause(std::current_exception());
  }
}

void StreamServerCore::pause(std::exception_ptr error) {
  if (delay_.count() == 0)
    grove::detail::report_unhandled(grove::detail::here().current, error);
  delay_ = std::clamp(2 * delay_, options_.min_delay, options_.max_delay);
  ++stats_.pauses;
  closing_.wait(delay_);
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

void StreamServerCore::stop_accepting() {
  home_("StreamServer.stop_accepting");
  if (!listener_)
    return;
  if (own_listener_) {
    try {
      for (StreamSocket& socket : last_connections(*listener_))
        admit(std::move(socket));
    } catch (const std::exception&) { // no memory
    }
  }
  listener_.reset();
  started_ = false;
  reserve_.give();
  closing_.set();
  handlers_.wake();
  look_whether_stopped();
}

bool StreamServerCore::stop(Deadline deadline) {
  home_("StreamServer.stop");
  if (handlers_.is_mine(current_greenlet()))
    throw std::logic_error("grove: StreamServer.stop: a handler waits for its own end");
  stop_accepting();
  if (stopped_.wait(deadline))
    return true;
  const Shield shield;
  handlers_.drop_line();
  handlers_.kill_all();
  stopped_.wait();
  return false;
}

// By now it has seen that it was stopped, unless it was killed: with its hub, that is.
void StreamServerCore::acceptor_ended() noexcept {
  listener_.reset();
  started_ = false;
  handlers_.drop_line();
  running_ = false;
  look_whether_stopped();
}

void StreamServerCore::look_whether_stopped() noexcept {
  if (!started_ && !running_ && handlers_.empty())
    stopped_.set();
}

} // namespace grove::net::detail
