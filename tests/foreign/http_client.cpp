// SPDX-License-Identifier: MIT
// Asks foreign servers:
//   http_client get URL...                  the bodies, one after the other
//   http_client head URL...                 the statuses
//   http_client post URL TEXT               what is sent back
//   http_client put URL PIECES              likewise, of a body in chunks
//   http_client echo WS-URL COUNT           that many messages come back as they were
//   http_client autobahn WS-URL             plays the client of the fuzzing server there
// GROVE_TEST_CA names a file of authorities, GROVE_TEST_PROXY a proxy.
#include <fmt/core.h>

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <grove/http/client.hpp>
#include <grove/hub.hpp>
#include <grove/tls.hpp>

namespace {

namespace http = grove::http;

http::ClientOptions options() {
  http::ClientOptions all;
  if (const char* file = std::getenv("GROVE_TEST_CA")) {
    all.tls = std::make_shared<const grove::tls::ClientContext>(grove::tls::ClientOptions{
        .authorities = grove::tls::Authorities::from_file(file), .alpn = {"http/1.1"}});
  }
  if (const char* proxy = std::getenv("GROVE_TEST_PROXY"))
    all.proxy = proxy;
  return all;
}

// Large enough for all that the suite sends.
http::WebSocketOptions roomy() {
  http::WebSocketOptions all;
  all.max_message = 32 * 1024 * 1024;
  all.max_fragments = 1'000'000;
  all.send_queue = 64 * 1024 * 1024;
  return all;
}

std::string size_of(std::size_t i) { return std::to_string(i) + std::string(i * 37 % 70'000, 'x'); }

void echo(http::Client& client, const std::string& url, std::size_t count) {
  http::WebSocketOptions with = roomy();
  with.deflate = true; // where the server can
  http::WebSocket socket = client.websocket(url, with);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string data = size_of(i);
    if (i % 2 == 0)
      socket.send_text(data);
    else
      socket.send_binary(data + '\xff');
  }
  for (std::size_t i = 0; i < count; ++i) {
    const auto message = socket.recv();
    if (!message || message->is_text != (i % 2 == 0) ||
        message->data != size_of(i) + (i % 2 == 0 ? "" : "\xff"))
      throw std::runtime_error("message " + std::to_string(i) + " came back as another");
  }
  socket.ping("are you there?");
  socket.close(1000, "done");
  fmt::print("echoed {}, closed with {}\n", count, socket.close_code());
}

void autobahn(http::Client& client, const std::string& base) {
  auto counting = client.websocket(base + "/getCaseCount", roomy());
  const auto answer = counting.recv();
  const std::size_t count = std::stoul(answer.value().data);
  counting.close();
  for (std::size_t i = 1; i <= count; ++i) {
    http::WebSocketOptions with = roomy();
    with.deflate = true;
    auto socket =
        client.websocket(base + "/runCase?case=" + std::to_string(i) + "&agent=grove", with);
    try {
      while (auto message = socket.recv()) {
        if (message->is_text)
          socket.send_text(message->data);
        else
          socket.send_binary(message->data);
      }
    } catch (const grove::Closed&) { // while it was sent
    }
    socket.close();
  }
  client.websocket(base + "/updateReports?agent=grove", roomy()).recv();
  fmt::print("ran {} cases\n", count);
}

int run(const std::vector<std::string>& words) {
  http::Client client(options());
  const std::string& what = words.at(0);
  if (what == "post") {
    fmt::print("{}", client.post(words.at(1), words.at(2)).text());
  } else if (what == "put") {
    http::ClientRequest request{.method = "PUT", .url = words.at(1)};
    const unsigned long pieces = std::stoul(words.at(2));
    request.write = [&](http::BodyWriter& out) {
      for (unsigned long i = 0; i < pieces; ++i)
        out.write(fmt::format("piece {}\n", i));
    };
    fmt::print("{}", client.send(request).text());
  } else if (what == "echo") {
    echo(client, words.at(1), std::stoul(words.at(2)));
  } else if (what == "autobahn") {
    autobahn(client, words.at(1));
  } else {
    for (std::size_t i = 1; i < words.size(); ++i) {
      auto response = client.send({.method = what == "head" ? "HEAD" : "GET", .url = words[i]});
      fmt::print("{} {}", response.status(), what == "head" ? "\n" : response.text());
    }
    fmt::print("{} connections\n", client.stats().connections);
  }
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  return grove::main(argc, argv,
                     [&] { return run(std::vector<std::string>(argv + 1, argv + argc)); });
}
