// SPDX-License-Identifier: MIT
// ServersOnHubs: a server on each of several hubs, at one address. For grove::net and what stands
// on it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <grove/hub/deadline.hpp>
#include <grove/hub/group.hpp>
#include <grove/hub/hub_thread.hpp>
#include <grove/hub/mutex.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/net/address.hpp>

namespace grove::net::detail {

// Each lives and dies on its hub. It belongs to the hub it was made on; every call but the
// constructor and address() waits for the others, and is a suspension point.
template <class Server>
class ServersOnHubs {
public:
  // Makes one that has not been started, on its hub.
  using Make = std::function<std::unique_ptr<Server>(const Address&)>;

  // Starts the threads, "NAME-0" and so on.
  ServersOnHubs(std::size_t hubs, const std::string& name, const Address& address, Make make)
      : address_(address), make_(std::move(make)) {
    for (std::size_t i = 0; i < hubs; ++i)
      all_.push_back(std::make_unique<One>(name + "-" + std::to_string(i)));
  }
  ServersOnHubs(const ServersOnHubs&) = delete;
  ServersOnHubs& operator=(const ServersOnHubs&) = delete;
  ~ServersOnHubs() {
    const Shield shield;
    for (auto& one : all_)
      one->thread.call([&] { one->server.reset(); });
  }

  [[nodiscard]] const Address& address() const { return address_; }
  [[nodiscard]] std::size_t hubs() const { return all_.size(); }

  // One after the other, as the first finds the port for all. If one throws, all are `undo`ne: it
  // is called with the std::unique_ptr<Server>, which may be null.
  template <class Undo>
  void start(Undo undo) {
    const std::lock_guard lock(changing_);
    if (started_)
      return;
    const auto start_one = [this](One& one) -> std::exception_ptr {
      try {
        if (one.server == nullptr)
          one.server = make_(address_);
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
        address_ = one->server->address();
      }
    } catch (...) {
      const Shield shield;
      for (auto& one : all_)
        one->thread.call([&] { undo(one->server); });
      throw;
    }
    started_ = true;
  }

  // One after the other; start() does something from then on.
  void stop_accepting() {
    const std::lock_guard lock(changing_);
    for (auto& one : all_) {
      one->thread.call([&] {
        if (one->server != nullptr)
          one->server->stop_accepting();
      });
    }
    started_ = false;
  }

  // Calls f(server) on all hubs at once, for those there are.
  template <class F>
  void at_once(F f) {
    Group group;
    group.map(
        [&](const std::unique_ptr<One>& one) {
          one->thread.call([&] {
            if (one->server != nullptr)
              f(*one->server);
          });
        },
        all_);
  }
  // Whether all stopped in time. Another one may be called meanwhile, with less patience.
  bool stop(Deadline deadline) {
    {
      const std::lock_guard lock(changing_);
      started_ = false;
    }
    Group group;
    const std::vector<bool> in_time = group.map(
        [&](const std::unique_ptr<One>& one) {
          return one->thread.call(
              [&] { return one->server == nullptr || one->server->stop(deadline); });
        },
        all_);
    return std::ranges::find(in_time, false) == in_time.end();
  }

  // What f(server) returns, hub by hub; a Result of its own where there is no server yet.
  template <class Result, class F>
  std::vector<Result> of_each(F f) const {
    std::vector<Result> all;
    for (const auto& one : all_) {
      all.push_back(
          one->thread.call([&] { return one->server == nullptr ? Result() : f(*one->server); }));
    }
    return all;
  }

private:
  struct One {
    explicit One(std::string name) : thread(std::move(name)) {}
    HubThread thread;
    std::unique_ptr<Server> server;
  };

  Address address_;
  Make make_;
  std::vector<std::unique_ptr<One>> all_;
  Mutex changing_; // whether it is started: on some hubs earlier than on others
  bool started_ = false;
};

} // namespace grove::net::detail
