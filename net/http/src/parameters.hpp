// SPDX-License-Identifier: MIT
// A value with parameters: `multipart/form-data; boundary="a b"`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace grove::http::detail {

struct Parameters {
  std::string_view value{};
  std::vector<std::pair<std::string_view, std::string>> list{}; // quoted ones without their quotes
};

// RFC 9110, 5.6.6. Nothing for a text that is not of that form. In quotes a backslash stands for
// itself, as browsers mean it, unless a quote or another backslash follows.
std::optional<Parameters> parse_parameters(std::string_view text);

} // namespace grove::http::detail
