// SPDX-License-Identifier: MIT
// The bodies of a connection's requests: read, refused, or left.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <exception>
#include <variant>

#include <grove/hub/exceptions.hpp>

#include "connection.hpp"
#include "request_access.hpp"

namespace grove::http::detail {

namespace {
constexpr std::size_t drop_limit = 64 * 1024; // of a body that nobody wanted
constexpr auto drop_time = std::chrono::seconds(1);
constexpr auto linger_time = std::chrono::seconds(2);
} // namespace

// Before anything of it is asked for, or read.
void Connection::limit_body() {
  const Request request = RequestAccess::make(work_->head, *this, peer_);
  body_limit_ = body_limit_of(service_.handler, request.method(), request.path());
  work_->parser.limit_body(work_->head, body_limit_);
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
    if (work_->parser.body_done())
      return 0;
    if (work_->head.expects_continue && !continued_) {
      continued_ = true;
      out_.gathered().append("HTTP/1.1 100 Continue\r\n\r\n");
      out_.flush();
    }
    if (!in_.empty()) {
      const auto piece = work_->parser.body(in_.view());
      in_.drop(piece.used);
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
  body_read_ += size;
  return size;
}

// What the handler left is nothing to wait for: the client is told that the connection ends.
bool Connection::must_leave_body(const Response& response) const {
  // Who writes an answer may read the body meanwhile.
  const bool reads_on = std::holds_alternative<Response::Write>(response.body());
  const RequestHead& head = work_->head;
  if (work_->parser.body_done() || reads_on)
    return false;
  return (head.expects_continue && !continued_) || // nobody knows whether it comes
         (head.content_length && *head.content_length - body_read_ > drop_limit);
}

// What the handler left: the next request is behind it. Its buffer is not in the frame of
// exchange().
[[gnu::noinline]] void Connection::drop_body() {
  if (!keep_)
    return;
  std::size_t dropped = pending_.size();
  pending_ = {};
  std::array<char, 1024> piece;
  body_deadline_ = drop_time;
  try {
    while (keep_ && !work_->parser.body_done()) {
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

// Reads on for a moment, so that the answer is not lost to a reset (RFC 9112, 9.6): whatever the
// client sends until it has seen it, of which its and our kernel alone hold megabytes.
void Connection::linger() {
  const Deadline deadline = linger_time;
  try {
    stream_.shutdown_write(deadline);
    in_.release();
    while (fill(deadline))
      in_.drop(in_.size());
  } catch (const std::exception&) { // it is over in any case
  }
}

} // namespace grove::http::detail
