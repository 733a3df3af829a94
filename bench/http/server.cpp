// SPDX-License-Identifier: MIT
// http_bench_server hello [HUBS]: answers every request alike
//                   rest LOG:     a router, a parameter, JSON, and an access log in that file
//                   files FOLDER: gives its files
//                   websocket:    echoes messages
// Prints "port N". Ends with SIGTERM.
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <grove/http/router.hpp>
#include <grove/http/server.hpp>
#include <grove/http/static_files.hpp>
#include <grove/http/websocket.hpp>
#include <grove/hub/hub_thread.hpp>
#include <grove/hub/main.hpp>

namespace {

namespace http = grove::http;

http::Response hello(http::Request&) { return {"Hello, world\n", "text/plain"}; }

http::Response greet(http::Request&, const std::string& name) {
  return {R"({"hello":")" + name + R"("})", "application/json"};
}

http::Response echo(http::Request& request) {
  return http::accept_websocket(request, [](http::WebSocket& socket) {
    while (const auto message = socket.recv())
      socket.send_binary(message->data);
  });
}

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

// Of one hub.
http::Handler handler_of(std::string_view kind, const std::string& path,
                         http::ServerOptions& options) {
  if (kind == "hello")
    return hello;
  if (kind == "websocket")
    return echo;
  if (kind == "files")
    return http::StaticFiles(path);
  if (kind == "rest") {
    const std::shared_ptr<std::FILE> log(std::fopen(path.c_str(), "a"), std::fclose);
    if (log == nullptr)
      throw std::runtime_error("open " + path);
    options.access_log = [log](const http::AccessRecord& record) {
      const std::string line = http::common_log_line(record) + '\n';
      std::fwrite(line.data(), 1, line.size(), log.get());
    };
    http::Router router;
    router.get("/hello/{name}", greet);
    return router;
  }
  throw std::invalid_argument("usage: http_bench_server hello|rest|files|websocket [ARGUMENT]");
}

http::ServerOptions options() {
  http::ServerOptions options;
  options.connections = 20'000;
  options.connections_per_ip = 20'000; // the load has one address
  options.requests_per_connection = 1'000'000'000;
  options.backlog = 4096;
  options.reuse_port = true;
  return options;
}

void serve(std::string_view kind, const std::string& argument, const grove::net::Address& address,
           const std::function<void(const grove::net::Address&)>& begun) {
  http::ServerOptions own = options();
  http::Handler handler = handler_of(kind, argument, own);
  http::Server server(address, std::move(handler), std::move(own));
  server.start();
  begun(server.address());
  server.serve_forever();
}

int run(int argc, char** argv) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  const std::string kind = argc > 1 ? argv[1] : "";
  const std::string argument = argc > 2 ? argv[2] : "";
  std::vector<std::unique_ptr<grove::HubThread>> others;
  serve(kind, argument, grove::net::Address::loopback(), [&](const grove::net::Address& address) {
    const int hubs = kind == "hello" && !argument.empty() ? std::atoi(argument.c_str()) : 1;
    for (int i = 1; i < hubs; ++i) {
      others.push_back(std::make_unique<grove::HubThread>());
      others.back()->hub().post([&, address] { serve(kind, argument, address, [](auto&) {}); });
    }
    std::printf("port %d\n", address.port());
    std::fflush(stdout);
  });
  return 0;
}

} // namespace

int main(int argc, char** argv) { return grove::main(argc, argv, run); }
