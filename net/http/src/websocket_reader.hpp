// SPDX-License-Identifier: MIT
// WebSocketReader: from the bytes of one side to its messages (RFC 6455, section 5).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "utf8.hpp"
#include "websocket_frame.hpp"

namespace grove::http::detail {

// What was read: `data` is valid until the next call, and lies in what was given to that one or in
// the reader.
struct WebSocketEvent {
  enum class Kind : std::uint8_t {
    nothing, // as yet: all was taken
    message,
    ping,
    pong,
    close, // with this code
    fault  // likewise: of what is to be said to the peer; nothing is read after it
  };
  Kind kind;
  bool is_text = false; // and UTF-8 then, unless it is compressed
  bool compressed = false;
  std::uint16_t code = 0;
  std::string_view data{}; // of a close: the reason
};

// Takes bytes as they come, and keeps those of a message of which some are missing: as many as were
// received, whatever its header says.
class WebSocketReader {
public:
  struct Limits {
    std::size_t message; // bytes
    std::size_t fragments;
  };
  // Reads what a `from` sends.
  WebSocketReader(Side from, bool compression, const Limits& limits)
      : masked_(from == Side::client), compression_(compression), limits_(limits) {}

  // The next of what is in the input, of which it takes as much. The bytes are unmasked in place.
  WebSocketEvent next(std::span<char>& input);
  // The data of the message that next() has just told of.
  std::string take(std::string_view data);
  // Its memory is not needed any more, nor taken.
  void forget() { gathered_ = {}; }

private:
  using Event = WebSocketEvent;
  static Event fault(std::uint16_t code) { return {.kind = Event::Kind::fault, .code = code}; }
  std::optional<std::string_view> short_message(std::span<char>& input);
  bool read_header(std::span<char>& input, std::uint16_t& fault);
  std::uint16_t begin_frame(std::span<const unsigned char> header);
  std::uint16_t check_kind(unsigned first, unsigned second) const;
  Event end_of_control(std::string_view data) const;
  Event end_of_message(std::string_view data);

  // What a message in one frame needs comes first.
  std::uint64_t left_ = 0; // of the frame's data
  Mask mask_ = 0;
  const bool masked_, compression_;
  bool in_frame_ = false;
  bool last_ = false;            // fragment of its message
  Opcode opcode_{};              // of the frame
  Opcode message_{};             // of the message under way; continuation when there is none
  bool compressed_ = false;      // likewise
  std::uint8_t header_size_ = 0; // of one that came in pieces
  Utf8Check text_;
  std::size_t fragments_ = 0;
  Limits limits_;
  std::string gathered_; // of the message
  std::string control_;  // of a control frame
  std::array<unsigned char, most_header> header_{};
};

} // namespace grove::http::detail
