// SPDX-License-Identifier: MIT
// Base64, RFC 4648, section 4: with its padding, and nothing else than its characters.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace grove::http::detail {

std::string to_base64(std::string_view bytes);
std::optional<std::string> from_base64(std::string_view text); // nothing for what is none

} // namespace grove::http::detail
