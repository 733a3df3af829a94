// SPDX-License-Identifier: MIT
#include "socket_handler.hpp"

#include <cstdint>
#include <string>

namespace glb {

namespace {

constexpr std::uint16_t try_again_later = 1013;

void send_news(grove::http::WebSocket& socket, Feed& feed) {
  try {
    Feed::Listener listener(feed); // before we ask how things are: nothing is missed in between
    socket.send_text(feed.now());
    for (const std::string& news : listener.news())
      socket.send_text(news);
    socket.close(try_again_later, "too slow");
  } catch (const RedisError&) {
    socket.close(try_again_later, "redis is away");
  } catch (const grove::Closed&) { // whoever reads notices, too
  }
}

} // namespace

void handle_websocket(grove::http::WebSocket& socket, Feed& feed) {
  grove::Group sender;
  sender.spawn([&] { send_news(socket, feed); });
  while (socket.recv()) {
    // nothing that they say is of interest: only that they go
  }
}

} // namespace glb
