// SPDX-License-Identifier: MIT
#include <grove/http/event_stream.hpp>

#include <gmock/gmock.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <grove/http/gzip.hpp>
#include <grove/http/router.hpp>
#include <grove/http/server.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/queue.hpp>
#include <grove/net/connect.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

using http::EventStream;
using http::EventStreamOptions;
using http::Request;
using http::Response;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

class EventStreamTest : public HubTest {
protected:
  using Serve = std::function<void(EventStream&)>;
  void serve(Serve serve, EventStreamOptions options = {}) {
    http::Router router;
    router.use(http::Gzip());
    router.get("/", [serve = std::move(serve), options](Request& request) {
      return http::event_stream(request, serve, options);
    });
    server = std::make_unique<http::Server>(net::Address::loopback(), router);
    server->start();
  }
  void TearDown() override {
    server.reset();
    HubTest::TearDown();
  }
  net::StreamSocket ask(std::string_view method = "GET", std::string_view more = "") const {
    net::StreamSocket socket = net::connect(server->address());
    socket.send_all(std::string(method) + " / HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n" +
                    std::string(more) + "\r\n");
    return socket;
  }
  // Until the server closes the connection.
  static std::string rest(net::StreamSocket& socket) {
    std::string all;
    for (std::string some; !(some = socket.recv(65536, 20s)).empty();)
      all += some;
    return all;
  }
  static std::string until(net::StreamSocket& socket, std::string_view end) {
    std::string all;
    while (!all.ends_with(end))
      all += socket.recv_exactly(1, 20s);
    return all;
  }
  std::string events(Serve f, EventStreamOptions options = {}) {
    serve(std::move(f), options);
    net::StreamSocket socket = ask();
    const std::string all = rest(socket);
    return all.substr(all.find("\r\n\r\n") + 4);
  }
  std::unique_ptr<http::Server> server;
};

TEST_F(EventStreamTest, the_head_is_that_of_a_stream) {
  serve([](EventStream& stream) { stream.send("hello"); });
  net::StreamSocket socket = ask();
  const std::string all = rest(socket);
  EXPECT_THAT(all, HasSubstr("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"));
  EXPECT_THAT(all, HasSubstr("Cache-Control: no-store\r\n"));
  EXPECT_THAT(all, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(all, Not(HasSubstr("Content-Length")));
  EXPECT_THAT(all, Not(HasSubstr("Content-Encoding")));
  EXPECT_THAT(all, EndsWith("\r\n\r\ndata: hello\n\n"));
  net::StreamSocket head = ask("HEAD", "Connection: close\r\n");
  EXPECT_THAT(rest(head), EndsWith("\r\n\r\n"));
}

TEST_F(EventStreamTest, an_event_is_written_as_the_standard_says) {
  EXPECT_EQ(events([](EventStream& stream) {
              stream.send({.data = "a\nb\r\nc\rd\n", .event = "news", .id = "7", .retry = 1500ms});
              stream.send("");
              stream.send(" \u00fc: x");
              stream.comment("one\ntwo");
            }),
            "id: 7\nevent: news\nretry: 1500\ndata: a\ndata: b\ndata: c\ndata: d\ndata: \n\n"
            "data: \n\n"
            "data:  \u00fc: x\n\n"
            ": one\n: two\n\n");
}

TEST_F(EventStreamTest, what_could_be_taken_for_two_events_is_refused) {
  int refused = 0;
  const auto refuse = [&](EventStream& stream, const http::ServerEvent& event) {
    try {
      stream.send(event);
    } catch (const std::invalid_argument&) {
      ++refused;
    }
  };
  EXPECT_EQ(events([&](EventStream& stream) {
              refuse(stream, {.data = "x", .event = "a\ndata: b"});
              refuse(stream, {.data = "x", .id = "a\r"});
              refuse(stream, {.data = "x", .id = std::string("a\0", 2)});
              refuse(stream, {.data = "\xff"});
              refuse(stream, {.data = "x", .retry = -1ms});
              stream.send("good");
            }),
            "data: good\n\n");
  EXPECT_EQ(refused, 5);
}

TEST_F(EventStreamTest, who_comes_again_says_what_it_has_seen) {
  serve([](EventStream& stream) { stream.send("after " + stream.last_event_id()); },
        {.retry = 10ms});
  net::StreamSocket again = ask("GET", "Last-Event-ID: 41\r\n");
  EXPECT_THAT(rest(again), EndsWith("\r\n\r\nretry: 10\n\ndata: after 41\n\n"));
  net::StreamSocket first = ask();
  EXPECT_THAT(rest(first), EndsWith("data: after \n\n"));
}

TEST_F(EventStreamTest, a_client_that_goes_is_noticed_while_nobody_sends) {
  Event noticed;
  Queue<std::string> queue;
  serve([&](EventStream& stream) {
    while (auto text = stream.next(queue))
      stream.send(*text);
    EXPECT_FALSE(stream.is_open());
    EXPECT_THROW(stream.send("late"), Closed);
    noticed.set();
    stream.send("later"); // which ends the function, and is no failure
  });
  net::StreamSocket socket = ask();
  queue.put("one");
  EXPECT_THAT(until(socket, "data: one\n\n"), HasSubstr("200 OK"));
  socket.close();
  EXPECT_TRUE(noticed.wait(20s));
  queue.put("for others"); // is not lost
  EXPECT_EQ(queue.size(), 1);
  settle();
  EXPECT_EQ(server->stats().failures, 0);
}

TEST_F(EventStreamTest, the_end_of_the_queue_is_that_of_the_stream) {
  Queue<std::string> queue;
  serve([&](EventStream& stream) {
    while (auto text = stream.next(queue))
      stream.send(*text);
  });
  net::StreamSocket socket = ask();
  queue.put("one");
  queue.put("two");
  queue.close();
  EXPECT_THAT(rest(socket), EndsWith("\r\n\r\ndata: one\n\ndata: two\n\n"));
}

TEST_F(EventStreamTest, a_quiet_stream_is_kept_alive) {
  serve([](EventStream& stream) { stream.gone().wait(); }, {.keepalive = 5ms});
  net::StreamSocket socket = ask();
  EXPECT_THAT(until(socket, ":\n\n:\n\n:\n\n"), EndsWith("\r\n\r\n:\n\n:\n\n:\n\n"));
}

TEST_F(EventStreamTest, several_send_and_no_event_is_torn) {
  const std::string large(100'000, 'x');
  const std::string all = events([&](EventStream& stream) {
    std::vector<GreenletRef<>> senders;
    for (int i = 0; i < 8; ++i)
      senders.push_back(spawn([&] { stream.send(large); }));
    for (auto& sender : senders)
      sender.join();
  });
  std::string wanted;
  for (int i = 0; i < 8; ++i)
    wanted += "data: " + large + "\n\n";
  EXPECT_EQ(all, wanted);
}

TEST_F(EventStreamTest, a_client_that_takes_nothing_is_given_up) {
  Event noticed;
  serve(
      [&](EventStream& stream) {
        const std::string large(1'000'000, 'x');
        EXPECT_THROW(
            {
              for (int i = 0; i < 1000; ++i)
                stream.send(large);
            },
            Closed);
        noticed.set();
      },
      {.write = 50ms});
  const net::StreamSocket socket = ask();
  EXPECT_TRUE(noticed.wait(20s));
}

TEST_F(EventStreamTest, what_a_client_says_beyond_is_dropped) {
  Event go;
  serve([&](EventStream& stream) {
    EXPECT_TRUE(go.wait(20s));
    stream.send("still here");
  });
  net::StreamSocket socket = ask();
  socket.send_all("GET /another HTTP/1.1\r\n\r\n");
  until(socket, "\r\n\r\n");
  settle();
  go.set();
  EXPECT_EQ(until(socket, "\n\n"), "data: still here\n\n");
}

TEST_F(EventStreamTest, a_failure_of_the_function_is_reported) {
  ErrorLog log;
  serve([](EventStream&) { throw TestError(); });
  net::StreamSocket socket = ask();
  rest(socket);
  EXPECT_EQ(server->stats().failures, 1);
  EXPECT_EQ(log.size(), 1);
}

TEST_F(EventStreamTest, a_server_that_stops_ends_its_streams) {
  serve([](EventStream& stream) { stream.gone().wait(); });
  net::StreamSocket socket = ask();
  until(socket, "\r\n\r\n");
  EXPECT_FALSE(server->stop());
  EXPECT_EQ(socket.recv(1, 20s), "");
}

} // namespace
} // namespace grove::test
