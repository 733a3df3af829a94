// SPDX-License-Identifier: MIT
// Cookies.
#include <grove/http/cookie.hpp>

#include <algorithm>
#include <stdexcept>

#include "grammar.hpp"

namespace grove::http {

namespace {

// cookie-octet of RFC 6265, 4.1.1.
bool is_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c < 0x7f && c != '"' && c != ',' && c != ';' && c != '\\';
  });
}
bool is_attribute(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return detail::is_control(c) || c == ';'; });
}

} // namespace

std::string Cookie::to_string() const {
  const auto require = [&](bool holds, const char* what) {
    if (!holds)
      throw std::invalid_argument("grove: http: the cookie's " + std::string(what));
  };
  require(detail::is_token(name), "name is no token");
  require(is_value(value), "value has a character that it may not have; encode it");
  require(is_attribute(path), "path has a character that it may not have");
  require(is_attribute(domain), "domain has a character that it may not have");
  require(same_site != SameSite::none || secure, "SameSite is none, and it is not secure");
  std::string text = name + '=' + value;
  if (!path.empty())
    text += "; Path=" + path;
  if (!domain.empty())
    text += "; Domain=" + domain;
  if (max_age)
    text += "; Max-Age=" + std::to_string(max_age->count());
  if (secure)
    text += "; Secure";
  if (http_only)
    text += "; HttpOnly";
  switch (same_site) {
  case SameSite::strict:
    text += "; SameSite=Strict";
    break;
  case SameSite::lax:
    text += "; SameSite=Lax";
    break;
  case SameSite::none:
    text += "; SameSite=None";
    break;
  }
  return text;
}

std::optional<std::string_view> cookie_value(std::string_view cookies, std::string_view name) {
  while (!cookies.empty()) {
    const auto end = std::min(cookies.find(';'), cookies.size());
    const std::string_view pair = detail::trimmed(cookies.substr(0, end));
    cookies.remove_prefix(std::min(end + 1, cookies.size()));
    const auto equals = pair.find('=');
    if (equals == std::string_view::npos || pair.substr(0, equals) != name)
      continue;
    std::string_view value = pair.substr(equals + 1);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
      value = value.substr(1, value.size() - 2);
    return value;
  }
  return std::nullopt;
}

} // namespace grove::http
