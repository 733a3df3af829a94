// SPDX-License-Identifier: MIT
// The requests of one connection.
#include "connection.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

#include <unistd.h>

#include <grove/hub/exceptions.hpp>
#include <grove/hub/log.hpp>
#include <grove/hub/timeout.hpp>

#include "date.hpp"
#include "forwarded.hpp"
#include "grammar.hpp"
#include "request_access.hpp"

namespace grove::http::detail {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t gather_limit = 64 * 1024; // so much is put together before it is sent
constexpr std::size_t drop_limit = 64 * 1024;   // of a body that nobody wanted
constexpr std::size_t file_piece = 1024 * 1024;
constexpr auto linger_time = std::chrono::seconds(1);

// Small idle lists of buffers, one for each thread: an idle connection has none.
struct Buffers {
  std::vector<std::unique_ptr<char[]>> idle{};
  std::size_t size = 0;
};
thread_local Buffers buffers;

void append_number(std::string& text, std::uint64_t number, int base = 10) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, base).ptr;
  text.append(digits.data(), end);
}

// The fields that say where a message ends.
bool is_framing(std::string_view name) {
  return (name.size() == 14 && equals_ignoring_case(name, "Content-Length")) ||
         (name.size() == 17 && equals_ignoring_case(name, "Transfer-Encoding")) ||
         (name.size() == 10 && equals_ignoring_case(name, "Connection"));
}

bool has_no_body(unsigned status) { return status < 200 || status == 204 || status == 304; }

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
      while (keep_ && next_head())
        exchange();
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
    } catch (const Gone&) {
      broken_ = true;
      throw Closed("grove: http: the client has gone in the middle of a body");
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
  } catch (const BadRequest&) {
    keep_ = false;
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
  pending_ = {};
  sent_ = 0;
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
  answer(&head_, response);
  drop_body();
  log(&request, response.status());
}

Response Connection::handle(Request& request) {
  std::string failure;
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
    failure = describe(std::current_exception());
  }
  if (!broken_) { // else it only passed on that the client went
    ++service_.stats.failures;
    std::string text =
        "http: " + head_.method + " " + head_.target + ": the handler threw " + failure;
    std::replace_if(text.begin(), text.end(), is_control, '?');
    grove::detail::log(LogLevel::error, text);
  }
  return error_response(Error(500, "internal error"));
}

Response Connection::error_response(const Error& error) {
  if (service_.options.error_page != nullptr) {
    try {
      Response page = service_.options.error_page(error);
      page.set_status(error.status());
      return page;
    } catch (const std::exception& e) {
      grove::detail::log(LogLevel::error, std::string("http: the error page threw ") + e.what());
    }
  }
  return Response(error.status(), std::to_string(error.status()) + " " +
                                      reason_phrase(error.status()) + ": " + error.what() + "\n");
}

// A head that cannot be understood.
void Connection::refuse(const Error& error) {
  keep_ = false;
  sent_ = 0;
  began_ = std::chrono::system_clock::now();
  began_steady_ = now();
  Response response = error_response(error);
  answer(nullptr, response);
  out_.flush();
  log(nullptr, response.status());
  linger();
}

void Connection::log(const Request* request, unsigned status) {
  if (service_.options.access_log == nullptr)
    return;
  AccessRecord record{};
  record.time = began_;
  record.duration = now() - began_steady_;
  record.client = client_;
  record.status = status;
  record.body_bytes = sent_;
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

// -- answers -----------------------------------------------------------------------------------

void Connection::answer(const RequestHead* head, Response& response) {
  const bool head_only = head != nullptr && head->method == "HEAD";
  const unsigned status = response.status();
  auto& body = response.body();
  if (auto* take_over = std::get_if<Response::TakeOver>(&body)) {
    keep_ = false;
    append_head(head, response, false, nullptr);
    out_.flush();
    std::string received(in());
    begin_ = end_ = 0;
    release_buffer();
    (*take_over)(stream_, std::move(received));
    throw Gone(); // the rest is no HTTP
  }

  std::uint64_t length = 0;
  const std::uint64_t* known = &length;
  bool chunked = false;
  const auto* write = std::get_if<Response::Write>(&body);
  if (const auto* text = std::get_if<std::string>(&body)) {
    length = text->size();
  } else if (const auto* part = std::get_if<Response::FilePart>(&body)) {
    length = part->size;
  } else {
    known = nullptr;
    if (const auto own = response.fields().get("Content-Length")) {
      const auto parsed = std::from_chars(own->data(), own->data() + own->size(), length);
      if (parsed.ec == std::errc() && parsed.ptr == own->data() + own->size())
        known = &length;
    }
    if (known == nullptr && !has_no_body(status)) {
      chunked = head != nullptr && head->minor_version == 1;
      keep_ = keep_ && (chunked || head_only);
    }
  }
  append_head(head, response, chunked, known);
  if (head_only || has_no_body(status))
    return;
  if (const auto* text = std::get_if<std::string>(&body)) {
    sent_ = text->size();
    if (out_.text().size() + text->size() <= gather_limit)
      out_.text() += *text;
    else
      out_.send(*text);
  } else if (write != nullptr) {
    out_.flush();
    write_stream(*write, chunked, known);
  } else if (const auto* part = std::get_if<Response::FilePart>(&body)) {
    out_.flush();
    write_file(*part);
  }
}

void Connection::append_head(const RequestHead* head, const Response& response, bool chunked,
                             const std::uint64_t* length) {
  std::string& out = out_.text();
  const unsigned status = response.status();
  if (status == 200) {
    out += "HTTP/1.1 200 OK\r\n";
  } else {
    out += "HTTP/1.1 ";
    append_number(out, status);
    out += ' ';
    out += reason_phrase(status);
    out += "\r\n";
  }
  bool has_date = false;
  for (const auto field : response.fields()) {
    if (field.name.size() == 4 && equals_ignoring_case(field.name, "Date"))
      has_date = true;
    else if (is_framing(field.name)) { // is ours to say
      if (equals_ignoring_case(field.name, "Connection") &&
          equals_ignoring_case(field.value, "close"))
        keep_ = false;
      continue;
    }
    out += field.name;
    out += ": ";
    out += field.value;
    out += "\r\n";
  }
  if (!has_date) {
    out += "Date: ";
    out += http_date_now();
    out += "\r\n";
  }
  if (chunked) {
    out += "Transfer-Encoding: chunked\r\n";
  } else if (length != nullptr && status >= 200 && status != 204) {
    out += "Content-Length: ";
    append_number(out, *length);
    out += "\r\n";
  }
  if (status == 101)
    out += "Connection: Upgrade\r\n";
  else if (!keep_)
    out += "Connection: close\r\n";
  else if (head != nullptr && head->minor_version == 0)
    out += "Connection: keep-alive\r\n";
  out += "\r\n";
}

void Connection::write_stream(const Response::Write& write, bool chunked,
                              const std::uint64_t* length) {
  struct Writer final : BodyWriter {
    Connection& connection;
    bool chunked;
    const std::uint64_t* length;
    Writer(Connection& c, bool chunks, const std::uint64_t* l)
        : connection(c), chunked(chunks), length(l) {}
    void write(std::string_view data) override {
      if (data.empty())
        return;
      connection.sent_ += data.size();
      if (length != nullptr && connection.sent_ > *length)
        throw std::logic_error("grove: http: more was written than Content-Length says");
      try {
        if (!chunked)
          return connection.out_.send(data);
        std::string size;
        append_number(size, data.size(), 16);
        size += "\r\n";
        const std::array<std::string_view, 3> parts{size, data, "\r\n"};
        connection.out_.send(parts);
      } catch (const Gone&) {
        connection.broken_ = true;
        throw Closed("grove: http: the client has gone");
      }
    }
  } writer(*this, chunked, length);
  std::string failure;
  try {
    write(writer);
    if (length != nullptr && sent_ < *length)
      throw std::logic_error("grove: http: less was written than Content-Length says");
  } catch (const GreenletExit&) {
    throw;
  } catch (const TimeoutExpired&) {
    throw;
  } catch (const Interrupted&) {
    throw;
  } catch (...) {
    failure = describe(std::current_exception());
  }
  if (broken_)
    throw Gone();
  if (!failure.empty()) { // the client notices: the end is missing
    ++service_.stats.failures;
    std::string text = "http: " + head_.method + " " + head_.target + ": the body threw " + failure;
    std::replace_if(text.begin(), text.end(), is_control, '?');
    grove::detail::log(LogLevel::error, text);
    if (auto* socket = dynamic_cast<net::StreamSocket*>(&stream_))
      socket->reset_on_close(); // an end of the connection may look like that of the body
    throw Gone();
  }
  if (chunked)
    out_.text() += "0\r\n\r\n";
}

void Connection::write_file(const Response::FilePart& part) {
  if (auto* socket = dynamic_cast<net::StreamSocket*>(&stream_)) {
    try {
      while (sent_ < part.size) {
        const std::size_t some = socket->send_file(
            part.descriptor, part.offset + sent_,
            static_cast<std::size_t>(std::min<std::uint64_t>(part.size - sent_, file_piece)),
            service_.options.timeouts.write);
        if (some == 0)
          break; // it has become shorter
        sent_ += some;
      }
    } catch (const std::exception&) {
      throw Gone();
    }
  } else {
    std::string piece(std::min<std::uint64_t>(part.size, gather_limit), '\0');
    while (sent_ < part.size) {
      const ssize_t some = pread(part.descriptor, piece.data(),
                                 std::min<std::uint64_t>(piece.size(), part.size - sent_),
                                 static_cast<off_t>(part.offset + sent_));
      if (some <= 0)
        break;
      const std::string_view data(piece.data(), static_cast<std::size_t>(some));
      out_.send(data);
      sent_ += data.size();
    }
  }
  if (sent_ < part.size) {
    keep_ = false;
    throw Gone();
  }
}

} // namespace grove::http::detail
