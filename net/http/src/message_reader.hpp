// SPDX-License-Identifier: MIT
// What reading requests and reading responses have in common. For sources that include Beast.
#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>

#include <grove/http/error.hpp>
#include <grove/http/limits.hpp>

#include "body_piece.hpp"

namespace grove::http::detail {

inline std::string_view std_view(boost::beast::string_view view) {
  return {view.data(), view.size()};
}

// As find("\r\n\r\n"), which compares by a call at each line's end.
inline std::size_t find_head_end(std::string_view text, std::size_t from) {
  constexpr std::size_t before_last = 3; // its last LF is so far behind its begin
  for (std::size_t at = from + before_last;; ++at) {
    at = text.find('\n', at);
    if (at == std::string_view::npos)
      return at;
    if (text[at - 1] == '\r' && text[at - 2] == '\n' && text[at - 3] == '\r')
      return at - before_last;
  }
}

// The head at the front of a growing buffer; nothing while its end is not there. `searched` is kept
// from call to call: so much has no end. An end beyond the limit is left to be refused.
inline std::optional<std::string_view> whole_head(std::string_view buffer, std::size_t limit,
                                                  std::size_t& searched, bool& too_long) {
  constexpr std::string_view head_end = "\r\n\r\n";
  const auto end = find_head_end(buffer, searched);
  // Where there is no end it is at least one byte away.
  const std::size_t size =
      end != std::string_view::npos ? end + head_end.size() : buffer.size() + 1;
  too_long = size > limit;
  if (end != std::string_view::npos && !too_long) {
    searched = 0;
    return buffer.substr(0, size);
  }
  searched = buffer.size() < head_end.size() ? 0 : buffer.size() - (head_end.size() - 1);
  return std::nullopt;
}

// The body() of both parsers. `Handler` is a basic_parser that leaves in `data` what its last put()
// gave, in `chunk_left` what the chunk still has, and refuses by throwing.
template <class Handler>
BodyPiece read_body(Handler& handler, const Limits& limits, std::string_view buffer,
                    unsigned status, const char* too_long) {
  handler.data = {};
  // Of a chunk's header, or of the last one with the trailers.
  const std::size_t most = std::max(limits.chunk_header, limits.line);
  boost::beast::error_code error;
  BodyPiece piece;
  while (piece.used < buffer.size() && handler.data.empty() && !handler.is_done()) {
    const std::string_view rest = buffer.substr(piece.used);
    // No body ends with less; Beast asserts that it is never given "0\r\n" and one byte more.
    constexpr std::string_view shortest = "0\r\n\r\n";
    if (handler.chunked() && handler.chunk_left == 0 && rest.size() < shortest.size())
      break;
    const std::size_t used = handler.put(boost::asio::buffer(rest.data(), rest.size()), error);
    piece.used += used;
    const bool more = error == boost::beast::http::error::need_more;
    if (error && !more)
      handler.refuse(error);
    if (handler.chunked() && handler.data.empty() && (more ? rest.size() : used) > most)
      throw BadRequest(status, too_long);
    if (more)
      break;
    if (used == 0)
      break;
  }
  piece.data = handler.data;
  return piece;
}

} // namespace grove::http::detail
