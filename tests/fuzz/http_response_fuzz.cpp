// SPDX-License-Identifier: MIT
// Any bytes as the answers of a connection, whole and in pieces: the same answers and the same
// refusal both ways, fields without control characters, no doubt about a length.
// Seeds: tests/fuzz/corpus/http_response.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "demand.hpp"
#include "grammar.hpp"
#include "http_small_limits.hpp"
#include "response_parser.hpp"

namespace {

using namespace grove::http;

struct Outcome {
  std::vector<std::string> answers{};
  bool refused = false;
  bool operator==(const Outcome&) const = default;
};

std::string checked(const ResponseHead& head) {
  demand(head.status >= 100 && head.status <= 999);
  demand(detail::is_field_value(head.reason));
  for (const auto field : head.fields)
    demand(detail::is_token(field.name) && detail::is_field_value(field.value));
  demand(!head.chunked || !head.content_length);
  demand(head.chunked == head.fields.has("Transfer-Encoding"));
  return std::to_string(head.status) + (head.keep_alive ? " keep " : " close ") +
         (head.chunked ? "chunked " : "");
}

// `no_body`: the requests were HEAD.
Outcome read(std::string_view bytes, std::size_t piece, bool no_body) {
  Outcome outcome;
  detail::ResponseParser parser(small_limits());
  ResponseHead head;
  std::string buffer;
  bool in_body = false;
  try {
    while (!bytes.empty()) {
      buffer += bytes.substr(0, piece);
      bytes.remove_prefix(std::min(piece, bytes.size()));
      while (!buffer.empty()) {
        std::size_t used = 0;
        if (in_body) {
          const detail::BodyPiece got = parser.body(buffer);
          used = got.used;
          outcome.answers.back() += got.data;
        } else if ((used = parser.head(buffer, no_body, head)) > 0) {
          outcome.answers.push_back(checked(head));
        }
        demand(used <= buffer.size());
        buffer.erase(0, used);
        if (used == 0)
          break;
        in_body = !parser.body_done();
        demand(!no_body || !in_body);
      }
    }
    parser.end();
  } catch (const BadRequest&) {
    outcome.refused = true;
  }
  return outcome;
}

// Of a broken chunk extension the end may be waited for, and of a body that is refused less or more
// may have been given: both depend on the pieces.
bool same(const Outcome& one, const Outcome& other) {
  const bool chunked =
      !one.answers.empty() && one.answers.back().find(" chunked ") != std::string::npos;
  if (one.answers.empty() || (!chunked && (!one.refused || !other.refused)))
    return one == other;
  const std::string& last = one.answers.back();
  return one.answers.size() == other.answers.size() &&
         std::equal(one.answers.begin(), one.answers.end() - 1, other.answers.begin()) &&
         (last.starts_with(other.answers.back()) || other.answers.back().starts_with(last));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool no_body = data[0] >= 0xf0;
  demand(same(read(bytes, data[0] % 16 + 1, no_body), read(bytes, bytes.size() + 1, no_body)));
  return 0;
}
