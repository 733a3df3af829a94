// SPDX-License-Identifier: MIT
// A WebSocket: the server speaks when it likes to. Look at it with a browser, at
// http://127.0.0.1:10000/.
#include <chrono>
#include <random>

#include <grove/http/json.hpp>

#include "serve.hpp"

using namespace std::chrono_literals;
namespace http = grove::http;

namespace {

void send_random_data(http::WebSocket& socket) {
  std::mt19937 chance(std::random_device{}());
  std::uniform_int_distribution<int> y(1, 5);
  for (int x = 0; socket.is_open(); ++x) {
    socket.send_text(http::to_json({{"x", x}, {"y", y(chance)}}));
    grove::sleep(500ms);
  }
}

// One greenlet speaks, and this one listens: not to be told anything, but to hear when they go.
void serve(http::WebSocket& socket) {
  grove::Group speaker;
  speaker.spawn([&] { send_random_data(socket); });
  while (socket.recv()) {
  }
}

constexpr auto page = R"(<!DOCTYPE html>
<title>Minimal websocket application</title>
<h1>WebSocket Example</h1>
<div id="conn_status">Not Connected</div>
<div id="placeholder"></div>
<script>
  const connection = document.getElementById("conn_status");
  const placeholder = document.getElementById("placeholder");
  const socket = new WebSocket("ws://" + location.host + "/");
  socket.onopen = () => { connection.textContent = "Connected"; };
  socket.onerror = () => { connection.textContent = "Error"; };
  socket.onclose = () => { connection.textContent = "Closed"; };
  socket.onmessage = (event) => {
    const line = document.createElement("p");
    line.textContent = event.data;
    placeholder.append(line);
  };
</script>
)";

http::Response application(http::Request& request) {
  if (request.head().wants_upgrade)
    return http::accept_websocket(request, serve);
  return {page, http::html};
}

} // namespace

int main(int argc, char** argv) {
  return tutorial::serve(application, 10000, "Sends numbers to whoever opens a WebSocket.", argc,
                         argv);
}
