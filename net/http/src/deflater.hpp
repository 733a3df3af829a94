// SPDX-License-Identifier: MIT
// Messages, compressed one by one (RFC 7692, without context takeover).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace grove::http::detail {

// No memory is held for a connection: a thread has one compressor and one decompressor for all. The
// window is of 2^bits bytes, 8 to 15.
std::string compress_message(std::string_view data, int window_bits);

// Empty, with the fault set, for what would be longer than the limit, or is no deflated message.
enum class InflateFault : std::uint8_t { none, too_long, broken };
std::string decompress_message(std::string_view data, int window_bits, std::size_t limit,
                               InflateFault& fault);

} // namespace grove::http::detail
