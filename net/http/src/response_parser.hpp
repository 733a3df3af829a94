// SPDX-License-Identifier: MIT
// ResponseParser: bytes to responses, strictly by RFC 9112. Does no input or output.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include <grove/http/error.hpp>
#include <grove/http/limits.hpp>
#include <grove/http/response_head.hpp>

#include "body_piece.hpp"

namespace grove::http::detail {

// As RequestParser: a head(), then body() until body_done().
class ResponseParser {
public:
  explicit ResponseParser(const Limits& limits);
  ResponseParser(ResponseParser&&) noexcept;
  ResponseParser& operator=(ResponseParser&&) noexcept;
  ~ResponseParser();

  // `no_body`: of an answer to HEAD. BadRequest for what is none.
  std::size_t head(std::string_view buffer, bool no_body, ResponseHead& into);

  bool body_done() const;
  BodyPiece body(std::string_view buffer);
  // The connection has ended: BadRequest if that is not the end of the body.
  void end();

private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace grove::http::detail
