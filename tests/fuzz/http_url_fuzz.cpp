// SPDX-License-Identifier: MIT
// Any text as a URL, a redirect, a target on its way through a router, a query, a list of cookies,
// a date, a chain of proxies, extensions of a WebSocket: each is read or refused, and what was read
// says itself again.
// Seeds: tests/fuzz/corpus/http_url.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

#include <grove/http/cookie.hpp>
#include <grove/http/error.hpp>
#include <grove/http/query.hpp>
#include <grove/http/router.hpp>

#include "date.hpp"
#include "deflate_offer.hpp"
#include "demand.hpp"
#include "forwarded.hpp"
#include "grammar.hpp"
#include "handshake.hpp"
#include "url.hpp"

namespace {

using namespace grove::http;

void check(const detail::Url& url) {
  demand(!url.host.empty() && url.port != 0 && url.target.starts_with('/'));
  for (const char c : url.to_string())
    demand(!detail::is_control(c) && c != ' ');
  const detail::Url again = detail::Url::parse(url.to_string());
  demand(again.to_string() == url.to_string() && again.origin() == url.origin());
}

void url(std::string_view text) {
  try {
    check(detail::Url::parse(text));
  } catch (const std::invalid_argument&) {
  }
}

void redirect(std::string_view text) {
  static const detail::Url here = detail::Url::parse("http://example.org:8080/a/b?c");
  try {
    check(here.resolve(text));
  } catch (const std::invalid_argument&) {
  }
}

void target(std::string_view text) {
  static const Router router = [] {
    Router all;
    all.get("/", [](Request&) { return Response("root"); });
    all.get("/number/{n}", [](Request&, unsigned n) { return Response(std::to_string(n)); });
    all.get("/name/{name}/end", [](Request&, const std::string& name) {
      demand(!name.empty() && name != "." && name != ".." && name.find('\0') == std::string::npos);
      return Response(name);
    });
    Router below;
    below.get("/{rest...}", [](Request&, const std::string& rest) {
      demand(("/" + rest + "/").find("/../") == std::string::npos);
      return Response(rest);
    });
    all.mount("/below", below);
    return all;
  }();
  Request request = Request::make("GET", std::string(text));
  demand(!request.path().empty());
  try {
    demand(request.query().size() <= 1000);
    router(request);
  } catch (const Error& error) {
    demand(error.status() == 404 || error.status() == 400);
  }
}

void values(std::string_view text) {
  const Query query = Query::parse(text);
  const Query again = Query::parse(query.to_string());
  demand(again.to_string() == query.to_string());
  if (const auto decoded = percent_decode(text))
    demand(percent_decode(percent_encode(*decoded)) == decoded);
  if (const auto value = cookie_value(text, "sid"))
    demand(text.find(*value) != std::string_view::npos);
  if (const auto when = detail::parse_http_date(text))
    demand(detail::parse_http_date(detail::http_date(*when)) == when);
}

// What stands in fields, which have no control characters.
void fields(std::string_view text) {
  static const detail::TrustedProxies proxies({"10.0.0.0/8", "::1"});
  Fields all;
  try {
    all.add("X-Forwarded-For", text);
    all.add("Sec-WebSocket-Extensions", text);
  } catch (const std::invalid_argument&) {
    return;
  }
  demand(!proxies.client_of(all, "10.0.0.1").empty());
  detail::Agreement agreement;
  const std::string answer = detail::accept_deflate(all, 15, agreement);
  demand(answer.empty() != agreement.deflate);
  for (const int bits : {agreement.our_window_bits, agreement.their_window_bits})
    demand(bits >= 8 && bits <= 15);
  detail::Agreement theirs;
  demand(detail::takes_deflate(all, 15, theirs) == theirs.deflate);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 5) {
  case 0:
    url(text);
    break;
  case 1:
    redirect(text);
    break;
  case 2:
    target(text);
    break;
  case 3:
    values(text);
    break;
  default:
    fields(text);
  }
  return 0;
}
