// SPDX-License-Identifier: MIT
// Frames of WebSockets.
#include "websocket_frame.hpp"

#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>

namespace grove::http::detail {

Mask apply_mask(Mask mask, char* data, std::size_t size) {
  using Words [[gnu::vector_size(16)]] = Mask;
  const Words four{mask, mask, mask, mask};
  char* const end = data + size;
  Words words;
  for (; end - data >= 16; data += 16) {
    std::memcpy(&words, data, 16);
    words ^= four;
    std::memcpy(data, &words, 16);
  }
  for (const auto* bytes = reinterpret_cast<const char*>(&four); data != end; ++data, ++bytes)
    *data = static_cast<char>(*data ^ *bytes);
  constexpr bool little = std::endian::native == std::endian::little;
  const int bits = static_cast<int>(size % 4 * 8);
  return little ? std::rotr(mask, bits) : std::rotl(mask, bits);
}

namespace {

// Its size; the mask is set where the kind asks for one.
std::size_t write_header(char* to, const FrameKind& kind, std::size_t size, Mask& mask) {
  char* at = to;
  const auto put = [&at](std::uint64_t value, unsigned bytes) {
    while (bytes-- > 0)
      *at++ = static_cast<char>(value >> 8 * bytes);
  };
  const std::uint64_t mask_bit = kind.masked ? 0x80 : 0;
  put(0x80U | (kind.compressed ? 0x40U : 0U) | static_cast<unsigned>(kind.opcode), 1);
  if (size < 126) {
    put(mask_bit | size, 1);
  } else if (size <= 0xffff) {
    put(mask_bit | 126, 1);
    put(size, 2);
  } else {
    put(mask_bit | 127, 1);
    put(size, 8);
  }
  if (kind.masked) {
    arc4random_buf(&mask, sizeof mask);
    std::memcpy(at, &mask, sizeof mask);
    at += sizeof mask;
  }
  return static_cast<std::size_t>(at - to);
}

} // namespace

std::size_t write_frame(char* to, const FrameKind& kind, std::string_view data) {
  Mask mask = 0;
  const std::size_t header = write_header(to, kind, data.size(), mask);
  data.copy(to + header, data.size());
  if (kind.masked)
    apply_mask(mask, to + header, data.size());
  return header + data.size();
}

void append_frame(std::string& to, const FrameKind& kind, std::string_view data) {
  std::array<char, most_header> header;
  Mask mask = 0;
  const std::size_t size = write_header(header.data(), kind, data.size(), mask);
  to.reserve(to.size() + size + data.size());
  to.append(header.data(), size).append(data);
  if (kind.masked)
    apply_mask(mask, to.data() + to.size() - data.size(), data.size());
}

} // namespace grove::http::detail
