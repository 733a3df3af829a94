// SPDX-License-Identifier: MIT
// http_parse_bench grove|raw COUNT: reads one request of a browser, 422 bytes, so many times. "raw"
// is Boost.Beast's basic_parser with hooks that do nothing; "grove" is what the server does, with
// all its checks, and a RequestHead at the end. Prints "ns TIME" for each.
#include <boost/beast/http/basic_parser.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <grove/http/limits.hpp>
#include <grove/http/request_head.hpp>

#include "support/meter.hpp"

#include "request_parser.hpp" // of grove::http's own sources

namespace {

constexpr std::string_view request =
    "GET /articles/2026/green-threads?page=2 HTTP/1.1\r\n"
    "Host: www.example.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    "Accept-Language: en-US,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate\r\n"
    "Connection: keep-alive\r\n"
    "Cookie: session=5f2b9c1e7a; theme=dark-blue\r\n"
    "Upgrade-Insecure-Requests: 1\r\n"
    "Cache-Control: max-age=0\r\n"
    "\r\n";
static_assert(request.size() == 422);

namespace beast = boost::beast;
using Error = beast::error_code;
using View = beast::string_view;

class Bare final : public beast::http::basic_parser<true> {
  void on_request_impl(beast::http::verb, View, View, int, Error&) override {}
  void on_response_impl(int, View, int, Error&) override {}
  void on_field_impl(beast::http::field, View, View, Error&) override {}
  void on_header_impl(Error&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, Error&) override {}
  std::size_t on_body_impl(View body, Error&) override { return body.size(); }
  void on_chunk_header_impl(std::uint64_t, View, Error&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, View body, Error&) override { return body.size(); }
  void on_finish_impl(Error&) override {}
};

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "%s\n", what);
  std::exit(1);
}

void read_raw() {
  Bare parser;
  Error error;
  if (parser.put(boost::asio::buffer(request.data(), request.size()), error) != request.size() ||
      error)
    fail("the request was not read");
}

class Grove {
public:
  void read() {
    if (parser_.head(request, head_) != request.size() || head_.fields.size() != 9)
      fail("the request was not read");
  }

private:
  grove::http::detail::RequestParser parser_{grove::http::Limits{}};
  grove::http::RequestHead head_;
};

template <class Read>
void measure(std::int64_t count, Read read) {
  const bench::Meter meter;
  for (std::int64_t i = 0; i < count; ++i)
    read();
  meter.print(count);
}

} // namespace

int main(int argc, char** argv) {
  const std::string_view which = argc == 3 ? argv[1] : "";
  const std::int64_t count = argc == 3 ? std::atoll(argv[2]) : 0;
  if (which == "raw") {
    measure(count, read_raw);
  } else if (which == "grove") {
    Grove grove;
    measure(count, [&grove] { grove.read(); });
  } else {
    fail("usage: http_parse_bench grove|raw COUNT");
  }
  return 0;
}
