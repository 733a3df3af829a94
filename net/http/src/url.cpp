// SPDX-License-Identifier: MIT
// URLs, by Boost.URL.
#include "url.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <boost/url/url_view.hpp>

#include <charconv>
#include <stdexcept>
#include <system_error>

namespace grove::http::detail {

namespace {

std::uint16_t own_port(std::string_view scheme) {
  return scheme == "https" || scheme == "wss" ? 443 : 80;
}

[[noreturn]] void refuse(std::string_view text, const char* why) {
  std::string shown(text.substr(0, 200));
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      c = '?';
  }
  throw std::invalid_argument("grove: http: the URL '" + shown + "' " + why);
}

Url url_of(std::string_view text, const boost::urls::url_view_base& parts) {
  Url url;
  url.scheme = parts.scheme();
  if (url.scheme != "http" && url.scheme != "https" && url.scheme != "ws" && url.scheme != "wss")
    refuse(text, "has a scheme other than http, https, ws, wss");
  if (parts.has_userinfo())
    refuse(text, "has a user; say so in the field Authorization");
  url.host = std::string(parts.encoded_host_address());
  if (url.host.empty())
    refuse(text, "has no host");
  if (url.host.find('%') != std::string::npos) // decoded it could be anything
    refuse(text, "has a host that is percent-encoded");
  url.port = own_port(url.scheme);
  if (parts.has_port() && !parts.port().empty()) {
    const std::string digits(parts.port());
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), url.port);
    if (error != std::errc() || end != digits.data() + digits.size() || url.port == 0)
      refuse(text, "has a port that is none");
  }
  url.target = std::string(parts.encoded_target());
  if (!url.target.starts_with('/'))
    url.target.insert(0, 1, '/');
  return url;
}

} // namespace

Url Url::parse(std::string_view text) {
  const auto parsed = boost::urls::parse_uri({text.data(), text.size()});
  if (!parsed)
    refuse(text, "is none");
  return url_of(text, *parsed);
}

Url Url::resolve(std::string_view location) const {
  const auto reference = boost::urls::parse_uri_reference({location.data(), location.size()});
  if (!reference)
    refuse(location, "of a redirect is none");
  const std::string here = to_string();
  boost::urls::url full;
  const auto resolved = boost::urls::resolve(boost::urls::url_view(here), *reference, full);
  if (!resolved)
    refuse(location, "of a redirect leads nowhere");
  return url_of(location, full);
}

std::string Url::authority() const {
  std::string text = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != own_port(scheme))
    text += ":" + std::to_string(port);
  return text;
}

std::string Url::origin() const { return scheme + "://" + host + ":" + std::to_string(port); }

} // namespace grove::http::detail
