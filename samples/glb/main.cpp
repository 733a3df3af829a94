// SPDX-License-Identifier: MIT
// GLB, the last program of the tutorial's notes: a server that hands out port numbers, so that
// services behind a load balancer do not get into each other's way.
//
// What is known is in Redis, asked by a C client that blocks: patched, it gives way. When Redis is
// away requests are answered with 503, and when it comes back all goes on. Try
//
//   curl --json '{"service":"web"}' http://127.0.0.1:5000/v1/ports
#include <fmt/core.h>

#include <cstdint>
#include <cstdio>

#include <grove/http.hpp>
#include <grove/patch/patch.hpp>

#include "../options.hpp"
#include "feed.hpp"
#include "ports.hpp"
#include "settings.hpp"
#include "socket_handler.hpp"
#include "v1.hpp"

namespace http = grove::http;
namespace net = grove::net;

namespace {

http::Router application(const glb::Settings& settings, glb::Ports& ports, glb::Feed& feed) {
  http::Router app;
  app.mount("/v1", glb::v1(settings, ports));
  app.get("/websocket", [&](http::Request& request) {
    return http::accept_websocket(
        request, [&](http::WebSocket& socket) { glb::handle_websocket(socket, feed); });
  });
  return app;
}

// An option of several values: "-r HOST PORT DATABASE".
template <class... T>
CLI::Option* add_option(CLI::App& app, const char* name, const char* about, const char* preset,
                        T&... values) {
  const auto read = [&values...](const CLI::results_t& words) {
    auto word = words.begin();
    return (CLI::detail::lexical_cast(*word++, values) && ...);
  };
  return app.add_option(name, read, about)->expected(sizeof...(T))->default_str(preset);
}

int manage(int argc, char** argv) {
  glb::Settings settings;
  CLI::App app{"Hands out ports of a range, and remembers in Redis whose they are."};
  app.set_help_flag("--help", "Print this help message and exit");
  add_option(app, "-h,--host-port", "Host and port of server.", "0.0.0.0 5000", settings.host,
             settings.port);
  add_option(app, "-r,--redis", "Host, port and database of Redis.", "127.0.0.1 6379 0",
             settings.redis_host, settings.redis_port, settings.redis_database);
  add_option(app, "-p,--port-range", "Port range to be assigned.", "50000 61000",
             settings.first_port, settings.last_port)
      ->check(CLI::Range(1, 65535));
  if (const auto status = sample::parse(app, argc, argv))
    return *status;
  if (settings.first_port > settings.last_port) {
    fmt::print(stderr, "--port-range: there is no port in it\n");
    return 2;
  }
  grove::patch::all();

  glb::Ports ports(settings);
  glb::Feed feed(settings, ports);
  http::Server server(net::resolve(settings.host, settings.port).front(),
                      application(settings, ports, feed), {.error_page = http::json_error_page});
  server.start();
  fmt::print("----GLB Server run at {}:{}-----\n", settings.host, server.address().port());
  fmt::print("----Redis Server run at {}:{}:{}-----\n", settings.redis_host, settings.redis_port,
             settings.redis_database);
  std::fflush(stdout); // NOLINT(cert-err33-c)
  server.serve_forever();
  return 0;
}

} // namespace

int main(int argc, char** argv) { return grove::main(argc, argv, manage); }
