// SPDX-License-Identifier: MIT
// Any bytes as a chunked body: what is taken is what a plain reading of RFC 9112, 7.1 finds in it,
// and ends where that does; in pieces as in one.
// Seeds: tests/fuzz/corpus/http_chunked.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "demand.hpp"
#include "grammar.hpp"
#include "request_parser.hpp"

namespace {

using namespace grove::http;

struct Body {
  std::string data{};
  std::size_t used = 0;
  bool whole = false;
  bool refused = false;
  bool operator==(const Body&) const = default;
};

constexpr std::uint64_t most = 1000;

Body ours(std::string_view bytes, std::size_t piece) {
  Limits limits;
  limits.body = most;
  limits.chunk_header = 60;
  limits.line = 200;
  limits.chunk_headers = 300;
  detail::RequestParser parser(limits);
  RequestHead head;
  const std::string_view start = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  demand(parser.head(start, head) == start.size() && head.chunked);
  Body body;
  std::string buffer;
  try {
    while (!bytes.empty() && !parser.body_done()) {
      buffer += bytes.substr(0, piece);
      bytes.remove_prefix(std::min(piece, bytes.size()));
      while (!parser.body_done()) {
        const detail::BodyPiece got = parser.body(buffer);
        body.data += got.data;
        buffer.erase(0, got.used);
        body.used += got.used;
        if (got.used == 0)
          break;
      }
    }
    body.whole = parser.body_done();
  } catch (const BadRequest&) {
    body.refused = true;
    body.used = 0; // of no account
  }
  return body;
}

// Lines end with CRLF, a size is hexadecimal digits, and extensions are no part of it. `plain`:
// without extensions and trailers, which may be refused for their own sake.
struct Model {
  Body body{};
  bool plain = true;
};

std::optional<std::string_view> line_of(std::string_view& left) {
  const auto end = left.find("\r\n");
  if (end == std::string_view::npos)
    return std::nullopt;
  const std::string_view line = left.substr(0, end);
  left.remove_prefix(end + 2);
  return line;
}

Model plainly(std::string_view bytes) {
  Model model;
  std::string_view left = bytes;
  const auto refuse = [&] {
    model.body.refused = true;
    return model;
  };
  while (const auto line = line_of(left)) {
    std::uint64_t size = 0;
    std::size_t digits = 0;
    for (; digits < line->size(); ++digits) {
      const char c = detail::lower((*line)[digits]);
      if (!detail::is_digit(c) && (c < 'a' || c > 'f'))
        break;
      if (size >> 60 != 0)
        return refuse();
      size = size << 4 | static_cast<unsigned>(detail::is_digit(c) ? c - '0' : c - 'a' + 10);
    }
    if (digits == 0 || !detail::is_field_value(*line))
      return refuse();
    model.plain = model.plain && digits == line->size() && digits <= 16;
    if (size == 0) {
      while (const auto trailer = line_of(left)) {
        if (trailer->empty()) {
          model.body.whole = true;
          model.body.used = bytes.size() - left.size();
          return model;
        }
        model.plain = false;
      }
      return model;
    }
    if (size > most - model.body.data.size())
      return refuse();
    model.body.data += left.substr(0, size);
    if (left.size() < size)
      return model;
    left.remove_prefix(size);
    if (!left.empty() && !std::string_view("\r\n").starts_with(left.substr(0, 2)))
      return refuse();
    if (left.size() < 2)
      return model;
    left.remove_prefix(2);
  }
  return model;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Body whole = ours(bytes, bytes.size() + 1);
  const Body pieces = ours(bytes, data[0] % 16 + 1);
  // Of a broken extension the end may be waited for.
  demand(whole.whole == pieces.whole && (!whole.whole || whole == pieces));
  demand(whole.data.starts_with(pieces.data) || pieces.data.starts_with(whole.data));
  const Model model = plainly(bytes);
  if (!whole.refused) {
    demand(model.body.data.starts_with(whole.data));
    demand(!whole.whole ||
           (model.body.whole && model.body.used == whole.used && model.body.data == whole.data));
    demand(!model.body.whole || !model.plain || whole.whole);
  } else {
    demand(!model.body.whole || !model.plain);
  }
  return 0;
}
