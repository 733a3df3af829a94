// SPDX-License-Identifier: MIT
// Frames of WebSockets.
#include "websocket_frame.hpp"

#include <array>
#include <cstddef>
#include <cstdlib>

namespace grove::http::detail {

void append_frame(std::string& to, const FrameKind& kind, std::string_view data) {
  std::array<unsigned char, 14> header;
  std::size_t size = 0;
  const auto put = [&](std::uint64_t value, unsigned bytes) {
    while (bytes-- > 0)
      header[size++] = static_cast<unsigned char>(value >> 8 * bytes);
  };
  const std::uint64_t mask_bit = kind.masked ? 0x80 : 0;
  put(0x80U | (kind.compressed ? 0x40U : 0U) | kind.opcode, 1); // the last of its message
  if (data.size() < 126) {
    put(mask_bit | data.size(), 1);
  } else if (data.size() <= 0xffff) {
    put(mask_bit | 126, 1);
    put(data.size(), 2);
  } else {
    put(mask_bit | 127, 1);
    put(data.size(), 8);
  }
  const unsigned char* const mask = header.data() + size;
  if (kind.masked) {
    arc4random_buf(header.data() + size, 4);
    size += 4;
  }
  to.reserve(to.size() + size + data.size()); // all of it or, without memory, nothing
  to.append(reinterpret_cast<const char*>(header.data()), size);
  if (!kind.masked) {
    to.append(data);
    return;
  }
  for (std::size_t i = 0; i < data.size(); ++i)
    to += static_cast<char>(static_cast<unsigned char>(data[i]) ^ mask[i % 4]);
}

} // namespace grove::http::detail
