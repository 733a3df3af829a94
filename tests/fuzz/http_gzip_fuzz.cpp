// SPDX-License-Identifier: MIT
// Any bytes as gzip, whole and in pieces: the same text or refusal both ways, and never more than
// is asked for; and any bytes packed and unpacked again. The first byte says how long the pieces
// are. Seeds: tests/fuzz/corpus/http_gzip.
#include "demand.hpp"
#include "gzip_stream.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace {

using grove::http::detail::BrokenGzip;
using grove::http::detail::GzipReader;
using grove::http::detail::GzipWriter;

constexpr std::size_t limit = 1 << 16;

// Nothing for a refusal; cut off at the limit.
std::optional<std::string> unpack(std::string_view bytes, std::size_t piece) {
  GzipReader reader;
  std::string text;
  std::string into(piece, '\0');
  try {
    while (text.size() < limit) {
      const std::size_t size = reader.read(into, [&](std::span<char> more) {
        const std::size_t some = std::min({more.size(), bytes.size(), piece});
        std::copy_n(bytes.data(), some, more.data());
        bytes.remove_prefix(some);
        return some;
      });
      demand(size <= into.size());
      if (size == 0)
        return text;
      text.append(into, 0, size);
    }
  } catch (const BrokenGzip&) {
    return std::nullopt;
  }
  return text.substr(0, limit);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t piece = data[0] % 64 + 1;

  const auto whole = unpack(bytes, limit);
  const auto pieces = unpack(bytes, piece);
  demand(whole == pieces || (whole && whole->size() == limit) ||
         (pieces && pieces->size() == limit)); // one may see the limit before a fault, one after

  GzipWriter writer(1 + static_cast<int>(piece % 9), piece % 2 == 0);
  std::string packed;
  const auto append = [&packed](std::string_view some) { packed += some; };
  std::string_view left = bytes;
  for (; left.size() > piece; left.remove_prefix(piece))
    writer.write(left.substr(0, piece), GzipWriter::Flush::now, append);
  writer.write(left, GzipWriter::Flush::end, append);
  demand(unpack(packed, piece) == bytes.substr(0, limit));
  return 0;
}
