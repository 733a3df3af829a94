// SPDX-License-Identifier: MIT
// Clients that keep to the grammar and mean harm: slow ones, many ones, ones that never listen; and
// handlers that overlook what they were told.
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <grove/http/access_log.hpp>
#include <grove/http/websocket.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>

#include "bad_requests.hpp"
#include "server_fixture.hpp"

namespace grove::test {
namespace {

using http::BodyWriter;
using http::Request;
using http::Response;
using http::ServerOptions;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

class HostileTest : public HttpServerTest {};

Response echo(Request& request) { return {request.read_all()}; }

// Takes a bit now and then until `over`, or the connection's end.
void trickle(net::StreamSocket& socket, const Event& over) {
  std::array<char, 64> bit;
  try {
    while (!over.is_set() && socket.recv_into(bit, 20s) > 0)
      sleep(2ms);
  } catch (const std::system_error&) { // cut
  }
}

// -- slow ones ---------------------------------------------------------------------------------

// security 3.1: header time
TEST_F(HostileTest, a_head_that_drips_is_ended_at_its_deadline) {
  ServerOptions options;
  options.timeouts.head = 50ms;
  options.timeouts.idle = 20s;
  serve(echo, options);
  net::StreamSocket socket = dial();
  socket.send_all(get("/", keep));
  static_cast<void>(socket.recv(65536, 20s));
  std::string answer;
  const auto reader = spawn([&] { answer = read_all(socket); });
  try {
    socket.send_all("GET / HTTP/1.1\r\n");
    while (!reader.ready()) { // each field in time, and no end of them
      socket.send_all("A: b\r\n");
      sleep(5ms);
    }
  } catch (const std::system_error&) {
  }
  reader.join();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 408 "));
  EXPECT_EQ(server->stats().requests, 1);
}

// security 3.1: request time
TEST_F(HostileTest, a_body_that_drips_is_ended_at_its_deadline) {
  ServerOptions options;
  options.timeouts.body = 50ms;
  serve(echo, options);
  net::StreamSocket socket = dial();
  std::string answer;
  const auto reader = spawn([&] { answer = read_all(socket); });
  try {
    socket.send_all("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + std::string(keep));
    while (!reader.ready()) {
      socket.send_all("1\r\nx\r\n");
      sleep(5ms);
    }
  } catch (const std::system_error&) {
  }
  reader.join();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 408 "));
}

// security 3.1: write stall and minimum rate. The kernel takes more only when much of its buffer is
// free, so that bytes that are taken one by one are no progress.
TEST_F(HostileTest, a_client_that_takes_its_answer_in_drops_is_cut) {
  ServerOptions options;
  options.timeouts.write = 50ms;
  Event cut;
  serve(
      [&](Request&) {
        return Response::streaming("text/plain", [&](BodyWriter& out) {
          try {
            while (true)
              out.write(std::string(10'000, 'x'));
          } catch (...) {
            cut.set();
            throw;
          }
        });
      },
      options);
  net::StreamSocket socket = dial();
  socket.send_all(get("/"));
  trickle(socket, cut);
  EXPECT_TRUE(cut.wait(20s));
}

// security 3.1: write stall. Not a whole megabyte must be taken in that time.
TEST_F(HostileTest, a_client_that_is_only_slow_gets_all_of_a_file) {
  std::string text(1'100'000, ' ');
  for (std::size_t i = 0; i < text.size(); ++i)
    text[i] = static_cast<char>(i * 31 >> 7);
  std::FILE* const file = std::tmpfile();
  ASSERT_EQ(std::fwrite(text.data(), 1, text.size(), file), text.size());
  ASSERT_EQ(std::fflush(file), 0);
  ServerOptions options;
  options.timeouts.write = 3s;
  serve(
      [&](Request&) {
        return Response::file({dup(fileno(file)), 0, text.size()}, "text/plain");
      },
      options);
  net::StreamSocket socket = dial();
  constexpr int little = 64 * 1024;
  ASSERT_EQ(::setsockopt(socket.descriptor(), SOL_SOCKET, SO_RCVBUF, &little, sizeof little), 0);
  socket.send_all(get("/", close));
  std::string got;
  std::string piece;
  for (std::size_t taken = 0; !(piece = socket.recv(16 * 1024, 20s)).empty();) {
    got += piece;
    if (got.size() - taken < 16 * 1024)
      continue;
    taken = got.size();
    sleep(60ms); // 4 s in all
  }
  EXPECT_TRUE(got.ends_with("\r\n\r\n" + text)) << got.size();
  std::fclose(file);
}

// security 3.1: pipelining
TEST_F(HostileTest, a_client_that_asks_and_never_listens_is_not_read_for_ever) {
  ServerOptions options;
  options.timeouts.write = 50ms;
  options.requests_per_connection = 1'000'000'000;
  serve([](Request&) { return Response(std::string(10'000, 'x')); }, options);
  net::StreamSocket socket = dial();
  std::string many;
  for (int i = 0; i < 100; ++i)
    many += get("/");
  EXPECT_THROW(
      {
        while (true)
          socket.send_all(many, 20s);
      },
      std::system_error); // reset
  settle();
  EXPECT_EQ(server->stats().open, 0);
}

// security 3.1: TLS handshake time
TEST_F(HostileTest, a_handshake_that_stays_away_is_ended) {
  ServerOptions options;
  options.timeouts.secure = 20ms;
  options.secure = [](net::StreamSocket&& socket) {
    net::StreamSocket own = std::move(socket);
    static_cast<void>(own.recv(1)); // that of any kind
    return std::make_unique<net::StreamSocket>(std::move(own));
  };
  serve(echo, options);
  EXPECT_EQ(talk(""), "");
  EXPECT_EQ(server->stats().bad_requests, 1);
}

// reliability 40
TEST_F(HostileTest, many_slow_ones_keep_nobody_from_being_served) {
  constexpr std::size_t many = sanitized ? 40 : 200;
  serve(echo);
  std::vector<net::StreamSocket> slow;
  for (std::size_t i = 0; i < many; ++i) {
    slow.push_back(dial());
    slow.back().send_all(i % 2 == 0 ? "GET / HTTP/1.1\r\nHo" : post("some", keep).substr(0, 50));
  }
  for (int i = 0; i < 50; ++i)
    EXPECT_THAT(talk(post("good")), EndsWith("good"));
  EXPECT_EQ(server->stats().open, many);
  for (net::StreamSocket& each : slow)
    each.close();
}

// -- many ones ---------------------------------------------------------------------------------

// security 3.1: connections of one address
TEST_F(HostileTest, one_address_has_so_many_connections) {
  ServerOptions options;
  options.connections_per_ip = 2;
  serve(echo, options);
  net::StreamSocket one = dial();
  net::StreamSocket two = dial();
  one.send_all(post("1", keep));
  two.send_all(post("2", keep));
  EXPECT_THAT(one.recv(65536, 20s), EndsWith("1"));
  EXPECT_THAT(two.recv(65536, 20s), EndsWith("2"));
  // Reset: perhaps before connect() has looked.
  EXPECT_THROW(static_cast<void>(dial().recv(1, 20s)), std::system_error);
  one.close();
  while (server->stats().open > 1)
    yield();
  settle();
  EXPECT_THAT(talk(post("good")), EndsWith("good"));
}

// security 3.1: connections
TEST_F(HostileTest, connections_leave_descriptors_for_others) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit few = before;
  few.rlim_cur = 100;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  server = std::make_unique<http::Server>(net::Address::loopback(), echo);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  server->start();
  std::vector<net::StreamSocket> all;
  for (int i = 0; i < 81; ++i) {
    all.push_back(dial());
    all.back().send_all(post("x", keep));
  }
  for (std::size_t i = 0; i < 80; ++i)
    EXPECT_THAT(all[i].recv(65536, 20s), EndsWith("x"));
  settle();
  EXPECT_FALSE(all.back().wait_readable(0s)); // waits in the kernel
  EXPECT_EQ(server->stats().open, 80);
  all.front().close();
  EXPECT_THAT(all.back().recv(65536, 20s), EndsWith("x"));
}

// -- handlers ----------------------------------------------------------------------------------

TEST_F(HostileTest, a_handler_that_overlooks_a_broken_body_ends_the_connection_all_the_same) {
  int told = 0;
  serve([&](Request& request) {
    for (int i = 0; i < 3; ++i) {
      try {
        request.read_all();
      } catch (const http::BadRequest& bad) {
        EXPECT_EQ(bad.status(), 400);
        ++told;
      }
    }
    return Response("overlooked");
  });
  const std::string answer =
      talk(request_with("Transfer-Encoding: chunked") + "xyz\r\n" + get("/smuggled"));
  EXPECT_THAT(answer, HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_THAT(answer, EndsWith("overlooked"));
  EXPECT_EQ(told, 3);
  EXPECT_EQ(server->stats().requests, 1);
  EXPECT_EQ(server->stats().failures, 0);
}

TEST_F(HostileTest, a_body_that_breaks_in_the_middle_of_an_answer_is_no_news) {
  serve([](Request& request) {
    return Response::streaming("text/plain", [&request](BodyWriter& out) {
      std::array<char, 100> some;
      while (const std::size_t size = request.read(some))
        out.write({some.data(), size});
    });
  });
  const ErrorLog errors;
  const std::string answer =
      talk(request_with("Transfer-Encoding: chunked") + "3\r\nabc\r\nxyz\r\n" + get("/smuggled"));
  EXPECT_THAT(answer, EndsWith("3\r\nabc\r\n")); // without the last chunk
  EXPECT_EQ(server->stats().requests, 1);
  EXPECT_EQ(server->stats().failures, 0);
  EXPECT_EQ(errors.size(), 0);
}

// gevent#2075: a body that the answer did not wait for is not the next request
TEST_F(HostileTest, a_body_behind_an_early_answer_is_no_request) {
  serve([](Request& request) -> Response {
    if (request.field("Expect"))
      throw http::Error(403, "no");
    return {"next"};
  });
  const std::string body = get("/smuggled");
  const std::string expecting =
      "POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: " + std::to_string(body.size()) +
      "\r\n" + std::string(keep);
  const std::string answer = talk(expecting + body + get("/second"));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 403 "));
  EXPECT_EQ(count(answer, "HTTP/1.1 "), 1); // nobody knows whether that is a body
  EXPECT_EQ(server->stats().requests, 1);
}

TEST_F(HostileTest, a_body_is_not_the_first_frame_of_another_protocol) {
  serve([](Request& request) {
    return http::accept_websocket(request, [](http::WebSocket& socket) {
      while (socket.recv()) {
      }
    });
  });
  const std::string upgrade = "GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                              "Sec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  const std::string answer = talk(upgrade + "Content-Length: 6\r\n" + std::string(keep) +
                                  std::string("\x81\x80\0\0\0\0", 6));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(answer, HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_THAT(talk(upgrade + "Content-Length: 0\r\n" + std::string(keep) +
                   std::string("\x88\x80\0\0\0\0", 6)),
              StartsWith("HTTP/1.1 101 "));
}

// CVE-2024-37890, CVE-2021-32640
TEST_F(HostileTest, a_handshake_with_thousands_of_fields_is_refused) {
  serve([](Request& request) { return http::accept_websocket(request, [](http::WebSocket&) {}); });
  const std::string upgrade = "GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                              "Sec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  std::string fields;
  for (int i = 0; i < 2000; ++i)
    fields += "A: b\r\n";
  EXPECT_THAT(talk(upgrade + fields + std::string(keep)), StartsWith("HTTP/1.1 431 "));
  EXPECT_EQ(server->stats().requests, 0);
  // A list of nothing is no work.
  EXPECT_THAT(talk(upgrade + "Sec-WebSocket-Protocol: " + std::string(8000, ',') + "\r\n" +
                   std::string(keep) + std::string("\x88\x80\0\0\0\0", 6)),
              StartsWith("HTTP/1.1 101 "));
}

// security 3.1: logs
TEST_F(HostileTest, fields_forge_no_line_of_the_log) {
  std::vector<std::string> lines;
  ServerOptions options;
  options.trusted_proxies = {"127.0.0.1"};
  options.access_log = [&](const http::AccessRecord& record) {
    lines.push_back(http::common_log_line(record));
    lines.push_back(http::json_log_line(record));
  };
  serve(echo, options);
  talk(get("/%0a%22", "Host: x\r\nConnection: close\r\nUser-Agent: a\" 200 \\x\x9b\t\r\n"
                      "X-Forwarded-For: 1.2.3.4\"\r\nReferer: </script>\"}\r\n\r\n"));
  ASSERT_EQ(lines.size(), 2);
  EXPECT_THAT(lines[0], StartsWith("127.0.0.1 - - ["));
  EXPECT_THAT(lines[0], EndsWith("\"GET /%0a%22 HTTP/1.1\" 200 0 \"</script>\\x22}\" "
                                 "\"a\\x22 200 \\x5Cx\\x9B\""));
  EXPECT_THAT(lines[1], EndsWith("\"referer\":\"</script>\\\"}\","
                                 "\"user_agent\":\"a\\\" 200 \\\\x\\u009b\"}"));
}

} // namespace
} // namespace grove::test
