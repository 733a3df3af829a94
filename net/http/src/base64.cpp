// SPDX-License-Identifier: MIT
// Base64, by OpenSSL.
#include "base64.hpp"

#include <openssl/evp.h>

#include <cstddef>

namespace grove::http::detail {

std::string to_base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0'); // EVP_EncodeBlock ends it with a NUL
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                  reinterpret_cast<const unsigned char*>(bytes.data()),
                  static_cast<int>(bytes.size()));
  text.pop_back();
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  std::string bytes(text.size() / 4 * 3, '\0');
  // EVP_DecodeBlock passes blanks over, and gives zeros for the padding.
  if (text.size() % 4 != 0 || text.find_first_of(" \t\r\n") != std::string_view::npos ||
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                      reinterpret_cast<const unsigned char*>(text.data()),
                      static_cast<int>(text.size())) != static_cast<int>(bytes.size()))
    return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  bytes.resize(bytes.size() - padding);
  if (to_base64(bytes) != text) // padding in the middle, bits beyond the end
    return std::nullopt;
  return bytes;
}

} // namespace grove::http::detail
