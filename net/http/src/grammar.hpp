// SPDX-License-Identifier: MIT
// The characters of RFC 9110 and 9112.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace grove::http::detail {

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
constexpr bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

// A set of characters, to look each of a text up in.
class CharacterSet {
public:
  template <class Test>
  constexpr explicit CharacterSet(Test test) {
    for (unsigned c = 0; c < has_.size(); ++c)
      has_[c] = test(static_cast<char>(static_cast<unsigned char>(c)));
  }
  constexpr bool has(char c) const { return has_[static_cast<unsigned char>(c)]; }
  constexpr bool has_all_of(std::string_view text) const {
    return std::all_of(text.begin(), text.end(), [this](char c) { return has(c); });
  }

private:
  std::array<bool, 256> has_{};
};

// RFC 9110, 5.6.2.
inline constexpr CharacterSet in_token([](char c) {
  return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
});
constexpr bool is_token_char(char c) { return in_token.has(c); }
constexpr bool is_token(std::string_view text) {
  return !text.empty() && in_token.has_all_of(text);
}
// RFC 9110, 5.5: text of any encoding, and tabs.
inline constexpr CharacterSet in_field_value([](char c) { return !is_control(c) || c == '\t'; });
inline bool is_field_value(std::string_view text) {
  constexpr std::uint64_t ones = ~std::uint64_t{0} / 0xff; // 1 in each byte
  std::uint64_t eight = 0;
  for (; text.size() >= sizeof eight; text.remove_prefix(sizeof eight)) {
    std::memcpy(&eight, text.data(), sizeof eight);
    // Bytes below blanks set their high bits, and DEL, perhaps beside others that are none.
    const std::uint64_t below = (eight - ones * ' ') & ~eight;
    const std::uint64_t deleted = (eight ^ ones * 0x7f) - ones;
    if (((below | deleted) & ones * 0x80) != 0 &&
        !in_field_value.has_all_of(text.substr(0, sizeof eight)))
      return false;
  }
  return in_field_value.has_all_of(text);
}
constexpr std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && blank(text.back()))
    text.remove_suffix(1);
  return text;
}

// The parts between separators, trimmed; quoted text must not occur.
inline std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto end = std::min(text.find(separator), text.size());
    parts.push_back(trimmed(text.substr(0, end)));
    if (end == text.size())
      return parts;
    text.remove_prefix(end + 1);
  }
}

} // namespace grove::http::detail
