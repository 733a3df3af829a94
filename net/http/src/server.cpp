// SPDX-License-Identifier: MIT
// Server: connections, and their end.
#include <grove/http/server.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>

#include <algorithm>
#include <limits>
#include <list>
#include <optional>
#include <stdexcept>
#include <utility>

#include <grove/http/router.hpp>
#include <grove/hub/detail/readiness.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/log.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/net/stream_server.hpp>

#include "connection.hpp"
#include "server_hubs.hpp"

namespace grove::http {

namespace {

// Of the descriptors that the process may have some are left for what handlers open.
std::size_t affordable_connections() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY)
    return std::numeric_limits<std::size_t>::max();
  return std::max<std::size_t>(files.rlim_cur / 5 * 4, 1);
}

// So much of an answer waits in the kernel beyond what is on its way; by itself it takes megabytes,
// and who reads nothing holds them. It takes more when half of it is gone: a client that does not
// take that much within Timeouts::write, which makes 800 bytes a second, is cut.
constexpr int unsent = 16 * 1024;

void bound_unsent(int descriptor) {
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent); // of TCP
}

} // namespace

struct Server::State {
  detail::Service service;
  struct Open {
    detail::Connection& connection;
    net::Stream& stream;
    int descriptor;
  };
  std::list<Open> open;
  GreenletRef<> watch; // over idle connections, while there are connections
  std::optional<net::StreamServer> server;

  State(Handler handler, ServerOptions options) : service{std::move(handler), std::move(options)} {
    service.trusted = detail::TrustedProxies(service.options.trusted_proxies);
  }
  ~State() {
    server.reset(); // which kills what is left
    if (watch) {
      const Shield shield;
      watch.kill();
    }
  }
  void serve(net::StreamSocket& socket, const net::Address& peer);
  void close_idle();
  void watch_idle();
  net::StreamServerOptions stream_options() const {
    net::StreamServerOptions options;
    options.max_connections = std::min(service.options.connections, affordable_connections());
    options.max_per_peer = service.options.connections_per_ip;
    options.name = "http";
    return options;
  }
};

void Server::State::serve(net::StreamSocket& socket, const net::Address& peer) {
  ++service.stats.connections;
  std::unique_ptr<net::Stream> secured;
  net::Stream* stream = &socket;
  const int descriptor = socket.descriptor();
  if (peer.is_ip())
    bound_unsent(descriptor);
  if (service.options.secure != nullptr) {
    try {
      auto done = with_timeout(service.options.timeouts.secure,
                               [&] { return service.options.secure(std::move(socket)); });
      if (done)
        secured = *std::move(done);
    } catch (const std::exception&) { // a scanner, a plain client: no news
    }
    if (secured == nullptr) {
      ++service.stats.bad_requests;
      return;
    }
    stream = secured.get();
  }
  detail::Connection connection(service, *stream, peer);
  if (!watch || watch.ready())
    watch = spawn([this] { watch_idle(); });
  open.push_back({connection, *stream, descriptor});
  struct Leave {
    std::list<Open>& all;
    std::list<Open>::iterator at;
    ~Leave() { all.erase(at); }
  } leave{open, std::prev(open.end())};
  connection.run();
}

// One timer for all instead of one for each: a busy connection would have to set its own anew with
// every request. A tick is an eighth of the shorter limit, a second at most.
void Server::State::watch_idle() {
  using std::chrono::milliseconds;
  const Timeouts& timeouts = service.options.timeouts;
  const milliseconds tick =
      std::clamp(std::min(timeouts.idle, timeouts.head) / 8, milliseconds(1), milliseconds(1000));
  // The first tick may come at once.
  const auto ticks_in = [tick](milliseconds time) {
    return (time + tick - milliseconds(1)) / tick + 1;
  };
  const auto until_first = ticks_in(timeouts.head);
  const auto until_next = ticks_in(timeouts.idle);
  const auto until_trimmed = ticks_in(milliseconds(1000));
  do {
    sleep(tick);
    ++service.ticks;
    for (const Open& each : open) {
      const detail::Connection& connection = each.connection;
      if (!connection.idle())
        continue;
      const auto ticks = static_cast<milliseconds::rep>(connection.idle_ticks());
      if (ticks >= (connection.is_new() ? until_first : until_next))
        each.stream.close();
      else if (ticks == until_trimmed)
        connection.trim();
    }
  } while (!open.empty());
}

void Server::State::close_idle() {
  for (const Open& each : open) {
    if (!each.connection.idle())
      continue;
    const bool asked = grove::detail::is_ready_now(each.descriptor, POLLIN); // to be answered first
    if (!asked)
      each.stream.close();
  }
}

Server::Server(const net::Address& address, Handler handler, ServerOptions options) {
  if (options.hubs > 0) {
    const detail::TrustedProxies checked(options.trusted_proxies);
    if (!address.is_ip())
      throw std::invalid_argument("grove: http: a Unix socket is for one hub");
    hubs_ = std::make_unique<detail::ServerHubs>(address, std::move(handler), options);
    return;
  }
  state_ = std::make_unique<State>(std::move(handler), std::move(options));
  State* const state = state_.get();
  net::StreamServerOptions stream_options = state->stream_options();
  net::ListenOptions listen;
  listen.backlog = state->service.options.backlog;
  listen.reuse_port = state->service.options.reuse_port;
  stream_options.listen = listen;
  state->server.emplace(
      address,
      [state](net::StreamSocket& socket, const net::Address& peer) { state->serve(socket, peer); },
      std::move(stream_options));
}

Server::Server(net::Listener listener, Handler handler, ServerOptions options)
    : state_(std::make_unique<State>(std::move(handler), std::move(options))) {
  State* const state = state_.get();
  if (state->service.options.hubs > 0)
    throw std::invalid_argument("grove: http: one listener is for one hub");
  state->server.emplace(
      std::move(listener),
      [state](net::StreamSocket& socket, const net::Address& peer) { state->serve(socket, peer); },
      state->stream_options());
}

Server::~Server() = default; // the StreamServer kills what is left

void Server::start() {
  if (hubs_ != nullptr)
    return hubs_->start();
  state_->service.draining = false;
  state_->server->start();
}

bool Server::stop(Deadline deadline) {
  if (hubs_ != nullptr)
    return hubs_->stop(deadline);
  state_->service.draining = true;
  state_->server->stop_accepting();
  state_->close_idle();
  return state_->server->stop(deadline);
}

void Server::serve_forever() {
  if (hubs_ != nullptr)
    return hubs_->serve_forever();
  start();
  state_->server->serve_forever();
}

net::Address Server::address() const {
  return hubs_ != nullptr ? hubs_->address() : state_->server->address();
}

Server::Stats Server::stats() const {
  if (hubs_ != nullptr)
    return hubs_->stats();
  Stats stats = state_->service.stats;
  stats.open = state_->open.size();
  return stats;
}

Server::Stats& Server::Stats::operator+=(const Stats& other) {
  connections += other.connections;
  requests += other.requests;
  bad_requests += other.bad_requests;
  failures += other.failures;
  open += other.open;
  for (std::size_t i = 0; i < responses.size(); ++i)
    responses[i] += other.responses[i];
  body_bytes += other.body_bytes;
  return *this;
}

namespace {

// Its copies have nothing in common but what makes them.
class PerHub {
public:
  explicit PerHub(std::function<Handler()> make) : make_(std::move(make)) {}
  PerHub(const PerHub& other) : make_(other.make_) {}
  PerHub& operator=(const PerHub&) = delete;
  Response operator()(Request& request) { return made()(request); }
  Handler& made() {
    if (made_ == nullptr) {
      Handler fresh = make_(); // which may wait, and another be faster
      if (made_ == nullptr)
        made_ = std::move(fresh);
    }
    return made_;
  }

private:
  std::function<Handler()> make_;
  Handler made_{};
};

} // namespace

std::optional<std::uint64_t> detail::body_limit_of(Handler& handler, std::string_view method,
                                                   std::string_view path) {
  if (const auto* router = handler.target<Router>())
    return router->body_limit(method, path);
  if (auto* per_hub = handler.target<PerHub>()) {
    try {
      return body_limit_of(per_hub->made(), method, path);
    } catch (const std::exception&) { // told when it is called
    }
  }
  return std::nullopt;
}

Handler per_hub(std::function<Handler()> make) { return PerHub(std::move(make)); }

} // namespace grove::http
