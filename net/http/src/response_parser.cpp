// SPDX-License-Identifier: MIT
// Responses, read by Boost.Beast's basic_parser and checked beyond it.
#include "response_parser.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>

#include "grammar.hpp"
#include "message_reader.hpp"

namespace grove::http::detail {

namespace {
namespace beast = boost::beast;
using Error = beast::error_code;
using View = beast::string_view;
} // namespace

// One response of a connection. Beast's parser serves once.
class ResponseHandler final : public beast::http::basic_parser<false> {
public:
  ResponseHandler(const Limits& limits, ResponseHead& head, bool no_body)
      : limits_(limits), head_(&head) {
    header_limit(static_cast<std::uint32_t>(
        std::min<std::size_t>(limits.head + 1, std::numeric_limits<std::uint32_t>::max())));
    body_limit(limits.body);
    skip(no_body);
  }
  std::string_view data;
  std::uint64_t chunk_left = 0;
  unsigned codings = 0;

  [[noreturn]] void refuse(const Error& error) const {
    throw BadRequest(502, why_ != nullptr ? why_
                          : error == beast::http::error::body_limit
                              ? "the body of the answer is too long"
                              : "the answer is broken: " + error.message());
  }

private:
  void fail(const char* why, Error& error) {
    why_ = why;
    error = beast::http::error::bad_value;
  }
  void on_response_impl(int status, View reason, int version, Error&) override {
    head_->status = static_cast<unsigned>(status);
    head_->reason = std_view(reason);
    head_->minor_version = version == 11 ? 1 : 0;
  }
  void on_field_impl(beast::http::field field, View name, View value, Error& error) override {
    if (head_ == nullptr) // a trailer
      return;
    if (++fields_ > limits_.fields)
      return fail("the answer has too many fields", error);
    if (field == beast::http::field::transfer_encoding)
      ++codings;
    head_->fields.append(std_view(name), std_view(value));
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
      return fail("the chunk extensions of the answer are too long", error);
    if (!is_field_value(std_view(extensions)))
      fail("a control character in a chunk extension of the answer", error);
  }
  std::size_t on_chunk_body_impl(std::uint64_t, View body, Error&) override {
    data = std_view(body);
    chunk_left -= body.size();
    return body.size();
  }
  void on_request_impl(beast::http::verb, View, View, int, Error&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, Error&) override {}
  void on_finish_impl(Error&) override {}

  const Limits& limits_;
  ResponseHead* head_;
  std::size_t fields_ = 0;
  std::size_t chunk_headers_ = 0;
  const char* why_ = nullptr;
};

struct ResponseParser::State {
  Limits limits;
  std::optional<ResponseHandler> handler{};
  std::size_t searched = 0;
};

ResponseParser::ResponseParser(const Limits& limits) : state_(new State{limits}) {}
ResponseParser::ResponseParser(ResponseParser&&) noexcept = default;
ResponseParser& ResponseParser::operator=(ResponseParser&&) noexcept = default;
ResponseParser::~ResponseParser() = default;

std::size_t ResponseParser::head(std::string_view buffer, bool no_body, ResponseHead& into) {
  State& state = *state_;
  bool too_long = false;
  const auto whole = whole_head(buffer, state.limits.head, state.searched, too_long);
  if (too_long)
    throw BadRequest(502, "the head of the answer is too long");
  if (!whole)
    return 0;
  const std::string_view text = *whole;
  into.fields.clear();
  ResponseHandler& handler = state.handler.emplace(state.limits, into, no_body);
  Error error;
  const std::size_t used = handler.put(boost::asio::buffer(text.data(), text.size()), error);
  if (error)
    handler.refuse(error);
  if (used != text.size())
    throw BadRequest(502, "the head of the answer ends twice");
  if (into.status < 100)
    throw BadRequest(502, "the answer has a status below 100");
  into.chunked = handler.chunked();
  into.content_length.reset();
  if (const auto length = handler.content_length(); length && !into.chunked)
    into.content_length = *length;
  if (handler.codings > 0 &&
      (!into.chunked || handler.codings > 1 || into.content_length ||
       !equals_ignoring_case(into.fields.get("Transfer-Encoding", ""), "chunked")))
    throw BadRequest(502, "the answer has a transfer coding other than chunked");
  into.keep_alive = handler.keep_alive();
  return used;
}

bool ResponseParser::body_done() const { return !state_->handler || state_->handler->is_done(); }

BodyPiece ResponseParser::body(std::string_view buffer) {
  return read_body(*state_->handler, state_->limits, buffer, 502,
                   "a chunk's header of the answer, or its trailers, are too long");
}

void ResponseParser::end() {
  if (body_done())
    return;
  Error error;
  state_->handler->put_eof(error);
  if (error)
    throw BadRequest(502, "the connection ended in the middle of the answer");
}

} // namespace grove::http::detail
