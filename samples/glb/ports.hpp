// SPDX-License-Identifier: MIT
// Ports: which of them is whose. What is known is in Redis, so that any number of servers may hand
// out ports of the same range.
#pragma once

#include <boost/describe.hpp>

#include <optional>
#include <string>
#include <vector>

#include <grove/net/connection_pool.hpp>

#include "redis.hpp"
#include "settings.hpp"

namespace glb {

struct Assignment {
  int port;
  std::string service;
};
BOOST_DESCRIBE_STRUCT(Assignment, (), (port, service)) // for JSON

// Each call asks Redis, and throws RedisError when it cannot.
class Ports {
public:
  explicit Ports(const Settings& settings);

  // A port that nobody has, round robin; nothing if all are taken.
  std::optional<Assignment> assign(const std::string& service);
  // Whose it was; nothing if it was nobody's.
  std::optional<Assignment> release(int port);
  std::optional<Assignment> find(int port);
  std::vector<Assignment> all(); // by their ports

  // Where it is said, as JSON, who got a port and who gave one back.
  std::string channel() const { return key("events"); }

private:
  std::string key(const char* name) const;
  Redis::Reply ask(const std::vector<std::string>& words);

  Settings settings_;
  grove::net::ConnectionPool<Redis> redis_;
};

} // namespace glb
