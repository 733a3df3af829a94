// SPDX-License-Identifier: MIT
// One server on several hubs, and what belongs to one request.
#include <grove/http/server.hpp>

#include <gmock/gmock.h>

#include <atomic>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <grove/http/client.hpp>
#include <grove/http/metrics.hpp>
#include <grove/http/router.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/greenlet_local.hpp>
#include <grove/hub/group.hpp>
#include <grove/hub/mutex.hpp>
#include <grove/net/connect.hpp>
#include <grove/tls.hpp>

#include "../support/hub_test.hpp"
#include "../tls/authority.hpp"

namespace grove::test {
namespace {

using http::Request;
using http::Response;
using testing::Each;
using testing::HasSubstr;

class ServerHubsTest : public HubTest {
protected:
  static std::string ask(const http::Server& server, std::string_view path = "/") {
    http::Client client; // a connection of its own
    return client.get("http://" + server.address().to_string() + std::string(path)).text();
  }
};

std::string thread_name() {
  return std::to_string(std::hash<std::thread::id>()(std::this_thread::get_id()));
}

TEST_F(ServerHubsTest, connections_are_spread_over_the_hubs_and_counted_together) {
  http::Server server(net::Address::loopback(), [](Request&) { return Response(thread_name()); },
                      {.hubs = 2});
  server.start();
  server.start(); // a second time: nothing
  std::set<std::string> threads;
  for (int i = 0; i < 64; ++i) // all on one: once in 2^63
    threads.insert(ask(server));
  EXPECT_EQ(threads.size(), 2);
  EXPECT_EQ(threads.count(thread_name()), 0);
  const auto stats = server.stats();
  EXPECT_EQ(stats.connections, 64);
  EXPECT_EQ(stats.requests, 64);
  EXPECT_EQ(stats.responses[2], 64);
  EXPECT_TRUE(server.stop(20s));
  EXPECT_THROW(net::connect(server.address()), std::system_error);
}

TEST_F(ServerHubsTest, each_hub_makes_what_is_its_own) {
  std::atomic<int> made{0};
  http::Server server(net::Address::loopback(), http::per_hub([&made] {
                        ++made;
                        http::Router router;
                        // Hub-local: in the wrong hub it would throw.
                        auto lock = std::make_shared<Mutex>();
                        router.get("/", [lock, here = thread_name()](Request&) {
                          const std::lock_guard guard(*lock);
                          EXPECT_EQ(here, thread_name());
                          return Response("served");
                        });
                        return http::Handler(router);
                      }),
                      {.hubs = 2});
  server.start();
  EXPECT_EQ(made, 0);
  for (int i = 0; i < 64; ++i)
    EXPECT_EQ(ask(server), "served");
  EXPECT_EQ(made, 2);
}

TEST_F(ServerHubsTest, all_hubs_speak_tls_and_resume_each_others_sessions) {
  const Issued identity = issue({});
  const tls::ServerContext context({.identities = {identity.identity()}});
  http::ServerOptions options{.hubs = 2};
  options.secure = [context](net::StreamSocket&& socket) { // copied to each hub; one context
    return std::make_unique<tls::TlsStream>(tls::wrap_server(std::move(socket), context));
  };
  http::Server server(
      net::Address::loopback(),
      [](Request& request) {
        return Response((request.secure() ? "secure " : "plain ") + thread_name());
      },
      std::move(options));
  server.start();
  const tls::ClientContext client({.authorities = identity.authorities()});
  std::set<std::string> threads;
  std::map<std::string, int> resumed;
  for (int i = 0; i < 64; ++i) { // all on one: once in 2^63
    tls::TlsStream stream =
        tls::wrap_client(net::connect(server.address()), client, "localhost", 20s);
    stream.send_all("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    std::string text;
    for (std::string some; !(some = stream.recv(65536, 20s)).empty();)
      text += some;
    const std::string thread = text.substr(text.rfind(' ') + 1);
    EXPECT_THAT(text, HasSubstr("\r\n\r\nsecure "));
    threads.insert(thread);
    resumed[thread] += stream.resumed() ? 1 : 0;
  }
  EXPECT_EQ(threads.size(), 2);
  for (const auto& [thread, count] : resumed) // the tickets are of either
    EXPECT_GT(count, 0);
  EXPECT_EQ(server.stats().bad_requests, 0);
  // A plain client is no client, on whichever hub.
  net::StreamSocket plain = net::connect(server.address());
  plain.send_all("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  while (!plain.recv(65536, 20s).empty()) {
  }
  EXPECT_EQ(server.stats().bad_requests, 1);
  EXPECT_TRUE(server.stop(20s));
}

TEST_F(ServerHubsTest, its_metrics_are_asked_of_itself) {
  http::Router router;
  std::atomic<http::Server*> told{nullptr};
  router.get("/metrics",
             [&](Request&) { return http::Metrics().add(told.load()->stats()).response(); });
  http::Server server(net::Address::loopback(), router, {.hubs = 3});
  told = &server;
  server.start();
  for (int i = 1; i <= 10; ++i)
    EXPECT_THAT(ask(server, "/metrics"),
                HasSubstr("\ngrove_http_requests_total " + std::to_string(i) + "\n"));
}

TEST_F(ServerHubsTest, what_is_under_way_ends_before_the_server_does) {
  std::atomic<int> arrived{0};
  std::atomic<bool> go{false};
  http::Server server(net::Address::loopback(),
                      [&](Request&) {
                        ++arrived;
                        while (!go)
                          sleep(1ms);
                        return Response("done");
                      },
                      {.hubs = 2});
  server.start();
  std::vector<std::string> answers;
  Group clients;
  for (int i = 0; i < 8; ++i)
    clients.spawn([&] { answers.push_back(ask(server)); });
  while (arrived < 8)
    sleep(1ms);
  auto stopping = spawn([&] { return server.stop(20s); });
  settle();
  go = true;
  EXPECT_TRUE(stopping.get());
  clients.join();
  EXPECT_EQ(answers.size(), 8);
  EXPECT_THAT(answers, Each("done"));
  server.start(); // again, at the same port
  EXPECT_EQ(ask(server), "done");
}

TEST_F(ServerHubsTest, serve_forever_ends_with_stop_or_with_its_greenlet) {
  http::Server server(net::Address::loopback(), [](Request&) { return Response("x"); },
                      {.hubs = 2});
  server.start();
  auto serving = spawn([&] { server.serve_forever(); });
  EXPECT_EQ(ask(server), "x");
  EXPECT_TRUE(server.stop(20s));
  EXPECT_TRUE(serving.join(20s));

  server.start();
  auto again = spawn([&] { server.serve_forever(); });
  EXPECT_EQ(ask(server), "x");
  again.kill();
  EXPECT_THROW(net::connect(server.address()), std::system_error);
}

TEST_F(ServerHubsTest, what_cannot_be_is_told_at_once) {
  const auto handler = [](Request&) { return Response(); };
  EXPECT_THROW(http::Server(net::Listener(net::Address::loopback()), handler, {.hubs = 2}),
               std::invalid_argument);
  EXPECT_THROW(
      http::Server(net::Address::loopback(), handler, {.hubs = 2, .trusted_proxies = {"nonsense"}}),
      std::invalid_argument);
  EXPECT_THROW(http::Server(net::Address::unix_path("@none"), handler, {.hubs = 2}),
               std::invalid_argument);
  const net::Listener taken(net::Address::loopback());
  http::Server server(taken.local_address(), handler, {.hubs = 2});
  EXPECT_THROW(server.start(), std::system_error);
}

// -- one request's -----------------------------------------------------------------------------

struct Who {
  std::string name = "nobody";
};

TEST_F(ServerHubsTest, a_greenlet_local_is_one_requests_on_any_hub) {
  const GreenletLocal<Who> who;
  std::string logged;
  http::ServerOptions options;
  options.access_log = [&](const http::AccessRecord&) { logged += who->name + ' '; };
  http::Server server(
      net::Address::loopback(),
      [&](Request& request) {
        const std::string before = who->name;
        if (request.path() != "/again") {
          who.set({std::string(request.path().substr(1))});
          yield(); // others come and go
        }
        return Response(before + " then " + who->name);
      },
      options);
  server.start();
  http::Client client; // one connection, whose greenlet serves all
  const std::string root = "http://" + server.address().to_string();
  EXPECT_EQ(client.get(root + "/ann").text(), "nobody then ann");
  EXPECT_EQ(client.get(root + "/again").text(), "nobody then nobody");
  EXPECT_EQ(client.get(root + "/bob").text(), "nobody then bob");
  EXPECT_EQ(client.stats().connections, 1);
  EXPECT_EQ(logged, "ann nobody bob ");
}

TEST_F(ServerHubsTest, a_greenlet_local_goes_when_the_request_is_answered) {
  int alive = 0;
  const GreenletLocal<std::shared_ptr<Counted>> local;
  http::Server server(net::Address::loopback(), [&](Request&) {
    local.set(std::make_shared<Counted>(alive));
    return Response::streaming(http::plain_text, [&](http::BodyWriter& out) {
      out.write(std::to_string(alive)); // it is there while the body is written
    });
  });
  server.start();
  http::Client client;
  const std::string root = "http://" + server.address().to_string() + "/";
  EXPECT_EQ(client.get(root).text(), "1");
  EXPECT_EQ(client.get(root).text(), "1");
  settle();
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(server.stats().open, 1); // the connection is still there
}

} // namespace
} // namespace grove::test
