// SPDX-License-Identifier: MIT
// Frames that are read.
#include "websocket_reader.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace grove::http::detail {

namespace {

// How long a header is that begins so.
std::size_t size_of_header(unsigned second) {
  const unsigned size = second & 0x7f;
  return (size == 127 ? 10U : size == 126 ? 4U : 2U) + ((second & 0x80) != 0 ? 4U : 0U);
}

bool is_known(Opcode opcode) {
  return opcode <= Opcode::binary || (opcode >= Opcode::close && opcode <= Opcode::pong);
}

} // namespace

// The short way of what is most frequent: a short message, whole, in one frame.
std::optional<std::string_view> WebSocketReader::short_message(std::span<char>& input) {
  if (in_frame_ || header_size_ != 0 || message_ != Opcode::continuation || input.size() < 2)
    return std::nullopt;
  const auto first = static_cast<unsigned char>(input[0]);
  const unsigned size = static_cast<unsigned char>(input[1]) ^ (masked_ ? 0x80U : 0U);
  const std::size_t begin = masked_ ? 6 : 2;
  if ((first != 0x81 && first != 0x82) || size > 125 || size > limits_.message ||
      input.size() < begin + size)
    return std::nullopt;
  char* const data = input.data() + begin;
  if (masked_) {
    Mask mask = 0;
    std::memcpy(&mask, input.data() + 2, sizeof mask);
    apply_mask(mask, data, size);
  }
  input = input.subspan(begin + size);
  return std::string_view(data, size);
}

WebSocketEvent WebSocketReader::next(std::span<char>& input) {
  const bool is_text = !input.empty() && input[0] == '\x81';
  if (const auto data = short_message(input)) {
    if (is_text && !is_utf8(*data))
      return fault(close_code::bad_data);
    return {.kind = Event::Kind::message, .is_text = is_text, .data = *data};
  }
  while (true) {
    if (!in_frame_) {
      std::uint16_t wrong = 0;
      if (!read_header(input, wrong))
        return wrong != 0 ? fault(wrong) : Event{Event::Kind::nothing};
    }
    const std::size_t size = std::min<std::uint64_t>(left_, input.size());
    const std::string_view part(input.data(), size);
    if (masked_)
      mask_ = apply_mask(mask_, input.data(), size);
    input = input.subspan(size);
    left_ -= size;
    in_frame_ = left_ != 0;
    if (is_control(opcode_)) {
      if (!in_frame_ && control_.empty())
        return end_of_control(part);
      control_ += part;
      if (!in_frame_)
        return end_of_control(control_);
    } else {
      if (message_ == Opcode::text && !compressed_ && !text_.add(part))
        return fault(close_code::bad_data);
      if (!in_frame_ && last_ && gathered_.empty())
        return end_of_message(part);
      gathered_ += part;
      if (!in_frame_ && last_)
        return end_of_message(gathered_);
    }
    if (in_frame_)
      return {Event::Kind::nothing};
  }
}

std::string WebSocketReader::take(std::string_view data) {
  return data.data() == gathered_.data() ? std::exchange(gathered_, {}) : std::string(data);
}

// -- headers -------------------------------------------------------------------------------------

// False, without a fault, when some of it is missing.
bool WebSocketReader::read_header(std::span<char>& input, std::uint16_t& fault) {
  if (header_size_ == 0 && input.size() >= 2) {
    const auto* const bytes = reinterpret_cast<const unsigned char*>(input.data());
    const std::size_t size = size_of_header(bytes[1]);
    if (input.size() >= size) {
      fault = check_kind(bytes[0], bytes[1]);
      if (fault == 0)
        fault = begin_frame({bytes, size});
      input = input.subspan(size);
      return fault == 0;
    }
  }
  while (true) {
    const std::size_t wanted = header_size_ < 2 ? 2 : size_of_header(header_[1]);
    const std::size_t part = std::min(wanted - header_size_, input.size());
    std::memcpy(header_.data() + header_size_, input.data(), part);
    header_size_ = static_cast<std::uint8_t>(header_size_ + part);
    input = input.subspan(part);
    if (header_size_ < wanted)
      return false;
    if (wanted == 2)
      fault = check_kind(header_[0], header_[1]);
    if (fault != 0)
      return false;
    if (wanted == size_of_header(header_[1]))
      break;
  }
  fault = begin_frame({header_.data(), std::exchange(header_size_, std::uint8_t{0})});
  return fault == 0;
}

// What the first two bytes say.
std::uint16_t WebSocketReader::check_kind(unsigned first, unsigned second) const {
  const auto opcode = static_cast<Opcode>(first & 0x0f);
  const unsigned reserved = first & 0x70;
  const bool last = (first & 0x80) != 0;
  const unsigned size = second & 0x7f;
  if (!is_known(opcode) || ((second & 0x80) != 0) != masked_)
    return close_code::protocol_error;
  if (reserved != 0) { // RFC 7692, 6: on the first frame of a message
    const bool begins = opcode == Opcode::text || opcode == Opcode::binary;
    if (reserved != 0x40 || !compression_ || !begins)
      return close_code::protocol_error;
  }
  if (is_control(opcode)) {
    const bool half_a_code = opcode == Opcode::close && size == 1;
    return !last || size > most_control || half_a_code ? close_code::protocol_error : 0;
  }
  if ((opcode == Opcode::continuation) != (message_ != Opcode::continuation))
    return close_code::protocol_error;
  return opcode == Opcode::continuation && fragments_ >= limits_.fragments ? close_code::policy : 0;
}

// Of a whole header, whose first bytes are right.
std::uint16_t WebSocketReader::begin_frame(std::span<const unsigned char> header) {
  const std::size_t end = header.size() - (masked_ ? sizeof mask_ : 0);
  std::uint64_t size = header[1] & 0x7f;
  if (end > 2) {
    size = 0;
    for (const unsigned char byte : header.subspan(2, end - 2))
      size = size << 8 | byte;
    if (size < (end == 4 ? 126U : 0x10000U) || size >> 63 != 0)
      return close_code::protocol_error; // not in the fewest bytes, or more than there may be
  }
  opcode_ = static_cast<Opcode>(header[0] & 0x0f);
  if (!is_control(opcode_)) {
    if (size > limits_.message - gathered_.size())
      return close_code::too_big;
    if (opcode_ != Opcode::continuation) {
      message_ = opcode_;
      compressed_ = (header[0] & 0x40) != 0;
      fragments_ = 0;
      gathered_.clear();
      text_ = {};
    }
    ++fragments_;
    last_ = (header[0] & 0x80) != 0;
  } else {
    control_.clear();
  }
  left_ = size;
  in_frame_ = true;
  if (masked_)
    std::memcpy(&mask_, header.data() + end, sizeof mask_);
  return 0;
}

// -- what they come to --------------------------------------------------------------------------

WebSocketEvent WebSocketReader::end_of_control(std::string_view data) const {
  if (opcode_ == Opcode::ping)
    return {.kind = Event::Kind::ping, .data = data};
  if (opcode_ == Opcode::pong)
    return {.kind = Event::Kind::pong, .data = data};
  if (data.empty())
    return {.kind = Event::Kind::close, .code = close_code::none};
  const auto code = static_cast<std::uint16_t>(static_cast<unsigned char>(data[0]) << 8 |
                                               static_cast<unsigned char>(data[1]));
  if (!is_close_code(code))
    return fault(close_code::protocol_error);
  if (!is_utf8(data.substr(2)))
    return fault(close_code::bad_data);
  return {.kind = Event::Kind::close, .code = code, .data = data.substr(2)};
}

WebSocketEvent WebSocketReader::end_of_message(std::string_view data) {
  const bool is_text = std::exchange(message_, Opcode::continuation) == Opcode::text;
  if (is_text && !compressed_ && !text_.complete())
    return fault(close_code::bad_data);
  return {
      .kind = Event::Kind::message, .is_text = is_text, .compressed = compressed_, .data = data};
}

} // namespace grove::http::detail
