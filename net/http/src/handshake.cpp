// SPDX-License-Identifier: MIT
// Opening handshakes.
#include "handshake.hpp"

#include <openssl/evp.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <new>
#include <optional>

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

namespace {

// One offer: RFC 7692, 7.1. Nothing if it has what we cannot, or what is no parameter of it.
std::optional<std::string> answer_to(const std::vector<std::string_view>& offer,
                                     Agreement& agreement) {
  std::string answer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
  std::vector<std::string_view> seen;
  int bits = 15;
  for (std::size_t i = 1; i < offer.size(); ++i) {
    const auto equals = offer[i].find('=');
    const std::string_view name = trimmed(offer[i].substr(0, equals));
    std::string_view value = equals == std::string_view::npos
                                 ? std::string_view()
                                 : trimmed(offer[i].substr(equals + 1));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
      value = value.substr(1, value.size() - 2);
    if (std::find(seen.begin(), seen.end(), name) != seen.end())
      return std::nullopt;
    seen.push_back(name);
    if (name == "server_no_context_takeover" || name == "client_no_context_takeover") {
      if (equals != std::string_view::npos)
        return std::nullopt;
    } else if (name == "server_max_window_bits" || name == "client_max_window_bits") {
      if (equals == std::string_view::npos && name == "client_max_window_bits")
        continue; // it would obey; ours is the largest
      int number = 0;
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
      if (error != std::errc() || end != value.data() + value.size() || value.front() == '0' ||
          number < 8 || number > 15)
        return std::nullopt;
      if (name == "server_max_window_bits") {
        if (number == 8) // zlib cannot
          return std::nullopt;
        bits = number;
        answer += "; server_max_window_bits=" + std::to_string(number);
      }
    } else {
      return std::nullopt;
    }
  }
  agreement.deflate = true;
  agreement.our_window_bits = bits;
  return answer;
}

} // namespace

std::string accept_deflate(const Fields& fields, Agreement& agreement) {
  const std::string offers = fields.joined("Sec-WebSocket-Extensions");
  for (const std::string_view offer : split(offers, ',')) {
    const auto parts = split(offer, ';');
    if (parts.front() != "permessage-deflate")
      continue;
    if (auto answer = answer_to(parts, agreement))
      return *std::move(answer);
  }
  return {};
}

bool takes_deflate(const Fields& fields, Agreement& agreement) {
  const std::string text = fields.joined("Sec-WebSocket-Extensions");
  const auto parts = split(text, ';');
  if (parts.front() != "permessage-deflate" || text.find(',') != std::string::npos)
    return false;
  bool resets = false;
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (parts[i] == "server_no_context_takeover")
      resets = true;
    else if (parts[i] != "client_no_context_takeover" &&
             !parts[i].starts_with("server_max_window_bits="))
      return false;
  }
  agreement.deflate = resets; // else it would count on what it sent before
  return resets;
}

} // namespace grove::http::detail
