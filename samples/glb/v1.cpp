// SPDX-License-Identifier: MIT
#include "v1.hpp"

#include <boost/describe.hpp>
#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <grove/http/json.hpp>

namespace http = grove::http;

namespace glb {

namespace {

// What comes and goes as JSON.
struct Wish {
  std::string service;
};
BOOST_DESCRIBE_STRUCT(Wish, (), (service))

struct Overview {
  std::vector<int> range;
  std::vector<Assignment> ports;
};
BOOST_DESCRIBE_STRUCT(Overview, (), (range, ports))

constexpr std::size_t longest_name = 64;

bool is_name(std::string_view text) {
  const auto fits = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  };
  return !text.empty() && text.size() <= longest_name && std::ranges::all_of(text, fits);
}

http::Error unknown(int port) { return {404, fmt::format("nobody has port {}", port)}; }

// While Redis is away: it comes back, and whoever asks may ask again.
http::Response without_redis(http::Request& request, const http::Handler& next) {
  try {
    return next(request);
  } catch (const RedisError& error) {
    throw http::Error(503, error.what(), {{"Retry-After", "1"}});
  }
}

} // namespace

http::Router v1(const Settings& settings, Ports& ports) {
  http::Router router;
  router.use(without_redis);

  router.get("/ports", [&](http::Request&) {
    return http::json_response(Overview{{settings.first_port, settings.last_port}, ports.all()});
  });
  router.post("/ports", [&](http::Request& request) {
    const auto wish = http::read_json<Wish>(request);
    if (!is_name(wish.service))
      throw http::Error(422, "a service's name is letters, digits and -_. of at most 64");
    const auto given = ports.assign(wish.service);
    if (!given)
      throw http::Error(503, "all ports are taken");
    return http::json_response(*given, 201)
        .set("Location", fmt::format("/v1/ports/{}", given->port));
  });
  router.get("/ports/{port}", [&](http::Request&, int port) {
    const auto found = ports.find(port);
    if (!found)
      throw unknown(port);
    return http::json_response(*found);
  });
  router.del("/ports/{port}", [&](http::Request&, int port) {
    if (!ports.release(port))
      throw unknown(port);
    return http::Response(204);
  });
  return router;
}

} // namespace glb
