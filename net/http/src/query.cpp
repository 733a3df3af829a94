// SPDX-License-Identifier: MIT
// Queries, forms and percent-encoding.
#include <grove/http/query.hpp>

#include <stdexcept>

#include "grammar.hpp"

namespace grove::http {

namespace {

int hex_value(char c) {
  if (detail::is_digit(c))
    return c - '0';
  const char low = detail::lower(c);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

// The byte of the '%XX' that begins there; -1 for a broken one.
int escaped(std::string_view text, std::size_t at) {
  if (at + 2 >= text.size())
    return -1;
  const int high = hex_value(text[at + 1]);
  const int low = hex_value(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

std::string form_decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    const int byte = text[at] == '%' ? escaped(text, at) : -1;
    if (byte >= 0) {
      decoded += static_cast<char>(byte);
      at += 2;
    } else {
      decoded += text[at] == '+' ? ' ' : text[at];
    }
  }
  return decoded;
}

bool is_unreserved(char c) {
  const char low = detail::lower(c);
  return detail::is_digit(c) || (low >= 'a' && low <= 'z') || c == '-' || c == '.' || c == '_' ||
         c == '~';
}

} // namespace

std::optional<std::string> percent_decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      decoded += text[at];
      continue;
    }
    const int byte = escaped(text, at);
    if (byte < 0)
      return std::nullopt;
    decoded += static_cast<char>(byte);
    at += 2;
  }
  return decoded;
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    if (is_unreserved(c)) {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded += '%';
      encoded += digits[byte >> 4];
      encoded += digits[byte & 15];
    }
  }
  return encoded;
}

Query Query::parse(std::string_view text, std::size_t max_pairs) {
  Query query;
  while (!text.empty()) {
    const auto end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty())
      continue;
    if (query.size() == max_pairs)
      throw std::length_error("grove: http: a query of more than " + std::to_string(max_pairs) +
                              " pairs");
    const auto equals = std::min(pair.find('='), pair.size());
    query.add(form_decode(pair.substr(0, equals)),
              form_decode(pair.substr(std::min(equals + 1, pair.size()))));
  }
  return query;
}

std::optional<std::string_view> Query::get(std::string_view name) const {
  for (const auto& [key, value] : pairs_) {
    if (key == name)
      return value;
  }
  return std::nullopt;
}

std::vector<std::string_view> Query::get_all(std::string_view name) const {
  std::vector<std::string_view> all;
  for (const auto& [key, value] : pairs_) {
    if (key == name)
      all.emplace_back(value);
  }
  return all;
}

std::string Query::to_string() const {
  std::string text;
  for (const auto& [key, value] : pairs_) {
    if (!text.empty())
      text += '&';
    text += percent_encode(key) + '=' + percent_encode(value);
  }
  return text;
}

} // namespace grove::http
