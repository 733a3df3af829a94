// SPDX-License-Identifier: MIT
// The requests of one connection.
#include "connection.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

#include <grove/http/json_error.hpp>
#include <grove/hub/detail/locals.hpp>
#include <grove/hub/detail/report.hpp>
#include <grove/hub/exceptions.hpp>
#include <grove/hub/log.hpp>
#include <grove/hub/timeout.hpp>

#include "answer.hpp"
#include "grammar.hpp"
#include "request_access.hpp"

namespace grove::http::detail {

namespace {

constexpr std::size_t drop_limit = 64 * 1024; // of a body that nobody wanted
constexpr auto linger_time = std::chrono::seconds(1);

// The idle ones of a thread, all of the size that was wanted last: a connection that waits has
// none. They are as long as a head may be, unlike those of net's readers.
struct Buffers {
  std::vector<std::unique_ptr<char[]>> idle{};
  std::size_t size = 0;
};
thread_local Buffers buffers;

} // namespace

Connection::Connection(Service& service, net::Stream& stream, const net::Address& peer)
    : service_(service), stream_(stream), peer_(peer),
      client_(peer.is_ip() ? peer.host() : std::string("unix")),
      trusted_(service.trusted.trust(peer)), parser_(service.options.limits),
      out_(stream, service.options.timeouts.write) {}

Connection::~Connection() { release_buffer(); }

void Connection::run() {
  try {
    try {
      while (keep_ && next_head()) {
        exchange();
        grove::detail::drop_locals(); // they are the request's
      }
      out_.flush();
    } catch (const BadRequest& bad) { // a head; handle() sees to bodies
      ++service_.stats.bad_requests;
      refuse(bad);
    }
    if (!keep_ && (begin_ < end_ || !parser_.body_done()))
      linger();
  } catch (const Gone&) {
  }
}

// -- input -------------------------------------------------------------------------------------

bool Connection::fill(Deadline deadline) {
  const std::size_t capacity = service_.options.limits.head + 2; // a head, and an empty line
  if (buffer_ == nullptr) {
    if (buffers.size == capacity && !buffers.idle.empty()) {
      buffer_ = std::move(buffers.idle.back());
      buffers.idle.pop_back();
    } else {
      buffer_.reset(new char[capacity]);
    }
  }
  if (begin_ == end_) {
    begin_ = end_ = 0;
  } else if (end_ == capacity) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  try {
    const std::size_t got = stream_.recv_into({buffer_.get() + end_, capacity - end_}, deadline);
    end_ += got;
    return got > 0;
  } catch (const Closed&) { // by the server that ends
    throw Gone();
  } catch (const std::system_error&) {
    throw Gone();
  }
}

void Connection::release_buffer() {
  if (buffer_ == nullptr)
    return;
  const std::size_t capacity = service_.options.limits.head + 2;
  if (buffers.size != capacity) {
    buffers.idle.clear();
    buffers.size = capacity;
  }
  if (buffers.idle.size() < 64)
    buffers.idle.push_back(std::move(buffer_));
  buffer_.reset();
  begin_ = end_ = 0;
}

// False when the connection ends in order.
bool Connection::next_head() {
  const Timeouts& timeouts = service_.options.timeouts;
  Deadline deadline;
  if (begin_ == end_) {
    out_.flush();
    if (service_.draining)
      return false;
    release_buffer();
    idle_ = true;
    struct Busy {
      bool& idle;
      ~Busy() { idle = false; }
    } busy{idle_};
    try {
      if (!stream_.wait_readable(served_ == 0 ? timeouts.head : timeouts.idle))
        return false;
    } catch (const Closed&) {
      return false;
    } catch (const std::system_error&) {
      return false;
    }
  }
  bool first = true;
  while (true) {
    if (begin_ < end_) {
      const std::size_t used = parser_.head(in(), head_);
      if (used > 0) {
        consume(used);
        break;
      }
      out_.flush();
    }
    if (std::exchange(first, false))
      deadline = timeouts.head;
    bool more = false;
    try {
      more = fill(deadline);
    } catch (const TimeoutError&) {
      throw BadRequest(408, "the head came too slowly");
    }
    if (!more) {
      if (begin_ == end_)
        return false;
      throw BadRequest(400, "the connection ended within a head");
    }
  }
  began_ = std::chrono::system_clock::now();
  began_steady_ = now();
  ++served_;
  return true;
}

std::size_t Connection::read_body(std::span<char> into) {
  if (body_fault_) // a handler that goes on all the same learns no more, and ends the connection
    throw BadRequest(*body_fault_);
  try {
    return read_some_of_body(into);
  } catch (const BadRequest& bad) {
    keep_ = false;
    body_fault_ = bad;
    throw;
  } catch (const Gone&) {
    broken_ = true;
    throw Closed("grove: http: the client has gone in the middle of a body");
  }
}

std::size_t Connection::read_some_of_body(std::span<char> into) {
  while (pending_.empty()) {
    if (parser_.body_done())
      return 0;
    if (head_.expects_continue && !continued_) {
      continued_ = true;
      out_.text() += "HTTP/1.1 100 Continue\r\n\r\n";
      out_.flush();
    }
    if (begin_ < end_) {
      const auto piece = parser_.body(in());
      consume(piece.used);
      pending_ = piece.data;
      if (piece.used > 0)
        continue;
    }
    out_.flush(); // answers to what came before
    if (body_deadline_.is_never())
      body_deadline_ = service_.options.timeouts.body;
    bool more = false;
    try {
      more = fill(body_deadline_);
    } catch (const TimeoutError&) {
      throw BadRequest(408, "the body came too slowly");
    }
    if (!more)
      throw BadRequest(400, "the connection ended within a body");
  }
  const std::size_t size = std::min(into.size(), pending_.size());
  std::memcpy(into.data(), pending_.data(), size);
  pending_.remove_prefix(size);
  return size;
}

// What the handler left: the next request is behind it.
void Connection::drop_body() {
  if (head_.expects_continue && !continued_) { // nobody knows whether it comes
    keep_ = false;
    return;
  }
  std::size_t dropped = pending_.size();
  pending_ = {};
  std::array<char, 1024> piece;
  body_deadline_ = linger_time;
  try {
    while (keep_ && !parser_.body_done()) {
      dropped += read_body(piece);
      if (dropped > drop_limit)
        keep_ = false;
    }
  } catch (const BadRequest&) { // which ends the connection
  } catch (const Closed&) {
    keep_ = false;
  }
  pending_ = {};
}

// Reads on for a moment, so that the answer is not lost to a reset (RFC 9112, 9.6).
void Connection::linger() {
  const Deadline deadline = linger_time;
  try {
    stream_.shutdown_write(deadline);
    begin_ = end_ = 0;
    for (std::size_t read = 0; read < drop_limit;) {
      if (!fill(deadline))
        return;
      read += end_;
      begin_ = end_;
    }
  } catch (const std::exception&) { // it is over in any case
  }
}

// -- requests ----------------------------------------------------------------------------------

void Connection::exchange() {
  keep_ = head_.keep_alive && served_ < service_.options.requests_per_connection;
  body_deadline_ = {};
  continued_ = broken_ = false;
  body_fault_.reset();
  pending_ = {};
  out_.flush_beside();
  Request request = RequestAccess::make(head_, *this, peer_);
  bool secure = service_.options.secure != nullptr;
  std::string client = client_;
  if (trusted_) {
    client = service_.trusted.client_of(head_.fields, client);
    if (const auto scheme = head_.fields.get("X-Forwarded-Proto"))
      secure = *scheme == "https";
  }
  RequestAccess::set_client(request, std::move(client), secure);
  Response response = handle(request);
  if (broken_)
    throw Gone();
  if (service_.draining)
    keep_ = false;
  if (std::holds_alternative<Response::TakeOver>(response.body()) && !parser_.body_done()) {
    keep_ = false; // the body would be taken for the first words of another protocol
    response = error_response(BadRequest(400, "a body before the connection is another's"));
  }
  if (auto* take_over = std::get_if<Response::TakeOver>(&response.body()))
    hand_over(request, response, *take_over);
  Answer answer(out_, stream_, &head_, keep_);
  struct Told { // also when the client goes in the middle of it
    Connection& self;
    Answer& answer;
    const Request& request;
    unsigned status;
    ~Told() { self.done(answer, &request, status); }
  } told{*this, answer, request, response.status()};
  answer.send(response);
  drop_body();
}

Response Connection::handle(Request& request) {
  std::exception_ptr failure;
  try {
    ++service_.stats.requests;
    return service_.handler(request);
  } catch (const BadRequest& bad) {
    keep_ = false;
    return error_response(bad);
  } catch (const Error& error) {
    return error_response(error);
  } catch (const GreenletExit&) {
    throw;
  } catch (const TimeoutExpired&) {
    throw;
  } catch (const Interrupted&) {
    throw;
  } catch (...) {
    failure = std::current_exception();
  }
  if (!broken_) // else it only passed on that the client went
    report("the handler", failure);
  return error_response(Error(500, "internal error"));
}

Response Connection::error_response(const Error& error) {
  Response page = error_page(error);
  if (const Fields* fields = error.fields()) {
    for (const auto field : *fields)
      page.set(field.name, field.value);
  }
  return page;
}

Response Connection::error_page(const Error& error) {
  if (service_.options.error_page != nullptr) {
    try {
      Response page = service_.options.error_page(error);
      page.set_status(error.status());
      return page;
    } catch (const std::exception& e) {
      grove::detail::log(LogLevel::error, std::string("http: the error page threw ") + e.what());
    }
  }
  if (dynamic_cast<const JsonError*>(&error) != nullptr)
    return json_error_page(error);
  return Response(error.status(), std::to_string(error.status()) + " " +
                                      reason_phrase(error.status()) + ": " + error.what() + "\n");
}

// A head that cannot be understood.
void Connection::refuse(const Error& error) {
  keep_ = false;
  began_ = std::chrono::system_clock::now();
  began_steady_ = now();
  const Response response = error_response(error);
  Answer answer(out_, stream_, nullptr, keep_);
  answer.send(response);
  out_.flush();
  done(answer, nullptr, response.status());
  linger();
}

// The rest of the connection is no HTTP.
void Connection::hand_over(const Request& request, const Response& response,
                           const Response::TakeOver& take_over) {
  keep_ = false;
  Answer answer(out_, stream_, &head_, keep_);
  answer.send(response);
  out_.flush();
  done(answer, &request, response.status());
  std::string received(in());
  begin_ = end_ = 0;
  release_buffer();
  try {
    take_over(stream_, std::move(received));
  } catch (const std::exception&) {
    report("what took the connection over", std::current_exception());
  }
  throw Gone();
}

// Counts and tells it.
void Connection::done(const Answer& answer, const Request* request, unsigned status) {
  auto& responses = service_.stats.responses;
  ++responses[std::min<std::size_t>(status / 100, responses.size() - 1)];
  service_.stats.body_bytes += answer.sent();
  tell(answer, request, status);
}

// To the hub's error hook, with what was asked for; the error itself is nested in it.
void Connection::report(const char* who, const std::exception_ptr& error) {
  ++service_.stats.failures;
  std::string text =
      "http: " + head_.method + " " + head_.target + ": " + who + " threw " + describe(error);
  std::replace_if(text.begin(), text.end(), is_control, '?');
  try {
    try {
      std::rethrow_exception(error);
    } catch (...) {
      std::throw_with_nested(std::runtime_error(text));
    }
  } catch (...) {
    grove::detail::report_unhandled(grove::detail::here().current, std::current_exception());
  }
}

void Connection::tell(const Answer& answer, const Request* request, unsigned status) {
  if (answer.failure() != nullptr && !broken_ && !body_fault_) // else it passed on the client's
    report("the body", answer.failure());
  if (service_.options.access_log == nullptr)
    return;
  AccessRecord record{};
  record.time = began_;
  record.duration = now() - began_steady_;
  record.client = client_;
  record.status = status;
  record.body_bytes = answer.sent();
  if (request != nullptr) {
    record.client = request->client();
    record.method = request->method();
    record.target = request->target();
    record.minor_version = head_.minor_version;
    record.referer = head_.fields.get("Referer", "");
    record.user_agent = head_.fields.get("User-Agent", "");
  }
  try {
    service_.options.access_log(record);
  } catch (const std::exception& e) {
    grove::detail::log(LogLevel::error, std::string("http: the access log threw ") + e.what());
  }
}

} // namespace grove::http::detail
