// SPDX-License-Identifier: MIT
// Servers that answer before they have the body: what the client makes of it, and our own server.
#include <gmock/gmock.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <grove/http/client.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/net/listener.hpp>
#include <grove/tls.hpp>

#include "../tls/authority.hpp"
#include "server_fixture.hpp"

namespace grove::test {
namespace {

using http::BodyWriter;
using http::Client;
using http::ClientError;
using http::ClientRequest;
using http::Request;
using http::Response;
using testing::HasSubstr;

constexpr std::string_view too_large =
    "HTTP/1.1 413 Content Too Large\r\nContent-Length: 9\r\nConnection: close\r\n\r\nno thanks";
constexpr std::size_t mebibyte = 1024 * 1024;

class EarlyAnswerTest : public HttpServerTest {
protected:
  // A server of one connection: `then` gets it once the head is there, with what came behind that.
  std::string fake(std::function<void(net::StreamSocket&, std::string)> then) {
    auto listener = std::make_shared<net::Listener>(net::Address::loopback());
    std::string url = "http://" + listener->local_address().to_string() + "/";
    server_side = spawn([listener, then = std::move(then)] {
      net::StreamSocket socket = listener->accept(20s);
      std::string text;
      while (text.find("\r\n\r\n") == std::string::npos)
        text += socket.recv(4096, 20s);
      then(socket, text.substr(text.find("\r\n\r\n") + 4));
    });
    return url;
  }
  // Says that the body is too large, and reads none of it.
  std::string refuse_until(Event& over) {
    return fake([&over](net::StreamSocket& socket, const std::string&) {
      socket.send_all(too_large);
      over.wait();
    });
  }
  // Writes until nobody wants more; how much that was is in `written`.
  ClientRequest endless(const std::string& url) {
    return {.method = "PUT", .url = url, .write = [this](BodyWriter& out) {
              const std::string piece(16 * 1024, 'x');
              for (;; written += piece.size())
                out.write(piece);
            }};
  }
  static std::size_t rest_of(net::StreamSocket& socket) {
    std::size_t sum = 0;
    for (std::string some; !(some = socket.recv(65536, 20s)).empty();)
      sum += some.size();
    return sum;
  }

  std::size_t written = 0;
  GreenletRef<> server_side;
};

TEST_F(EarlyAnswerTest, a_refusal_ends_the_sending) {
  Event over;
  const std::string url = fake([&](net::StreamSocket& socket, const std::string&) {
    socket.send_all(too_large);
    over.wait(); // and reads nothing: the client waits in the middle of a piece
  });
  Client client;
  auto answer = client.send(endless(url));
  EXPECT_EQ(answer.status(), 413);
  EXPECT_EQ(answer.text(), "no thanks");
  over.set();
  EXPECT_TRUE(server_side.join(20s));
}

TEST_F(EarlyAnswerTest, its_connection_is_not_used_again) {
  Event over;
  const std::string url = fake([&](net::StreamSocket& socket, const std::string&) {
    socket.send_all("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"); // keeps it
    over.wait();
    rest_of(socket); // the client's end comes
  });
  Client client({.connections_per_origin = 1});
  EXPECT_EQ(client.send(endless(url)).status(), 403);
  over.set();
  EXPECT_TRUE(server_side.join(20s));
}

TEST_F(EarlyAnswerTest, it_is_read_from_a_connection_that_was_cut) {
  const std::string url = fake([](net::StreamSocket& socket, const std::string&) {
    socket.send_all(too_large);
  }); // closed with a body that nobody read: a reset
  Client client;
  auto answer = client.send(endless(url));
  EXPECT_EQ(answer.status(), 413);
  EXPECT_EQ(answer.text(), "no thanks");
  EXPECT_TRUE(server_side.join(20s));
}

TEST_F(EarlyAnswerTest, a_text_is_not_sent_to_its_end_either) {
  Event over;
  const std::string url = refuse_until(over);
  Client client;
  EXPECT_EQ(client.post(url, std::string(50 * mebibyte, 'x')).text(), "no thanks");
  over.set();
  EXPECT_TRUE(server_side.join(20s));
}

TEST_F(EarlyAnswerTest, whoever_writes_on_regardless_is_told_again) {
  Event over;
  const std::string url = refuse_until(over);
  ClientRequest request{.method = "PUT", .url = url};
  int told = 0;
  request.write = [&](BodyWriter& out) {
    while (told < 3) {
      try {
        out.write(std::string(64 * 1024, 'x'));
      } catch (const Closed& closed) {
        EXPECT_THAT(closed.what(), HasSubstr("takes no more of the body"));
        ++told;
      }
    }
  };
  request.length = 1'000'000'000; // less is written, and that is all right now
  Client client;
  EXPECT_EQ(client.send(request).status(), 413);
  EXPECT_EQ(told, 3);
  over.set();
}

TEST_F(EarlyAnswerTest, consent_lets_the_body_go_on_to_its_end) {
  std::size_t received = 0;
  const std::string url = fake([&](net::StreamSocket& socket, std::string body) {
    socket.send_all("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
    while (body.size() < 5 * mebibyte)
      body += socket.recv(65536, 20s);
    received = body.size();
    socket.send_all("ok");
  });
  Client client;
  EXPECT_EQ(client.post(url, std::string(5 * mebibyte, 'x')).text(), "ok");
  EXPECT_TRUE(server_side.join(20s));
  EXPECT_EQ(received, 5 * mebibyte);
}

TEST_F(EarlyAnswerTest, interim_answers_are_none) {
  const std::string url = fake([&](net::StreamSocket& socket, std::string body) {
    socket.send_all("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n");
    while (body.size() < mebibyte)
      body += socket.recv(65536, 20s);
    socket.send_all("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
  });
  Client client;
  EXPECT_EQ(client.post(url, std::string(mebibyte, 'x')).status(), 201);
}

TEST_F(EarlyAnswerTest, a_connection_that_is_cut_without_one_is_an_error_of_sending) {
  const std::string url =
      fake([](net::StreamSocket& socket, const std::string&) { socket.reset_on_close(); });
  Client client;
  try {
    client.send(endless(url));
    ADD_FAILURE() << "nothing was thrown";
  } catch (const ClientError& error) {
    EXPECT_EQ(error.phase(), ClientError::Phase::send) << error.what();
  }
}

TEST_F(EarlyAnswerTest, what_the_writer_throws_passes_through) {
  const std::string url =
      fake([](net::StreamSocket& socket, const std::string&) { rest_of(socket); });
  Client client;
  ClientRequest request{.method = "PUT", .url = url};
  request.write = [](BodyWriter& out) {
    out.write("a");
    throw std::invalid_argument("mine");
  };
  EXPECT_THROW(client.send(request), std::invalid_argument);
  EXPECT_TRUE(server_side.join(20s)); // and the connection is closed
}

TEST_F(EarlyAnswerTest, a_kill_in_the_middle_of_a_piece_closes_the_connection) {
  Event full;
  const std::string url = fake([&](net::StreamSocket& socket, const std::string&) {
    full.wait();
    rest_of(socket);
  });
  Client client;
  auto asker = spawn([&] { client.send(endless(url)); });
  std::size_t before = 1;
  while (before != written || written == 0) { // until it waits for room
    before = written;
    sleep(20ms);
  }
  EXPECT_TRUE(asker.kill(20s));
  full.set();
  EXPECT_TRUE(server_side.join(20s));
}

// -- our own server ------------------------------------------------------------------------------

TEST_F(EarlyAnswerTest, our_servers_refusal_reaches_our_client) {
  serve([](Request& request) { return Response(request.read_all()); }, {.limits = {.body = 1000}});
  Client client;
  const std::string url = "http://" + server->address().to_string() + "/";
  auto answer = client.post(url, std::string(20 * mebibyte, 'x'));
  EXPECT_EQ(answer.status(), 413);
  EXPECT_EQ(client.send(endless(url)).status(), 413); // chunked: in the middle of it
}

TEST_F(EarlyAnswerTest, also_over_tls) {
  const Issued identity = issue({});
  tls::ServerContext context({.identities = {identity.identity()}});
  http::ServerOptions options;
  options.limits.body = 1000;
  options.secure = [context](net::StreamSocket&& socket) {
    return std::make_unique<tls::TlsStream>(tls::wrap_server(std::move(socket), context));
  };
  serve([](Request& request) { return Response(request.read_all()); }, std::move(options));
  Client client({.tls = std::make_shared<tls::ClientContext>(
                     tls::ClientOptions{.authorities = identity.authorities()})});
  const std::string url = "https://" + server->address().to_string() + "/";
  EXPECT_EQ(client.post(url, "short").text(), "short");
  EXPECT_EQ(client.post(url, std::string(20 * mebibyte, 'x')).status(), 413);
  EXPECT_EQ(client.send(endless(url)).status(), 413);
}

TEST_F(EarlyAnswerTest, our_server_says_that_it_will_not_wait_for_the_rest) {
  serve([](Request&) { return Response("no matter"); });
  const std::string large = "PUT / HTTP/1.1\r\nContent-Length: 100000\r\n" + std::string(keep);
  EXPECT_THAT(talk(large), HasSubstr("\r\nConnection: close\r\n"));
  const std::string expecting =
      "PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n" + std::string(keep);
  EXPECT_THAT(talk(expecting), HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_EQ(count(talk(post("small", keep) + get("/", close)), "Connection: close"), 1);
}

} // namespace
} // namespace grove::test
