// SPDX-License-Identifier: MIT
// Router: which handler a request is for.
#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <grove/http/error.hpp>
#include <grove/http/request.hpp>
#include <grove/http/response.hpp>
#include <grove/http/server.hpp>

namespace grove::http {

// Called around a handler: `[](Request& r, const Handler& next) { ...; return next(r); }`.
using Middleware = std::function<Response(Request&, const Handler& next)>;

namespace detail {

// One parameter of a path as the type that a handler takes; nothing if it is none.
template <class T>
std::optional<T> path_value(std::string_view text) {
  if constexpr (std::is_same_v<T, std::string>) {
    return std::string(text);
  } else {
    static_assert(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>,
                  "a path parameter is a std::string or a number");
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size())
      return std::nullopt;
    return value;
  }
}

// The parameters of a handler behind the Request&.
template <class F>
struct PathTypes : PathTypes<decltype(&F::operator())> {};
template <class R, class... Args>
struct PathTypes<R (*)(Request&, Args...)> {
  using type = std::tuple<std::decay_t<Args>...>;
};
template <class R, class C, class... Args>
struct PathTypes<R (C::*)(Request&, Args...)> : PathTypes<R (*)(Request&, Args...)> {};
template <class R, class C, class... Args>
struct PathTypes<R (C::*)(Request&, Args...) const> : PathTypes<R (*)(Request&, Args...)> {};

// With the parameters' texts, in the order of the path.
struct RouteHandler {
  std::function<bool(const std::vector<std::string>&)> fits; // each is of its type
  std::function<Response(Request&, const std::vector<std::string>&)> call;
};

template <class Types, std::size_t... I>
bool fit(const std::vector<std::string>& texts, std::index_sequence<I...>) {
  return (path_value<std::tuple_element_t<I, Types>>(texts[I]).has_value() && ...);
}
template <class Types, class F, std::size_t... I>
Response call_route(F& handler, Request& request, const std::vector<std::string>& texts,
                    std::index_sequence<I...>) {
  return handler(request, *path_value<std::tuple_element_t<I, Types>>(texts[I])...);
}

} // namespace detail

struct RouteOptions {
  // Bytes that the body of a request may have, instead of the router's, or the server's, limit.
  std::optional<std::uint64_t> body{};
};

// Router hands a request on by its method and path; a Router is a Handler, whose copies are one and
// the same. Routes are looked at in
// the order in which they were added, but a segment that is given beats a parameter:
//
//     Router router;
//     router.get("/users/{id}", [](Request&, int id) { return Response(...); });
//     router.mount("/v1", std::move(other));
//     Server server(address, std::move(router));
//
// "{name}" stands for one segment, percent-decoded, and becomes an argument of the handler: a
// std::string, or a number (another text is no match); "{name...}" at the end for all the rest,
// with its slashes. Request::parameter() gives it by name. Paths are compared segment by segment
// after decoding; "." and ".." segments and empty ones are no match. No route: 404; none with the
// method: 405, with Allow. GET answers HEAD; OPTIONS is answered with Allow.
class Router {
public:
  Router();

  // std::invalid_argument for a pattern that is none, or has another number of parameters than the
  // handler, or is there already.
  template <class F>
  Router& add(std::string_view method, std::string_view pattern, F handler,
              RouteOptions options = {});
  template <class F>
  Router& get(std::string_view pattern, F handler, RouteOptions options = {}) {
    return add("GET", pattern, std::move(handler), options);
  }
  template <class F>
  Router& post(std::string_view pattern, F handler, RouteOptions options = {}) {
    return add("POST", pattern, std::move(handler), options);
  }
  template <class F>
  Router& put(std::string_view pattern, F handler, RouteOptions options = {}) {
    return add("PUT", pattern, std::move(handler), options);
  }
  template <class F>
  Router& patch(std::string_view pattern, F handler, RouteOptions options = {}) {
    return add("PATCH", pattern, std::move(handler), options);
  }
  template <class F>
  Router& del(std::string_view pattern, F handler, RouteOptions options = {}) {
    return add("DELETE", pattern, std::move(handler), options);
  }
  // What is under the prefix goes to another router, or to any handler; longest prefix first.
  // Request::path() stays; the router sees what is behind the prefix.
  Router& mount(std::string_view prefix, Router router);
  Router& mount(std::string_view prefix, Handler handler);
  // Around all handlers of this router and those mounted in it; the first one outermost. Also where
  // no route is found.
  Router& use(Middleware middleware);

  // Bytes that bodies may have here and in the routers mounted in it, where these, or a route, do
  // not say otherwise: more than the server's limit, or less. A Server that was given the Router
  // itself, or one made by per_hub(), asks for it before anything of the body is read, so that 413
  // is the answer instead of 100 Continue, and middleware and handler are not called.
  Router& limit_bodies(std::uint64_t bytes);
  // What was said so of a request, if anything; `path` is still percent-encoded.
  std::optional<std::uint64_t> body_limit(std::string_view method, std::string_view path) const;

  Response operator()(Request& request) const;

private:
  struct Routes;
  void add_route(std::string_view method, std::string_view pattern, std::size_t parameters,
                 detail::RouteHandler handler, RouteOptions options);
  Response dispatch(Request& request) const;
  std::shared_ptr<Routes> routes_;
};

template <class F>
Router& Router::add(std::string_view method, std::string_view pattern, F handler,
                    RouteOptions options) {
  using Types = typename detail::PathTypes<F>::type;
  using Indices = std::make_index_sequence<std::tuple_size_v<Types>>;
  add_route(
      method, pattern, Indices::size(),
      {[](const std::vector<std::string>& texts) { return detail::fit<Types>(texts, Indices()); },
       [handler = std::move(handler)](Request& request,
                                      const std::vector<std::string>& texts) mutable -> Response {
         return detail::call_route<Types>(handler, request, texts, Indices());
       }},
      options);
  return *this;
}

} // namespace grove::http
