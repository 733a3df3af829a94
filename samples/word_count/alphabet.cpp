// SPDX-License-Identifier: MIT
// The three alphabets.
#include "alphabet.hpp"

#include <stdexcept>
#include <string>

namespace word_count {

Alphabet::Alphabet(std::string_view name) {
  // By hand: the functions of <cctype> obey the locale.
  const auto is_alpha = [](int c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto is_digit = [](int c) { return c >= '0' && c <= '9'; };
  const auto is_space = [](int c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  for (int c = 0; c <= UCHAR_MAX; ++c) {
    bool& member = members_[static_cast<std::size_t>(c)];
    if (name == "alnum")
      member = is_alpha(c) || is_digit(c);
    else if (name == "alpha")
      member = is_alpha(c);
    else if (name == "space")
      member = !is_space(c);
    else
      throw std::invalid_argument("no such kind of words: " + std::string(name));
  }
}

} // namespace word_count
