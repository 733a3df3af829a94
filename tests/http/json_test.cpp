// SPDX-License-Identifier: MIT
#include <grove/http/json.hpp>

#include <gmock/gmock.h>

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <grove/http/client.hpp>
#include <grove/http/router.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

using http::from_json;
using http::JsonError;
using http::parse_json;
using http::Request;
using http::Response;
using testing::ElementsAre;
using testing::HasSubstr;

enum class Size { small, large };
BOOST_DESCRIBE_ENUM(Size, small, large)

struct Item {
  std::string name;
  double price = 0;
  std::optional<std::string> note{};
};
BOOST_DESCRIBE_STRUCT(Item, (), (name, price, note))

struct Order {
  std::uint8_t count = 0;
  Size size{};
  bool paid = false;
  std::vector<Item> items;
  std::map<std::string, int> stock;
  boost::json::value more;
};
BOOST_DESCRIBE_STRUCT(Order, (), (count, size, paid, items, stock, more))

constexpr std::string_view order_text =
    R"({"count":2,"size":"large","paid":true,"items":[{"name":"tea","price":2.5,"note":null},)"
    R"({"name":"\u00fc","price":3}],"stock":{"a/b":1,"c":-2},"more":[null]})";

// `where: why`, as a JsonError says it.
template <class F>
std::string fault(F f) {
  try {
    f();
  } catch (const JsonError& error) {
    EXPECT_EQ(error.status(), 400);
    return error.where() + ": " + error.why();
  }
  return "nothing was thrown";
}
template <class T>
std::string fault_of(std::string_view text) {
  return fault([&] { from_json<T>(parse_json(text)); });
}
std::string order_with(std::string_view part, std::string_view instead) {
  std::string text(order_text);
  return text.replace(text.find(part), part.size(), instead);
}

Request json_request(std::string body, std::string_view type = "application/json") {
  http::Fields fields;
  fields.add("Content-Type", type);
  return Request::make("POST", "/", std::move(body), std::move(fields));
}

TEST(Json, a_struct_is_read_with_all_that_is_in_it) {
  const auto order = from_json<Order>(parse_json(order_text));
  EXPECT_EQ(order.count, 2);
  EXPECT_EQ(order.size, Size::large);
  EXPECT_TRUE(order.paid);
  ASSERT_EQ(order.items.size(), 2);
  EXPECT_EQ(order.items[0].name, "tea");
  EXPECT_EQ(order.items[0].price, 2.5);
  EXPECT_EQ(order.items[0].note, std::nullopt);
  EXPECT_EQ(order.items[1].name, "\u00fc");
  EXPECT_EQ(order.items[1].price, 3);
  EXPECT_EQ(order.stock.at("a/b"), 1);
  EXPECT_TRUE(order.more.is_array());
}

TEST(Json, a_struct_is_written_and_read_again) {
  const Item item{"a \"b\"\n", 0.1, "\u00fc"};
  const std::string text = http::to_json(item);
  EXPECT_EQ(parse_json(text), parse_json(R"({"name":"a \"b\"\n","price":0.1,"note":"\u00fc"})"));
  EXPECT_EQ(from_json<Item>(parse_json(text)).note, item.note);
  EXPECT_EQ(http::to_json(std::vector<int>{1, 2}), "[1,2]");
}

TEST(Json, a_fault_tells_what_and_where) {
  EXPECT_EQ(fault_of<Order>(order_with("\"price\":3", "\"price\":\"x\"")),
            "/items/1/price: expected a number, found a string");
  EXPECT_EQ(fault_of<Order>(order_with("\"price\":3", "\"note\":\"\"")),
            "/items/1/price: is missing");
  EXPECT_EQ(fault_of<Order>(order_with("\"note\":null", "\"nite\":null")),
            "/items/0/nite: is no member that is known here");
  EXPECT_EQ(fault_of<Order>(order_with("\"a/b\":1", "\"~a/b\":[]")),
            "/stock/~0a~1b: expected a whole number, found an array");
  EXPECT_EQ(fault_of<Order>(order_with("\"large\"", "\"huge\"")),
            "/size: is none of the words that are known here");
  EXPECT_EQ(fault_of<Order>(order_with("true", "1")),
            "/paid: expected true or false, found a number");
  EXPECT_EQ(fault_of<Order>("[]"), ": expected an object, found an array");
  EXPECT_EQ(fault_of<std::vector<int>>("{}"), ": expected an array, found an object");
  EXPECT_EQ(fault_of<std::string>("null"), ": expected a string, found null");
}

TEST(Json, numbers_are_not_rounded) {
  EXPECT_EQ(from_json<std::int64_t>(parse_json("-9223372036854775808")), INT64_MIN);
  EXPECT_EQ(from_json<std::uint64_t>(parse_json("18446744073709551615")), UINT64_MAX);
  EXPECT_EQ(from_json<int>(parse_json("3.0")), 3);
  EXPECT_EQ(from_json<unsigned>(parse_json("1e3")), 1000);
  EXPECT_EQ(from_json<float>(parse_json("0.5")), 0.5F);
  EXPECT_EQ(from_json<double>(parse_json("18446744073709551615")), 18446744073709551615.0);
  const std::string no_whole = ": is no whole number, or out of range";
  for (const char* text : {"1.5", "2147483648", "-2147483649", "1e10", "1e300", "-1e300"})
    EXPECT_EQ(fault_of<int>(text), no_whole) << text;
  for (const char* text : {"-1", "18446744073709551616", "-0.5", "1e20"})
    EXPECT_EQ(fault_of<std::uint64_t>(text), no_whole) << text;
  for (const char* text : {"9223372036854775808", "9.223372036854775808e18"})
    EXPECT_EQ(fault_of<std::int64_t>(text), no_whole) << text;
  EXPECT_EQ(fault_of<std::uint8_t>("256"), no_whole);
  EXPECT_EQ(fault_of<float>("1e39"), ": is out of range");
  EXPECT_EQ(fault_of<double>("1e999"), ": is out of range");
}

TEST(Json, what_is_none_is_told_by_line_and_column) {
  const auto place = [](std::string_view text) {
    return fault([&] { parse_json(text); }).substr(0, 17);
  };
  EXPECT_EQ(place(""), "line 1, column 1:");
  EXPECT_EQ(place("[1,\n 2, x]"), "line 2, column 5:");
  EXPECT_EQ(place("[1, 2"), "line 1, column 6:");
  EXPECT_EQ(place("[1] 2"), "line 1, column 5:");
}

TEST(Json, the_text_is_strictly_rfc_8259) {
  for (const char* text : {"[1,]",
                           "{'a':1}",
                           "// x\n1",
                           "NaN",
                           "Infinity",
                           "01",
                           "+1",
                           ".5",
                           "1.",
                           "\"\t\"",
                           R"("\x")",
                           R"("\ud800")",
                           "\xef\xbb\xbf{}",
                           "\"\xff\"",
                           "\"\xc0\x80\"",
                           "\"\xed\xa0\x80\"",
                           R"({"a"})",
                           "{1:2}",
                           "tru",
                           "[1 2]",
                           "\x0c[]"}) {
    EXPECT_THROW(parse_json(text), JsonError) << text;
  }
  EXPECT_THROW(parse_json(std::string_view("1\0", 2)), JsonError);
  EXPECT_EQ(parse_json(" \r\n\t[1e2] \n"), parse_json("[100.0]"));
  EXPECT_EQ(parse_json(R"({"a":1,"a":2})"), parse_json(R"({"a":2})"));
}

// The stack is a greenlet's.
TEST(Json, depth_is_limited) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_NO_THROW(parse_json(nested(32)));
  EXPECT_THROW(parse_json(nested(33)), JsonError);
  EXPECT_THROW(parse_json(std::string(1'000'000, '[')), JsonError);
  EXPECT_NO_THROW(parse_json(nested(40), {.max_depth = 40}));
}

TEST(Json, members_that_nobody_knows_may_be_passed_over) {
  const auto value = parse_json(R"({"name":"a","price":1,"colour":"red"})");
  EXPECT_EQ(fault([&] { from_json<Item>(value); }), "/colour: is no member that is known here");
  EXPECT_EQ(from_json<Item>(value, {.unknown_members = true}).name, "a");
}

TEST(Json, a_body_is_read_by_its_type_and_limit) {
  for (const char* type : {"application/json", "Application/JSON; charset=utf-8",
                           "application/merge-patch+json", "application/json ;x=y"}) {
    Request request = json_request(R"({"name":"a","price":1})", type);
    EXPECT_EQ(http::read_json<Item>(request).name, "a") << type;
  }
  const auto status = [](Request request, const http::JsonOptions& options = {}) {
    try {
      http::read_json(request, options);
    } catch (const http::Error& error) {
      return error.status();
    }
    return 200U;
  };
  // A form of another page's would need no leave to be sent so: it must not pass for JSON.
  for (const char* type : {"text/plain", "application/x-www-form-urlencoded", "+json", "json"})
    EXPECT_EQ(status(json_request("{}", type)), 415) << type;
  EXPECT_EQ(status(Request::make("POST", "/", "{}")), 415);
  EXPECT_EQ(status(json_request("[1, 2, 3]"), {.limit = 8}), 413);
  EXPECT_EQ(status(json_request("[1, 2, 3]"), {.limit = 9}), 200);
  EXPECT_EQ(status(json_request("")), 400);
}

TEST(Json, errors_become_problem_details) {
  const Response page = http::json_error_page(http::Error(404, "no \"user\" \xff\n"));
  EXPECT_EQ(page.status(), 404);
  EXPECT_EQ(page.fields().get("Content-Type"), "application/problem+json");
  EXPECT_EQ(page.text(), R"({"title":"Not Found","status":404,"detail":"no \"user\" )"
                         "\u00ff"
                         R"(\n"})");
  EXPECT_EQ(http::json_error_page(JsonError("/a", "is missing")).text(),
            R"({"title":"Bad Request","status":400,"detail":"is missing","where":"/a"})");
}

class JsonServerTest : public HubTest {
protected:
  void serve(http::ServerOptions options = {}) {
    http::Router router;
    router.post("/items", [](Request& request) {
      const auto item = http::read_json<Item>(request);
      return http::json_response(item, 201);
    });
    router.get("/broken", [](Request&) { return Response("{", "application/json"); });
    server = std::make_unique<http::Server>(net::Address::loopback(), router, std::move(options));
    server->start();
  }
  void TearDown() override {
    server.reset();
    HubTest::TearDown();
  }
  std::string url(std::string_view path) const {
    return "http://" + server->address().to_string() + std::string(path);
  }
  std::unique_ptr<http::Server> server;
};

TEST_F(JsonServerTest, a_service_takes_and_gives_json) {
  serve();
  http::Client client;
  auto answer = client.post(url("/items"), http::to_json(Item{"tea", 2.5}), "application/json");
  EXPECT_EQ(answer.status(), 201);
  EXPECT_EQ(answer.fields().get("Content-Type"), "application/json");
  EXPECT_EQ(http::read_json<Item>(answer).name, "tea");
}

TEST_F(JsonServerTest, a_wrong_body_is_answered_in_json) {
  serve();
  http::Client client;
  auto answer = client.post(url("/items"), R"({"name":"tea","price":"dear"})", "application/json");
  EXPECT_EQ(answer.status(), 400);
  EXPECT_EQ(answer.fields().get("Content-Type"), "application/problem+json");
  EXPECT_EQ(answer.text(), R"({"title":"Bad Request","status":400,)"
                           R"("detail":"expected a number, found a string","where":"/price"})");
  // Other errors stay text; and a client's fault is no failure of the handler.
  auto nowhere = client.get(url("/nowhere"));
  EXPECT_EQ(nowhere.fields().get("Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(server->stats().failures, 0);
}

TEST_F(JsonServerTest, all_errors_are_json_where_a_server_says_so) {
  serve({.error_page = http::json_error_page});
  http::Client client;
  auto nowhere = client.get(url("/nowhere"));
  EXPECT_EQ(nowhere.status(), 404);
  const auto page = http::read_json(nowhere);
  EXPECT_EQ(page.at("status"), 404);
  EXPECT_EQ(page.at("title"), "Not Found");
}

TEST_F(JsonServerTest, a_broken_answer_is_the_servers_fault) {
  serve();
  http::Client client;
  auto broken = client.get(url("/broken"));
  EXPECT_THAT(text_of<http::ClientError>([&] { http::read_json(broken); }),
              HasSubstr("/broken: body: at line 1, column 2: this is no JSON"));
  auto other = client.post(url("/items"), R"({"name":"tea","price":1})", "application/json");
  EXPECT_THAT(text_of<http::ClientError>([&] { http::read_json<std::vector<int>>(other); }),
              HasSubstr("/items: body: expected an array, found an object"));
}

} // namespace
} // namespace grove::test
