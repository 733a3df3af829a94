// SPDX-License-Identifier: MIT
// http_server ADDRESS [--files DIRECTORY] [--tls CHAIN KEY] [--trust NETWORK] [--deflate]
//             [--per-ip CONNECTIONS]
// A server of all kinds of answers, which foreign clients and proxies ask. Says where it is; ends,
// in order, by SIGTERM.
#include <fmt/core.h>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <grove/http/access_log.hpp>
#include <grove/http/router.hpp>
#include <grove/http/server.hpp>
#include <grove/http/static_files.hpp>
#include <grove/http/websocket.hpp>
#include <grove/hub.hpp>
#include <grove/tls.hpp>

namespace {

namespace http = grove::http;
using http::Request;
using http::Response;

struct Options {
  std::string address, files, chain, key;
  std::vector<std::string> trusted;
  bool deflate = false;
  std::size_t per_ip = http::ServerOptions().connections_per_ip;
};

Options read(int argc, char** argv) {
  Options options;
  const std::vector<std::string> words(argv + 1, argv + argc);
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--files")
      options.files = words.at(++i);
    else if (words[i] == "--trust")
      options.trusted.push_back(words.at(++i));
    else if (words[i] == "--per-ip")
      options.per_ip = std::stoul(words.at(++i));
    else if (words[i] == "--deflate")
      options.deflate = true;
    else if (words[i] == "--tls")
      std::tie(options.chain, options.key) = std::tie(words.at(i + 1), words.at(i + 2)), i += 2;
    else
      options.address = words[i];
  }
  return options;
}

void echo_messages(http::WebSocket& socket) {
  while (auto message = socket.recv()) {
    if (message->is_text)
      socket.send_text(message->data);
    else
      socket.send_binary(message->data);
  }
}

http::Router routes(const Options& options) {
  http::Router router;
  router.get("/hello", [](Request&) { return Response("hello\n"); });
  const auto echo = [](Request& request) {
    return Response(request.read_all(), request.field("Content-Type").value_or(http::plain_text));
  };
  router.post("/echo", echo).put("/echo", echo).get("/echo", echo);
  router.get("/stream/{pieces}", [](Request&, unsigned pieces) {
    return Response::streaming("text/plain", [pieces](http::BodyWriter& out) {
      for (unsigned i = 0; i < pieces; ++i)
        out.write(fmt::format("piece {}\n", i));
    });
  });
  router.post("/refuse", [](Request&) -> Response { throw http::Error(403, "no bodies here"); });
  router.get("/client", [](Request& request) {
    return Response(request.client() + (request.secure() ? " secure\n" : " plain\n"));
  });
  router.get("/bye", [](Request&) { return Response("bye\n").set("Connection", "close"); });
  router.get("/", [deflate = options.deflate](Request& request) {
    http::WebSocketOptions websocket;
    websocket.deflate = deflate;
    websocket.max_message = 32 * 1024 * 1024;
    websocket.max_fragments = 1'000'000;
    websocket.send_queue = 64 * 1024 * 1024;
    websocket.protocols = {"echo"};
    return http::accept_websocket(request, echo_messages, websocket);
  });
  if (!options.files.empty())
    router.mount("/files", http::StaticFiles(options.files));
  return router;
}

int serve(const Options& options) {
  http::ServerOptions server_options;
  server_options.requests_per_connection = 1'000'000;
  server_options.connections_per_ip = options.per_ip;
  server_options.trusted_proxies = options.trusted;
  server_options.access_log = [](const http::AccessRecord& record) {
    fmt::print("{}\n", http::common_log_line(record));
  };
  if (!options.chain.empty()) {
    const grove::tls::ServerContext context(grove::tls::ServerOptions{
        .identities = {grove::tls::Identity::from_files(options.chain, options.key)},
        .alpn = {"http/1.1"}});
    server_options.secure = [context](grove::net::StreamSocket&& socket) {
      return std::make_unique<grove::tls::TlsStream>(
          grove::tls::wrap_server(std::move(socket), context));
    };
  }
  http::Server server(grove::net::Address::parse(options.address), routes(options), server_options);
  server.start();
  fmt::print("http_server: at {}\n", server.address().to_string());
  server.serve_forever();
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  return grove::main(argc, argv, [&] {
    std::setvbuf(stdout, nullptr, _IOLBF, 0); // NOLINT(cert-err33-c)
    return serve(read(argc, argv));
  });
}
