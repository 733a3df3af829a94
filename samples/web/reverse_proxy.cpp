// SPDX-License-Identifier: MIT
// A reverse proxy: what it is asked for it asks of a server behind it. Bodies go through piece by
// piece, both ways, however long they are; whoever is slow slows only his own request down.
// WebSockets go through message by message.
//
//   reverse_proxy --port 8080 http://127.0.0.1:5000 http://127.0.0.1:5001
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <grove/http.hpp>

#include "../net/common.hpp"

using namespace std::chrono_literals;
namespace http = grove::http;

namespace {

const std::string our_name = "1.1 grove"; // for Via

// What is between two neighbours, and no affair of those behind them (RFC 9110, 7.6.1).
bool is_hop_by_hop(const http::Fields& all, std::string_view name) {
  for (const char* each :
       {"Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization",
        "TE", "Trailer", "Transfer-Encoding", "Upgrade"}) {
    if (http::equals_ignoring_case(each, name))
      return true;
  }
  return all.lists("Connection", name); // and what the neighbour names there
}

http::Fields end_to_end(const http::Fields& all) {
  http::Fields fields;
  for (const auto field : all) {
    if (!is_hop_by_hop(all, field.name))
      fields.add(field.name, field.value);
  }
  const std::string before = all.joined("Via");
  fields.set("Via", before.empty() ? our_name : before + ", " + our_name);
  return fields;
}

// The fields that the server behind us gets: it is told who asks, and what for.
http::Fields onward(const http::Request& request) {
  http::Fields fields = end_to_end(request.fields());
  for (const char* ours : {"Content-Length", "Expect", "Forwarded"}) // the client says it anew
    fields.remove(ours);
  fields.set("Host", request.host());
  fields.set("X-Forwarded-For", request.client()); // what others have said of him was looked at
  fields.set("X-Forwarded-Proto", request.secure() ? "https" : "http");
  fields.set("X-Forwarded-Host", request.host());
  return fields;
}

class ReverseProxy {
public:
  // Redirects are the asker's, and so is compression: what comes is passed on as it is.
  ReverseProxy(std::vector<std::string> origins, http::ClientTimeouts timeouts)
      : origins_(std::move(origins)), client_({.timeouts = timeouts,
                                               .max_redirects = 0,
                                               .connections_per_origin = 1000,
                                               .gzip = false}) {}

  http::Response operator()(http::Request& request) {
    const std::string url = origins_[turn_++ % origins_.size()] + target_of(request);
    try {
      if (request.head().wants_upgrade && request.fields().lists("Upgrade", "websocket"))
        return tunnel(request, url);
      return forward(request, url);
    } catch (const http::ClientError& error) {
      // Whose fault it is, and no more: where the servers are is not for everybody.
      fmt::print(stderr, "reverse_proxy: {}\n", error.what());
      if (error.timed_out())
        throw http::Error(504, "the server behind takes too long");
      throw http::Error(502, "the server behind does not answer");
    }
  }

private:
  static std::string target_of(const http::Request& request) {
    if (request.target().starts_with('/'))
      return std::string(request.target()); // to the last byte
    if (request.path() == "*")
      throw http::Error(400, "this is about no resource");
    const std::string path(request.path()); // of "http://host/path?query"
    return request.query_text().empty() ? path : path + "?" + std::string(request.query_text());
  }

  http::Response forward(http::Request& request, const std::string& url) {
    http::ClientRequest question{
        .method = std::string(request.method()), .url = url, .fields = onward(request)};
    if (request.has_body()) {
      question.length = request.head().content_length;
      question.write = [&](http::BodyWriter& to) {
        copy(to, [&](std::span<char> piece) { return request.read(piece); });
      };
    }
    auto answer = std::make_shared<http::ClientResponse>(client_.send(question));

    http::Response response(answer->status());
    response.fields() = end_to_end(answer->fields());
    response.body() = [answer](http::BodyWriter& to) {
      copy(to, [&](std::span<char> piece) { return answer->read(piece); });
    };
    return response;
  }

  template <class Read>
  static void copy(http::BodyWriter& to, Read read) {
    std::array<char, 16 * 1024> piece;
    while (const std::size_t size = read(piece))
      to.write({piece.data(), size});
  }

  // First the server behind us agrees, then we do, to the same.
  http::Response tunnel(http::Request& request, std::string url) {
    url.replace(0, std::string_view("http").size(), "ws"); // https becomes wss
    http::Fields fields = onward(request);
    for (const char* ours : {"Sec-WebSocket-Key", "Sec-WebSocket-Version",
                             "Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol"})
      fields.remove(ours);
    http::WebSocketOptions options;
    options.protocols = request.fields().list("Sec-WebSocket-Protocol");
    const auto behind = std::make_shared<http::WebSocket>(open(url, options, fields));

    options.protocols = {std::string(behind->protocol())};
    options.origins = {"*"}; // it has looked at that
    return http::accept_websocket(
        request,
        [behind](http::WebSocket& before) {
          grove::Group back;
          back.spawn([&] { pass_on(*behind, before); });
          pass_on(before, *behind);
          back.join();
        },
        options);
  }

  http::WebSocket open(const std::string& url, const http::WebSocketOptions& options,
                       const http::Fields& fields) {
    try {
      return client_.websocket(url, options, fields);
    } catch (const http::Error& refused) { // with its reasons, which are the asker's
      if (refused.status() >= 400)
        throw;
    } catch (const grove::TimeoutError&) {
      throw http::Error(504, "the server behind takes too long");
    } catch (const std::system_error&) {
    } catch (const grove::Closed&) {
    }
    throw http::Error(502, "the server behind opens no WebSocket");
  }

  static void pass_on(http::WebSocket& from, http::WebSocket& to) {
    try {
      while (const auto message = from.recv()) {
        if (message->is_text)
          to.send_text(message->data);
        else
          to.send_binary(message->data);
      }
      const std::uint16_t code = from.close_code();
      if (code == 0 || code == 1005) // it gave none
        to.close();
      else if (code == 1006) // it just went
        to.close(1014, "the other side is lost");
      else
        to.close(code, from.close_reason());
    } catch (const grove::Closed&) { // `to` has gone: who reads from there notices
      from.close(1014, "the other side is lost");
    }
  }

  std::vector<std::string> origins_;
  std::size_t turn_ = 0;
  http::Client client_;
};

} // namespace

int main(int argc, char** argv) {
  CLI::App app{"Answers HTTP requests by asking servers behind it, in turn."};
  std::vector<std::string> origins;
  std::uint16_t port = 8080;
  std::uint64_t seconds = 30;
  http::ServerOptions options;
  options.limits.body = 1024 * 1024 * 1024; // they go through: none of it stays here
  options.timeouts.body = 10min;
  sample::add_port(app, port);
  app.add_option("URL", origins, "servers: http://host:port")->required();
  app.add_option("--timeout", seconds, "for the head of an answer, and for each piece of its body")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--trust", options.trusted_proxies,
                 "networks of proxies before this one, whose X-Forwarded-For is believed");
  return sample::run(app, argc, argv, [&] {
    http::ClientTimeouts timeouts;
    timeouts.head = timeouts.body = std::chrono::seconds(seconds);
    ReverseProxy proxy(origins, timeouts);
    http::Server server(grove::net::Address::loopback(port), std::ref(proxy), options);
    server.start();
    fmt::print("reverse_proxy: at {}\n", server.address().to_string());
    server.serve_forever();
    return 0;
  });
}
