// SPDX-License-Identifier: MIT
// Client: asks HTTP servers.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <grove/http/fields.hpp>
#include <grove/http/limits.hpp>
#include <grove/http/response.hpp>
#include <grove/http/response_head.hpp>
#include <grove/http/websocket.hpp>
#include <grove/hub/deadline.hpp>

namespace grove::tls {
class ClientContext;
}

namespace grove::http {

// What failed, and with whom: "GET http://127.0.0.1:1/: connect: Connection refused".
class ClientError : public std::runtime_error {
public:
  enum class Phase { connect, send, head, body };
  ClientError(Phase phase, const std::string& text, bool timed_out = false)
      : runtime_error(text), phase_(phase), timed_out_(timed_out) {}
  Phase phase() const { return phase_; }
  bool timed_out() const { return timed_out_; } // it took longer than ClientTimeouts allow

private:
  Phase phase_;
  bool timed_out_;
};

struct ClientTimeouts {
  std::chrono::milliseconds connect{
      10'000};                            // lookup, all tries, handshake of TLS, the proxy's word
  std::chrono::milliseconds send{10'000}; // without the server taking anything
  std::chrono::milliseconds head{30'000}; // until the head of the answer is there
  std::chrono::milliseconds body{30'000}; // without anything of the body coming
  std::chrono::milliseconds idle{15'000}; // a connection that nobody uses is kept so long
};

struct ClientOptions {
  ClientTimeouts timeouts{};
  Limits limits{.body = ~std::uint64_t{0}}; // of answers; their bodies are read piece by piece
  unsigned max_redirects = 10;              // 0: they are answers like others
  std::size_t connections_per_origin = 16;  // more requests wait for one of them
  // "http://host:port": asked to pass requests on, and (CONNECT) for a way to servers of https, and
  // for WebSockets.
  std::string proxy{};
  Fields proxy_fields{}; // for the proxy alone: Proxy-Authorization, see authorization.hpp
  Fields fields{};       // sent with each request
  // Asks for answers in gzip, and inflates them; their Content-Encoding is gone then. Not where a
  // request has an Accept-Encoding of its own, or a Range.
  bool gzip = true;
  // How servers of https prove themselves; none: by the system's authorities.
  std::shared_ptr<const tls::ClientContext> tls{};
};

struct ClientRequest {
  std::string method = "GET";
  std::string url; // "http://host:8080/path?query", "https://..."
  Fields fields{};
  std::string body{};
  // Instead of a body that is text: it is called to write it, chunked. If the length is given, not
  // chunked, and exactly so many bytes must be written: std::logic_error.
  Response::Write write{};
  std::optional<std::uint64_t> length{};
};

namespace detail {
struct ClientState;
struct Exchange;
} // namespace detail

// The answer, once its head is there. The body is read as it is needed; the connection is used
// again if it was read to its end, and closed otherwise. Hub-local; movable.
class ClientResponse {
public:
  explicit ClientResponse(std::unique_ptr<detail::Exchange> exchange);
  ClientResponse(ClientResponse&&) noexcept;
  ClientResponse& operator=(ClientResponse&&) noexcept;
  ~ClientResponse();

  const ResponseHead& head() const;
  unsigned status() const { return head().status; }
  bool ok() const { return status() >= 200 && status() < 300; }
  const Fields& fields() const { return head().fields; }
  const std::string& url() const; // after redirects

  // At least one byte, at most so many; 0 at the end of the body. A suspension point; ClientError.
  std::size_t read(std::span<char> into);
  // The rest of the body; ClientError for more than so many bytes.
  std::string text(std::size_t limit = 16 * 1024 * 1024);

private:
  std::unique_ptr<detail::Exchange> exchange_;
};

// Client keeps connections and uses them again. Hub-local; any number of greenlets may ask at once.
// Its calls are suspension points, which throw ClientError, and std::invalid_argument for a URL or
// a request that is none. A kill or a Timeout scope closes the connection of that request only.
//
// Redirects are followed: 303, and 301 and 302 of POST, become GET; 307 and 308 repeat the request
// (a body that is written piece by piece is not repeated: then the redirect is the answer).
// Authorization and Cookie are not sent to another origin. A request that is idempotent (GET, HEAD,
// PUT, DELETE, OPTIONS) and meets a connection that the server has closed meanwhile is sent again.
//
// While a body goes out an answer is listened for (RFC 9112, 9.5). One of 300 or more, or one
// before the end of the connection, ends the sending: ClientRequest::write() meets Closed in its
// next write, and send() returns the answer. Its connection is not used again.
class Client {
public:
  explicit Client(ClientOptions options = {});
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  ClientResponse send(const ClientRequest& request);
  ClientResponse get(std::string url, Fields fields = {});
  ClientResponse post(std::string url, std::string body,
                      std::string_view type = "application/octet-stream");
  // "ws://host/path", "wss://host/path"; see websocket.hpp for what it throws beyond.
  WebSocket websocket(const std::string& url, WebSocketOptions options = {},
                      const Fields& fields = {});

  struct Stats {
    std::uint64_t requests = 0;
    std::uint64_t connections = 0; // made
    std::uint64_t retries = 0;     // on a connection that had gone stale
  };
  Stats stats() const;

private:
  std::unique_ptr<detail::ClientState> state_;
};

} // namespace grove::http
