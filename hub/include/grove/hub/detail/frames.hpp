// SPDX-License-Identifier: MIT
// Frames: messages in a stream of bytes, each behind its length.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace grove {

// What came is no message: longer than the limit, or cut short.
class MessageError : public std::runtime_error {
  using runtime_error::runtime_error;
};

} // namespace grove

namespace grove::detail {

// Four bytes, the highest first, before each message.
inline constexpr std::size_t frame_head_size = 4;
inline std::array<char, frame_head_size> frame_head(std::size_t size) {
  std::array<char, frame_head_size> head{};
  for (std::size_t i = 0; i < frame_head_size; ++i)
    head[i] = static_cast<char>(size >> (8 * (frame_head_size - 1 - i)) & 0xff);
  return head;
}

// Puts messages together again, from pieces of any size. Memory is taken for what has come, not for
// what a length promises.
class FrameReader {
public:
  explicit FrameReader(std::size_t largest) : largest_(largest) {}

  // After this to add so many bytes takes no memory: to be called before they are taken from where
  // they come from.
  void make_room(std::size_t size) {
    if (at_ != 0 && at_ >= bytes_.size() / 2) {
      bytes_.erase(0, at_);
      at_ = 0;
    }
    if (bytes_.capacity() - bytes_.size() < size)
      bytes_.reserve(std::max(bytes_.size() + size, 2 * bytes_.capacity()));
  }
  void add(std::string_view bytes) { bytes_.append(bytes); }
  // The next whole message. MessageError for a length above the largest; from then on always.
  std::optional<std::string> next() {
    if (rest() < frame_head_size)
      return std::nullopt;
    const std::size_t size = size_of_next();
    if (size > largest_) {
      throw MessageError("grove: MessagePipe: a message of " + std::to_string(size) +
                         " bytes has come; the limit is " + std::to_string(largest_));
    }
    if (rest() - frame_head_size < size)
      return std::nullopt;
    std::string message = bytes_.substr(at_ + frame_head_size, size);
    at_ += frame_head_size + size;
    return message;
  }
  // Nothing more will come. MessageError within a message.
  void end() const {
    if (rest() != 0) {
      throw MessageError("grove: MessagePipe: the other side has ended within a message, " +
                         std::to_string(rest()) + " bytes into it");
    }
  }
  std::size_t rest() const { return bytes_.size() - at_; }

private:
  std::size_t size_of_next() const {
    std::size_t size = 0;
    for (std::size_t i = 0; i < frame_head_size; ++i)
      size = size << 8 | static_cast<std::uint8_t>(bytes_[at_ + i]);
    return size;
  }
  std::size_t largest_;
  std::string bytes_;
  std::size_t at_ = 0; // taken already
};

} // namespace grove::detail
