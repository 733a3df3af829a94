// SPDX-License-Identifier: MIT
// Url: where a request goes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace grove::http::detail {

struct Url {
  std::string scheme; // "http", "https", "ws", "wss"
  std::string host;   // without the brackets of an IPv6 address
  std::uint16_t port = 0;
  std::string target; // "/path?query"

  // std::invalid_argument names the text and what is wrong with it.
  static Url parse(std::string_view text);
  // What a Location field of an answer from here leads to.
  Url resolve(std::string_view location) const;

  bool secure() const { return scheme == "https" || scheme == "wss"; }
  std::string authority() const; // for Host: the port is left out where it is the scheme's own
  std::string origin() const;    // "https://host:port", always with the port
  std::string to_string() const { return scheme + "://" + authority() + target; }
};

} // namespace grove::http::detail
