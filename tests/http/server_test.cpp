// SPDX-License-Identifier: MIT
// The server, told in bytes.
#include <grove/http/server.hpp>

#include <gmock/gmock.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/log.hpp>
#include <grove/hub/queue.hpp>
#include <grove/net/connect.hpp>

#include "server_fixture.hpp"

namespace grove::test {
namespace {

using http::BodyWriter;
using http::Error;
using http::Request;
using http::Response;
using http::ServerOptions;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

Response by_path(Request& request) {
  if (request.path() != "/")
    throw Error(404, "nothing is at this path");
  return {"hello"};
}

Response echo(Request& request) { return {request.read_all()}; }

// -- the life of a connection ------------------------------------------------------------------

// gevent W1
TEST_F(HttpServerTest, a_connection_serves_one_request_after_the_other) {
  serve(by_path);
  net::StreamSocket socket = dial();
  for (int i = 0; i < 3; ++i) {
    socket.send_all(get(i == 1 ? "/nowhere" : "/"));
    const std::string answer = socket.recv(65536, 20s);
    EXPECT_THAT(answer, StartsWith(i == 1 ? "HTTP/1.1 404 Not Found\r\n" : "HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(answer, Not(HasSubstr("Connection:")));
    EXPECT_THAT(answer, EndsWith(i == 1 ? "nothing is at this path\n" : "\r\n\r\nhello"));
  }
  EXPECT_EQ(server->stats().connections, 1);
  EXPECT_EQ(server->stats().requests, 3);
}

// gevent W1, W2
TEST_F(HttpServerTest, only_a_client_of_1_0_is_told_that_the_connection_is_kept) {
  serve(by_path);
  EXPECT_EQ(answers("GET / HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\n\r\n"),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n"
            "Connection: close\r\n\r\nhello");
  EXPECT_EQ(count(answers("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n"),
                  "Connection: keep-alive\r\n"),
            1);
}

// gevent W2
TEST_F(HttpServerTest, requests_that_come_together_are_answered_in_order) {
  serve([](Request& request) { return Response(std::string(request.path())); });
  std::string all;
  for (int i = 0; i < 100; ++i)
    all += get("/" + std::to_string(i));
  const std::string answer = answers(all + get("/last", close));
  std::size_t at = 0;
  for (int i = 0; i < 100; ++i) {
    at = answer.find("\r\n\r\n/" + std::to_string(i), at);
    ASSERT_NE(at, std::string::npos) << i;
  }
  EXPECT_THAT(answer, EndsWith("/last"));
}

TEST_F(HttpServerTest, an_answer_does_not_wait_for_the_next_handler) {
  Event go;
  serve([&](Request& request) {
    if (request.path() == "/slow")
      go.wait();
    return Response(std::string(request.path()));
  });
  net::StreamSocket socket = dial();
  socket.send_all(get("/quick") + get("/slow") + get("/end", close));
  EXPECT_THAT(socket.recv(65536, 20s), EndsWith("/quick"));
  go.set();
  EXPECT_THAT(read_all(socket), EndsWith("/end"));
}

TEST_F(HttpServerTest, so_many_requests_end_a_connection) {
  ServerOptions options;
  options.requests_per_connection = 2;
  serve(by_path, options);
  EXPECT_EQ(count(talk(get("/") + get("/") + get("/")), "HTTP/1.1 200"), 2);
}

TEST_F(HttpServerTest, a_silent_connection_is_closed_and_a_slow_head_answered) {
  ServerOptions options;
  options.timeouts.head = 20ms;
  options.timeouts.idle = 20ms;
  serve(by_path, options);
  EXPECT_EQ(talk(""), "");
  EXPECT_THAT(talk(get("/")), EndsWith("hello"));
  EXPECT_THAT(talk("GET / HTTP/1.1\r\nHo"), StartsWith("HTTP/1.1 408 Request Timeout\r\n"));
}

TEST_F(HttpServerTest, a_slow_body_is_answered) {
  ServerOptions options;
  options.timeouts.body = 20ms;
  serve(echo, options);
  EXPECT_THAT(talk("POST / HTTP/1.1\r\nContent-Length: 5\r\n" + std::string(keep) + "hel"),
              StartsWith("HTTP/1.1 408 Request Timeout\r\n"));
}

// gevent W30
TEST_F(HttpServerTest, a_client_that_goes_in_the_middle_hurts_nobody) {
  serve(echo);
  for (const std::string_view bytes :
       {"GET / HT", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe"}) {
    net::StreamSocket socket = dial();
    socket.send_all(bytes);
    socket.shutdown_write();
    EXPECT_THAT(read_all(socket), StartsWith("HTTP/1.1 400")) << bytes;
    net::StreamSocket reset = dial();
    reset.send_all(bytes);
    settle();
    reset.reset_on_close();
    reset.close();
  }
  EXPECT_THAT(talk(post("still there")), EndsWith("still there"));
  EXPECT_EQ(server->stats().failures, 0);
}

// -- bodies ------------------------------------------------------------------------------------

TEST_F(HttpServerTest, a_body_comes_whole_however_it_is_sent) {
  serve(echo);
  std::string large(1'000'000, 'x');
  for (std::size_t i = 0; i < large.size(); i += 1000)
    large[i] = static_cast<char>('a' + i / 1000 % 26);
  EXPECT_THAT(talk(post(large)), EndsWith("\r\n\r\n" + large));
  std::string chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + std::string(close);
  for (std::size_t i = 0; i < large.size(); i += 10'000)
    chunked += "2710\r\n" + large.substr(i, 10'000) + "\r\n";
  EXPECT_THAT(talk(chunked + "0\r\n\r\n"), EndsWith("\r\n\r\n" + large));
}

// gevent W29
TEST_F(HttpServerTest, what_a_handler_leaves_of_a_body_is_not_the_next_request) {
  serve([](Request& request) {
    std::array<char, 3> some;
    return Response(std::string(some.data(), request.read(some)));
  });
  const std::string body = get("/smuggled");
  EXPECT_EQ(count(talk(post(body, keep) + post("second")), "HTTP/1.1 200"), 2);
  EXPECT_EQ(server->stats().requests, 2);
  // More than is worth dropping ends the connection.
  EXPECT_EQ(count(talk(post(std::string(200'000, 'x'), keep) + post("second")), "HTTP/1.1"), 1);
}

// gevent W24
TEST_F(HttpServerTest, continue_is_said_once_and_only_if_the_body_is_wanted) {
  serve([](Request& request) {
    if (request.path() == "/no")
      throw Error(417, "not here");
    return Response(request.read_all());
  });
  net::StreamSocket socket = dial();
  socket.send_all("POST /yes HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n" +
                  std::string(close));
  EXPECT_EQ(socket.recv(65536, 20s), "HTTP/1.1 100 Continue\r\n\r\n");
  socket.send_all("hello");
  const std::string answer = read_all(socket);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(answer, EndsWith("hello"));

  const std::string refused =
      talk("POST /no HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 30\r\n" +
           std::string(keep) + get("/smuggled"));
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 417"));
  EXPECT_EQ(count(refused, "HTTP/1.1"), 1);
  EXPECT_EQ(server->stats().requests, 2);
}

TEST_F(HttpServerTest, an_early_body_needs_no_continue) {
  serve(echo);
  net::StreamSocket socket = dial();
  socket.send_all("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n" +
                  std::string(close) + "hello");
  EXPECT_THAT(read_all(socket), EndsWith("hello"));
}

// gevent W12, W16, W17, W19; the parser's own tests have the whole table
TEST_F(HttpServerTest, a_bad_request_is_answered_and_the_connection_closed) {
  serve(by_path);
  EXPECT_EQ(answers("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n" + get("/")),
            "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
            "Content-Length: 33\r\nConnection: close\r\n\r\n400 Bad Request: two Host fields\n");
  EXPECT_THAT(talk("GET /" + std::string(9000, 'a') + " HTTP/1.1\r\n" + std::string(keep)),
              StartsWith("HTTP/1.1 414"));
  EXPECT_THAT(talk(std::string("\x16\x03\x01\0\0\r\n\r\n", 9)), StartsWith("HTTP/1.1 400"));
  EXPECT_EQ(server->stats().requests, 0);
  EXPECT_EQ(server->stats().bad_requests, 3);
}

TEST_F(HttpServerTest, a_broken_body_is_answered_once_and_ends_the_connection) {
  serve(echo);
  const std::string answer = talk("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" +
                                  std::string(keep) + "xyz\r\n" + get("/"));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 400"));
  EXPECT_EQ(count(answer, "HTTP/1.1"), 1);
  EXPECT_EQ(server->stats().requests, 1);
}

// -- answers -----------------------------------------------------------------------------------

TEST_F(HttpServerTest, head_has_the_length_and_no_body) {
  serve(by_path);
  EXPECT_EQ(answers("HEAD / HTTP/1.1\r\n" + std::string(close)),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n"
            "Connection: close\r\n\r\n");
}

TEST_F(HttpServerTest, some_statuses_have_no_body) {
  serve([](Request&) { return Response(204, "not to be seen", ""); });
  EXPECT_EQ(answers(get("/", close)), "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
}

// gevent W5, W22
TEST_F(HttpServerTest, a_stream_is_chunked_for_1_1_and_ended_by_the_end_for_1_0) {
  serve([](Request&) {
    return Response::streaming("text/plain", [](BodyWriter& out) {
      out.write("");
      out.write("first");
      out.write("");
      out.write("second piece");
    });
  });
  EXPECT_EQ(answers(get("/", close)),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n"
            "Connection: close\r\n\r\n5\r\nfirst\r\nc\r\nsecond piece\r\n0\r\n\r\n");
  EXPECT_EQ(answers("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
            "firstsecond piece");
  EXPECT_EQ(count(talk(get("/") + get("/", close)), "0\r\n\r\n"), 2);
}

// gevent W6
TEST_F(HttpServerTest, a_stream_with_a_length_is_not_chunked) {
  std::size_t written = 5;
  serve([&](Request&) {
    return Response::streaming("text/plain",
                               [&](BodyWriter& out) { out.write(std::string(written, 'x')); })
        .set("Content-Length", "5");
  });
  EXPECT_EQ(answers(get("/", close)),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n"
            "Connection: close\r\n\r\nxxxxx");
  const ErrorLog errors;
  written = 6;
  EXPECT_THAT(answers(get("/") + get("/")), EndsWith("\r\n\r\n"));
  written = 4;
  EXPECT_THAT(answers(get("/") + get("/")), EndsWith("\r\n\r\nxxxx"));
  EXPECT_EQ(server->stats().failures, 2);
}

// gevent W20
TEST_F(HttpServerTest, a_handler_that_throws_is_answered_for) {
  serve([](Request& request) -> Response {
    if (request.path() == "/std")
      throw std::runtime_error("secret");
    if (request.path() == "/int")
      throw 42;
    return {"fine"};
  });
  const ErrorLog errors;
  const std::string answer = talk(get("/std") + get("/int") + get("/", close));
  EXPECT_EQ(count(answer, "HTTP/1.1 500 Internal Server Error"), 2);
  EXPECT_THAT(answer, Not(HasSubstr("secret")));
  EXPECT_THAT(answer, EndsWith("fine"));
  EXPECT_EQ(server->stats().failures, 2);
  ASSERT_EQ(errors.size(), 2);
  EXPECT_THAT(errors[0].what,
              EndsWith("http: GET /std: the handler threw std::runtime_error: secret"));
}

// gevent W21
TEST_F(HttpServerTest, a_stream_that_throws_is_cut_so_that_the_client_notices) {
  serve([](Request&) {
    return Response::streaming("text/plain", [](BodyWriter& out) {
      out.write("part");
      throw std::runtime_error("no more");
    });
  });
  const ErrorLog errors;
  EXPECT_THAT(talk(get("/") + get("/")), EndsWith("\r\n\r\n4\r\npart\r\n"));
  net::StreamSocket old = dial();
  old.send_all("GET / HTTP/1.0\r\n\r\n");
  EXPECT_THROW(read_all(old), std::system_error); // reset: the end would look like that of the body
}

TEST_F(HttpServerTest, a_stream_learns_that_the_client_went) {
  Event gone;
  serve([&](Request&) {
    return Response::streaming("text/plain", [&](BodyWriter& out) {
      try {
        while (true) {
          out.write(std::string(100'000, 'x'));
          yield();
        }
      } catch (const Closed&) {
        gone.set();
        throw;
      }
    });
  });
  net::StreamSocket socket = dial();
  socket.send_all(get("/"));
  static_cast<void>(socket.recv(100, 20s));
  socket.reset_on_close();
  socket.close();
  EXPECT_TRUE(gone.wait(20s));
}

TEST_F(HttpServerTest, a_client_that_takes_nothing_is_cut) {
  ServerOptions options;
  options.timeouts.write = 20ms;
  Event ended;
  serve(
      [&](Request&) {
        return Response::streaming("text/plain", [&](BodyWriter& out) {
          try {
            while (true)
              out.write(std::string(100'000, 'x'));
          } catch (...) {
            ended.set();
            throw;
          }
        });
      },
      options);
  net::StreamSocket socket = dial();
  socket.send_all(get("/"));
  EXPECT_TRUE(ended.wait(20s));
}

// gevent W7, W32
TEST_F(HttpServerTest, a_handler_may_take_the_connection_over) {
  serve([](Request&) {
    return Response::upgrade("shout", [](net::Stream& stream, std::string received) {
      while (!received.empty()) {
        for (char& c : received)
          c = static_cast<char>(c - 'a' + 'A');
        stream.send_all(received);
        received = stream.recv(100);
      }
    });
  });
  net::StreamSocket socket = dial();
  socket.send_all(
      "GET / HTTP/1.1\r\nUpgrade: shout\r\nConnection: Upgrade\r\nHost: x\r\n\r\nearly");
  std::string answer;
  while (answer.find("EARLY") == std::string::npos)
    answer += socket.recv(65536, 20s);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 101 Switching Protocols\r\nUpgrade: shout\r\n"));
  EXPECT_THAT(answer, HasSubstr("Connection: Upgrade\r\n\r\nEARLY"));
  socket.send_all("late");
  EXPECT_EQ(socket.recv_exactly(4, 20s), "LATE");
  socket.shutdown_write();
  EXPECT_EQ(read_all(socket), "");
}

TEST_F(HttpServerTest, error_pages_are_made_by_whom_it_is_told) {
  ServerOptions options;
  options.error_page = [](const Error& error) {
    return Response(200, "<h1>" + std::to_string(error.status()) + "</h1>", http::html);
  };
  serve(by_path, options);
  EXPECT_THAT(talk(get("/x", close)), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(talk(get("/x", close)), EndsWith("<h1>404</h1>"));
  EXPECT_THAT(talk("nonsense\r\n\r\n"), EndsWith("<h1>400</h1>"));
}

TEST_F(HttpServerTest, fields_of_an_error_go_with_its_page) {
  serve([](Request&) -> Response { throw Error(503, "too busy", {{"Retry-After", "7"}}); });
  const std::string answer = talk(get("/", close));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(answer, HasSubstr("\r\nRetry-After: 7\r\n"));
  EXPECT_THAT(answer, EndsWith("503 Service Unavailable: too busy\n"));
}

TEST_F(HttpServerTest, the_access_log_has_a_record_of_each_answer) {
  std::vector<std::string> lines;
  ServerOptions options;
  options.access_log = [&](const http::AccessRecord& record) {
    lines.push_back(std::string(record.client) + " " + std::string(record.method) + " " +
                    std::string(record.target) + " " + std::to_string(record.status) + " " +
                    std::to_string(record.body_bytes) + " " + std::string(record.user_agent));
  };
  serve(by_path, options);
  talk(get("/?a", "User-Agent: test\r\nHost: x\r\n\r\n") + get("/x") + "nonsense\r\n\r\n");
  EXPECT_THAT(lines, testing::ElementsAre("127.0.0.1 GET /?a 200 5 test",
                                          "127.0.0.1 GET /x 404 39 ", "127.0.0.1   400 28 "));
}

TEST_F(HttpServerTest, only_trusted_proxies_speak_for_their_clients) {
  const auto handler = [](Request& request) {
    return Response(request.client() + (request.secure() ? " secure" : " plain"));
  };
  const std::string bytes = get("/", "Host: x\r\nX-Forwarded-For: 1.2.3.4\r\n"
                                     "X-Forwarded-Proto: https\r\nConnection: close\r\n\r\n");
  serve(handler);
  EXPECT_THAT(talk(bytes), EndsWith("127.0.0.1 plain"));
  ServerOptions options;
  options.trusted_proxies = {"127.0.0.0/8"};
  serve(handler, options);
  EXPECT_THAT(talk(bytes), EndsWith("1.2.3.4 secure"));
}

// -- the end -----------------------------------------------------------------------------------

// reliability 41
TEST_F(HttpServerTest, stop_lets_finish_what_was_begun) {
  Event begun;
  Event go;
  serve([&](Request&) {
    begun.set();
    go.wait();
    return Response("done");
  });
  net::StreamSocket idle = dial();
  net::StreamSocket busy = dial();
  busy.send_all(get("/"));
  begun.wait();
  const auto stopping = spawn([&] { return server->stop(20s); });
  EXPECT_EQ(idle.recv(1, 20s), ""); // at once
  EXPECT_FALSE(stopping.ready());
  EXPECT_THROW(net::connect(server->address()), std::system_error);
  go.set();
  EXPECT_TRUE(stopping.get());
  const std::string answer = read_all(busy);
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(answer, EndsWith("done"));
}

TEST_F(HttpServerTest, stop_kills_what_is_left_at_its_deadline) {
  Event begun;
  bool unwound = false;
  serve([&](Request&) -> Response {
    struct Unwound {
      bool& flag;
      ~Unwound() { flag = true; }
    } mark{unwound};
    begun.set();
    Event().wait();
    return {"never"};
  });
  net::StreamSocket busy = dial();
  busy.send_all(get("/"));
  begun.wait();
  EXPECT_FALSE(server->stop(5ms));
  EXPECT_TRUE(unwound);
  EXPECT_EQ(server->stats().open, 0);
  EXPECT_EQ(server->stats().failures, 0);
}

TEST_F(HttpServerTest, many_connections_are_served_at_once) {
  serve(echo);
  std::vector<GreenletRef<std::string>> clients;
  for (int i = 0; i < 50; ++i)
    clients.push_back(spawn([this, i] { return talk(post(std::to_string(i))); }));
  for (int i = 0; i < 50; ++i)
    EXPECT_THAT(clients[static_cast<std::size_t>(i)].get(),
                EndsWith("\r\n\r\n" + std::to_string(i)));
  EXPECT_EQ(server->stats().open, 0);
}

} // namespace
} // namespace grove::test
