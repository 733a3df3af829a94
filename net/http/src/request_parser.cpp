// SPDX-License-Identifier: MIT
// Requests, read by Boost.Beast's basic_parser and checked beyond it.
#include "request_parser.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "grammar.hpp"
#include "message_reader.hpp"

namespace grove::http::detail {

namespace {

namespace beast = boost::beast;
using Error = beast::error_code;
using View = beast::string_view;

// What a target may have: visible ASCII without those that RFC 3986 never allows and others have
// been fooled with.
constexpr CharacterSet in_target([](char c) {
  return c > ' ' && c < 0x7f && c != '#' && c != '"' && c != '<' && c != '>' && c != '\\';
});

bool is_port(std::string_view text) {
  if (text.empty())
    return false;
  unsigned port = 0;
  for (const char c : text) {
    if (!is_digit(c))
      return false;
    port = port * 10 + static_cast<unsigned>(c - '0');
    if (port > 65535)
      return false;
  }
  return true;
}

// reg-name: unreserved, percent-encoded, sub-delims.
constexpr CharacterSet in_name([](char c) {
  return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') ||
         std::string_view("-._~%!$&'()*+,;=").find(c) != std::string_view::npos;
});

// Between brackets: of IPv6.
constexpr CharacterSet in_address([](char c) {
  return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f') || c == ':' || c == '.';
});

// Host = uri-host [ ":" port ], RFC 9112, 3.2; may be empty.
bool is_host(std::string_view host) {
  if (host.empty())
    return true;
  std::size_t end = 0; // of uri-host
  if (host.front() == '[') {
    end = host.find(']');
    if (end == std::string_view::npos || end == 1)
      return false;
    if (!in_address.has_all_of(host.substr(1, end - 1)))
      return false;
    ++end;
  } else {
    while (end < host.size() && in_name.has(host[end]))
      ++end;
    if (end == 0)
      return false;
  }
  if (end == host.size())
    return true;
  const std::string_view port = host.substr(end + 1);
  return host[end] == ':' && (port.empty() || is_port(port));
}

// http://HOST/..., RFC 9110, 4.2: with a host, and without a user.
bool is_absolute(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!target.starts_with(scheme))
      continue;
    target.remove_prefix(scheme.size());
    const std::string_view host = target.substr(0, target.find_first_of("/?"));
    return !host.empty() && is_host(host);
  }
  return false;
}

} // namespace

// One request of a connection. Beast's parser serves once.
class RequestHandler final : public beast::http::basic_parser<true> {
public:
  // `text` is all of the head, and there while it is read.
  RequestHandler(const Limits& limits, std::string_view text, RequestHead& head)
      : limits_(limits), text_(text), head_(&head),
        has_underscores_(text.find('_') != std::string_view::npos) {
    header_limit(static_cast<std::uint32_t>(
        std::min<std::size_t>(limits.head + 1, std::numeric_limits<std::uint32_t>::max())));
    body_limit(boost::none);
    head.fields.take_text(text);
  }

  std::string_view data; // that the last put() gave
  std::uint64_t chunk_left = 0;
  unsigned hosts = 0;
  unsigned codings = 0; // fields of Transfer-Encoding
  bool expects = false; // there is a field Expect
  std::string_view host{};

  [[noreturn]] void refuse(const Error& error) const {
    if (why_ != nullptr)
      throw BadRequest(status_, why_);
    if (error == beast::http::error::body_limit)
      throw BadRequest(413, "the body is too long");
    throw BadRequest(400, error.message());
  }

private:
  void fail(unsigned status, const char* why, Error& error) {
    status_ = status;
    why_ = why;
    error = beast::http::error::bad_value;
  }

  void on_request_impl(beast::http::verb, View method, View target, int version,
                       Error& error) override {
    constexpr std::size_t version_size = std::string_view(" HTTP/1.1").size();
    if (place_of(target) + target.size() + version_size > limits_.line)
      return fail(414, "the request line is too long", error);
    head_->method = std_view(method);
    head_->target = std_view(target);
    head_->minor_version = version == 11 ? 1 : 0;
  }
  void on_field_impl(beast::http::field field, View name, View value, Error& error) override {
    if (head_ == nullptr) // a trailer: dropped, RFC 9110, 6.5.1
      return;
    if (++fields_ > limits_.fields)
      return fail(431, "too many fields", error);
    if (name.size() + value.size() > limits_.line)
      return fail(431, "a field is too long", error);
    const std::size_t name_at = place_of(name);
    const std::size_t value_at = place_of(value);
    if (is_folded(name_at + name.size(), value_at, value.size()))
      return fail(400, "a field that is folded over two lines", error);
    switch (field) {
    case beast::http::field::host:
      ++hosts;
      host = std_view(value);
      break;
    case beast::http::field::transfer_encoding:
      ++codings;
      break;
    case beast::http::field::expect:
      expects = true;
      break;
    default:
      break;
    }
    // Gateways of the CGI kind take '_' for '-': "Content_Length" would pass for another field.
    if (!has_underscores_ || name.find('_') == View::npos)
      head_->fields.append_taken(name_at, name.size(), value_at, value.size());
  }
  void on_header_impl(Error&) override { head_ = nullptr; }
  std::size_t on_body_impl(View body, Error&) override {
    data = std_view(body);
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t size, View extensions, Error& error) override {
    chunk_left = size;
    chunk_headers_ += extensions.size();
    if (extensions.size() > limits_.chunk_header || chunk_headers_ > limits_.chunk_headers)
      return fail(400, "the chunk extensions are too long", error);
    if (!is_field_value(std_view(extensions))) // in quotes: for others LF could end the line
      fail(400, "a control character in a chunk extension", error);
  }
  std::size_t on_chunk_body_impl(std::uint64_t, View body, Error&) override {
    data = std_view(body);
    chunk_left -= body.size();
    return body.size();
  }
  void on_response_impl(int, View, int, Error&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, Error&) override {}
  void on_finish_impl(Error&) override {}

  // Of what is not in the text: something beyond its end.
  std::size_t place_of(View part) const {
    return reinterpret_cast<std::uintptr_t>(part.data()) -
           reinterpret_cast<std::uintptr_t>(text_.data());
  }
  // Beast puts a value of several lines together elsewhere, or skips the first of them if it is
  // empty: then there is a line's end before the value.
  bool is_folded(std::size_t name_end, std::size_t value, std::size_t value_size) const {
    if (value > text_.size() || value_size > text_.size() - value)
      return true;
    return value > name_end + 2 && // a colon and a blank
           text_.substr(name_end, value - name_end).find('\n') != std::string_view::npos;
  }

  const Limits& limits_;
  std::string_view text_;
  RequestHead* head_; // while it is read
  bool has_underscores_;
  std::size_t fields_ = 0;
  std::size_t chunk_headers_ = 0;
  unsigned status_ = 0; // to refuse with
  const char* why_ = nullptr;
};

struct RequestParser::State {
  Limits limits;
  std::optional<RequestHandler> handler{};
  std::size_t searched = 0; // so much of the buffer has no end of a head
  std::string good_host{};  // the last: the next has the same, nearly always
};

namespace {

// Whether the request line ends with HTTP/2.0 or the like, which is answered with 505.
bool names_another_version(std::string_view head) {
  const std::string_view line = head.substr(0, head.find("\r\n"));
  const std::string_view version = line.substr(line.rfind(' ') + 1);
  return version.size() == 8 && version != "HTTP/1.0" && version != "HTTP/1.1" &&
         version.starts_with("HTTP/") && is_digit(version[5]) && version[6] == '.' &&
         is_digit(version[7]);
}

void check_target(const RequestHead& head) {
  const std::string_view target = head.target;
  if (head.method == "CONNECT") {
    if (!is_host(target) || !is_port(target.substr(target.rfind(':') + 1)))
      throw BadRequest(400, "the target of CONNECT is no host and port");
    return;
  }
  const bool asterisk = target == "*" && head.method == "OPTIONS";
  if (!in_target.has_all_of(target) ||
      !(target.starts_with('/') || is_absolute(target) || asterisk))
    throw BadRequest(400, "the target is neither a path nor a URI");
}

void check_fields(const RequestHandler& handler, RequestHead& head, std::string& good_host) {
  if (handler.hosts > 1)
    throw BadRequest(400, "two Host fields");
  if (handler.hosts == 0 && head.minor_version == 1)
    throw BadRequest(400, "no Host field");
  if (handler.host != good_host) {
    if (!is_host(handler.host))
      throw BadRequest(400, "the Host field is no host");
    good_host = handler.host;
  }

  head.chunked = handler.chunked();
  head.keep_alive = handler.keep_alive();
  head.content_length.reset();
  if (!head.chunked) {
    if (const auto length = handler.content_length())
      head.content_length = *length;
  }
  if (handler.codings > 0) { // RFC 9112, 6.1 and 6.3
    if (head.minor_version == 0)
      throw BadRequest(400, "Transfer-Encoding in HTTP/1.0");
    if (handler.codings > 1)
      throw BadRequest(400, "two Transfer-Encoding fields");
    if (head.content_length)
      throw BadRequest(400, "both Content-Length and Transfer-Encoding");
    if (!equals_ignoring_case(head.fields.get("Transfer-Encoding", ""), "chunked"))
      throw BadRequest(head.chunked ? 501 : 400, "a transfer coding other than chunked");
  }
  head.expects_continue = false;
  if (handler.expects && head.minor_version == 1) {
    if (!equals_ignoring_case(head.fields.get("Expect", ""), "100-continue"))
      throw BadRequest(417, "an expectation other than 100-continue");
    head.expects_continue = head.has_body();
  }
  head.wants_upgrade = handler.upgrade();
}

} // namespace

RequestParser::RequestParser(const Limits& limits) : state_(new State{limits}) {}
RequestParser::RequestParser(RequestParser&&) noexcept = default;
RequestParser& RequestParser::operator=(RequestParser&&) noexcept = default;
RequestParser::~RequestParser() = default;

std::size_t RequestParser::read_head(std::string_view buffer, RequestHead& into) {
  State& state = *state_;
  // RFC 9112, 2.2: an empty line, which some clients send after a body.
  const std::size_t skipped = buffer.starts_with("\r\n") ? 2 : 0;
  const std::string_view rest = buffer.substr(skipped);
  bool too_long = false;
  const auto whole = whole_head(rest, state.limits.head, state.searched, too_long);
  if (!whole) {
    // A line that is too long already is told at once.
    const std::size_t so_far = rest.size() - (rest.ends_with('\r') ? 1 : 0);
    if (std::min(rest.find("\r\n"), so_far) > state.limits.line)
      throw BadRequest(414, "the request line is too long");
    if (too_long)
      throw BadRequest(431, "the head is too long");
    return 0;
  }
  const std::string_view text = *whole;
  RequestHandler& handler = state.handler.emplace(state.limits, text, into);
  Error error;
  const std::size_t used = handler.put(boost::asio::buffer(text.data(), text.size()), error);
  if (error && text.find("\r\n") > state.limits.line) // whatever else is wrong with it
    throw BadRequest(414, "the request line is too long");
  if (error == beast::http::error::bad_version && names_another_version(text))
    throw BadRequest(505, "the version is neither HTTP/1.0 nor HTTP/1.1");
  if (error)
    handler.refuse(error);
  if (used != text.size()) // an end of a head inside what Beast takes for it
    throw BadRequest(400, "the head ends twice");
  check_target(into);
  check_fields(handler, into, state.good_host);
  return skipped + used;
}

void RequestParser::limit_body(const RequestHead& head, std::optional<std::uint64_t> bytes) {
  const std::uint64_t limit = bytes.value_or(state_->limits.body);
  if (head.content_length.value_or(0) > limit)
    throw BadRequest(413, "the body is too long");
  state_->handler->body_limit(limit); // of one in chunks
}

bool RequestParser::body_done() const { return !state_->handler || state_->handler->is_done(); }

BodyPiece RequestParser::body(std::string_view buffer) {
  return read_body(*state_->handler, state_->limits, buffer, 400,
                   "a chunk's header, or the trailers, are too long");
}

} // namespace grove::http::detail
