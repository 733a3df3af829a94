// SPDX-License-Identifier: MIT
// Z85: bytes as text without quotes or backslashes, as ZeroMQ writes keys (RFC 32).
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace grove::zmq {

// Five characters for four bytes. Any thread; never waits. std::invalid_argument unless the number
// of bytes is a multiple of four.
std::string z85_encode(std::span<const std::byte> bytes);

// The bytes that were encoded. std::invalid_argument, which tells what is wrong and not the text,
// unless the length is a multiple of five and each group of five is one that z85_encode() writes.
std::vector<std::byte> z85_decode(std::string_view text);

} // namespace grove::zmq
