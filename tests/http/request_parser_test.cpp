// SPDX-License-Identifier: MIT
#include "request_parser.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace grove::http::detail {
namespace {

struct Seen {
  RequestHead head;
  std::string body;
};

// Everything that a connection with these bytes says, and what it is refused with at last; the
// bytes come in pieces of random sizes.
struct Outcome {
  std::vector<Seen> requests;
  std::optional<unsigned> refused;
  std::string why;
  std::size_t left = 0; // bytes that nobody used
};

Outcome parse(std::string_view bytes, const Limits& limits = {}, unsigned seed = 0) {
  std::minstd_rand random(seed);
  Outcome outcome;
  RequestParser parser(limits);
  std::string buffer;
  RequestHead head;
  bool in_body = false;
  try {
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t piece =
          seed == 0 ? bytes.size() : std::min<std::size_t>(1 + random() % 7, bytes.size() - at);
      buffer += bytes.substr(at, piece);
      at += piece;
      for (bool more = true; more && !buffer.empty();) {
        if (!in_body) {
          const std::size_t used = parser.head(buffer, head);
          buffer.erase(0, used);
          more = used > 0;
          if (more) {
            outcome.requests.push_back({head, {}});
            in_body = !parser.body_done();
          }
        } else {
          const auto got = parser.body(buffer);
          outcome.requests.back().body += got.data;
          buffer.erase(0, got.used);
          more = got.used > 0;
          in_body = !parser.body_done();
        }
      }
    }
  } catch (const BadRequest& bad) {
    outcome.refused = bad.status();
    outcome.why = bad.what();
  }
  outcome.left = buffer.size();
  return outcome;
}

constexpr std::string_view get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

TEST(RequestParser, a_request_is_what_was_sent) {
  const auto outcome =
      parse("POST /a/b?c=d%20e HTTP/1.1\r\nHost: example.org:8080\r\nX-Two:  words "
            "here \r\nx-two: again\r\nContent-Length: 5\r\n\r\nhello");
  ASSERT_EQ(outcome.requests.size(), 1);
  const auto& [head, body] = outcome.requests[0];
  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.target, "/a/b?c=d%20e");
  EXPECT_EQ(head.minor_version, 1);
  EXPECT_EQ(head.fields.get("x-TWO"), "words here");
  EXPECT_EQ(head.fields.joined("X-Two"), "words here, again");
  EXPECT_EQ(head.content_length, 5);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_EQ(body, "hello");
  EXPECT_EQ(outcome.left, 0);
}

// gevent W1, W11, W29
TEST(RequestParser, requests_follow_each_other_however_they_are_cut) {
  std::string all;
  for (int i = 0; i < 3; ++i) {
    all += get;
    all += "POST /chunked HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
           "2\r\noh\r\n4;name=value\r\n hai\r\n0\r\nTrailer: dropped\r\n\r\n";
    all += "\r\nPUT /length HTTP/1.0\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\nabc";
  }
  for (unsigned seed = 0; seed < 500; ++seed) {
    const auto outcome = parse(all, {}, seed);
    ASSERT_FALSE(outcome.refused) << outcome.why << ", seed " << seed;
    ASSERT_EQ(outcome.requests.size(), 9) << "seed " << seed;
    for (std::size_t i = 0; i < 9; i += 3) {
      ASSERT_EQ(outcome.requests[i].head.target, "/");
      ASSERT_EQ(outcome.requests[i + 1].body, "oh hai") << "seed " << seed;
      ASSERT_FALSE(outcome.requests[i + 1].head.fields.has("Trailer"));
      ASSERT_EQ(outcome.requests[i + 2].body, "abc") << "seed " << seed;
      ASSERT_TRUE(outcome.requests[i + 2].head.keep_alive);
    }
    ASSERT_EQ(outcome.left, 0);
  }
}

struct Case {
  const char* name;
  unsigned status;
  std::string bytes;
};

std::string with(std::string_view fields) {
  return "POST / HTTP/1.1\r\nHost: x\r\n" + std::string(fields) + "\r\n\r\n";
}

// security.md 3.2, row by row; gevent W12, W16, W17, W19; CVE-2019-16785, -16786, -16789, -16792,
// CVE-2022-24761, CVE-2023-47627, CVE-2021-22959, -22960, CVE-2023-30589, CVE-2023-41419.
TEST(RequestParser, what_breaks_the_rules_is_refused) {
  const std::string long_text(9000, 'a');
  const Case cases[] = {
      {"length and chunked", 400, with("Content-Length: 5\r\nTransfer-Encoding: chunked")},
      {"chunked and length", 400, with("Transfer-Encoding: chunked\r\nContent-Length: 5")},
      {"gzip, then length", 400, with("Transfer-Encoding: gzip\r\nContent-Length: 5")},
      {"chunked is not last", 400, with("Transfer-Encoding: chunked, gzip")},
      {"xchunked", 400, with("Transfer-Encoding: xchunked")},
      {"chunked twice", 400, with("Transfer-Encoding: chunked, chunked")},
      {"chunked in quotes", 400, with("Transfer-Encoding: \"chunked\"")},
      {"identity", 400, with("Transfer-Encoding: identity")},
      {"no coding", 400, with("Transfer-Encoding:")},
      {"vertical tab in a coding", 400, with("Transfer-Encoding: \vchunked")},
      {"gzip under chunked", 501, with("Transfer-Encoding: gzip, chunked")},
      {"two codings", 400, with("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked")},
      {"coding in 1.0", 400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"length with a sign", 400, with("Content-Length: +3")},
      {"negative length", 400, with("Content-Length: -1")},
      {"length in letters", 400, with("Content-Length: three")},
      {"length with underscores", 400, with("Content-Length: 1_0")},
      {"length in hex", 400, with("Content-Length: 0x10")},
      {"length beyond 2^64", 400, with("Content-Length: 18446744073709551616")},
      {"empty length", 400, with("Content-Length: ")},
      {"lengths that differ", 400, with("Content-Length: 3\r\nContent-Length: 4")},
      {"lengths in a list that differ", 400, with("Content-Length: 3, 4")},
      {"no host", 400, "GET / HTTP/1.1\r\n\r\n"},
      {"two hosts", 400, "GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n"},
      {"a host with a path", 400, "GET / HTTP/1.1\r\nHost: x/y\r\n\r\n"},
      {"a host with a user", 400, "GET / HTTP/1.1\r\nHost: a@x\r\n\r\n"},
      {"a host with a blank", 400, "GET / HTTP/1.1\r\nHost: x y\r\n\r\n"},
      {"a host with a port in letters", 400, "GET / HTTP/1.1\r\nHost: x:port\r\n\r\n"},
      {"blank before a colon", 400, with("Name : value")},
      {"blank before the first field", 400, "GET / HTTP/1.1\r\n Host: x\r\n\r\n"},
      {"a folded field", 400, with("Name: a\r\n b")},
      {"no colon", 400, with("Name")},
      {"no name", 400, with(": value")},
      {"bare CR in a value", 400, with("Name: a\rb")},
      {"bare LF after a field", 400, "GET / HTTP/1.1\r\nHost: x\nName: y\r\n\r\n"},
      {"NUL in a value", 400, with(std::string_view("Name: a\0b", 9))},
      {"bare LF ends the request line", 400, "GET / HTTP/1.1\nHost: x\r\n\r\n"},
      {"two blanks", 400, "GET  / HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"tab for a blank", 400, "GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"high byte in the target", 400, "GET /\xc3\xa4 HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"fragment in the target", 400, "GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"target without a path", 400, "GET a HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"asterisk for GET", 400, "GET * HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"CONNECT to a path", 400, "CONNECT / HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"HTTP/2.0", 400, "GET / HTTP/2.0\r\nHost: x\r\n\r\n"},
      {"HTTP/1.2", 400, "GET / HTTP/1.2\r\nHost: x\r\n\r\n"},
      {"lower case version", 400, "GET / http/1.1\r\nHost: x\r\n\r\n"},
      {"no version", 400, "GET /\r\nHost: x\r\n\r\n"},
      {"method with a slash", 400, "G/T / HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"another expectation", 417, with("Expect: the-unexpected\r\nContent-Length: 1")},
      {"request line too long", 414, "GET /" + long_text + " HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"request line without an end", 414, "GET /" + long_text},
      {"field too long", 431, with("Name: " + long_text)},
      {"body too long", 413, with("Content-Length: 1048577")},
      {"TLS on a plain port", 400,
       std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11) + "\r\n\r\n"},
      {"an empty head", 400, "\r\n\r\n\r\n\r\n"},
      // chunked bodies
      {"chunk size 0x3", 400, with("Transfer-Encoding: chunked") + "0x3\r\nabc\r\n0\r\n\r\n"},
      {"chunk size +3", 400, with("Transfer-Encoding: chunked") + "+3\r\nabc\r\n0\r\n\r\n"},
      {"chunk size 3_0", 400, with("Transfer-Encoding: chunked") + "3_0\r\nabc\r\n0\r\n\r\n"},
      {"chunk size with blank", 400, with("Transfer-Encoding: chunked") + "3 \r\nabc\r\n0\r\n\r\n"},
      {"chunk size in words", 400, with("Transfer-Encoding: chunked") + "xyz\r\nabc\r\n0\r\n\r\n"},
      {"chunk size beyond 2^64", 400,
       with("Transfer-Encoding: chunked") + "10000000000000003\r\nabc\r\n0\r\n\r\n"},
      {"chunk too long", 413, with("Transfer-Encoding: chunked") + "100001\r\n"},
      {"chunk without its end", 400, with("Transfer-Encoding: chunked") + "3\r\nabcX\r\n0\r\n\r\n"},
      {"chunk that is longer than it says", 400,
       with("Transfer-Encoding: chunked") + "3\r\nabcd\r\n0\r\n\r\n"},
      {"request line for a trailer", 400,
       with("Transfer-Encoding: chunked") + "0\r\nGET /x HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"length for a trailer", 400,
       with("Transfer-Encoding: chunked") + "0\r\nContent-Length: 5\r\n\r\n"},
  };
  for (const Case& each : cases) {
    for (const unsigned seed : {0U, 1U, 2U, 3U}) {
      const auto outcome = parse(each.bytes, {}, seed);
      EXPECT_EQ(outcome.refused, each.status)
          << each.name << ", seed " << seed << ": " << outcome.why;
      EXPECT_LE(outcome.requests.size(), 1) << each.name;
    }
  }
}

TEST(RequestParser, what_is_unusual_and_right_is_taken) {
  const Case cases[] = {
      {"empty host", 0, "GET / HTTP/1.1\r\nHost:\r\n\r\n"},
      {"IPv6 host", 0, "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n"},
      {"absolute target", 0, "GET http://x/y?z HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"OPTIONS *", 0, "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"CONNECT", 0, "CONNECT x.org:443 HTTP/1.1\r\nHost: x.org:443\r\n\r\n"},
      {"unknown method", 0, "BREW /pot HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"1.0 without a host", 0, "GET / HTTP/1.0\r\n\r\n"},
      {"empty line first", 0, "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"no blank after a colon", 0, "GET / HTTP/1.1\r\nHost:x\r\nName:value\r\n\r\n"},
      {"empty value", 0, "GET / HTTP/1.1\r\nHost: x\r\nName:\r\n\r\n"},
      {"high bytes in a value", 0, "GET / HTTP/1.1\r\nHost: x\r\nName: \xc3\xa4\r\n\r\n"},
      {"equal lengths", 0, with("Content-Length: 0\r\nContent-Length: 0")},
      {"Chunked", 0, with("Transfer-Encoding: Chunked") + "0\r\n\r\n"},
      {"leading zeros", 0, with("Transfer-Encoding: chunked") + "0003\r\nabc\r\n000\r\n\r\n"},
      {"quoted extension", 0, with("Transfer-Encoding: chunked") + "1;a=\"b c\"\r\nx\r\n0\r\n\r\n"},
  };
  for (const Case& each : cases) {
    const auto outcome = parse(each.bytes);
    EXPECT_FALSE(outcome.refused) << each.name << ": " << outcome.why;
    EXPECT_EQ(outcome.requests.size(), 1) << each.name;
    EXPECT_EQ(outcome.left, 0) << each.name;
  }
}

// gevent W27
TEST(RequestParser, a_name_with_an_underscore_is_dropped) {
  const auto outcome = parse("GET / HTTP/1.1\r\nHost: x\r\nX_Forwarded_For: 1\r\n\r\n");
  ASSERT_EQ(outcome.requests.size(), 1);
  EXPECT_EQ(outcome.requests[0].head.fields.size(), 1);
}

TEST(RequestParser, keep_alive_is_the_default_of_1_1_only) {
  const auto keeps = [](std::string_view bytes) {
    return parse(bytes).requests.at(0).head.keep_alive;
  };
  EXPECT_TRUE(keeps(get));
  EXPECT_FALSE(keeps("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, Close\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_TRUE(keeps("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"));
}

TEST(RequestParser, continue_is_expected_only_where_a_body_follows) {
  const auto expects = [](std::string_view fields) {
    return parse(with(fields)).requests.at(0).head.expects_continue;
  };
  EXPECT_TRUE(expects("Expect: 100-Continue\r\nContent-Length: 1"));
  EXPECT_TRUE(expects("Expect: 100-continue\r\nTransfer-Encoding: chunked"));
  EXPECT_FALSE(expects("Expect: 100-continue"));
  EXPECT_FALSE(expects("Content-Length: 1"));
  EXPECT_FALSE(parse("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n")
                   .requests.at(0)
                   .head.expects_continue);
}

TEST(RequestParser, limits_hold_at_their_edge) {
  const auto fields = [](int count) {
    std::string all = "GET / HTTP/1.1\r\nHost: x\r\n";
    for (int i = 1; i < count; ++i)
      all += "A: b\r\n";
    return all + "\r\n";
  };
  EXPECT_FALSE(parse(fields(100)).refused);
  EXPECT_EQ(parse(fields(101)).refused, 431);

  Limits limits;
  limits.head = get.size();
  EXPECT_FALSE(parse(get, limits).refused);
  limits.head = get.size() - 1;
  EXPECT_EQ(parse(get, limits).refused, 431);
  EXPECT_EQ(parse(get.substr(0, get.size() - 1), limits, 5).refused, 431); // nobody waits for more

  limits = {};
  limits.body = 3;
  EXPECT_EQ(parse(with("Content-Length: 3") + "abc", limits).requests.at(0).body, "abc");
  EXPECT_EQ(parse(with("Content-Length: 4"), limits).refused, 413);
  EXPECT_EQ(parse(with("Transfer-Encoding: chunked") + "2\r\nab\r\n2\r\n", limits).refused, 413);
}

// CVE-2024-22019
TEST(RequestParser, chunk_extensions_are_bounded_each_and_together) {
  const std::string start = with("Transfer-Encoding: chunked");
  std::string flood = start;
  for (int i = 0; i < 20; ++i)
    flood += "1;" + std::string(1000, 'a') + "\r\nx\r\n";
  EXPECT_EQ(parse(flood).refused, 400);
  EXPECT_EQ(parse(start + "1;" + std::string(20'000, 'a')).refused, 400);
  EXPECT_EQ(parse(start + "0\r\n" + "A: " + std::string(20'000, 'a')).refused, 400);
}

// gevent W31
TEST(RequestParser, a_length_of_4_gib_is_no_small_one) {
  Limits limits;
  limits.body = std::uint64_t{1} << 40;
  const auto outcome = parse(with("Content-Length: 4294967298") + "0123456789", limits);
  ASSERT_EQ(outcome.requests.size(), 1);
  EXPECT_EQ(outcome.requests[0].head.content_length, 4294967298U);
  EXPECT_EQ(outcome.requests[0].body, "0123456789");
}

} // namespace
} // namespace grove::http::detail
