// SPDX-License-Identifier: MIT
// WebSocket: messages both ways over one connection (RFC 6455).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <grove/http/request.hpp>
#include <grove/http/response.hpp>
#include <grove/hub/deadline.hpp>
#include <grove/net/stream.hpp>

namespace grove::http {

namespace detail {
class WebSocketCore;
}

struct WebSocketOptions {
  std::size_t max_message = 1024 * 1024;    // bytes, also when it was compressed: closed with 1009
  std::size_t max_fragments = 1024;         // of one message: closed with 1008
  std::size_t send_queue = 4 * 1024 * 1024; // bytes that wait to be sent; beyond, send waits
  std::chrono::milliseconds ping{30'000};   // without a word: the peer is asked whether it lives
  std::chrono::milliseconds dead{60'000};   // without a word: it does not
  std::chrono::milliseconds write{10'000};  // without taking anything: likewise
  std::chrono::milliseconds close{5'000};   // for the closing handshake
  bool deflate = false;                     // offers or takes permessage-deflate (RFC 7692)
  // The most that either side is to look back for what it repeats, 2^bits bytes: 8 to 15. Smaller
  // ones compress less and take less memory, of the thread's here; the peer may not be able to.
  int deflate_window_bits = 15;
  // The sub-protocols that are spoken here, the best first.
  std::vector<std::string> protocols{};
  // Server: the values of Origin that are let in. Empty: a page of the same host as Host says, and
  // clients that are no browsers (which send none). "*": every page.
  std::vector<std::string> origins{};
};

// WebSocket sends and receives whole messages. Hub-local. One greenlet receives; any number send:
// each message is one, whatever else is sent. Pings are answered, and sent, while somebody
// receives.
class WebSocket {
public:
  struct Message {
    bool is_text; // and valid UTF-8 then
    std::string data;
  };

  // By accept_websocket() and connect_websocket().
  explicit WebSocket(std::unique_ptr<detail::WebSocketCore> core);
  WebSocket(WebSocket&&) noexcept;
  WebSocket& operator=(WebSocket&&) noexcept;
  ~WebSocket(); // ends the connection; close() first says goodbye

  // The next message; nothing once the connection is closed, by either side, or has failed: see
  // close_code(). A suspension point. TimeoutError when the deadline came first; after that, and
  // after a kill, the next call goes on.
  std::optional<Message> recv(Deadline deadline = {});

  // Puts a message into the line of those to be sent, and waits only while that is full. Closed
  // when the connection is; TimeoutError; std::invalid_argument for a text that is not UTF-8.
  void send_text(std::string_view text, Deadline deadline = {});
  void send_binary(std::string_view data, Deadline deadline = {});
  void ping(std::string_view data = {}); // at most 125 bytes: std::invalid_argument

  // Sends what is in the line, then the end, and waits for that of the peer, at most as long as the
  // options say. What arrives meanwhile is dropped. A second time: nothing. std::invalid_argument
  // for a code that must not be sent, or a reason that is longer than 123 bytes or not UTF-8.
  void close(std::uint16_t code = 1000, std::string_view reason = {});

  bool is_open() const;
  // What it was closed with: by the peer (1005 if it gave none), or here for a fault of the peer's;
  // 1006 if the connection just ended; 0 while nothing was received of that kind.
  std::uint16_t close_code() const;
  std::string close_reason() const;
  std::string_view protocol() const; // the sub-protocol that was agreed on; may be empty

private:
  std::unique_ptr<detail::WebSocketCore> core_;
};

// The answer to a request for a WebSocket: the function is called with it, on the connection's
// greenlet, and the connection closed when it returns (1000) or throws (1011). Error 400 for a
// request that is none, 403 for a page that is not let in, 426 for another version.
Response accept_websocket(Request& request, std::function<void(WebSocket&)> serve,
                          WebSocketOptions options = {});

// The handshake of a client over a connection that is there; at most so long as the deadline says.
// `host` and `target` as in "ws://HOST/TARGET"; more fields (Origin, Cookie, Authorization) as
// wanted. Error with the server's status if it refuses; BadRequest for an answer that is none;
// TimeoutError, Closed, std::system_error.
WebSocket connect_websocket(std::unique_ptr<net::Stream> stream, std::string_view host,
                            std::string_view target, const Fields& fields = {},
                            WebSocketOptions options = {},
                            Deadline deadline = std::chrono::seconds(10));

} // namespace grove::http
