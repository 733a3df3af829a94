// SPDX-License-Identifier: MIT
// Whether bytes are UTF-8: RFC 3629.
#pragma once

#include <cstddef>
#include <string_view>

namespace grove::http::detail {

inline bool is_utf8(std::string_view text) {
  std::size_t at = 0;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  while (at < text.size()) {
    const unsigned first = byte(at);
    if (first < 0x80) {
      ++at;
      continue;
    }
    const std::size_t more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    if (first < 0xc2 || first > 0xf4 || at + more >= text.size())
      return false;
    unsigned low = 0x80;
    unsigned high = 0xbf;
    if (first == 0xe0)
      low = 0xa0; // longer than needed
    else if (first == 0xed)
      high = 0x9f; // surrogates
    else if (first == 0xf0)
      low = 0x90;
    else if (first == 0xf4)
      high = 0x8f; // beyond U+10FFFF
    if (byte(at + 1) < low || byte(at + 1) > high)
      return false;
    for (std::size_t i = 2; i <= more; ++i) {
      if ((byte(at + i) & 0xc0) != 0x80)
        return false;
    }
    at += more + 1;
  }
  return true;
}

} // namespace grove::http::detail
