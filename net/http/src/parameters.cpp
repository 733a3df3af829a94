// SPDX-License-Identifier: MIT
// Values with parameters.
#include "parameters.hpp"

#include <algorithm>

#include "grammar.hpp"

namespace grove::http::detail {

namespace {

void skip_blanks(std::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
}

std::string_view take_token(std::string_view& text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_token_char);
  const std::string_view token = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(token.size());
  return token;
}

// Behind the opening quote; false if there is no closing one.
bool take_quoted(std::string_view& text, std::string& into) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '"') {
      text.remove_prefix(at + 1);
      return true;
    }
    if (text[at] == '\\' && at + 1 < text.size() && (text[at + 1] == '"' || text[at + 1] == '\\'))
      ++at;
    into += text[at];
  }
  return false;
}

} // namespace

std::optional<Parameters> parse_parameters(std::string_view text) {
  Parameters found;
  found.value = trimmed(text.substr(0, text.find(';')));
  text.remove_prefix(std::min(text.find(';'), text.size()));
  while (!text.empty()) {
    text.remove_prefix(1); // ';'
    skip_blanks(text);
    const std::string_view name = take_token(text);
    if (name.empty() || !text.starts_with('='))
      return std::nullopt;
    text.remove_prefix(1);
    std::string value;
    if (text.starts_with('"')) {
      text.remove_prefix(1);
      if (!take_quoted(text, value))
        return std::nullopt;
    } else {
      value = take_token(text);
      if (value.empty())
        return std::nullopt;
    }
    found.list.emplace_back(name, std::move(value));
    skip_blanks(text);
    if (!text.empty() && text.front() != ';')
      return std::nullopt;
  }
  return found;
}

} // namespace grove::http::detail
