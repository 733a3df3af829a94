// SPDX-License-Identifier: MIT
#include <grove/http/router.hpp>

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace grove::http {
namespace {

Response ask(const Router& router, std::string method, std::string target) {
  Request request = Request::make(std::move(method), std::move(target));
  try {
    return router(request);
  } catch (const Error& error) {
    Response response(error.status(), error.what());
    if (error.fields() != nullptr)
      response.fields() = *error.fields();
    return response;
  }
}

std::string text(const Router& router, std::string target) {
  return std::string(ask(router, "GET", std::move(target)).text());
}

TEST(Router, a_path_leads_to_its_handler) {
  Router router;
  router.get("/", [](Request&) { return Response("root"); })
      .get("/a", [](Request&) { return Response("a"); })
      .get("/a/b", [](Request&) { return Response("a/b"); })
      .post("/a", [](Request&) { return Response("posted"); });
  EXPECT_EQ(text(router, "/"), "root");
  EXPECT_EQ(text(router, "/a"), "a");
  EXPECT_EQ(text(router, "/a?x=y"), "a");
  EXPECT_EQ(text(router, "http://host/a/b"), "a/b");
  EXPECT_EQ(text(router, "/%61"), "a");
  EXPECT_EQ(ask(router, "POST", "/a").text(), "posted");
}

TEST(Router, parameters_become_arguments) {
  Router router;
  router.get("/users/{id}", [](Request& request, int id) {
    return Response("user " + std::to_string(id) + " " + std::string(*request.parameter("id")));
  });
  router.get("/users/{id}/files/{path...}",
             [](Request&, std::uint64_t id, const std::string& path) {
               return Response(std::to_string(id) + ":" + path);
             });
  router.get("/users/{name}", [](Request&, std::string name) { return Response("named " + name); });
  router.get("/users/me", [](Request&) { return Response("me"); });
  EXPECT_EQ(text(router, "/users/42"), "user 42 42");
  EXPECT_EQ(text(router, "/users/me"), "me");
  EXPECT_EQ(text(router, "/users/ann%2Fbob"), "named ann/bob");
  EXPECT_EQ(text(router, "/users/99999999999"), "named 99999999999"); // too large for an int
  EXPECT_EQ(text(router, "/users/7/files/a/b%20c"), "7:a/b c");
  EXPECT_EQ(ask(router, "GET", "/users/").status(), 404);
  EXPECT_EQ(ask(router, "GET", "/users/x/files/y").status(), 404);
}

TEST(Router, what_is_not_there_is_404_or_405) {
  Router router;
  router.get("/a", [](Request&) { return Response("a"); });
  router.put("/a", [](Request&) { return Response("put"); });
  EXPECT_EQ(ask(router, "GET", "/b").status(), 404);
  EXPECT_EQ(ask(router, "GET", "/a/").status(), 404);
  EXPECT_EQ(ask(router, "GET", "//a").status(), 404);
  EXPECT_EQ(ask(router, "GET", "/x/../a").status(), 404);
  EXPECT_EQ(ask(router, "GET", "/x/%2e%2E/a").status(), 404);
  EXPECT_EQ(ask(router, "GET", "/a%00").status(), 404);
  EXPECT_EQ(ask(router, "GET", "/%zz").status(), 404);
  const Response refused = ask(router, "DELETE", "/a");
  EXPECT_EQ(refused.status(), 405);
  EXPECT_EQ(refused.fields().get("Allow"), "OPTIONS, GET, HEAD, PUT");
  EXPECT_EQ(ask(router, "OPTIONS", "/a").status(), 204);
  // Where a parameter is not of the type that the handler takes nothing is, for any method.
  router.del("/users/{id}", [](Request&, int) { return Response(204); });
  EXPECT_EQ(ask(router, "GET", "/users/7").status(), 405);
  EXPECT_EQ(ask(router, "GET", "/users/x").status(), 404);
  EXPECT_EQ(ask(router, "DELETE", "/users/x").status(), 404);
  EXPECT_EQ(ask(router, "HEAD", "/a").text(), "a"); // the server leaves the body out
}

TEST(Router, routers_are_mounted_in_each_other) {
  Router inner;
  inner.get("/", [](Request&) { return Response("v1 root"); });
  inner.get("/ports/{port}", [](Request& request, int port) {
    return Response("port " + std::to_string(port) + " of " + std::string(request.path()));
  });
  Router other;
  other.get("/x", [](Request&) { return Response("deeper"); });
  Router router;
  router.mount("/v1", inner).mount("/v1/deep", other);
  router.get("/v1x", [](Request&) { return Response("no part of it"); });
  EXPECT_EQ(text(router, "/v1"), "v1 root");
  EXPECT_EQ(text(router, "/v1/ports/80"), "port 80 of /v1/ports/80");
  EXPECT_EQ(text(router, "/v1/deep/x"), "deeper");
  EXPECT_EQ(text(router, "/v1x"), "no part of it");
}

TEST(Router, middleware_is_around_everything) {
  std::string log;
  Router inner;
  inner.use([&](Request& request, const Handler& next) {
    log += "[inner";
    Response response = next(request);
    log += "]";
    return response;
  });
  inner.get("/x", [&](Request&) {
    log += " x ";
    return Response("x");
  });
  Router router;
  router.use([&](Request& request, const Handler& next) {
    log += "(first";
    try {
      Response response = next(request);
      log += ")";
      return response;
    } catch (const Error& error) {
      log += "!)";
      return Response(error.status());
    }
  });
  router.use([&](Request& request, const Handler& next) {
    if (request.query().has("stop"))
      return Response(403);
    log += " second ";
    return next(request);
  });
  router.mount("/in", inner);
  EXPECT_EQ(text(router, "/in/x"), "x");
  EXPECT_EQ(log, "(first second [inner x ])");
  log.clear();
  EXPECT_EQ(ask(router, "GET", "/nowhere").status(), 404);
  EXPECT_EQ(log, "(first second !)");
  log.clear();
  EXPECT_EQ(ask(router, "GET", "/in/x?stop").status(), 403);
  EXPECT_EQ(log, "(first)");
}

TEST(Router, a_pattern_that_is_none_is_refused) {
  Router router;
  const auto handler = [](Request&) { return Response(); };
  const auto one = [](Request&, int) { return Response(); };
  for (const char* pattern : {"", "a", "/{}", "/{a", "/a{b}", "/{a}/{b}"})
    EXPECT_THROW(router.get(pattern, one), std::invalid_argument) << pattern;
  EXPECT_THROW(router.get("/{a...}/b", one), std::invalid_argument);
  EXPECT_THROW(router.get("/{a}", handler), std::invalid_argument);
  EXPECT_THROW(router.get("/a", one), std::invalid_argument);
  EXPECT_THROW(router.add("G ET", "/", handler), std::invalid_argument);
  router.get("/twice/{a}", one);
  router.post("/twice/{a}", one);
  router.get("/twice/{b}", one); // tried where a number is none
  EXPECT_THROW(router.get("/twice/{a}", one), std::invalid_argument);
  EXPECT_THROW(router.mount("/a/", Router()), std::invalid_argument);
  router.mount("/a", Router());
  EXPECT_THROW(router.mount("/a", Router()), std::invalid_argument);
}

} // namespace
} // namespace grove::http
