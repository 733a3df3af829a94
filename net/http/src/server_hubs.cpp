// SPDX-License-Identifier: MIT
// A server on each of several hubs.
#include "server_hubs.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <mutex>
#include <utility>

#include <grove/hub/group.hpp>
#include <grove/hub/timeout.hpp>

namespace grove::http::detail {

ServerHubs::ServerHubs(const net::Address& address, Handler handler, ServerOptions options)
    : address_(address), handler_(std::move(handler)), options_(std::move(options)) {
  const std::size_t hubs = std::exchange(options_.hubs, 0);
  options_.reuse_port = true;
  for (std::size_t i = 0; i < hubs; ++i)
    all_.push_back(std::make_unique<One>("http-" + std::to_string(i)));
}

ServerHubs::~ServerHubs() {
  const Shield shield;
  for (auto& one : all_)
    one->thread.call([&] { one->server.reset(); });
}

void ServerHubs::start() {
  const std::lock_guard lock(changing_);
  if (started_)
    return;
  const auto start_one = [this](One& one) -> std::exception_ptr {
    try {
      if (one.server == nullptr)
        one.server = std::make_unique<Server>(address_, handler_, options_);
      one.server->start();
      return nullptr;
    } catch (const std::exception&) {
      return std::current_exception();
    }
  };
  try {
    for (auto& one : all_) {
      if (const auto error = one->thread.call([&] { return start_one(*one); }))
        std::rethrow_exception(error);
      address_ = one->server->address(); // the first finds the port for all
    }
  } catch (...) {
    const Shield shield;
    for (auto& one : all_)
      one->thread.call([&] { one->server.reset(); });
    throw;
  }
  started_ = true;
}

void ServerHubs::serve_forever() {
  start();
  try {
    Group group;
    group.map(
        [](const std::unique_ptr<One>& one) {
          one->thread.call([&] { one->server->serve_forever(); });
        },
        all_);
  } catch (...) {
    const Shield shield;
    stop(std::chrono::seconds(1));
    throw;
  }
}

bool ServerHubs::stop(Deadline deadline) {
  const std::lock_guard lock(changing_);
  Group group;
  const std::vector<bool> in_time = group.map(
      [&](const std::unique_ptr<One>& one) {
        return one->thread.call(
            [&] { return one->server == nullptr || one->server->stop(deadline); });
      },
      all_);
  started_ = false;
  return std::ranges::find(in_time, false) == in_time.end();
}

Server::Stats ServerHubs::stats() const {
  Server::Stats sum;
  for (const auto& one : all_) {
    sum += one->thread.call(
        [&] { return one->server == nullptr ? Server::Stats() : one->server->stats(); });
  }
  return sum;
}

} // namespace grove::http::detail
