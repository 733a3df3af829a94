// SPDX-License-Identifier: MIT
// Routers.
#include <grove/http/router.hpp>

#include <algorithm>
#include <map>
#include <stdexcept>

#include "grammar.hpp"
#include "request_access.hpp"

namespace grove::http {

namespace {

[[noreturn]] void refuse(std::string_view pattern, const std::string& why) {
  throw std::invalid_argument("grove: http: the route '" + std::string(pattern) + "' " + why);
}

// The segments of a path, decoded; nothing for one that no route can have.
std::optional<std::vector<std::string>> segments_of(std::string_view path) {
  std::vector<std::string> segments;
  if (path.empty() || path == "/")
    return segments;
  if (path.front() != '/')
    return std::nullopt;
  path.remove_prefix(1);
  while (true) {
    const auto end = std::min(path.find('/'), path.size());
    auto segment = percent_decode(path.substr(0, end));
    if (!segment || *segment == "." || *segment == ".." || segment->find('\0') != std::string::npos)
      return std::nullopt;
    segments.push_back(*std::move(segment));
    if (end == path.size())
      return segments;
    path.remove_prefix(end + 1);
  }
}

} // namespace

struct Router::Routes {
  // One segment of the tree. What is given is looked at before what is a parameter.
  struct Node {
    std::map<std::string, std::unique_ptr<Node>, std::less<>> given;
    std::unique_ptr<Node> parameter;
    struct Route {
      std::string method;
      std::vector<std::string> names;
      detail::RouteHandler handler;
      RouteOptions options;
    };
    std::vector<Route> routes; // that end here
    std::vector<Route> rest;   // that take all that follows
  };
  struct Mount {
    std::string prefix;
    std::size_t segments;
    Handler handler;
  };
  Node root;
  std::vector<Mount> mounts; // the longest first
  std::vector<Middleware> around;
  std::optional<std::uint64_t> body{}; // the limit for all
  bool limits_bodies = false;          // it, or one of a route

  struct Search {
    const std::vector<std::string>& segments;
    std::string_view method;
    std::vector<std::string> values{};
    std::vector<std::string> allowed{}; // methods of others that would fit
  };
  const Mount* mount_of(std::string_view path) const;
  const Node::Route* find(Search& search) const;

private:
  static const Node::Route* find(const Node& node, std::size_t at, Search& search);
  static const Node::Route* fitting(const std::vector<Node::Route>& routes, Search& search);
};

Router::Router() : routes_(std::make_shared<Routes>()) {}

void Router::add_route(std::string_view method, std::string_view pattern, std::size_t parameters,
                       detail::RouteHandler handler, RouteOptions options) {
  if (!detail::is_token(method))
    refuse(pattern, "has a method that is no token");
  if (!pattern.starts_with('/'))
    refuse(pattern, "does not begin with '/'");
  Routes::Node* node = &routes_->root;
  std::vector<std::string> names;
  bool takes_rest = false;
  std::string_view left = pattern == "/" ? std::string_view() : pattern;
  while (!left.empty()) {
    left.remove_prefix(1);
    const auto end = std::min(left.find('/'), left.size());
    std::string_view segment = left.substr(0, end);
    left.remove_prefix(end);
    if (takes_rest)
      refuse(pattern, "goes on behind the parameter that takes the rest");
    if (segment.starts_with('{')) {
      if (!segment.ends_with('}') || segment.size() < 3)
        refuse(pattern, "has a parameter without a name, or without its '}'");
      segment = segment.substr(1, segment.size() - 2);
      takes_rest = segment.ends_with("...");
      if (takes_rest)
        segment.remove_suffix(3);
      if (!detail::is_token(segment) || std::ranges::find(names, segment) != names.end())
        refuse(pattern, "has a parameter that is no name, or is there twice");
      names.emplace_back(segment);
      if (takes_rest)
        continue;
      if (node->parameter == nullptr)
        node->parameter = std::make_unique<Routes::Node>();
      node = node->parameter.get();
    } else {
      if (segment.find_first_of("{}") != std::string_view::npos)
        refuse(pattern, "has a brace in the middle of a segment");
      auto& next = node->given[std::string(segment)];
      if (next == nullptr)
        next = std::make_unique<Routes::Node>();
      node = next.get();
    }
  }
  if (names.size() != parameters) {
    refuse(pattern, "has " + std::to_string(names.size()) + " parameters, its handler takes " +
                        std::to_string(parameters));
  }
  auto& routes = takes_rest ? node->rest : node->routes;
  const bool there = std::ranges::any_of(routes, [&](const Routes::Node::Route& route) {
    return route.method == method && route.names == names;
  });
  if (there)
    refuse(pattern, "is there already for " + std::string(method));
  routes.push_back({std::string(method), std::move(names), std::move(handler), options});
  routes_->limits_bodies = routes_->limits_bodies || options.body.has_value();
}

Router& Router::mount(std::string_view prefix, Router router) {
  return mount(prefix, Handler(std::move(router)));
}

Router& Router::mount(std::string_view prefix, Handler handler) {
  if (!prefix.starts_with('/') || prefix.ends_with('/'))
    refuse(prefix, "is no prefix: it begins with '/' and does not end with it");
  const auto same = [&](const Routes::Mount& mount) { return mount.prefix == prefix; };
  if (std::ranges::any_of(routes_->mounts, same))
    refuse(prefix, "is mounted already");
  routes_->mounts.push_back({std::string(prefix),
                             static_cast<std::size_t>(std::ranges::count(prefix, '/')),
                             std::move(handler)});
  std::ranges::stable_sort(routes_->mounts, std::greater<>(), &Routes::Mount::segments);
  return *this;
}

Router& Router::use(Middleware middleware) {
  routes_->around.push_back(std::move(middleware));
  return *this;
}

Response Router::operator()(Request& request) const {
  // Built from the inside out; each level is on this stack.
  const auto call = [&](auto& self, std::size_t level) -> Response {
    if (level == routes_->around.size())
      return dispatch(request);
    return routes_->around[level](request, [&, level](Request&) { return self(self, level + 1); });
  };
  return call(call, 0);
}

Router& Router::limit_bodies(std::uint64_t bytes) {
  routes_->body = bytes;
  routes_->limits_bodies = true;
  return *this;
}

std::optional<std::uint64_t> Router::body_limit(std::string_view method,
                                                std::string_view path) const {
  if (const Routes::Mount* mount = routes_->mount_of(path)) {
    const auto* const within = mount->handler.target<Router>();
    const auto limit = within == nullptr
                           ? std::nullopt
                           : within->body_limit(method, path.substr(mount->prefix.size()));
    return limit ? limit : routes_->body;
  }
  if (!routes_->limits_bodies)
    return std::nullopt;
  if (const auto segments = segments_of(path)) {
    Routes::Search search{*segments, method};
    const Routes::Node::Route* const route = routes_->find(search);
    if (route != nullptr && route->options.body)
      return route->options.body;
  }
  return routes_->body;
}

Response Router::dispatch(Request& request) const {
  const std::string_view path = request.rest_;
  if (const Routes::Mount* mount = routes_->mount_of(path)) {
    struct Within {
      std::string_view& rest;
      std::string_view before;
      ~Within() { rest = before; }
    } within{request.rest_, path};
    request.rest_ = path.substr(mount->prefix.size());
    return mount->handler(request);
  }

  if (path == "*") // of OPTIONS: the server as a whole
    return Response(204).set("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
  const auto segments = segments_of(path);
  if (!segments)
    throw Error(404, "nothing is at this path");
  Routes::Search search{*segments, request.method()};
  if (const Routes::Node::Route* route = routes_->find(search)) {
    for (std::size_t i = 0; i < route->names.size(); ++i)
      request.parameters_.emplace_back(route->names[i], search.values[i]);
    return route->handler.call(request, search.values);
  }
  if (search.allowed.empty())
    throw Error(404, "nothing is at this path");
  std::string allow = "OPTIONS";
  std::ranges::sort(search.allowed);
  search.allowed.erase(std::unique(search.allowed.begin(), search.allowed.end()),
                       search.allowed.end());
  for (const std::string& method : search.allowed)
    allow += ", " + method + (method == "GET" ? ", HEAD" : "");
  if (request.method() == "OPTIONS")
    return Response(204).set("Allow", allow);
  throw Error(405, "this takes " + allow, {{"Allow", allow}});
}

auto Router::Routes::mount_of(std::string_view path) const -> const Mount* {
  for (const Mount& mount : mounts) {
    if (path.starts_with(mount.prefix) &&
        (path.size() == mount.prefix.size() || path[mount.prefix.size()] == '/'))
      return &mount;
  }
  return nullptr;
}

auto Router::Routes::find(Search& search) const -> const Node::Route* {
  const Node::Route* route = find(root, 0, search);
  if (route == nullptr && search.method == "HEAD") {
    search.method = "GET";
    search.values.clear();
    route = find(root, 0, search);
  }
  return route;
}

auto Router::Routes::find(const Node& node, std::size_t at, Search& search) -> const Node::Route* {
  if (at == search.segments.size())
    return fitting(node.routes, search);
  const std::string& segment = search.segments[at];
  if (const auto next = node.given.find(segment); next != node.given.end()) {
    if (const auto* route = find(*next->second, at + 1, search))
      return route;
  }
  if (node.parameter != nullptr && !segment.empty()) {
    search.values.push_back(segment);
    if (const auto* route = find(*node.parameter, at + 1, search))
      return route;
    search.values.pop_back();
  }
  if (!node.rest.empty()) {
    std::string rest = segment;
    for (std::size_t i = at + 1; i < search.segments.size(); ++i)
      rest += '/' + search.segments[i];
    search.values.push_back(std::move(rest));
    if (const auto* route = fitting(node.rest, search))
      return route;
    search.values.pop_back();
  }
  return nullptr;
}

auto Router::Routes::fitting(const std::vector<Node::Route>& routes, Search& search)
    -> const Node::Route* {
  for (const Node::Route& route : routes) {
    if (!route.handler.fits(search.values))
      continue;
    if (route.method == search.method)
      return &route;
    search.allowed.push_back(route.method);
  }
  return nullptr;
}

} // namespace grove::http
