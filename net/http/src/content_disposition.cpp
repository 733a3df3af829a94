// SPDX-License-Identifier: MIT
// The names of a form's parts.
#include "content_disposition.hpp"

#include <grove/http/fields.hpp>

#include "parameters.hpp"

namespace grove::http::detail {

namespace {

std::string unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::string_view three = text.substr(at, 3);
    const char stands_for = three == "%22"                     ? '"'
                            : three == "%0D" || three == "%0d" ? '\r'
                            : three == "%0A" || three == "%0a" ? '\n'
                                                               : '\0';
    plain += stands_for != '\0' ? stands_for : text[at];
    if (stands_for != '\0')
      at += 2;
  }
  return plain;
}

} // namespace

std::optional<FormNames> parse_form_disposition(std::string_view text) {
  const auto parameters = parse_parameters(text);
  if (!parameters || !equals_ignoring_case(parameters->value, "form-data"))
    return std::nullopt;
  std::optional<std::string> name;
  std::optional<std::string> file_name;
  for (const auto& [key, value] : parameters->list) {
    const bool is_name = equals_ignoring_case(key, "name");
    if (!is_name && !equals_ignoring_case(key, "filename")) {
      if (key.ends_with('*')) // RFC 7578, 4.2: must not be; and which of two would count?
        return std::nullopt;
      continue;
    }
    auto& place = is_name ? name : file_name;
    if (place)
      return std::nullopt;
    place = unescaped(value);
  }
  if (!name)
    return std::nullopt;
  return FormNames{*std::move(name), std::move(file_name)};
}

} // namespace grove::http::detail
