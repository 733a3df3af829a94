// SPDX-License-Identifier: MIT
// Any bytes, in any pieces, as frames: the same messages come out as in one piece, and none is
// longer than the limit.
#include <grove/hub/detail/frames.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::size_t limit = 200;

struct Outcome {
  std::vector<std::string> messages;
  bool refused = false;
  bool operator==(const Outcome&) const = default;
};

Outcome read_in_pieces(std::string_view stream, std::size_t piece) {
  Outcome outcome;
  grove::detail::FrameReader reader(limit);
  try {
    while (!stream.empty()) {
      reader.add(stream.substr(0, piece));
      stream.remove_prefix(std::min(piece, stream.size()));
      while (auto message = reader.next()) {
        if (message->size() > limit)
          std::abort();
        outcome.messages.push_back(std::move(*message));
      }
    }
    reader.end();
  } catch (const grove::MessageError&) {
    outcome.refused = true;
  }
  return outcome;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t piece = data[0] % 16 + 1;
  if (read_in_pieces(stream, piece) != read_in_pieces(stream, stream.size() + 1))
    std::abort();
  return 0;
}
