// SPDX-License-Identifier: MIT
#include <grove/http/client.hpp>

#include <gmock/gmock.h>

#include <array>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <grove/http/authorization.hpp>
#include <grove/http/router.hpp>
#include <grove/http/server.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/net/connect.hpp>
#include <grove/net/listener.hpp>
#include <grove/net/relay.hpp>
#include <grove/tls.hpp>

#include "../support/hub_test.hpp"
#include "../tls/authority.hpp"

namespace grove::test {
namespace {

using http::BodyWriter;
using http::Client;
using http::ClientError;
using http::ClientOptions;
using http::Request;
using http::Response;
using testing::HasSubstr;
using testing::StartsWith;

class HttpClientTest : public HubTest {
protected:
  void SetUp() override {
    HubTest::SetUp();
    http::Router router;
    router.get("/hello", [](Request&) { return Response("hello"); });
    router.post("/echo", [](Request& request) {
      return Response(request.read_all(), std::string(*request.field("Content-Type")));
    });
    router.put("/echo", [](Request& request) { return Response(request.read_all()); });
    router.get("/stream", [](Request&) {
      return Response::streaming("text/plain", [](BodyWriter& out) {
        for (int i = 0; i < 100; ++i)
          out.write(std::string(10'000, static_cast<char>('a' + i % 26)));
      });
    });
    router.get("/to/{status}", [](Request& request, unsigned status) {
      return Response::redirect(request.query().get("where", "/hello"), status);
    });
    router.post("/to/{status}",
                [](Request&, unsigned status) { return Response::redirect("/method", status); });
    const auto method = [](Request& request) {
      return Response(std::string(request.method()) + " " + request.read_all());
    };
    router.get("/method", method).post("/method", method);
    router.get("/loop", [](Request&) { return Response::redirect("loop"); });
    router.get("/who", [](Request& request) {
      return Response(std::string(request.field("Authorization").value_or("nobody")) + " " +
                      std::string(request.host()));
    });
    router.get("/close", [](Request&) { return Response("bye").set("Connection", "close"); });
    router.get("/ws", [](Request& request) {
      return http::accept_websocket(request, [](http::WebSocket& socket) {
        while (auto message = socket.recv())
          socket.send_text(message->data);
      });
    });
    server = std::make_unique<http::Server>(net::Address::loopback(), router);
    server->start();
    base = "http://" + server->address().to_string();
  }
  void TearDown() override {
    server.reset();
    HubTest::TearDown();
  }
  std::string error_of(const std::string& url, ClientOptions options = {}) {
    Client client(std::move(options));
    return text_of<ClientError>([&] { client.get(url).text(); });
  }
  // A server that says these bytes to whoever asks, and closes.
  std::string fake(std::string bytes) {
    auto listener = std::make_shared<net::Listener>(net::Address::loopback());
    std::string url = "http://" + listener->local_address().to_string() + "/";
    fakes.push_back(spawn([listener, bytes = std::move(bytes)] {
      net::StreamSocket socket = listener->accept(20s);
      static_cast<void>(socket.recv(65536, 20s));
      socket.send_all(bytes);
    }));
    return url;
  }

  std::unique_ptr<http::Server> server;
  std::string base;
  std::vector<GreenletRef<>> fakes;
};

TEST_F(HttpClientTest, asks_and_uses_its_connection_again) {
  Client client;
  for (int i = 0; i < 3; ++i) {
    auto answer = client.get(base + "/hello?" + std::to_string(i));
    EXPECT_EQ(answer.status(), 200);
    EXPECT_TRUE(answer.ok());
    EXPECT_EQ(answer.fields().get("content-type"), "text/plain; charset=utf-8");
    EXPECT_EQ(answer.text(), "hello");
  }
  EXPECT_EQ(client.get(base + "/nowhere").status(), 404);
  EXPECT_EQ(client.stats().connections, 1);
  EXPECT_EQ(client.get(base + "/close").text(), "bye");
  EXPECT_EQ(client.get(base + "/hello").text(), "hello");
}

TEST_F(HttpClientTest, bodies_go_both_ways) {
  Client client;
  const std::string large(500'000, 'x');
  EXPECT_EQ(client.post(base + "/echo", "a=b", "text/x").text(), "a=b");
  EXPECT_EQ(client.post(base + "/echo", large).text(), large);
  EXPECT_EQ(client.post(base + "/echo", "").text(), "");
  http::ClientRequest put{.method = "PUT", .url = base + "/echo"};
  put.write = [](BodyWriter& out) {
    out.write("first ");
    out.write("");
    out.write("second");
  };
  EXPECT_EQ(client.send(put).text(), "first second");

  auto answer = client.get(base + "/stream");
  std::array<char, 7> piece;
  std::size_t all = 0;
  while (const std::size_t size = answer.read(piece))
    all += size;
  EXPECT_EQ(all, 1'000'000);
  EXPECT_EQ(client.stats().connections, 1);
  EXPECT_THROW(client.get(base + "/stream").text(1000), ClientError);
  client.get(base + "/stream"); // nobody reads it: the connection is closed
  EXPECT_EQ(client.get(base + "/hello").text(), "hello");
  EXPECT_EQ(client.stats().connections, 3);
}

TEST_F(HttpClientTest, a_body_has_the_length_that_was_said) {
  Client client;
  http::ClientRequest put{.method = "PUT", .url = base + "/echo"};
  put.write = [](BodyWriter& out) {
    out.write("first ");
    out.write("second");
  };
  put.length = 12;
  EXPECT_EQ(client.send(put).text(), "first second");
  put.length = 11;
  EXPECT_THROW(client.send(put), std::logic_error);
  put.length = 13;
  EXPECT_THROW(client.send(put), std::logic_error);
}

TEST_F(HttpClientTest, an_answer_without_a_body_need_not_be_read) {
  Client client;
  client.send({.method = "HEAD", .url = base + "/hello"});
  EXPECT_EQ(client.get(base + "/hello").text(), "hello");
  EXPECT_EQ(client.stats().connections, 1);
}

TEST_F(HttpClientTest, head_has_no_body) {
  Client client;
  auto answer = client.send({.method = "HEAD", .url = base + "/hello"});
  EXPECT_EQ(answer.head().content_length, 5);
  EXPECT_EQ(answer.text(), "");
  EXPECT_EQ(client.get(base + "/hello").text(), "hello");
  EXPECT_EQ(client.stats().connections, 1);
}

TEST_F(HttpClientTest, follows_redirects) {
  Client client;
  for (const char* status : {"301", "302", "303", "307", "308"}) {
    auto answer = client.get(base + "/to/" + status);
    EXPECT_EQ(answer.text(), "hello") << status;
    EXPECT_EQ(answer.url(), base + "/hello");
  }
  EXPECT_EQ(client.get(base + "/to/302?where=../who").text(),
            "nobody " + server->address().to_string());
  EXPECT_EQ(client.post(base + "/to/303", "body").text(), "GET ");
  EXPECT_EQ(client.post(base + "/to/301", "body").text(), "GET ");
  EXPECT_EQ(client.post(base + "/to/307", "body").text(), "POST body");
  EXPECT_THAT(error_of(base + "/loop"), HasSubstr("/loop: head: too many redirects"));
  EXPECT_THAT(error_of(base + "/to/302?where=ftp://x/"), HasSubstr("ftp"));
  ClientOptions options;
  options.max_redirects = 0;
  EXPECT_EQ(Client(options).get(base + "/to/302").status(), 302);
}

TEST_F(HttpClientTest, secrets_stay_with_their_origin) {
  http::Server other(net::Address::loopback(), [](Request& request) {
    return Response(std::string(request.field("Authorization").value_or("nobody")));
  });
  other.start();
  http::Fields fields;
  fields.add("Authorization", "Basic secret");
  Client client;
  EXPECT_THAT(client.get(base + "/to/302?where=/who", fields).text(), StartsWith("Basic secret"));
  EXPECT_EQ(
      client.get(base + "/to/302?where=http://" + other.address().to_string() + "/", fields).text(),
      "nobody");
}

TEST_F(HttpClientTest, a_connection_that_went_stale_is_replaced) {
  Client client;
  EXPECT_EQ(client.get(base + "/hello").text(), "hello");
  const net::Address address = server->address();
  server->stop();
  server->start();
  ASSERT_EQ(server->address(), address);
  EXPECT_EQ(client.get(base + "/hello").text(), "hello");
  EXPECT_EQ(client.stats().connections, 2);
}

TEST_F(HttpClientTest, errors_name_phase_and_peer) {
  EXPECT_THAT(error_of("http://127.0.0.1:1/x"),
              testing::AllOf(StartsWith("GET http://127.0.0.1:1/x: connect: "),
                             HasSubstr("Connection refused")));
  const std::string silent = fake("");
  EXPECT_EQ(error_of(silent), "GET " + silent + ": head: the server closed the connection");
  EXPECT_THAT(error_of(fake("nonsense\r\n\r\n")), HasSubstr(": head: the answer is broken"));
  EXPECT_THAT(error_of(fake("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel")),
              HasSubstr(": body: the connection ended in the middle of the answer"));
  EXPECT_THAT(error_of(fake("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n")),
              HasSubstr(": body: "));
  EXPECT_THAT(error_of(fake("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n")),
              HasSubstr("a transfer coding other than chunked"));
  EXPECT_THAT(error_of(fake("HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x'))),
              HasSubstr("the head of the answer is too long"));
  Client client;
  EXPECT_EQ(client.get(fake("HTTP/1.0 200 OK\r\n\r\nto the end")).text(), "to the end");
  EXPECT_EQ(
      client.get(fake("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")).status(),
      204);
}

TEST_F(HttpClientTest, a_server_that_is_slow_is_told_by_phase) {
  ClientOptions options;
  options.timeouts.head = 20ms;
  options.timeouts.body = 20ms;
  Event never;
  http::Server slow(net::Address::loopback(), [&](Request& request) {
    if (request.path() == "/head")
      never.wait();
    return Response::streaming("text/plain", [&](BodyWriter& out) {
      out.write("some");
      never.wait();
    });
  });
  slow.start();
  const std::string url = "http://" + slow.address().to_string();
  EXPECT_THAT(error_of(url + "/head", options), HasSubstr("/head: head: "));
  EXPECT_THAT(error_of(url + "/body", options), HasSubstr("/body: body: "));
  const auto in_time = [&](const std::string& of) {
    try {
      Client(options).get(of);
    } catch (const ClientError& error) {
      return !error.timed_out();
    }
    return true;
  };
  EXPECT_FALSE(in_time(url + "/head"));
  EXPECT_TRUE(in_time("http://127.0.0.1:1/"));
  slow.stop();
}

TEST_F(HttpClientTest, what_is_no_request_is_refused) {
  Client client;
  for (const char* url :
       {"", "x", "/path", "ftp://x/", "http://", "http://u@x/", "http://x:99999/", "http://x/a b",
        "http://x/\r\nEvil: 1", "http://x%2fy/", "http://x%20/", "ws://x/"})
    EXPECT_THROW(client.get(url), std::invalid_argument) << url;
  http::Fields fields;
  fields.add("Content-Length", "5");
  EXPECT_THROW(client.get(base + "/hello", fields), std::invalid_argument);
  EXPECT_THROW(client.send({.method = "G ET", .url = base + "/hello"}), std::invalid_argument);
}

TEST_F(HttpClientTest, requests_wait_for_a_connection_when_all_are_used) {
  ClientOptions options;
  options.connections_per_origin = 2;
  Client client(options);
  std::vector<GreenletRef<std::string>> all;
  all.reserve(20);
  for (int i = 0; i < 20; ++i)
    all.push_back(spawn([&] { return client.get(base + "/hello").text(); }));
  for (const auto& one : all)
    EXPECT_EQ(one.get(), "hello");
  EXPECT_LE(client.stats().connections, 2);
}

TEST_F(HttpClientTest, goes_by_a_proxy) {
  // A proxy by our own means: it passes on what has an absolute target.
  Client onward;
  std::vector<std::string> seen;
  http::Server proxy(net::Address::loopback(), [&](Request& request) {
    seen.emplace_back(request.target());
    return Response(onward.get(std::string(request.target())).text());
  });
  proxy.start();
  ClientOptions options;
  options.proxy = "http://" + proxy.address().to_string();
  Client client(options);
  EXPECT_EQ(client.get(base + "/hello").text(), "hello");
  EXPECT_THAT(seen, testing::ElementsAre(base + "/hello"));
}

// A proxy that opens ways, to whom it knows, and notes what it was asked.
struct WayProxy {
  std::vector<std::string> asked;
  http::Server server{
      net::Address::loopback(), [this](Request& request) {
        asked.push_back(std::string(request.method()) + " " + std::string(request.target()) + " " +
                        std::string(request.field("Proxy-Authorization").value_or("-")));
        if (request.field("Proxy-Authorization") != http::basic_authorization("ann", "secret"))
          throw http::Error(407, "who are you?");
        const auto colon = request.target().rfind(':');
        auto socket = std::make_shared<net::StreamSocket>(
            net::connect(std::string(request.target().substr(0, colon)),
                         static_cast<std::uint16_t>(
                             std::stoi(std::string(request.target().substr(colon + 1))))));
        Response response(200);
        response.body() =
            Response::TakeOver([socket](net::Stream& client, const std::string& received) {
              socket->send_all(received);
              net::relay(client, *socket);
            });
        return response;
      }};
  WayProxy() { server.start(); }
  std::string url() const { return "http://" + server.address().to_string(); }
};

TEST_F(HttpClientTest, https_and_websockets_go_by_a_way_through_a_proxy) {
  const Issued identity = issue({});
  const tls::ServerContext context({.identities = {identity.identity()}});
  http::ServerOptions secured;
  secured.secure = [context](net::StreamSocket&& socket) {
    return std::make_unique<tls::TlsStream>(tls::wrap_server(std::move(socket), context));
  };
  http::Server secret(
      net::Address::loopback(),
      [](Request& request) {
        EXPECT_FALSE(request.field("Proxy-Authorization").has_value());
        return Response(request.secure() ? "secret" : "open");
      },
      secured);
  secret.start();
  WayProxy proxy;
  ClientOptions options;
  options.proxy = proxy.url();
  options.proxy_fields = {{"Proxy-Authorization", http::basic_authorization("ann", "secret")}};
  options.tls = std::make_shared<tls::ClientContext>(
      tls::ClientOptions{.authorities = identity.authorities()});
  Client client(options);
  const std::string place = "localhost:" + std::to_string(secret.address().port());
  EXPECT_EQ(client.get("https://" + place + "/").text(), "secret");
  EXPECT_EQ(client.get("https://" + place + "/").text(), "secret"); // the same way
  const std::string at = server->address().to_string();
  auto socket = client.websocket("ws://" + at + "/ws");
  socket.send_text("hello");
  EXPECT_EQ(socket.recv(20s)->data, "hello");
  socket.close();
  const std::string who = " " + http::basic_authorization("ann", "secret");
  EXPECT_THAT(proxy.asked, testing::ElementsAre("CONNECT " + place + who, "CONNECT " + at + who));

  options.proxy_fields.clear();
  Client stranger(options);
  EXPECT_THAT(text_of<ClientError>([&] { stranger.get("https://" + place + "/"); }),
              HasSubstr("connect: the proxy says 407"));
}

TEST_F(HttpClientTest, a_server_of_https_proves_who_it_is) {
  const Issued identity = issue({.names = {"DNS:localhost"}});
  const tls::ServerContext context({.identities = {identity.identity()}});
  http::ServerOptions secured;
  secured.secure = [context](net::StreamSocket&& socket) {
    return std::make_unique<tls::TlsStream>(tls::wrap_server(std::move(socket), context));
  };
  http::Server secret(
      net::Address::loopback(), [](Request&) { return Response("secret"); }, secured);
  secret.start();
  const std::string port = std::to_string(secret.address().port());
  ClientOptions options;
  EXPECT_THAT(error_of("https://localhost:" + port + "/", options), HasSubstr(": connect: "));
  options.tls = std::make_shared<tls::ClientContext>(
      tls::ClientOptions{.authorities = identity.authorities()});
  Client client(options);
  EXPECT_EQ(client.get("https://localhost:" + port + "/").text(), "secret");
  EXPECT_THAT(error_of("https://127.0.0.1:" + port + "/", options), // another name
              HasSubstr(": connect: "));
  EXPECT_THAT(error_of("http://127.0.0.1:" + port + "/", options), HasSubstr(": head: "));
}

TEST_F(HttpClientTest, opens_websockets) {
  Client client;
  auto socket = client.websocket("ws://" + server->address().to_string() + "/ws");
  socket.send_text("hello");
  EXPECT_EQ(socket.recv(20s)->data, "hello");
  socket.close();
  EXPECT_THROW(client.websocket("ws://127.0.0.1:1/"), ClientError);
  EXPECT_THROW(client.websocket("ws://" + server->address().to_string() + "/hello"), http::Error);
}

} // namespace
} // namespace grove::test
