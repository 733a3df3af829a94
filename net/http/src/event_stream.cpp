// SPDX-License-Identifier: MIT
// Server-sent events: the HTML standard, 9.2.
#include <grove/http/event_stream.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <mutex>
#include <stdexcept>
#include <utility>

#include <grove/hub/greenlet.hpp>
#include <grove/hub/mutex.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/net/stream.hpp>

#include "utf8.hpp"

namespace grove::http {

namespace {

constexpr std::size_t talk_limit = 64 * 1024; // of a client that has nothing to say

void check_utf8(std::string_view text) {
  if (!detail::is_utf8(text))
    throw std::invalid_argument("grove: http: an event that is not UTF-8");
}

// Every kind of line end ends one.
void append_lines(std::string& into, std::string_view name, std::string_view text) {
  while (true) {
    const auto end = std::min(text.find_first_of("\r\n"), text.size());
    into += name;
    into += text.substr(0, end);
    into += '\n';
    if (end == text.size())
      return;
    text.remove_prefix(end + (text.substr(end, 2) == "\r\n" ? 2 : 1));
  }
}

void append_field(std::string& into, std::string_view name, std::string_view text) {
  check_utf8(text);
  if (text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos)
    throw std::invalid_argument("grove: http: an event's " +
                                std::string(name.substr(0, name.size() - 2)) +
                                " of more than one line");
  into += name;
  into += text;
  into += '\n';
}

void append_retry(std::string& into, std::chrono::milliseconds retry) {
  if (retry.count() < 0)
    throw std::invalid_argument("grove: http: an event's retry is negative");
  into += "retry: " + std::to_string(retry.count()) + '\n';
}

std::string to_text(const ServerEvent& event) {
  std::string text;
  if (!event.id.empty())
    append_field(text, "id: ", event.id);
  if (!event.event.empty())
    append_field(text, "event: ", event.event);
  if (event.retry)
    append_retry(text, *event.retry);
  check_utf8(event.data);
  append_lines(text, "data: ", event.data);
  return text += '\n';
}

} // namespace

// Whoever sends holds sending_; a greenlet beside it listens for the client's end, and keeps the
// connection alive.
class detail::EventStreamCore {
public:
  EventStreamCore(net::Stream& stream, const EventStreamOptions& options, std::string last_id)
      : last_event_id(std::move(last_id)), stream_(stream), options_(options) {
    watcher_ = spawn([this] { watch(); });
  }
  EventStreamCore(const EventStreamCore&) = delete;
  EventStreamCore& operator=(const EventStreamCore&) = delete;
  ~EventStreamCore() {
    const Shield shield;
    watcher_.kill();
  }

  void send(std::string_view text) {
    const std::lock_guard lock(sending_);
    if (gone.is_set())
      throw Closed("grove: EventStream: the client has gone");
    try {
      stream_.send_all(text, options_.write);
    } catch (const std::exception&) {
      gone.set();
      throw Closed("grove: EventStream: the client has gone, or takes nothing");
    } catch (...) { // a part of an event may be on its way
      gone.set();
      stream_.close();
      throw;
    }
    sent_ = now();
  }

  Event gone;
  const std::string last_event_id;

private:
  void watch();
  net::Stream& stream_;
  const EventStreamOptions options_;
  Mutex sending_;
  std::chrono::steady_clock::time_point sent_ = now();
  GreenletRef<> watcher_;
};

void detail::EventStreamCore::watch() {
  std::array<char, 256> talk;
  std::size_t heard = 0;
  try {
    while (!gone.is_set()) {
      if (stream_.wait_readable(Deadline(sent_ + options_.keepalive))) {
        const std::size_t size = stream_.recv_into(talk);
        heard += size;
        if (size == 0 || heard > talk_limit)
          break;
      } else if (now() - sent_ >= options_.keepalive) {
        send(":\n\n");
      }
    }
  } catch (const std::exception&) { // it has gone, or the server closes it
  }
  gone.set();
}

EventStream::EventStream(std::unique_ptr<detail::EventStreamCore> core) : core_(std::move(core)) {}
EventStream::EventStream(EventStream&&) noexcept = default;
EventStream& EventStream::operator=(EventStream&&) noexcept = default;
EventStream::~EventStream() = default;

void EventStream::send(const ServerEvent& event) { core_->send(to_text(event)); }

void EventStream::comment(std::string_view text) {
  check_utf8(text);
  std::string lines;
  append_lines(lines, ": ", text);
  core_->send(lines += '\n');
}

const std::string& EventStream::last_event_id() const { return core_->last_event_id; }
Event& EventStream::gone() const { return core_->gone; }

Response event_stream(Request& request, std::function<void(EventStream&)> serve,
                      EventStreamOptions options) {
  std::string begin;
  if (options.retry) {
    append_retry(begin, *options.retry);
    begin += '\n';
  }
  Response response = Response::streaming("text/event-stream", [](BodyWriter&) {});
  response.set("Cache-Control", "no-store");
  response.set("X-Accel-Buffering", "no"); // nginx passes each event on as it comes
  if (request.method() == "HEAD")
    return response;
  // The connection itself, as only who reads from it sees the client go. Its end is the body's.
  response.body() =
      Response::TakeOver([serve = std::move(serve), options, begin = std::move(begin),
                          last_id = std::string(request.field("Last-Event-ID").value_or(""))](
                             net::Stream& connection, const std::string&) {
        auto core = std::make_unique<detail::EventStreamCore>(connection, options, last_id);
        detail::EventStreamCore& sender = *core;
        EventStream stream(std::move(core));
        try {
          if (!begin.empty())
            sender.send(begin);
          serve(stream);
        } catch (const Closed&) {
          if (stream.is_open())
            throw;
        }
      });
  return response;
}

} // namespace grove::http
