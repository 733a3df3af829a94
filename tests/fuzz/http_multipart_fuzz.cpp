// SPDX-License-Identifier: MIT
// Any bytes as a form, whole and in pieces: the same parts or refusal both ways, no part beyond the
// limits, and what was taken is in the bytes. The first byte says how long the pieces are. Seeds:
// tests/fuzz/corpus/http_multipart.
#include "demand.hpp"
#include "multipart_parser.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <grove/http/error.hpp>

namespace {

using grove::http::detail::MultipartParser;

constexpr grove::http::MultipartLimits limits{.parts = 8, .head = 256, .fields = 4, .part = 1024};

struct Part {
  std::string name, file_name, body;
  bool operator==(const Part&) const = default;
};

// What was found before the end or the refusal, which `status` tells.
std::vector<Part> parse(std::string_view bytes, std::size_t piece, unsigned& status) {
  MultipartParser parser("b", limits);
  std::vector<Part> parts;
  std::string buffer;
  status = 200;
  try {
    while (true) {
      const auto step = parser.step(buffer);
      demand(step.used <= buffer.size());
      if (step.event == MultipartParser::Event::head)
        parts.push_back({parser.part().name, parser.part().file_name.value_or(""), {}});
      else if (step.event == MultipartParser::Event::data)
        parts.back().body += step.data;
      buffer.erase(0, step.used);
      if (step.event != MultipartParser::Event::more)
        continue;
      demand(buffer.size() < parser.buffer_size());
      if (bytes.empty()) {
        parser.end();
        return parts;
      }
      buffer += bytes.substr(0, piece);
      bytes.remove_prefix(std::min(piece, bytes.size()));
    }
  } catch (const grove::http::Error& error) {
    status = error.status();
  }
  return parts;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  unsigned whole_status = 0;
  unsigned piece_status = 0;
  const auto whole = parse(bytes, bytes.size() + 1, whole_status);
  const auto pieces = parse(bytes, data[0] % 16 + 1, piece_status);
  demand((whole_status == 200) == (piece_status == 200));
  demand(whole.size() <= limits.parts);
  for (const Part& part : whole)
    demand(part.body.size() <= limits.part && bytes.find(part.body) != std::string::npos);
  if (whole_status == 200)
    demand(whole == pieces);
  return 0;
}
