// SPDX-License-Identifier: MIT
// Any bytes as the requests of a connection, whole and in pieces: the same requests and the same
// refusal both ways, and of a request that was taken its length is in no doubt: said again, it is
// read as the same.
// Seeds: tests/fuzz/corpus/http_request.
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
#include "request_parser.hpp"

namespace {

using namespace grove::http;

struct Outcome {
  std::vector<std::string> requests{};
  unsigned refused = 0;
  bool chunked = false; // the last one
  bool operator==(const Outcome&) const = default;
};

std::string said_again(const RequestHead& head) {
  std::string text =
      head.method + ' ' + head.target + " HTTP/1." + std::to_string(head.minor_version) + "\r\n";
  for (const auto field : head.fields)
    text.append(field.name).append(": ").append(field.value) += "\r\n";
  return text += "\r\n";
}

// What RFC 9112 promises whoever handles it.
void check(const RequestHead& head) {
  demand(detail::is_token(head.method) && !head.target.empty());
  demand(std::ranges::all_of(head.target, [](char c) { return c > ' ' && c < 0x7f; }));
  std::size_t hosts = 0;
  for (const auto field : head.fields) {
    demand(detail::is_token(field.name) && detail::is_field_value(field.value));
    hosts += equals_ignoring_case(field.name, "Host") ? 1U : 0U;
  }
  demand(hosts == 1 || (hosts == 0 && head.minor_version == 0));
  demand(!head.chunked || (!head.content_length && head.minor_version == 1));
  demand(head.chunked == head.fields.has("Transfer-Encoding"));
  demand(head.content_length.has_value() == head.fields.has("Content-Length"));
}

Outcome read(std::string_view bytes, std::size_t piece, const Limits& limits = small_limits()) {
  Outcome outcome;
  detail::RequestParser parser(limits);
  RequestHead head;
  std::string buffer;
  try {
    bool in_body = false;
    while (!bytes.empty()) {
      buffer += bytes.substr(0, piece);
      bytes.remove_prefix(std::min(piece, bytes.size()));
      while (!buffer.empty()) {
        std::size_t used = 0;
        if (in_body) {
          const detail::BodyPiece got = parser.body(buffer);
          used = got.used;
          outcome.requests.back() += got.data;
        } else if ((used = parser.head(buffer, head)) > 0) {
          check(head);
          outcome.requests.push_back(said_again(head));
          outcome.chunked = head.chunked;
        }
        demand(used <= buffer.size());
        buffer.erase(0, used);
        if (used == 0)
          break;
        in_body = !parser.body_done();
      }
    }
  } catch (const BadRequest& bad) {
    outcome.refused = bad.status();
    demand(bad.status() >= 400 && bad.status() < 600);
  }
  return outcome;
}

// Of a broken chunk extension the end may be waited for, which then depends on the pieces.
bool same(const Outcome& one, const Outcome& other) {
  if (!one.chunked || !other.chunked)
    return one == other;
  const std::string& last = one.requests.back();
  return one.requests.size() == other.requests.size() &&
         std::equal(one.requests.begin(), one.requests.end() - 1, other.requests.begin()) &&
         (last.starts_with(other.requests.back()) || other.requests.back().starts_with(last));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Outcome whole = read(bytes, bytes.size() + 1);
  demand(same(read(bytes, data[0] % 16 + 1), whole));
  for (const std::string& request : whole.requests) {
    const std::string head = request.substr(0, request.find("\r\n\r\n") + 4);
    const Outcome again = read(head, head.size(), {});
    demand(again.refused == 0 && again.requests == std::vector{head});
  }
  return 0;
}
