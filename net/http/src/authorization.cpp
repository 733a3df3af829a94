// SPDX-License-Identifier: MIT
// Names and passwords.
#include <grove/http/authorization.hpp>

#include <openssl/crypto.h>

#include <algorithm>
#include <stdexcept>

#include "base64.hpp"
#include "grammar.hpp"

namespace grove::http {

namespace {
constexpr std::string_view scheme = "Basic ";

bool has_control(std::string_view text) { return std::ranges::any_of(text, detail::is_control); }
} // namespace

std::string basic_authorization(std::string_view user, std::string_view password) {
  if (user.find(':') != std::string_view::npos || has_control(user) || has_control(password))
    throw std::invalid_argument(
        "grove: http: a user with a colon, or a control character in a user or password");
  return std::string(scheme) + detail::to_base64(std::string(user) + ":" + std::string(password));
}

std::optional<BasicCredentials> basic_credentials(const Request& request) {
  const std::string_view value = request.fields().get("Authorization", "");
  if (!equals_ignoring_case(value.substr(0, scheme.size()), scheme))
    return std::nullopt;
  const auto text = detail::from_base64(detail::trimmed(value.substr(scheme.size())));
  if (!text || has_control(*text))
    return std::nullopt;
  const auto colon = text->find(':');
  if (colon == std::string::npos)
    return std::nullopt;
  return BasicCredentials{text->substr(0, colon), text->substr(colon + 1)};
}

bool equals_in_constant_time(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

} // namespace grove::http
