// SPDX-License-Identifier: MIT
// What a part of a form is called.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace grove::http::detail {

struct FormNames {
  std::string name{};
  std::optional<std::string> file_name{};
};

// `form-data; name="a"; filename="b"`; nothing for another text. As browsers write it (the HTML
// standard): %22, %0D and %0A stand for a quote and the ends of lines, no other escape for
// anything.
std::optional<FormNames> parse_form_disposition(std::string_view text);

} // namespace grove::http::detail
