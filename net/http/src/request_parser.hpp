// SPDX-License-Identifier: MIT
// RequestParser: bytes to requests, strictly by RFC 9112. Does no input or output.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include <grove/http/error.hpp>
#include <grove/http/limits.hpp>
#include <grove/http/request_head.hpp>

#include "body_piece.hpp"

namespace grove::http::detail {

// One connection's: a head(), then body() until body_done(), then the next head(). After a
// BadRequest it is of no more use. Boost.Beast's basic_parser does the reading; what it lets pass
// (docs/http.md lists it) is checked here.
class RequestParser {
public:
  explicit RequestParser(const Limits& limits);
  RequestParser(RequestParser&&) noexcept;
  RequestParser& operator=(RequestParser&&) noexcept;
  ~RequestParser();

  // `buffer` begins with the request. How many bytes its head has, which is in `into` then; 0 if
  // more is needed: the same bytes, and what came after them, must be given again. BadRequest.
  std::size_t head(std::string_view buffer, RequestHead& into) {
    const std::size_t used = read_head(buffer, into);
    if (used > 0)
      limit_body(into);
    return used;
  }
  // The same in two steps, for who finds in the head how long a body may be: by default as Limits
  // say. BadRequest.
  std::size_t read_head(std::string_view buffer, RequestHead& into);
  void limit_body(const RequestHead& head, std::optional<std::uint64_t> bytes = {});

  bool body_done() const;
  // Of what follows the head. BadRequest.
  BodyPiece body(std::string_view buffer);

private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace grove::http::detail
