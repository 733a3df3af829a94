// SPDX-License-Identifier: MIT
// The same server on several hubs.
#include <grove/net/reuse_port_server.hpp>

#include <algorithm>
#include <exception>
#include <mutex>
#include <stdexcept>

#include <grove/hub/group.hpp>
#include <grove/hub/timeout.hpp>

namespace grove::net {

ReusePortServer::ReusePortServer(std::size_t hubs, const Address& address,
                                 const StreamServerOptions& options, Make make)
    : address_(address), options_(options), make_(std::move(make)) {
  if (hubs == 0)
    throw std::invalid_argument("grove: ReusePortServer: on no hub");
  if (options_.spawn.pool() != nullptr)
    throw std::invalid_argument("grove: ReusePortServer: a Pool belongs to one hub");
  ListenOptions listen = options_.listen.value_or(ListenOptions());
  listen.reuse_port = true;
  options_.listen = listen;
  for (std::size_t i = 0; i < hubs; ++i)
    all_.push_back(std::make_unique<One>("server-" + std::to_string(i)));
}

ReusePortServer::~ReusePortServer() {
  const Shield shield;
  for (auto& one : all_)
    one->thread.call([&] { one->server.reset(); });
}

void ReusePortServer::start() {
  const std::lock_guard lock(changing_);
  if (started_)
    return;
  const auto start_one = [this](One& one) -> std::exception_ptr {
    try {
      if (one.server == nullptr)
        one.server = make_(address_, options_);
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
    stop_accepting_on_all();
    throw;
  }
  started_ = true;
}

void ReusePortServer::serve_forever() {
  start();
  try {
    Group group;
    group.map(
        [](const std::unique_ptr<One>& one) {
          one->thread.call([&] { one->server->wait_stopped(); });
        },
        all_);
  } catch (...) {
    const Shield shield;
    stop(options_.grace);
    throw;
  }
}

void ReusePortServer::stop_accepting() {
  const std::lock_guard lock(changing_);
  stop_accepting_on_all();
  started_ = false;
}

void ReusePortServer::stop_accepting_on_all() {
  for (auto& one : all_) {
    one->thread.call([&] {
      if (one->server != nullptr)
        one->server->stop_accepting();
    });
  }
}

bool ReusePortServer::stop(Deadline deadline) {
  stop_accepting();
  Group group;
  const std::vector<bool> in_time = group.map(
      [&](const std::unique_ptr<One>& one) {
        return one->thread.call(
            [&] { return one->server == nullptr || one->server->stop(deadline); });
      },
      all_);
  return std::find(in_time.begin(), in_time.end(), false) == in_time.end();
}

std::vector<StreamServerStats> ReusePortServer::all_stats() {
  std::vector<StreamServerStats> all;
  for (auto& one : all_) {
    all.push_back(one->thread.call(
        [&] { return one->server == nullptr ? StreamServerStats() : one->server->stats(); }));
  }
  return all;
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
