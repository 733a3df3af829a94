// SPDX-License-Identifier: MIT
#include "feed.hpp"

#include <fmt/core.h>

#include <chrono>
#include <cstddef>
#include <utility>
#include <vector>

#include <grove/http/json.hpp>

using namespace std::chrono_literals;

namespace http = grove::http;

namespace glb {

namespace {
constexpr std::size_t most_unread = 1000;
constexpr auto away = R"({"event":"redis","up":false})";

std::string as_event(const std::vector<Assignment>& all) {
  return http::to_json(
      boost::json::object{{"event", "ports"}, {"ports", boost::json::value_from(all)}});
}
} // namespace

Feed::Feed(const Settings& settings, Ports& ports) : settings_(settings), ports_(ports) {
  greenlet_.spawn([this] { run(); });
}

Feed::Listener::Listener(Feed& feed) : feed_(feed), news_(most_unread) {
  feed_.listeners_.insert(this);
}

std::string Feed::now() const { return up_ ? as_event(ports_.all()) : away; }

void Feed::run() {
  for (;;) {
    try {
      listen();
    } catch (const RedisError& error) {
      if (std::exchange(up_, false)) {
        fmt::print(stderr, "glb: {}\n", error.what());
        tell(away);
      }
    }
    grove::sleep(200ms);
  }
}

void Feed::listen() {
  Redis redis(settings_);
  redis.subscribe(ports_.channel());
  tell(as_event(ports_.all())); // what happens meanwhile comes behind it
  up_ = true;
  for (;;)
    tell(redis.next_message());
}

void Feed::tell(const std::string& news) {
  for (Listener* listener : listeners_) {
    if (!listener->news_.closed() && !listener->news_.try_put(news))
      listener->news_.close();
  }
}

} // namespace glb
