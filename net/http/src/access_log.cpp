// SPDX-License-Identifier: MIT
// Access logs.
#include <grove/http/access_log.hpp>

#include <fmt/format.h>

#include <ctime>
#include <iterator>

#include "grammar.hpp"

namespace grove::http {

namespace {

// As nginx does: whatever is no visible ASCII, quotes and backslashes as \xXX.
void append_escaped(std::string& line, std::string_view text) {
  if (text.empty()) {
    line += '-';
    return;
  }
  for (const char c : text) {
    if (detail::is_control(c) || c == '"' || c == '\\' || static_cast<unsigned char>(c) >= 0x80)
      fmt::format_to(std::back_inserter(line), "\\x{:02X}", static_cast<unsigned char>(c));
    else
      line += c;
  }
}

// RFC 8259, 7. Bytes that are no ASCII are taken for Latin-1, so that the line is always UTF-8.
void append_json(std::string& line, std::string_view text) {
  line += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else if (detail::is_control(c) || byte >= 0x80) {
      fmt::format_to(std::back_inserter(line), "\\u{:04x}", byte);
    } else {
      line += c;
    }
  }
  line += '"';
}

std::tm utc(std::chrono::system_clock::time_point when) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(when);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return parts;
}

} // namespace

std::string common_log_line(const AccessRecord& record) {
  char time[32];
  const std::tm parts = utc(record.time);
  std::strftime(time, sizeof time, "%d/%b/%Y:%H:%M:%S +0000", &parts);
  std::string line;
  append_escaped(line, record.client);
  fmt::format_to(std::back_inserter(line), " - - [{}] \"", time);
  if (record.method.empty()) {
    line += '-';
  } else {
    append_escaped(line, record.method);
    line += ' ';
    append_escaped(line, record.target);
    fmt::format_to(std::back_inserter(line), " HTTP/1.{}", record.minor_version);
  }
  fmt::format_to(std::back_inserter(line), "\" {} {} \"", record.status, record.body_bytes);
  append_escaped(line, record.referer);
  line += "\" \"";
  append_escaped(line, record.user_agent);
  line += '"';
  return line;
}

std::string json_log_line(const AccessRecord& record) {
  char time[32];
  const std::tm parts = utc(record.time);
  std::strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%SZ", &parts);
  std::string line = fmt::format(R"({{"time":"{}","client":)", time);
  append_json(line, record.client);
  line += R"(,"method":)";
  append_json(line, record.method);
  line += R"(,"target":)";
  append_json(line, record.target);
  fmt::format_to(std::back_inserter(line), R"(,"status":{},"bytes":{},"ms":{:.3f},"referer":)",
                 record.status, record.body_bytes,
                 std::chrono::duration<double, std::milli>(record.duration).count());
  append_json(line, record.referer);
  line += R"(,"user_agent":)";
  append_json(line, record.user_agent);
  line += '}';
  return line;
}

} // namespace grove::http
