// SPDX-License-Identifier: MIT
// Deflater: messages, compressed one by one (RFC 7692, without context takeover).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace grove::http::detail {

// Holds no memory between messages.
class Deflater {
public:
  explicit Deflater(int window_bits) : window_bits_(window_bits) {}
  std::string compress(std::string_view data) const;
  // Empty, with the fault set, for what would be longer than the limit, or is no deflated message.
  enum class Fault { none, too_long, broken };
  static std::string decompress(std::string_view data, std::size_t limit, Fault& fault);

private:
  int window_bits_; // 9 to 15
};

} // namespace grove::http::detail
