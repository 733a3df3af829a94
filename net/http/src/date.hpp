// SPDX-License-Identifier: MIT
// Dates as HTTP writes them: RFC 9110, 5.6.7.
#pragma once

#include <ctime>
#include <optional>
#include <string>
#include <string_view>

namespace grove::http::detail {

// The field Date of this moment with its line's end, written once a second for each thread.
std::string_view date_field_now();
std::string http_date(std::time_t when);
// "Sun, 06 Nov 1994 08:49:37 GMT", and the two older forms; nothing for anything else.
std::optional<std::time_t> parse_http_date(std::string_view text);

} // namespace grove::http::detail
