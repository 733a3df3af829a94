// SPDX-License-Identifier: MIT
// ServerHubs: a server on each of several hubs.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <grove/http/server.hpp>
#include <grove/hub/deadline.hpp>
#include <grove/hub/hub_thread.hpp>
#include <grove/hub/mutex.hpp>
#include <grove/net/address.hpp>

namespace grove::http::detail {

// What is behind a Server with ServerOptions::hubs.
class ServerHubs {
public:
  ServerHubs(const net::Address& address, Handler handler, ServerOptions options);
  ServerHubs(const ServerHubs&) = delete;
  ServerHubs& operator=(const ServerHubs&) = delete;
  ~ServerHubs();

  void start();
  void serve_forever();
  bool stop(Deadline deadline);
  net::Address address() const { return address_; }
  Server::Stats stats() const;

private:
  struct One {
    explicit One(std::string name) : thread(std::move(name)) {}
    HubThread thread;
    std::unique_ptr<Server> server; // lives and dies there
  };

  net::Address address_;
  Handler handler_; // each hub has a copy
  ServerOptions options_;
  std::vector<std::unique_ptr<One>> all_;
  Mutex changing_; // whether it is started: on some hubs earlier than on others
  bool started_ = false;
};

} // namespace grove::http::detail
