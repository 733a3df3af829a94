// SPDX-License-Identifier: MIT
// Reading and writing the text of certificates.
#include "certificate_text.hpp"

#include <utility>

#include <grove/zmq/curve.hpp>

namespace grove::zmq::detail {

namespace {

constexpr std::string_view blanks = " \t\r";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos)
    return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

// The first word in quotes, or, without quotes, what comes before a comment.
std::string_view value_of(std::string_view text) {
  text = trimmed(text);
  if (!text.empty() && (text.front() == '"' || text.front() == '\'')) {
    const std::size_t end = text.find(text.front(), 1);
    return end == std::string_view::npos ? std::string_view() : text.substr(1, end - 1);
  }
  // A key may contain a '#', and pyzmq writes metadata without quotes: a comment has a blank
  // before.
  for (std::size_t at = text.find('#'); at != std::string_view::npos; at = text.find('#', at + 1)) {
    if (at == 0 || blanks.find(text[at - 1]) != std::string_view::npos)
      return trimmed(text.substr(0, at));
  }
  return text;
}

[[noreturn]] void refuse(std::size_t line, const std::string& what) {
  throw CertificateTextError("line " + std::to_string(line) + ": " + what);
}

std::string_view key_of(std::string_view value, std::string_view name, bool twice,
                        std::size_t line) {
  if (twice)
    refuse(line, "a second " + std::string(name));
  if (!is_curve_key(value))
    refuse(line, std::string(name) + " is not 40 characters of Z85");
  return value;
}

} // namespace

CertificateText parse_certificate(std::string_view text) {
  CertificateText result;
  std::string section;
  std::size_t number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = text.find('\n');
    const std::string_view whole = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const std::string_view line = trimmed(whole);
    if (line.empty() || line.front() == '#')
      continue;
    if (line.find('\0') != std::string_view::npos)
      refuse(number, "a NUL, in what should be text");
    const std::size_t sign = line.find('=');
    if (blanks.find(whole.front()) == std::string_view::npos) { // not indented: a section
      section = trimmed(line.substr(0, sign));
      continue;
    }
    if (sign == std::string_view::npos)
      continue; // a section within a section
    const std::string_view name = trimmed(line.substr(0, sign));
    const std::string_view value = value_of(line.substr(sign + 1));
    if (section == "metadata") {
      result.metadata.insert_or_assign(std::string(name), std::string(value));
    } else if (section == "curve" && name == "public-key") {
      result.public_key = key_of(value, name, !result.public_key.empty(), number);
    } else if (section == "curve" && name == "secret-key") {
      result.secret_key = Secret(key_of(value, name, result.secret_key.has_value(), number));
    }
  }
  if (result.public_key.empty())
    throw CertificateTextError("there is no public-key in a section \"curve\"");
  return result;
}

Secret certificate_text(std::string_view public_key, std::optional<std::string_view> secret_key,
                        const std::map<std::string, std::string>& metadata) {
  std::string text;
  const WipeAtExit wiped(text);
  std::size_t size = 512; // a string that grows would leave copies behind
  for (const auto& [name, value] : metadata)
    size += name.size() + value.size() + 16;
  text.reserve(size);
  text += secret_key ? "#   ZeroMQ CURVE **Secret** Certificate\n"
                       "#   Keep this file to yourself: who can read it can pose as you.\n\n"
                     : "#   ZeroMQ CURVE Public Certificate\n"
                       "#   Exchange it by a way that nobody can tamper with.\n\n";
  text += "metadata\n";
  for (const auto& [name, value] : metadata)
    text.append("    ").append(name).append(" = \"").append(value).append("\"\n");
  text.append("curve\n    public-key = \"").append(public_key).append("\"\n");
  if (secret_key)
    text.append("    secret-key = \"").append(*secret_key).append("\"\n");
  return Secret(text);
}

} // namespace grove::zmq::detail
