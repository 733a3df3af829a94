// SPDX-License-Identifier: MIT
// Whether bytes are UTF-8: RFC 3629.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace grove::http::detail {

// Utf8Check looks at a text that comes in pieces, and is wrong from the first byte on that cannot
// be part of one.
class Utf8Check {
public:
  // False: it never will be UTF-8.
  bool add(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size()) {
      if (left_ == 0) {
        at = past_ascii(text, at);
        if (at == text.size())
          break;
        if (!begin(static_cast<unsigned char>(text[at++])))
          return false;
      } else {
        const auto byte = static_cast<unsigned char>(text[at++]);
        if (byte < low_ || byte > high_)
          return false;
        low_ = 0x80;
        high_ = 0xbf;
        --left_;
      }
    }
    return true;
  }
  // No character is cut off.
  bool complete() const { return left_ == 0; }

private:
  static std::size_t past_ascii(std::string_view text, std::size_t at) {
    for (std::uint64_t eight = 0; at + sizeof eight <= text.size(); at += sizeof eight) {
      std::memcpy(&eight, text.data() + at, sizeof eight);
      if ((eight & 0x8080808080808080) != 0)
        break;
    }
    while (at < text.size() && static_cast<unsigned char>(text[at]) < 0x80)
      ++at;
    return at;
  }
  bool begin(unsigned char first) {
    if (first < 0xc2 || first > 0xf4)
      return false;
    left_ = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    if (first == 0xe0)
      low_ = 0xa0; // longer than needed
    else if (first == 0xed)
      high_ = 0x9f; // surrogates
    else if (first == 0xf0)
      low_ = 0x90;
    else if (first == 0xf4)
      high_ = 0x8f; // beyond U+10FFFF
    return true;
  }
  std::uint8_t left_ = 0; // of the character that has begun
  std::uint8_t low_ = 0x80, high_ = 0xbf;
};

inline bool is_utf8(std::string_view text) {
  Utf8Check check;
  return check.add(text) && check.complete();
}

} // namespace grove::http::detail
