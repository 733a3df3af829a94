// SPDX-License-Identifier: MIT
// How long a body may be: as the server says, a router, or a route.
#include <gmock/gmock.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include <grove/http/json.hpp>
#include <grove/http/router.hpp>

#include "server_fixture.hpp"

namespace grove::test {
namespace {

using http::Request;
using http::Response;
using http::Router;
using testing::StartsWith;

constexpr std::size_t mebibyte = 1024 * 1024;

class BodyLimitTest : public HttpServerTest {
protected:
  static Router routes(int* called = nullptr) {
    const auto length = [](Request& request) {
      return Response(std::to_string(request.read_all().size()));
    };
    Router inner;
    inner.limit_bodies(2000).post("/as-the-inner", length).post("/tiny", length, {.body = 5});
    Router outer;
    outer.limit_bodies(500)
        .post("/as-the-outer", length)
        .mount("/inner", inner)
        .mount("/handler", http::Handler(length));
    Router router;
    if (called != nullptr) {
      router.use([called](Request& request, const http::Handler& next) {
        ++*called;
        return next(request);
      });
    }
    router.post("/", length)
        .post("/large", length, {.body = 3 * mebibyte})
        .post("/small", length, {.body = 10})
        .put("/small", length)
        .post("/files/{name...}", [](Request&, const std::string& name) { return Response(name); },
              {.body = 20})
        .post("/json",
              [](Request& request) {
                return Response(std::to_string(http::read_json(request).as_array().size()));
              },
              {.body = 3 * mebibyte})
        .mount("/outer", outer);
    return router;
  }
  void serve_routes(int* called = nullptr) { serve(routes(called), {.limits = {.body = 1000}}); }

  // The first line of the answer, and its body.
  std::string ask(std::string_view method, std::string_view path, std::size_t size,
                  bool chunked = false) const {
    std::string head = std::string(method) + " " + std::string(path) + " HTTP/1.1\r\n";
    std::string body(size, 'x');
    if (chunked) {
      std::string pieces;
      for (std::size_t at = 0; at < size; at += 100) {
        const std::string piece = body.substr(at, 100);
        pieces += (piece.size() == 100 ? "64" : "1") + ("\r\n" + piece) + "\r\n";
      }
      body = pieces + "0\r\n\r\n";
      head += "Transfer-Encoding: chunked\r\n";
    } else {
      head += "Content-Length: " + std::to_string(size) + "\r\n";
    }
    net::StreamSocket socket = dial();
    auto reading = spawn([&] { return read_all(socket); });
    try {
      socket.send_all(head + std::string(close) + body, 20s);
    } catch (const std::system_error&) { // it was refused before its end
    }
    const std::string all = std::move(reading).get();
    return all.substr(9, 3) + " " + all.substr(all.find("\r\n\r\n") + 4);
  }
  static constexpr const char* refused = "413 413 Content Too Large: the body is too long\n";
};

TEST_F(BodyLimitTest, is_the_servers_where_nobody_says_otherwise) {
  serve_routes();
  EXPECT_EQ(ask("POST", "/", 1000), "200 1000");
  EXPECT_EQ(ask("POST", "/", 1001), refused);
  EXPECT_EQ(ask("PUT", "/small", 1000), "200 1000"); // it is that of POST
  EXPECT_EQ(ask("POST", "/nowhere", 1001), refused);
}

TEST_F(BodyLimitTest, may_be_larger_for_a_route) {
  serve_routes();
  EXPECT_EQ(ask("POST", "/large", 3 * mebibyte), "200 3145728"); // also for read_all()
  EXPECT_EQ(ask("POST", "/large", 3 * mebibyte + 1), refused);
  EXPECT_EQ(ask("POST", "/large?x=/small", 2000), "200 2000");
  EXPECT_EQ(ask("POST", "/l%61rge", 2000), "200 2000");
  EXPECT_EQ(ask("POST", "http://x/large", 2000), "200 2000");
}

TEST_F(BodyLimitTest, may_be_smaller_for_a_route) {
  serve_routes();
  EXPECT_EQ(ask("POST", "/small", 10), "200 10");
  EXPECT_EQ(ask("POST", "/small", 11), refused);
  EXPECT_EQ(ask("POST", "/files/a/b", 20), "200 a/b");
  EXPECT_EQ(ask("POST", "/files/a/b", 21), refused);
}

TEST_F(BodyLimitTest, is_a_routers_for_all_that_is_in_it) {
  serve_routes();
  EXPECT_EQ(ask("POST", "/outer/as-the-outer", 500), "200 500");
  EXPECT_EQ(ask("POST", "/outer/as-the-outer", 501), refused);
  EXPECT_EQ(ask("POST", "/outer/inner/as-the-inner", 2000), "200 2000");
  EXPECT_EQ(ask("POST", "/outer/inner/as-the-inner", 2001), refused);
  EXPECT_EQ(ask("POST", "/outer/inner/tiny", 6), refused);
  EXPECT_EQ(ask("POST", "/outer/handler", 500), "200 500");
  EXPECT_EQ(ask("POST", "/outer/handler", 501), refused);
}

TEST_F(BodyLimitTest, holds_for_chunks_too) {
  serve_routes();
  EXPECT_EQ(ask("POST", "/small", 1, true), "200 1");
  EXPECT_EQ(ask("POST", "/small", 100, true), refused);
  EXPECT_EQ(ask("POST", "/", 1100, true), refused);
  EXPECT_EQ(ask("POST", "/large", 5000, true), "200 5000");
}

TEST_F(BodyLimitTest, nobody_is_called_for_a_body_beyond_it) {
  int called = 0;
  serve_routes(&called);
  EXPECT_EQ(ask("POST", "/small", 11), refused);
  EXPECT_EQ(called, 0);
  EXPECT_EQ(server->stats().requests, 0);
  EXPECT_EQ(server->stats().bad_requests, 1);
}

TEST_F(BodyLimitTest, who_waits_for_100_is_told_413_instead) {
  serve_routes();
  const auto expecting = [&](std::string_view path, std::size_t size) {
    net::StreamSocket socket = dial();
    socket.send_all("POST " + std::string(path) + " HTTP/1.1\r\nExpect: 100-continue\r\n" +
                    "Content-Length: " + std::to_string(size) + "\r\n" + std::string(keep));
    std::string text = socket.recv(65536, 20s);
    return text.substr(0, text.find('\r'));
  };
  EXPECT_EQ(expecting("/small", 11), "HTTP/1.1 413 Content Too Large");
  EXPECT_EQ(expecting("/small", 10), "HTTP/1.1 100 Continue");
  EXPECT_EQ(expecting("/large", 2 * mebibyte), "HTTP/1.1 100 Continue");
  EXPECT_EQ(expecting("/", 2 * mebibyte), "HTTP/1.1 413 Content Too Large");
}

TEST_F(BodyLimitTest, is_each_requests_own_on_one_connection) {
  serve_routes();
  const auto to = [](std::string_view path, std::size_t size, std::string_view rest) {
    return "POST " + std::string(path) + " HTTP/1.1\r\nContent-Length: " + std::to_string(size) +
           "\r\n" + std::string(rest) + std::string(size, 'x');
  };
  const std::string all = talk(to("/large", 2000, keep) + get("/", keep) + to("/", 900, keep) +
                               to("/small", 900, close));
  EXPECT_EQ(count(all, "HTTP/1.1 200 OK"), 2) << all;
  EXPECT_EQ(count(all, "HTTP/1.1 405"), 1) << all;
  EXPECT_EQ(count(all, "HTTP/1.1 413"), 1) << all;
}

TEST_F(BodyLimitTest, is_found_in_what_each_hub_makes_too) {
  serve(http::per_hub([] { return http::Handler(routes()); }), {.limits = {.body = 1000}});
  EXPECT_EQ(ask("POST", "/large", 2000), "200 2000"); // the first request of all
  EXPECT_EQ(ask("POST", "/small", 11), refused);
}

TEST_F(BodyLimitTest, is_not_found_behind_another_function) {
  serve([router = routes()](Request& request) { return router(request); },
        {.limits = {.body = 1000}});
  EXPECT_EQ(ask("POST", "/large", 1001), refused); // the server's
}

TEST_F(BodyLimitTest, is_what_json_is_read_to) {
  serve_routes();
  std::string text = "[1";
  while (text.size() < 2 * mebibyte)
    text += ",123456789";
  const std::string answer =
      talk("POST /json HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: " +
           std::to_string(text.size() + 1) + "\r\n" + std::string(close) + text + "]");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
}

TEST_F(BodyLimitTest, can_be_asked_for) {
  const Router router = routes();
  EXPECT_EQ(router.body_limit("POST", "/small"), 10);
  EXPECT_EQ(router.body_limit("PUT", "/small"), std::nullopt);
  EXPECT_EQ(router.body_limit("POST", "/outer/inner/tiny"), 5);
  EXPECT_EQ(router.body_limit("GET", "/outer/nowhere"), 500);
  EXPECT_EQ(router.body_limit("OPTIONS", "*"), std::nullopt);
}

} // namespace
} // namespace grove::test
