// SPDX-License-Identifier: MIT
// Dates.
#include "date.hpp"

#include <array>
#include <cstddef>

namespace grove::http::detail {

namespace {

// Not strftime(): that writes in the language of the locale.
constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void append_two(std::string& text, int number) {
  text += static_cast<char>('0' + number / 10 % 10);
  text += static_cast<char>('0' + number % 10);
}

} // namespace

std::string http_date(std::time_t when) {
  std::tm parts{};
  gmtime_r(&when, &parts);
  std::string text = days[static_cast<std::size_t>(parts.tm_wday)];
  text += ", ";
  append_two(text, parts.tm_mday);
  text += ' ';
  text += months[static_cast<std::size_t>(parts.tm_mon)];
  text += ' ' + std::to_string(parts.tm_year + 1900) + ' ';
  append_two(text, parts.tm_hour);
  text += ':';
  append_two(text, parts.tm_min);
  text += ':';
  append_two(text, parts.tm_sec);
  return text += " GMT";
}

std::string_view date_field_now() {
  thread_local std::time_t written = -1;
  thread_local std::string text;
  timespec now{};
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  if (now.tv_sec != written) {
    text = "Date: " + http_date(now.tv_sec) + "\r\n";
    written = now.tv_sec;
  }
  return text;
}

std::optional<std::time_t> parse_http_date(std::string_view text) {
  const std::string copy(text);
  for (const char* form :
       {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"}) {
    std::tm parts{};
    const char* const end = strptime(copy.c_str(), form, &parts);
    if (end != nullptr && *end == '\0')
      return timegm(&parts);
  }
  return std::nullopt;
}

} // namespace grove::http::detail
