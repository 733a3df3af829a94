// SPDX-License-Identifier: MIT
// EventStream: server-sent events, which a browser's EventSource reads.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <grove/http/request.hpp>
#include <grove/http/response.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/exceptions.hpp>
#include <grove/hub/wait_any.hpp>

namespace grove::http {

namespace detail {
class EventStreamCore;
}

struct EventStreamOptions {
  // After so long without an event a comment is sent, for the sake of proxies, and to notice a
  // client whose machine is gone.
  std::chrono::milliseconds keepalive{15'000};
  std::chrono::milliseconds write{10'000}; // without taking anything: the client is gone
  // Tells the client how long to wait before it comes again; its own choice otherwise.
  std::optional<std::chrono::milliseconds> retry{};
};

// One event. The data is UTF-8, of any number of lines; the others are of one line.
struct ServerEvent {
  std::string data{};
  std::string event{}; // its type; empty: "message"
  // Comes back in Last-Event-ID when the client comes again; empty: that stays as it was.
  std::string id{};
  std::optional<std::chrono::milliseconds> retry{};
};

// EventStream sends events to one client. Hub-local; any number of greenlets send. Sending is a
// suspension point: Closed once the client is gone, std::invalid_argument for an event that is no
// UTF-8 or could be taken for two. A kill or a Timeout scope in the middle of an event ends the
// connection, else leaves all as it was. A client that goes is noticed at once, also while nobody
// sends: see gone().
class EventStream {
public:
  explicit EventStream(std::unique_ptr<detail::EventStreamCore> core); // by event_stream()
  EventStream(EventStream&&) noexcept;
  EventStream& operator=(EventStream&&) noexcept;
  ~EventStream();

  void send(const ServerEvent& event);
  void send(std::string_view data) { send(ServerEvent{.data = std::string(data)}); }
  // Which no EventSource shows.
  void comment(std::string_view text);

  // What the client has seen last, if it was here before; else empty.
  const std::string& last_event_id() const;

  // -- the client's end ----------------------------------------------------------------------
  bool is_open() const { return !gone().is_set(); }
  // Is set when the client has gone: `wait_any(queue.get_op(), stream.gone().wait_op())`.
  Event& gone() const;
  // The next item of a queue; nothing once the client is gone, or the queue closed and empty:
  // `while (auto text = stream.next(queue)) stream.send(*text);`
  template <class Source>
  std::optional<typename Source::value_type> next(Source& queue);

private:
  std::unique_ptr<detail::EventStreamCore> core_;
};

// The answer to a request for events: the function is called with the stream, on the connection's
// greenlet; when it returns the connection is closed, and the client comes again. Answer with 204
// instead to make it stay away. Closed may leave the function once the client is gone.
Response event_stream(Request& request, std::function<void(EventStream&)> serve,
                      EventStreamOptions options = {});

template <class Source>
std::optional<typename Source::value_type> EventStream::next(Source& queue) {
  try {
    auto taken = wait_any(gone().wait_op(), queue.get_op());
    if (taken.index() == 1)
      return std::get<1>(std::move(taken));
  } catch (const Closed&) { // the queue
  }
  return std::nullopt;
}

} // namespace grove::http
