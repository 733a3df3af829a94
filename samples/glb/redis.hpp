// SPDX-License-Identifier: MIT
// Redis: a connection of hiredis, the C client, which blocks. Patched, it waits green.
#pragma once

#include <hiredis/hiredis.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "settings.hpp"

namespace glb {

// What failed: "redis 127.0.0.1:6379: Connection refused". The connection is of no use any more.
class RedisError : public std::runtime_error {
  using runtime_error::runtime_error;
};

// Every call throws RedisError, also when the server takes longer than two seconds.
class Redis {
public:
  using Reply = std::unique_ptr<redisReply, void (*)(void*)>;

  explicit Redis(const Settings& settings);

  // {"HGET", "key", "field"}
  Reply command(const std::vector<std::string>& words);
  // Nothing was received that nobody asked for: the news that the server has gone, mostly.
  bool is_quiet() const;

  void subscribe(const std::string& channel);
  // The next message of the channel; waits as long as it takes.
  std::string next_message();

private:
  Reply take(void* reply) const;
  void limit(int seconds);
  [[noreturn]] void fail() const;

  std::string name_;
  std::unique_ptr<redisContext, void (*)(redisContext*)> context_;
};

} // namespace glb
