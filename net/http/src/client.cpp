// SPDX-License-Identifier: MIT
// Client: connections, redirects and retries.
#include <grove/http/client.hpp>

#include <array>
#include <map>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <grove/hub/exceptions.hpp>
#include <grove/net/connect.hpp>
#include <grove/net/resolver.hpp>
#include <grove/tls/connect.hpp>

#include "client_exchange.hpp"
#include "grammar.hpp"

namespace grove::http {

namespace detail {

struct ClientState {
  ClientOptions options;
  std::optional<Url> proxy{};
  std::map<std::string, std::unique_ptr<WirePool>> pools{}; // by origin
  Client::Stats stats{};

  std::unique_ptr<net::Stream> connect(const Url& url);
  // The proxy passes its requests on; else it opens a way to the server.
  static bool goes_through(const Url& url) { return url.scheme == "http"; }
  void open_way(net::StreamSocket& socket, const Url& url, Deadline deadline) const;
  WirePool& pool_of(const Url& url);
  Fields with_proxy_fields(Fields fields) const;
  std::unique_ptr<Exchange> ask(const ClientRequest& request, const Url& url,
                                const std::string& method, const Fields& fields);
  const tls::ClientContext& tls_context();
};

const tls::ClientContext& ClientState::tls_context() {
  if (options.tls == nullptr)
    options.tls = std::make_shared<const tls::ClientContext>();
  return *options.tls;
}

// RFC 9110, 9.3.6.
void ClientState::open_way(net::StreamSocket& socket, const Url& url, Deadline deadline) const {
  const bool bare = url.host.find(':') == std::string::npos; // no IPv6
  const std::string place =
      (bare ? url.host : "[" + url.host + "]") + ":" + std::to_string(url.port);
  std::string text = "CONNECT " + place + " HTTP/1.1\r\nHost: " + place + "\r\n";
  for (const auto field : options.proxy_fields)
    text += std::string(field.name) + ": " + std::string(field.value) + "\r\n";
  socket.send_all(text + "\r\n", deadline);
  ResponseParser parser{Limits{}};
  ResponseHead head;
  for (std::string received;;) { // byte by byte: what follows is the server's
    const std::string more = socket.recv(1, deadline);
    if (more.empty())
      throw std::runtime_error("the proxy closed the connection");
    received += more;
    if (parser.head(received, true, head) > 0)
      break;
  }
  if (head.status < 200 || head.status >= 300)
    throw std::runtime_error("the proxy says " + std::to_string(head.status) + " " + head.reason);
}

std::unique_ptr<net::Stream> ClientState::connect(const Url& url) {
  const Deadline deadline = options.timeouts.connect;
  const Url& next = proxy ? *proxy : url;
  net::StreamSocket socket = net::connect(next.host, next.port, deadline);
  ++stats.connections;
  if (proxy && !goes_through(url))
    open_way(socket, url, deadline);
  if (!url.secure())
    return std::make_unique<net::StreamSocket>(std::move(socket));
  return std::make_unique<tls::TlsStream>(
      tls::wrap_client(std::move(socket), tls_context(), url.host, deadline));
}

Fields ClientState::with_proxy_fields(Fields fields) const {
  for (const auto field : options.proxy_fields)
    fields.set(field.name, field.value);
  return fields;
}

WirePool& ClientState::pool_of(const Url& url) {
  auto& pool = pools[url.origin()];
  if (pool == nullptr) {
    WirePool::Options pool_options;
    pool_options.max_size = options.connections_per_origin;
    pool_options.max_idle = options.timeouts.idle;
    pool_options.is_fit = [](Wire& wire) { // it has nothing to say: not even that it goes
      return !wire.stream->wait_readable(std::chrono::seconds(0));
    };
    pool = std::make_unique<WirePool>([this, url] { return Wire{connect(url)}; }, pool_options);
  }
  return *pool;
}

namespace {
bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" ||
         method == "OPTIONS";
}
} // namespace

std::unique_ptr<Exchange> ClientState::ask(const ClientRequest& request, const Url& url,
                                           const std::string& method, const Fields& fields) {
  WirePool& pool = pool_of(url);
  while (true) {
    std::unique_ptr<Exchange> exchange;
    try {
      exchange = std::make_unique<Exchange>(pool.borrow(), url, method, options);
    } catch (const std::exception& e) {
      throw ClientError(ClientError::Phase::connect,
                        method + " " + url.to_string() + ": connect: " + e.what(), is_timeout(e));
    }
    const bool used = exchange->lease->used;
    ++stats.requests;
    try {
      const bool by_proxy = proxy && goes_through(url);
      exchange->send(request, by_proxy ? with_proxy_fields(fields) : fields, by_proxy);
      exchange->receive_head();
      return exchange;
    } catch (const ClientError&) {
      if (!used || exchange->heard || !is_idempotent(method) || request.write != nullptr)
        throw;
      ++stats.retries;
    }
  }
}

} // namespace detail

using detail::Url;

ClientResponse::ClientResponse(std::unique_ptr<detail::Exchange> exchange)
    : exchange_(std::move(exchange)) {}
ClientResponse::ClientResponse(ClientResponse&&) noexcept = default;
ClientResponse& ClientResponse::operator=(ClientResponse&&) noexcept = default;
ClientResponse::~ClientResponse() = default;

const ResponseHead& ClientResponse::head() const { return exchange_->head; }
const std::string& ClientResponse::url() const { return exchange_->url_text; }
std::size_t ClientResponse::read(std::span<char> into) { return exchange_->read_plain(into); }

std::string ClientResponse::text(std::size_t limit) {
  std::string text;
  std::array<char, 16 * 1024> piece;
  while (const std::size_t size = read(piece)) {
    if (size > limit - text.size())
      exchange_->fail(ClientError::Phase::body,
                      "the body is longer than " + std::to_string(limit) + " bytes");
    text.append(piece.data(), size);
  }
  return text;
}

Client::Client(ClientOptions options)
    : state_(std::make_unique<detail::ClientState>(detail::ClientState{std::move(options)})) {
  if (!state_->options.proxy.empty()) {
    state_->proxy = Url::parse(state_->options.proxy);
    if (state_->proxy->scheme != "http")
      throw std::invalid_argument("grove: http: a proxy is spoken to by http");
  }
}
Client::~Client() = default;

Client::Stats Client::stats() const { return state_->stats; }

ClientResponse Client::send(const ClientRequest& request) {
  if (!detail::is_token(request.method))
    throw std::invalid_argument("grove: http: the method is no token");
  Url url = Url::parse(request.url);
  if (url.scheme != "http" && url.scheme != "https")
    throw std::invalid_argument("grove: http: a request goes by http or https");
  std::string method = request.method;
  Fields fields = request.fields;
  for (const auto field : state_->options.fields) {
    if (!fields.has(field.name))
      fields.add(field.name, field.value);
  }
  for (const char* ours : {"Connection", "Content-Length", "Transfer-Encoding"}) {
    if (fields.has(ours))
      throw std::invalid_argument(std::string("grove: http: the client writes ") + ours);
  }
  const bool gzip = state_->options.gzip && !fields.has("Accept-Encoding") && !fields.has("Range");
  if (gzip)
    fields.add("Accept-Encoding", "gzip");
  ClientRequest now = request;
  for (unsigned redirects = 0;; ++redirects) {
    auto exchange = state_->ask(now, url, method, fields);
    const unsigned status = exchange->head.status;
    const auto location = exchange->head.fields.get("Location");
    const bool leads_on =
        status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
    const bool repeats = status == 307 || status == 308;
    if (!leads_on || !location || state_->options.max_redirects == 0 ||
        (repeats && now.write != nullptr)) {
      if (gzip)
        exchange->inflate_gzip();
      return ClientResponse(std::move(exchange));
    }
    if (redirects == state_->options.max_redirects)
      exchange->fail(ClientError::Phase::head, "too many redirects");
    Url next;
    try {
      next = url.resolve(*location);
    } catch (const std::invalid_argument& e) {
      exchange->fail(ClientError::Phase::head, e.what());
    }
    if (next.scheme != "http" && next.scheme != "https")
      exchange->fail(ClientError::Phase::head, "a redirect to " + next.scheme);
    if (next.origin() != url.origin()) {
      fields.remove("Authorization");
      fields.remove("Cookie");
      fields.remove("Host");
    }
    if (status == 303 ? method != "HEAD" : !repeats && method == "POST") {
      method = "GET";
      now.body.clear();
      now.write = nullptr;
      fields.remove("Content-Type");
    }
    std::array<char, 4096> piece; // so that the connection can be used again
    for (std::size_t read = 0; read < 64 * 1024;) {
      const std::size_t size = exchange->read(piece);
      if (size == 0)
        break;
      read += size;
    }
    url = next;
  }
}

ClientResponse Client::get(std::string url, Fields fields) {
  return send({.method = "GET", .url = std::move(url), .fields = std::move(fields)});
}

ClientResponse Client::post(std::string url, std::string body, std::string_view type) {
  Fields fields;
  fields.add("Content-Type", type);
  return send({.method = "POST",
               .url = std::move(url),
               .fields = std::move(fields),
               .body = std::move(body)});
}

WebSocket Client::websocket(const std::string& text, WebSocketOptions options,
                            const Fields& fields) {
  const Url url = Url::parse(text);
  if (url.scheme != "ws" && url.scheme != "wss")
    throw std::invalid_argument("grove: http: a WebSocket goes by ws or wss");
  std::unique_ptr<net::Stream> stream;
  try {
    stream = state_->connect(url);
  } catch (const std::exception& e) {
    throw ClientError(ClientError::Phase::connect, text + ": connect: " + e.what(),
                      detail::is_timeout(e));
  }
  return connect_websocket(std::move(stream), url.authority(), url.target, fields,
                           std::move(options), state_->options.timeouts.connect);
}

} // namespace grove::http
