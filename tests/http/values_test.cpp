// SPDX-License-Identifier: MIT
// Fields, queries, cookies, dates, log lines and trusted proxies.
#include <grove/http/access_log.hpp>
#include <grove/http/authorization.hpp>
#include <grove/http/cookie.hpp>
#include <grove/http/fields.hpp>
#include <grove/http/query.hpp>
#include <grove/http/response.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "date.hpp"
#include "forwarded.hpp"

namespace grove::http {
namespace {

using namespace std::chrono_literals;

TEST(Fields, keep_their_order_and_ignore_case) {
  Fields fields;
  fields.add("B", "1");
  fields.add("a", " 2\t");
  fields.add("b", "3");
  EXPECT_EQ(fields.size(), 3);
  EXPECT_EQ(fields.get("B"), "1");
  EXPECT_EQ(fields.get("A"), "2");
  EXPECT_EQ(fields.joined("b"), "1, 3");
  EXPECT_EQ(fields.get("c", "none"), "none");
  fields.set("b", *fields.get("A")); // a view of its own
  EXPECT_EQ(fields.joined("b"), "2");
  EXPECT_EQ(fields.remove("B"), 1);
  EXPECT_EQ(fields.remove("B"), 0);
  EXPECT_EQ((*fields.begin()).name, "a");
}

TEST(Fields, a_list_is_that_of_all_fields_of_its_name) {
  Fields fields{{"Connection", "close, X-One ,,"}, {"Other", "none"}, {"connection", "upgrade"}};
  EXPECT_EQ(fields.list("Connection"), (std::vector<std::string>{"close", "X-One", "upgrade"}));
  EXPECT_TRUE(fields.list("Nothing").empty());
  EXPECT_TRUE(fields.lists("connection", "x-one"));
  EXPECT_TRUE(fields.lists("Connection", "Upgrade"));
  EXPECT_FALSE(fields.lists("Connection", "X"));
  EXPECT_FALSE(fields.lists("Nothing", "close"));
}

TEST(Fields, add_takes_views_of_its_own) {
  Fields fields;
  fields.add("name", "value");
  for (int i = 0; i < 100; ++i)
    fields.add(fields[0].name, fields[0].value);
  for (const auto field : fields) {
    ASSERT_EQ(field.name, "name");
    ASSERT_EQ(field.value, "value");
  }
}

// gevent W26, RFC 9112 11.1
TEST(Fields, what_could_split_a_message_is_refused) {
  Fields fields;
  EXPECT_THROW(fields.add("a", "b\r\nc: d"), std::invalid_argument);
  EXPECT_THROW(fields.add("a", "b\nc"), std::invalid_argument);
  EXPECT_THROW(fields.add("a", std::string_view("\0", 1)), std::invalid_argument);
  EXPECT_THROW(fields.add("a\r\n", "b"), std::invalid_argument);
  EXPECT_THROW(fields.add("a b", "c"), std::invalid_argument);
  EXPECT_THROW(fields.add("", "c"), std::invalid_argument);
  EXPECT_THROW(Response::redirect("/\r\nSet-Cookie: a=b"), std::invalid_argument);
  EXPECT_TRUE(fields.empty());
}

TEST(Query, is_read_as_browsers_write_it) {
  const Query query = Query::parse("a=1&b=two+words&c&=empty&a=%C3%A4&&broken=%zz%4");
  EXPECT_EQ(query.get("a"), "1");
  EXPECT_EQ(query.get_all("a").size(), 2);
  EXPECT_EQ(query.get_all("a")[1], "\xc3\xa4");
  EXPECT_EQ(query.get("b"), "two words");
  EXPECT_EQ(query.get("c"), "");
  EXPECT_EQ(query.get(""), "empty");
  EXPECT_EQ(query.get("broken"), "%zz%4");
  EXPECT_FALSE(query.has("d"));
  EXPECT_EQ(Query::parse(query.to_string()).get("b"), "two words");
  EXPECT_THROW(Query::parse("a&b&c", 2), std::length_error);
}

TEST(Query, percent_encoding_goes_both_ways) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte)
    all += static_cast<char>(byte);
  EXPECT_EQ(percent_decode(percent_encode(all)), all);
  EXPECT_EQ(percent_encode("a/b c~"), "a%2Fb%20c~");
  for (const char* broken : {"%", "%4", "%4g", "a%"})
    EXPECT_FALSE(percent_decode(broken)) << broken;
}

TEST(Cookie, is_written_and_found) {
  Cookie cookie{.name = "sid", .value = "abc"};
  EXPECT_EQ(cookie.to_string(), "sid=abc; Path=/; HttpOnly; SameSite=Lax");
  cookie.max_age = 60s;
  cookie.secure = true;
  cookie.same_site = Cookie::SameSite::none;
  cookie.domain = "example.org";
  EXPECT_EQ(cookie.to_string(),
            "sid=abc; Path=/; Domain=example.org; Max-Age=60; Secure; HttpOnly; SameSite=None");
  EXPECT_EQ(cookie_value("a=1; sid=x; b=\"2\"", "sid"), "x");
  EXPECT_EQ(cookie_value("a=1;b=\"2\"", "b"), "2");
  EXPECT_FALSE(cookie_value("asid=1; sid", "sid"));
}

TEST(Cookie, one_that_could_end_early_is_refused) {
  EXPECT_THROW((Cookie{.name = "a b", .value = ""}).to_string(), std::invalid_argument);
  EXPECT_THROW((Cookie{.name = "a", .value = "b; Secure"}).to_string(), std::invalid_argument);
  EXPECT_THROW((Cookie{.name = "a", .value = "b", .path = "/; x"}).to_string(),
               std::invalid_argument);
  Cookie open{.name = "a", .value = "b"};
  open.same_site = Cookie::SameSite::none;
  EXPECT_THROW(open.to_string(), std::invalid_argument);
}

TEST(Date, three_forms_are_read_and_one_is_written) {
  for (const char* text : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                           "Sun Nov  6 08:49:37 1994"})
    EXPECT_EQ(detail::parse_http_date(text), 784111777) << text;
  EXPECT_EQ(detail::http_date(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_FALSE(detail::parse_http_date("yesterday"));
  EXPECT_FALSE(detail::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT; x"));
}

TEST(AccessLog, nobody_forges_a_line) {
  AccessRecord record{};
  record.time = std::chrono::system_clock::from_time_t(784111777);
  record.duration = 1500us;
  record.client = "127.0.0.1";
  record.method = "GET";
  record.target = "/a\"b\nc";
  record.minor_version = 1;
  record.status = 200;
  record.body_bytes = 5;
  record.user_agent = "x\\\x01\xff";
  EXPECT_EQ(common_log_line(record), "127.0.0.1 - - [06/Nov/1994:08:49:37 +0000] \"GET "
                                     "/a\\x22b\\x0Ac HTTP/1.1\" 200 5 \"-\" \"x\\x5C\\x01\\xFF\"");
  EXPECT_EQ(json_log_line(record),
            "{\"time\":\"1994-11-06T08:49:37Z\",\"client\":\"127.0.0.1\",\"method\":\"GET\","
            "\"target\":\"/a\\\"b\\u000ac\",\"status\":200,\"bytes\":5,\"ms\":1.500,"
            "\"referer\":\"\",\"user_agent\":\"x\\\\\\u0001\\u00ff\"}");
}

TEST(TrustedProxies, only_those_speak_for_others) {
  const detail::TrustedProxies proxies({"10.0.0.0/8", "::1", "192.168.1.1"});
  const auto trusts = [&](const char* ip) { return proxies.trust(net::Address::ip(ip, 1)); };
  EXPECT_TRUE(trusts("10.1.2.3"));
  EXPECT_TRUE(trusts("::ffff:10.1.2.3"));
  EXPECT_TRUE(trusts("::1"));
  EXPECT_TRUE(trusts("192.168.1.1"));
  EXPECT_FALSE(trusts("192.168.1.2"));
  EXPECT_FALSE(trusts("11.0.0.1"));
  EXPECT_FALSE(proxies.trust(net::Address::unix_path("/x")));
  EXPECT_TRUE(detail::TrustedProxies({"unix"}).trust(net::Address()));

  const auto client = [&](const char* chain) {
    Fields fields;
    fields.add("X-Forwarded-For", chain);
    return proxies.client_of(fields, "10.0.0.1");
  };
  EXPECT_EQ(client("1.2.3.4"), "1.2.3.4");
  EXPECT_EQ(client("6.6.6.6, 1.2.3.4, 10.9.9.9"), "1.2.3.4"); // the first one is anybody's claim
  EXPECT_EQ(client("10.0.0.2, 10.0.0.3"), "10.0.0.2");
  EXPECT_EQ(client("junk"), "10.0.0.1");
  EXPECT_EQ(client("junk, 10.0.0.3"), "10.0.0.3");
  for (const char* bad : {"10.0.0.0/33", "10.0.0.0/", "name", "::1/129", "10.0.0.0/8x"})
    EXPECT_THROW(detail::TrustedProxies({bad}), std::invalid_argument) << bad;
}

// -- names and passwords -------------------------------------------------------------------------

std::string credentials(std::string_view field) {
  const auto found = basic_credentials(Request::make("GET", "/", {}, {{"Authorization", field}}));
  return found ? found->user + "|" + found->password : "none";
}

TEST(BasicAuthorization, is_what_rfc_7617_has) {
  EXPECT_EQ(basic_authorization("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  EXPECT_EQ(credentials(basic_authorization("Aladdin", "open sesame")), "Aladdin|open sesame");
  EXPECT_EQ(credentials(basic_authorization("a", "b:c")), "a|b:c");
  EXPECT_EQ(credentials(basic_authorization("grüß", "dich")), "grüß|dich");
  EXPECT_EQ(credentials("bAsIc  Og=="), "|");
  EXPECT_THROW(basic_authorization("a:b", "c"), std::invalid_argument);
  EXPECT_THROW(basic_authorization("a", "b\nc"), std::invalid_argument);
}

TEST(BasicAuthorization, what_is_broken_is_none) {
  for (const char* field :
       {"", "Basic", "Basic ", "Bearer Og==", "BasicOg==", "Basic Og",
        "Basic Og=", "Basic O===", "Basic Og==Og==", "Basic Oh==", "Basic O g=", "Basic !!!!",
        "Basic YWJj" /* no colon */, "Basic OgA=" /* a NUL */, "Basic -_-_"})
    EXPECT_EQ(credentials(field), "none") << field;
  EXPECT_FALSE(basic_credentials(Request::make("GET", "/")).has_value());
}

TEST(BasicAuthorization, passwords_are_compared_as_a_whole) {
  EXPECT_TRUE(equals_in_constant_time("secret", "secret"));
  EXPECT_TRUE(equals_in_constant_time("", ""));
  EXPECT_FALSE(equals_in_constant_time("secret", "secreT"));
  EXPECT_FALSE(equals_in_constant_time("secret", "secre"));
}

} // namespace
} // namespace grove::http
