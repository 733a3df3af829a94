// SPDX-License-Identifier: MIT
// Cookie: what a server asks a browser to send back.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace grove::http {

// One Set-Cookie field (RFC 6265). The defaults keep it from scripts and from other sites.
struct Cookie {
  enum class SameSite { strict, lax, none };

  std::string name;
  std::string value;
  std::string path = "/";
  std::string domain{};                          // none: this host only
  std::optional<std::chrono::seconds> max_age{}; // none: until the browser is closed
  bool http_only = true;
  bool secure = false;
  SameSite same_site = SameSite::lax;

  // "sid=1; Path=/; HttpOnly; SameSite=Lax". std::invalid_argument for a name that is no token, a
  // value or an attribute that could end early, or SameSite=None without Secure.
  std::string to_string() const;
};

// The value of that name in the text of a Cookie field: "a=1; b=2".
std::optional<std::string_view> cookie_value(std::string_view cookies, std::string_view name);

} // namespace grove::http
