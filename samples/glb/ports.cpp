// SPDX-License-Identifier: MIT
#include "ports.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstddef>

using namespace std::chrono_literals;

namespace glb {

namespace {

// Redis runs a script as one step: no other server comes in between.
constexpr auto assign_script = R"(
local ports, turn, events = unpack(KEYS)
local low, high, service = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
for _ = low, high do
  local port = low + (redis.call('INCR', turn) - 1) % (high - low + 1)
  if redis.call('HSETNX', ports, port, service) == 1 then
    redis.call('PUBLISH', events, cjson.encode({event = 'assigned', port = port, service = service}))
    return port
  end
end
return false)";

constexpr auto release_script = R"(
local ports, events = unpack(KEYS)
local service = redis.call('HGET', ports, ARGV[1])
if service then
  redis.call('HDEL', ports, ARGV[1])
  redis.call('PUBLISH', events,
             cjson.encode({event = 'released', port = tonumber(ARGV[1]), service = service}))
end
return service)";

std::string text_of(const redisReply* reply) { return {reply->str, reply->len}; }

} // namespace

Ports::Ports(const Settings& settings)
    : settings_(settings), redis_([this] { return Redis(settings_); },
                                  {.is_fit = [](Redis& redis) { return redis.is_quiet(); }}) {}

std::string Ports::key(const char* name) const {
  return fmt::format("glb:{}:{}", settings_.redis_database, name);
}

Redis::Reply Ports::ask(const std::vector<std::string>& words) {
  try {
    return redis_.borrow(2s)->command(words);
  } catch (const grove::TimeoutError&) {
    throw RedisError("redis: all connections are busy");
  }
}

std::optional<Assignment> Ports::assign(const std::string& service) {
  const auto reply =
      ask({"EVAL", assign_script, "3", key("ports"), key("turn"), key("events"),
           std::to_string(settings_.first_port), std::to_string(settings_.last_port), service});
  if (reply->type != REDIS_REPLY_INTEGER)
    return std::nullopt;
  return Assignment{static_cast<int>(reply->integer), service};
}

std::optional<Assignment> Ports::release(int port) {
  const auto reply =
      ask({"EVAL", release_script, "2", key("ports"), key("events"), std::to_string(port)});
  if (reply->type != REDIS_REPLY_STRING)
    return std::nullopt;
  return Assignment{port, text_of(reply.get())};
}

std::optional<Assignment> Ports::find(int port) {
  const auto reply = ask({"HGET", key("ports"), std::to_string(port)});
  if (reply->type != REDIS_REPLY_STRING)
    return std::nullopt;
  return Assignment{port, text_of(reply.get())};
}

std::vector<Assignment> Ports::all() {
  const auto reply = ask({"HGETALL", key("ports")}); // port, service, port, service, ...
  std::vector<Assignment> all;
  for (std::size_t i = 0; i + 1 < reply->elements; i += 2)
    all.push_back({std::stoi(text_of(reply->element[i])), text_of(reply->element[i + 1])});
  std::ranges::sort(all, {}, &Assignment::port);
  return all;
}

} // namespace glb
