// SPDX-License-Identifier: MIT
// http_bench_server hello [HUBS]: answers every request alike
//                   rest LOG:     a router, a parameter, JSON, and an access log in that file
//                   files FOLDER: gives its files
//                   websocket:    echoes messages
// Prints "port N". Ends with SIGTERM.
#include <sys/resource.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <boost/describe/class.hpp>

#include <grove/http/json.hpp>
#include <grove/http/router.hpp>
#include <grove/http/server.hpp>
#include <grove/http/static_files.hpp>
#include <grove/http/websocket.hpp>
#include <grove/hub/main.hpp>

namespace {

namespace http = grove::http;

http::Response hello(http::Request&) { return {"Hello, world\n", "text/plain"}; }

struct Greeting {
  std::string hello;
};
BOOST_DESCRIBE_STRUCT(Greeting, (), (hello))

http::Response greet(http::Request&, const std::string& name) {
  return http::json_response(Greeting{name});
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
  return options;
}

int run(int argc, char** argv) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  const std::string kind = argc > 1 ? argv[1] : "";
  const std::string argument = argc > 2 ? argv[2] : "";
  http::ServerOptions own = options();
  if (kind == "hello" && !argument.empty())
    own.hubs = static_cast<std::size_t>(std::atoi(argument.c_str()));
  http::Handler handler = handler_of(kind, argument, own);
  http::Server server(grove::net::Address::loopback(), std::move(handler), std::move(own));
  server.start();
  std::printf("port %d\n", server.address().port());
  std::fflush(stdout);
  server.serve_forever();
  return 0;
}

} // namespace

int main(int argc, char** argv) { return grove::main(argc, argv, run); }
