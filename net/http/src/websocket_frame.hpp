// SPDX-License-Identifier: MIT
// Frames of WebSockets as bytes: RFC 6455, 5.2.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace grove::http::detail {

struct FrameKind {
  std::uint8_t opcode;
  bool compressed; // RSV1: RFC 7692, 6
  bool masked;     // what a client sends must be
};

// A whole message in one frame. wslay would copy it twice; it frames what it answers of itself.
void append_frame(std::string& to, const FrameKind& kind, std::string_view data);

} // namespace grove::http::detail
