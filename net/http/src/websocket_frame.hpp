// SPDX-License-Identifier: MIT
// Frames of WebSockets as bytes: RFC 6455, 5.2 and 5.3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace grove::http::detail {

enum class Side : std::uint8_t { server, client };

enum class Opcode : std::uint8_t {
  continuation = 0,
  text = 1,
  binary = 2,
  close = 8,
  ping = 9,
  pong = 10
};
constexpr bool is_control(Opcode opcode) { return static_cast<std::uint8_t>(opcode) >= 8; }

namespace close_code {
inline constexpr std::uint16_t protocol_error = 1002;
inline constexpr std::uint16_t none = 1005;     // stands in no frame
inline constexpr std::uint16_t abnormal = 1006; // nor does this
inline constexpr std::uint16_t bad_data = 1007;
inline constexpr std::uint16_t policy = 1008;
inline constexpr std::uint16_t too_big = 1009;
inline constexpr std::uint16_t internal_error = 1011;
} // namespace close_code

// RFC 6455, 7.4, and the register of IANA: those that may stand in a frame.
constexpr bool is_close_code(std::uint16_t code) {
  return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
         (code >= 3000 && code <= 4999);
}

inline constexpr std::size_t most_header = 14;
inline constexpr std::size_t most_control = 125; // of a control frame's data

struct FrameKind {
  Opcode opcode;
  bool compressed; // RSV1: RFC 7692, 6
  bool masked;     // what a client sends must be
};

// A whole message in one frame, to where there is room for it and most_header; its size.
std::size_t write_frame(char* to, const FrameKind& kind, std::string_view data);
// The same at the end of a text: all of it or, without memory, nothing.
void append_frame(std::string& to, const FrameKind& kind, std::string_view data);

// Four bytes in the order in which they are applied.
using Mask = std::uint32_t;
// Applies it, from the first byte on, and gives what the next piece of the frame is masked with.
Mask apply_mask(Mask mask, char* data, std::size_t size);

} // namespace grove::http::detail
