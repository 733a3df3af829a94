// SPDX-License-Identifier: MIT
// Server: HTTP/1.1 and 1.0.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <grove/http/access_log.hpp>
#include <grove/http/error.hpp>
#include <grove/http/limits.hpp>
#include <grove/http/request.hpp>
#include <grove/http/response.hpp>
#include <grove/hub/deadline.hpp>
#include <grove/net/address.hpp>
#include <grove/net/listener.hpp>
#include <grove/net/stream.hpp>
#include <grove/net/stream_socket.hpp>

namespace grove::http {

namespace detail {
class ServerHubs;
}

// What answers requests: a plain function, which may wait for whatever it likes. Each connection
// has a greenlet of its own; the value of a GreenletLocal is nevertheless one request's, and goes
// when that is answered and logged.
using Handler = std::function<Response(Request&)>;

// A handler for a server on several hubs, each of which makes its own when its first request comes:
// for what is hub-local, as clients, pools and queues are. It is the outermost handler:
// `Server(address, per_hub([] { Router router; ...; return router; }), {.hubs = 4})`.
Handler per_hub(std::function<Handler()> make);

// How long a client may take.
struct Timeouts {
  std::chrono::milliseconds head{10'000}; // for a whole head, from its first byte on: 408
  std::chrono::milliseconds body{60'000}; // for a whole body, from its first byte on: 408
  std::chrono::milliseconds idle{15'000}; // between requests: the connection is closed
  // Who does not take the next 8 KiB of an answer within it, or what is left, is cut.
  std::chrono::milliseconds write{10'000};
  std::chrono::milliseconds secure{5'000}; // for the handshake of TLS
};

struct ServerOptions {
  Limits limits{};
  Timeouts timeouts{};
  std::size_t requests_per_connection = 1000;
  // At a time, and at most 4/5 of the process' descriptors; more wait until one goes.
  std::size_t connections = 10'000;
  std::size_t connections_per_ip = 256; // more are closed at once
  int backlog = 1024;
  bool reuse_port = false; // several servers share the address
  // 0: it serves on the hub that made it. Else on so many new ones, each with a thread and (by
  // SO_REUSEPORT) a listener of its own. Limits are for one hub. Handler and options are copied to
  // each: what the copies share must be fit for several threads; see per_hub().
  std::size_t hubs = 0;
  // Called once per answered request; see access_log.hpp for ready ones.
  std::function<void(const AccessRecord&)> access_log{};
  // Makes the page for an Error; its status and closing are the server's. Default: plain text, and
  // JSON for a JsonError. See json_error_page() for JSON always.
  std::function<Response(const Error&)> error_page{};
  // Wraps each connection: `[context](auto&& socket) { return tls::...; }` for HTTPS.
  std::function<std::unique_ptr<net::Stream>(net::StreamSocket&&)> secure{};
  // IP addresses and networks ("10.0.0.0/8", "::1") whose X-Forwarded-For and X-Forwarded-Proto are
  // believed; nobody else's are. "unix" stands for the peers of a Unix socket.
  std::vector<std::string> trusted_proxies{};
};

// Server reads requests from the connections of one address and hands them to a handler. Hub-local;
// its greenlets are those of the hub that start() was called on.
//
// A request that breaks the rules, or a limit, is answered (400, 408, 413, 414, 417, 431, 501,
// 505), and the connection closed: the handler never sees it. A handler that throws Error is
// answered for with its status, one that throws anything else with 500, and the error goes to the
// hub's error hook. Requests that come together are handled in their order, and their answers leave
// together.
class Server {
public:
  struct Stats {
    std::uint64_t connections = 0;            // accepted
    std::uint64_t requests = 0;               // that reached the handler
    std::uint64_t bad_requests = 0;           // that did not
    std::uint64_t failures = 0;               // handlers that threw something other than Error
    std::size_t open = 0;                     // connections now
    std::array<std::uint64_t, 6> responses{}; // by the first digit of their status
    std::uint64_t body_bytes = 0;             // sent, of responses' bodies
    Stats& operator+=(const Stats& other);
  };

  // std::system_error if the address cannot be had; std::invalid_argument for a trusted proxy that
  // is no address, and for several hubs with one listener or a Unix socket.
  Server(const net::Address& address, Handler handler, ServerOptions options = {});
  Server(net::Listener listener, Handler handler, ServerOptions options = {});
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server(); // stop(), at once

  void start(); // a second time: nothing
  // Accepts no more, lets what is under way finish until the deadline, closes idle connections at
  // once, then kills what is left. A suspension point. False if something had to be killed.
  bool stop(Deadline deadline = std::chrono::seconds(0));
  // start(), and waits until another greenlet calls stop().
  void serve_forever();

  net::Address address() const;
  // Of all hubs: then a suspension point, which its own handlers may call, too.
  Stats stats() const;

private:
  struct State;
  std::unique_ptr<State> state_;
  std::unique_ptr<detail::ServerHubs> hubs_; // instead of state_
};

} // namespace grove::http
