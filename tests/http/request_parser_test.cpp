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

#include "bad_requests.hpp"

namespace grove::http::detail {
namespace {

using test::bad_requests;
using test::BadRequestCase;

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

std::string with(std::string_view fields) { return test::request_with(fields); }

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

// gevent W12, W16, W17, W19
TEST(RequestParser, what_breaks_the_rules_is_refused) {
  for (const BadRequestCase& each : bad_requests()) {
    for (const unsigned seed : {0U, 1U, 2U, 3U}) {
      const auto outcome = parse(each.bytes, {}, seed);
      EXPECT_EQ(outcome.refused, each.status)
          << each.name << ", seed " << seed << ": " << outcome.why;
      EXPECT_EQ(outcome.requests.size(), each.in_body ? 1 : 0) << each.name;
    }
  }
}

struct Case {
  const char* name;
  std::string bytes;
};

TEST(RequestParser, what_is_unusual_and_right_is_taken) {
  const Case cases[] = {
      {"empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n"},
      {"IPv6 host", "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n"},
      {"absolute target", "GET http://x/y?z HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"CONNECT", "CONNECT x.org:443 HTTP/1.1\r\nHost: x.org:443\r\n\r\n"},
      {"unknown method", "BREW /pot HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"1.0 without a host", "GET / HTTP/1.0\r\n\r\n"},
      {"empty line first", "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"no blank after a colon", "GET / HTTP/1.1\r\nHost:x\r\nName:value\r\n\r\n"},
      {"empty value", "GET / HTTP/1.1\r\nHost: x\r\nName:\r\n\r\n"},
      {"high bytes in a value", "GET / HTTP/1.1\r\nHost: x\r\nName: \xc3\xa4\r\n\r\n"},
      {"equal lengths", with("Content-Length: 0\r\nContent-Length: 0")},
      {"Chunked", with("Transfer-Encoding: Chunked") + "0\r\n\r\n"},
      {"leading zeros", with("Transfer-Encoding: chunked") + "0003\r\nabc\r\n000\r\n\r\n"},
      {"quoted extension", with("Transfer-Encoding: chunked") + "1;a=\"b c\"\r\nx\r\n0\r\n\r\n"},
  };
  for (const Case& each : cases) {
    for (unsigned seed = 0; seed < 20; ++seed) {
      const auto outcome = parse(each.bytes, {}, seed);
      EXPECT_FALSE(outcome.refused) << each.name << ": " << outcome.why;
      EXPECT_EQ(outcome.requests.size(), 1) << each.name;
      EXPECT_EQ(outcome.left, 0) << each.name;
    }
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
  limits.line = get.find("\r\n");
  for (unsigned seed = 0; seed < 20; ++seed)
    EXPECT_FALSE(parse(get, limits, seed).refused) << seed;
  limits = {};
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
