// SPDX-License-Identifier: MIT
// What all servers do: take, start, pause, stop.
#include "server_core.hpp"

#include <unistd.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include <grove/hub/detail/report.hpp>
#include <grove/hub/exceptions.hpp>
#include <grove/hub/timeout.hpp>

namespace grove::net::detail {

ServerCore::ServerCore(const ServerCoreOptions& options)
    : options_(options),
      handlers_(options.spawn, options.limit, [this] { look_whether_stopped(); }) {
  const auto refuse = [&](const char* why) {
    throw std::invalid_argument(std::string("grove: ") + options.kind + ": " + why);
  };
  if (options.limit == 0 || options.in_a_row == 0)
    refuse("a limit of 0");
  if (options.min_delay.count() <= 0)
    refuse("min_delay must be above 0");
  if (options.max_delay < options.min_delay)
    refuse("max_delay is below min_delay");
  stopped_.set();
}

bool ServerCore::is_copy() const { return process_ != 0 && process_ != getpid(); }

void ServerCore::abandon(const std::shared_ptr<ServerCore>& copy) {
  static auto* const all = new std::vector<std::shared_ptr<ServerCore>>;
  all->push_back(copy); // who waits for it has no stack: nothing of it may be touched
  copy->release();
}

void ServerCore::check_home(const char* what) const {
  home_(what);
  if (is_copy())
    throw std::logic_error("grove: " + std::string(what) + ": it is the parent's server");
}

void ServerCore::begin() {
  process_ = getpid();
  taking_ = true;
  succeeded();
  ending_.clear();
  stopped_.clear();
  if (std::exchange(running_, true))
    return; // the greenlet has not ended since it was stopped
  // Also of one that is killed before it has begun.
  std::shared_ptr<void> end(nullptr, [this](void*) { taker_ended(); });
  spawn(SpawnOptions{.name = to_string()}, [this, end = std::move(end)] { run(); });
}

void ServerCore::end() {
  taking_ = false;
  ending_.set();
  handlers_.wake();
  look_whether_stopped();
}

void ServerCore::run() {
  while (taking_ || handlers_.in_line()) {
    if (!handlers_.has_room()) {
      handlers_.wait_for_room();
      continue;
    }
    if (!handlers_.in_line()) {
      try {
        take_one();
      } catch (const std::exception& error) {
        failed(error);
        pause(std::current_exception());
      }
    }
    if (handlers_.in_line() && handlers_.has_room())
      start_first();
    if (++in_a_row_ >= options_.in_a_row) { // they may keep us busy for ever
      in_a_row_ = 0;
      yield();
    }
  }
}

void ServerCore::start_first() {
  try {
    handlers_.start_first();
  } catch (const std::exception&) { // no memory for a greenlet, or a hook forbids it
    pause(std::current_exception());
  }
}

void ServerCore::pause(const std::exception_ptr& error) {
  if (delay_.count() == 0)
    grove::detail::report_unhandled(grove::detail::here().current, error);
  delay_ = std::clamp(2 * delay_, options_.min_delay, options_.max_delay);
  ++pauses_;
  ending_.wait(delay_);
}

// By now it has seen that it was stopped, unless it was killed: with its hub, that is.
void ServerCore::taker_ended() noexcept {
  taking_ = false;
  handlers_.drop_line();
  running_ = false;
  look_whether_stopped();
}

void ServerCore::look_whether_stopped() noexcept {
  if (taking_ || running_ || !handlers_.empty() || stopped_.is_set())
    return;
  release();
  stopped_.set();
}

void ServerCore::serve_forever(std::chrono::milliseconds grace) {
  start();
  try {
    stopped_.wait();
  } catch (...) {
    const Shield shield;
    stop(grace);
    throw;
  }
}

bool ServerCore::stop(Deadline deadline) {
  check_home("Server.stop");
  if (handlers_.is_mine(current_greenlet())) {
    throw std::logic_error(std::string("grove: ") + options_.kind +
                           ".stop: a handler waits for its own end");
  }
  stop_taking();
  if (stopped_.wait(deadline))
    return true;
  const Shield shield;
  stop_taking(); // somebody may have started it meanwhile
  handlers_.drop_line();
  handlers_.kill_all();
  stopped_.wait();
  return false;
}

} // namespace grove::net::detail
