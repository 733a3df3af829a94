// SPDX-License-Identifier: MIT
// Answer: one response as bytes.
#pragma once

#include <cstdint>
#include <exception>

#include <grove/http/request_head.hpp>
#include <grove/http/response.hpp>
#include <grove/net/stream.hpp>

#include "output.hpp"

namespace grove::http::detail {

// Sends one response, framed as the request's version and method want it (RFC 9112, 6). Throws Gone
// when the client went, or must not take what it got for all.
class Answer {
public:
  // `head` is null where the request could not be understood. `keep` tells whether the connection
  // goes on; sending may find that it cannot.
  Answer(Output& out, net::Stream& stream, const RequestHead* head, bool& keep)
      : out_(out), stream_(stream), head_(head), keep_(keep) {}

  void send(const Response& response);
  // Of the body.
  std::uint64_t sent() const { return sent_; }
  // What the body's function threw; it cut the body short.
  const std::exception_ptr& failure() const { return failure_; }

private:
  class Writer;

  void append_head(const Response& response, const std::uint64_t* length, bool chunked);
  void write_pieces(const Response::Write& write, const std::uint64_t* length, bool chunked);
  void write_file(const Response::FilePart& part);
  [[noreturn]] void cut();

  Output& out_;
  net::Stream& stream_;
  const RequestHead* head_;
  bool& keep_;
  std::uint64_t sent_ = 0;
  std::exception_ptr failure_;
};

} // namespace grove::http::detail
