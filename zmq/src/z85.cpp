// SPDX-License-Identifier: MIT
// Z85: encoding by libzmq's function, which trusts its input; decoding by hand.
#include <grove/zmq/z85.hpp>

#include <zmq.h>

#include <cstdint>
#include <cstring>
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

// By hand, so that no copy is left behind: the text may be a secret.
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
  std::vector<std::byte> bytes;
  bytes.reserve(text.size() / 5 * 4);
  for (; !text.empty(); text.remove_prefix(5)) {
    std::uint64_t value = 0;
    for (const char digit : text.substr(0, 5))
      value = value * alphabet.size() + alphabet.find(digit);
    if (value > UINT32_MAX) {
      ::explicit_bzero(bytes.data(), bytes.size());
      throw std::invalid_argument("grove: z85_decode: five characters stand for more than four "
                                  "bytes can hold");
    }
    for (const int shift : {24, 16, 8, 0})
      bytes.push_back(static_cast<std::byte>(value >> shift));
  }
  return bytes;
}

} // namespace grove::zmq
