// SPDX-License-Identifier: MIT
// Requests that break RFC 9112, or a limit: what the parser's tests and the server's refuse.
#pragma once

#include <algorithm>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace grove::test {

struct BadRequestCase {
  std::string name;
  unsigned status; // that it is refused with
  std::string bytes;
  bool in_body = false; // the head is good

  friend void PrintTo(const BadRequestCase& that, std::ostream* out) { *out << that.name; }
};

inline std::string request_with(std::string_view fields) {
  return "POST / HTTP/1.1\r\nHost: x\r\n" + std::string(fields) + "\r\n\r\n";
}

// Of a test's name.
inline std::string as_identifier(std::string name) {
  std::replace_if(
      name.begin(), name.end(),
      [](char c) { return (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z'); },
      '_');
  return name;
}

// security.md 3.2, row by row.
inline std::vector<BadRequestCase> bad_requests() {
  const auto with = request_with;
  const auto chunked = [&](std::string_view body) {
    return with("Transfer-Encoding: chunked") + std::string(body);
  };
  const auto line = [](std::string_view first) {
    return std::string(first) + "\r\nHost: x\r\n\r\n";
  };
  const auto host = [](std::string_view field) {
    return "GET / HTTP/1.1\r\n" + std::string(field) + "\r\n\r\n";
  };
  const std::string long_text(9000, 'a');
  return {
      // -- 6.1, 6.3: where a body ends; CVE-2022-32213, -32214, -32215, CVE-2019-16786, -16792
      {"length and chunked", 400, with("Content-Length: 5\r\nTransfer-Encoding: chunked")},
      {"chunked and length", 400, with("Transfer-Encoding: chunked\r\nContent-Length: 5")},
      {"gzip then length", 400, with("Transfer-Encoding: gzip\r\nContent-Length: 5")},
      {"chunked is not last", 400, with("Transfer-Encoding: chunked, gzip")},
      {"xchunked", 400, with("Transfer-Encoding: xchunked")},
      {"chunked twice", 400, with("Transfer-Encoding: chunked, chunked")},
      {"chunked in two fields", 400,
       with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked")},
      {"chunked in quotes", 400, with("Transfer-Encoding: \"chunked\"")},
      {"chunked with a parameter", 501, with("Transfer-Encoding: chunked;q=1")},
      {"chunked behind a comma", 501, with("Transfer-Encoding: ,chunked")},
      {"identity", 400, with("Transfer-Encoding: identity")},
      {"no coding", 400, with("Transfer-Encoding:")},
      {"vertical tab in a coding", 400, with("Transfer-Encoding: \vchunked")},
      {"gzip under chunked", 501, with("Transfer-Encoding: gzip, chunked")},
      {"two codings", 400, with("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked")},
      {"coding in version 1.0", 400,
       "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      // CVE-2022-24761
      {"length with a sign", 400, with("Content-Length: +3")},
      {"negative length", 400, with("Content-Length: -1")},
      {"length in letters", 400, with("Content-Length: three")},
      {"length with underscores", 400, with("Content-Length: 1_0")},
      {"length in hex", 400, with("Content-Length: 0x10")},
      {"length beyond 64 bits", 400, with("Content-Length: 18446744073709551616")},
      {"empty length", 400, with("Content-Length: ")},
      {"lengths that differ", 400, with("Content-Length: 3\r\nContent-Length: 4")},
      {"lengths in a list that differ", 400, with("Content-Length: 3, 4")},
      {"body too long", 413, with("Content-Length: 1048577")},
      // -- 3.2: Host and target
      {"no host", 400, "GET / HTTP/1.1\r\n\r\n"},
      {"two hosts", 400, host("Host: x\r\nHost: x")},
      {"a host with a path", 400, host("Host: x/y")},
      {"a host with a user", 400, host("Host: a@x")},
      {"a host with a blank", 400, host("Host: x y")},
      {"a host with a port in letters", 400, host("Host: x:port")},
      {"a host with a port beyond 16 bits", 400, host("Host: x:65536")},
      {"a host in open brackets", 400, host("Host: [::1")},
      {"high byte in the target", 400, line("GET /\xc3\xa4 HTTP/1.1")},
      {"fragment in the target", 400, line("GET /a#b HTTP/1.1")},
      {"target without a path", 400, line("GET a HTTP/1.1")},
      {"asterisk for GET", 400, line("GET * HTTP/1.1")},
      {"CONNECT to a path", 400, line("CONNECT / HTTP/1.1")},
      {"CONNECT without a port", 400, line("CONNECT x HTTP/1.1")},
      {"CONNECT to an empty port", 400, line("CONNECT x: HTTP/1.1")},
      {"absolute target without a host", 400, line("GET http:///a HTTP/1.1")},
      {"absolute target with a user", 400, line("GET http://a@x/ HTTP/1.1")},
      {"absolute target of another scheme", 400, line("GET ftp://x/ HTTP/1.1")},
      // -- 2.3, 3: the request line
      {"bare LF ends the request line", 400, "GET / HTTP/1.1\nHost: x\r\n\r\n"},
      {"two blanks", 400, line("GET  / HTTP/1.1")},
      {"tab for a blank", 400, line("GET\t/ HTTP/1.1")},
      {"blank behind the version", 400, line("GET / HTTP/1.1 ")},
      {"version 2.0", 505, line("GET / HTTP/2.0")},
      {"version 1.2", 505, line("GET / HTTP/1.2")},
      {"version in lower case", 400, line("GET / http/1.1")},
      {"version of two digits", 400, line("GET / HTTP/1.10")},
      {"no version", 400, line("GET /")},
      {"method with a slash", 400, line("G/T / HTTP/1.1")},
      {"request line too long", 414, line("GET /" + long_text + " HTTP/1.1")},
      {"request line without an end", 414, "GET /" + long_text},
      {"TLS on a plain port", 400,
       std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11) + "\r\n\r\n"},
      {"an empty head", 400, "\r\n\r\n\r\n\r\n"},
      // -- 2.2, 5: fields; CVE-2019-16785, -16789, CVE-2021-22959, CVE-2023-30589
      {"blank before a colon", 400, with("Name : value")},
      {"blank before the first field", 400, "GET / HTTP/1.1\r\n Host: x\r\n\r\n"},
      {"a folded field", 400, with("Name: a\r\n b")},
      {"a folded field, by a tab", 400, with("Name: a\r\n\tb")},
      {"a folded field whose first line is empty", 400, with("Name:\r\n b")},
      {"a folded field whose first line is blank", 400, with("Name: \t\r\n b")},
      {"a folded field whose second line is empty", 400, with("Name: a\r\n ")},
      {"a folded field of empty lines", 400, with("Name:\r\n \r\n\t")},
      {"a folded field that is too long", 400, with("Name: a\r\n " + long_text)},
      {"no colon", 400, with("Name")},
      {"no name", 400, with(": value")},
      {"bracket in a name", 400, with("Na[]me: value")},
      {"bare CR in a value", 400, with("Name: a\rb")},
      {"bare CR ends a field", 400, with("Name: a\rTransfer-Encoding: chunked")},
      {"bare LF after a field", 400, "GET / HTTP/1.1\r\nHost: x\nName: y\r\n\r\n"},
      {"NUL in a value", 400, with(std::string_view("Name: a\0b", 9))},
      {"bell in a value", 400, with("Name: a\x07")},
      {"field too long", 431, with("Name: " + long_text)},
      {"another expectation", 417, with("Expect: the-unexpected\r\nContent-Length: 1")},
      // -- 7.1: chunks; CVE-2021-22960, CVE-2023-47627, CVE-2025-43859
      {"chunk size 0x3", 400, chunked("0x3\r\nabc\r\n0\r\n\r\n"), true},
      {"chunk size with a sign", 400, chunked("+3\r\nabc\r\n0\r\n\r\n"), true},
      {"chunk size with underscore", 400, chunked("3_0\r\nabc\r\n0\r\n\r\n"), true},
      {"chunk size with a blank", 400, chunked("3 \r\nabc\r\n0\r\n\r\n"), true},
      {"chunk size in words", 400, chunked("xyz\r\nabc\r\n0\r\n\r\n"), true},
      {"chunk size beyond 64 bits", 400, chunked("10000000000000003\r\nabc\r\n0\r\n\r\n"), true},
      {"no chunk size", 400, chunked("\r\nabc\r\n0\r\n\r\n"), true},
      {"bare LF behind a chunk size", 400, chunked("3\nabc\r\n0\r\n\r\n"), true},
      {"bare CR behind a chunk size", 400, chunked("3\rabc\r\n0\r\n\r\n"), true},
      {"bare LF in a chunk extension", 400, chunked("3;a\nb\r\nabc\r\n0\r\n\r\n"), true},
      {"bare LF in a quoted chunk extension", 400, chunked("3;a=\"\n0\n\n\"\r\nabc\r\n0\r\n\r\n"),
       true},
      {"NUL in a quoted chunk extension", 400,
       chunked(std::string_view("3;a=\"\0\"\r\nabc\r\n0\r\n\r\n", 19)), true},
      {"chunk too long", 413, chunked("100001\r\n"), true},
      {"chunk without its end", 400, chunked("3\r\nabcX\r\n0\r\n\r\n"), true},
      {"chunk that ends with LF", 400, chunked("3\r\nabc\n0\r\n\r\n"), true},
      {"chunk that is longer than it says", 400, chunked("3\r\nabcd\r\n0\r\n\r\n"), true},
      // CVE-2024-22019
      {"chunk extension too long", 400, chunked("1;" + long_text + "\r\nx\r\n0\r\n\r\n"), true},
      {"chunk extension without an end", 400, chunked("1;" + long_text), true},
      // CVE-2023-41419, CVE-2025-58068
      {"request line for a trailer", 400, chunked("0\r\nGET /x HTTP/1.1\r\nHost: x\r\n\r\n"), true},
      {"length for a trailer", 400, chunked("0\r\nContent-Length: 5\r\n\r\n"), true},
      {"coding for a trailer", 400, chunked("0\r\nTransfer-Encoding: chunked\r\n\r\n"), true},
      {"trailers too long", 400, chunked("0\r\nName: " + long_text + "\r\n\r\n"), true},
  };
}

} // namespace grove::test
