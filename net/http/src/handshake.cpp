// SPDX-License-Identifier: MIT
// Opening handshakes.
#include "handshake.hpp"

#include <openssl/evp.h>

#include <array>
#include <cstdlib>
#include <new>

#include <grove/http/error.hpp>

#include "base64.hpp"
#include "grammar.hpp"

namespace grove::http::detail {

namespace {

std::string base64(const unsigned char* data, std::size_t size) {
  return to_base64({reinterpret_cast<const char*>(data), size});
}

// 16 bytes in base64.
bool is_key(std::string_view key) {
  if (key.size() != 24 || !key.ends_with("=="))
    return false;
  std::array<unsigned char, 18> bytes;
  return EVP_DecodeBlock(bytes.data(), reinterpret_cast<const unsigned char*>(key.data()), 24) ==
         18;
}

} // namespace

std::string accept_of(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr) != 1)
    throw std::bad_alloc();
  return base64(digest.data(), size);
}

std::string fresh_key() {
  std::array<unsigned char, 16> bytes;
  arc4random_buf(bytes.data(), bytes.size());
  return base64(bytes.data(), bytes.size());
}

std::string checked_key(const Request& request) {
  const Fields& fields = request.fields();
  if (request.method() != "GET" || request.head().minor_version == 0 ||
      !fields.lists("Connection", "Upgrade") || !fields.lists("Upgrade", "websocket"))
    throw Error(400, "this is for WebSockets: GET with Connection: Upgrade, Upgrade: websocket");
  if (fields.joined("Sec-WebSocket-Version") != "13")
    throw Error(426, "the version of WebSockets here is 13",
                {{"Upgrade", "websocket"}, {"Sec-WebSocket-Version", "13"}});
  const std::string key = fields.joined("Sec-WebSocket-Key");
  if (!is_key(key))
    throw Error(400, "Sec-WebSocket-Key is not 16 bytes in base64");
  return accept_of(key);
}

void check_origin(const Request& request, const std::vector<std::string>& allowed) {
  const auto origin = request.field("Origin");
  if (!origin)
    return;
  for (const std::string& each : allowed) {
    if (each == "*" || each == *origin)
      return;
  }
  if (allowed.empty()) {
    const auto scheme = origin->find("://");
    if (scheme != std::string_view::npos &&
        equals_ignoring_case(origin->substr(scheme + 3), request.host()))
      return;
  }
  throw Error(403, "pages of this origin may not open WebSockets here");
}

std::string chosen_protocol(const Fields& fields, const std::vector<std::string>& ours) {
  for (const std::string& protocol : ours) {
    if (fields.lists("Sec-WebSocket-Protocol", protocol))
      return protocol;
  }
  return {};
}

} // namespace grove::http::detail
