// SPDX-License-Identifier: MIT
// Z85 by libzmq's functions, which trust their input; hence the checks.
#include <grove/zmq/z85.hpp>

#include <zmq.h>

#include <cstdint>
#include <stdexcept>

namespace grove::zmq {

std::string z85_encode(std::span<const std::byte> bytes) {
  if (bytes.size() % 4 != 0) {
    throw std::invalid_argument("grove: z85_encode: " + std::to_string(bytes.size()) +
                                " bytes, not a multiple of four");
  }
  std::string text(bytes.size() / 4 * 5 + 1, '\0'); // it writes a NUL
  if (!bytes.empty())
    zmq_z85_encode(text.data(), reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  text.pop_back();
  return text;
}

std::vector<std::byte> z85_decode(std::string_view text) {
  static constexpr std::string_view alphabet = "0123456789abcdefghijklmnopqrstuvwxyz"
                                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
  if (text.size() % 5 != 0) {
    throw std::invalid_argument("grove: z85_decode: " + std::to_string(text.size()) +
                                " characters, not a multiple of five");
  }
  if (const std::size_t at = text.find_first_not_of(alphabet); at != std::string_view::npos) {
    throw std::invalid_argument("grove: z85_decode: character " + std::to_string(at + 1) +
                                " is none of Z85");
  }
  std::vector<std::byte> bytes(text.size() / 5 * 4);
  const std::string terminated(text);
  if (!bytes.empty() && zmq_z85_decode(reinterpret_cast<std::uint8_t*>(bytes.data()),
                                       terminated.c_str()) == nullptr) {
    throw std::invalid_argument("grove: z85_decode: five characters stand for more than four "
                                "bytes can hold");
  }
  return bytes;
}

} // namespace grove::zmq
