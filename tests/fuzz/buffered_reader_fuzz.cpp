// SPDX-License-Identifier: MIT
// Any bytes, in any pieces, as lines and other parts: the same as in one piece, none over its
// limit, and not a byte lost.
#include <grove/hub/exceptions.hpp>
#include <grove/net/buffered_reader.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "../support/memory_stream.hpp"

namespace {

// The calls are chosen by `choices`, one after another; what they gave, and what was left.
std::vector<std::string> read(std::string_view choices, const std::string& bytes,
                              std::size_t piece) {
  grove::test::MemoryStream stream(bytes, [piece] { return piece; });
  grove::net::BufferedReader reader(stream);
  std::vector<std::string> parts;
  const auto add = [&](std::string part, std::size_t limit) {
    if (part.size() > limit)
      std::abort();
    parts.push_back(std::move(part));
  };
  for (const char choice : choices) {
    const auto number = static_cast<unsigned char>(choice);
    const std::size_t limit = number / 4;
    try {
      switch (number % 4) {
      case 0:
        add(reader.read_line(limit).value_or("the end"), limit + 7);
        break;
      case 1:
        add(reader.read_until("\r\n\r\n", limit), limit);
        break;
      case 2:
        add(reader.read_exactly(limit), limit);
        break;
      default:
        add(std::string(reader.peek(limit).substr(0, limit)), limit);
        reader.skip(parts.back().size());
      }
    } catch (const std::length_error&) {
      parts.emplace_back("too long");
    } catch (const grove::Closed&) {
      parts.emplace_back("ended");
    }
  }
  parts.push_back(std::string(reader.peek(bytes.size())));
  return parts;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 9)
    return 0;
  const std::string_view choices(reinterpret_cast<const char*>(data), 8);
  const std::string bytes(reinterpret_cast<const char*>(data) + 9, size - 9);
  const std::size_t piece = data[8] % 16 + 1;
  if (read(choices, bytes, piece) != read(choices, bytes, bytes.size() + 1))
    std::abort();
  return 0;
}
