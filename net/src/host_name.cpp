// SPDX-License-Identifier: MIT
#include "host_name.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

#include <grove/net/resolver.hpp>

namespace grove::net::detail {

namespace {

constexpr std::size_t longest_name = 253;
constexpr std::size_t longest_label = 63;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// For the error's text: neither long nor with what a terminal obeys.
std::string shown(std::string_view text) {
  std::string all;
  for (const char c : text.substr(0, 64)) {
    if (c > ' ' && c < 127)
      all += c;
    else
      all += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
  return text.size() > 64 ? all + "..." : all;
}

[[noreturn]] void refuse(std::string_view name, std::string_view why) {
  throw ResolveError(ResolveError::Reason::bad_name,
                     fmt::format("resolve {}: {}", shown(name), why));
}

bool ends_in_a_number(std::string_view name) { // as inet_aton(3) would take for an address
  const std::string_view last = name.substr(name.rfind('.') + 1);
  if (last.starts_with("0x"))
    return last.find_first_not_of("0123456789abcdef", 2) == std::string_view::npos;
  return std::all_of(last.begin(), last.end(), is_digit);
}

std::string checked_name(std::string_view given) {
  std::string name;
  for (const char c : given) {
    if (static_cast<unsigned char>(c) >= 128)
      refuse(given, "not ASCII; write it in Punycode (xn--...)");
    if (c <= ' ' || c == 127 || c == '\\')
      refuse(given, "a name has no such characters");
    name += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  std::string_view rest = without_dot(name);
  if (rest.empty())
    refuse(given, "no name");
  if (rest.size() > longest_name)
    refuse(given, "longer than 253 characters");
  for (;;) {
    const std::size_t dot = rest.find('.');
    const std::size_t length = std::min(dot, rest.size());
    if (length == 0)
      refuse(given, "nothing between two dots");
    if (length > longest_label)
      refuse(given, "more than 63 characters between two dots");
    if (dot == std::string_view::npos)
      return name;
    rest.remove_prefix(dot + 1);
  }
}

} // namespace

std::optional<Address> address_in(std::string_view host) {
  const bool has_colon = host.find(':') != std::string_view::npos;
  if (!has_colon &&
      !std::all_of(host.begin(), host.end(), [](char c) { return is_digit(c) || c == '.'; }))
    return std::nullopt;
  try {
    return Address::ip(host, 0);
  } catch (const std::invalid_argument& error) {
    if (has_colon)
      refuse(host, error.what());
    return std::nullopt;
  }
}

std::string checked_host_name(std::string_view host) {
  std::string name = checked_name(host);
  if (ends_in_a_number(without_dot(name)))
    refuse(host, "neither an address nor a name");
  return name;
}

std::string checked_service_name(std::string_view name) { return checked_name(name); }

bool is_localhost(std::string_view name) {
  name = without_dot(name);
  return name == "localhost" || name.ends_with(".localhost");
}

std::vector<std::string> candidates(const std::string& name, const std::vector<std::string>& search,
                                    std::size_t ndots) {
  if (name.ends_with('.'))
    return {std::string(without_dot(name))};
  std::vector<std::string> all;
  for (const std::string& domain : search) {
    const std::string_view bare = without_dot(domain);
    if (!bare.empty() && name.size() + 1 + bare.size() <= longest_name)
      all.push_back(fmt::format("{}.{}", name, bare));
  }
  const auto dots = static_cast<std::size_t>(std::count(name.begin(), name.end(), '.'));
  all.insert(dots >= ndots ? all.begin() : all.end(), name);
  return all;
}

} // namespace grove::net::detail
