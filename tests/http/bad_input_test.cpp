// SPDX-License-Identifier: MIT
// What breaks the rules, against a server that others use meanwhile: each is answered once, with
// the status that RFC 9112 asks for, the connection ends, the application is called never (or once,
// for a body), and the log has one line.
#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <vector>

#include <grove/http/access_log.hpp>

#include "bad_requests.hpp"
#include "grammar.hpp"
#include "server_fixture.hpp"

namespace grove::test {
namespace {

class BadInput : public HttpServerTest, public testing::WithParamInterface<BadRequestCase> {};

TEST_P(BadInput, is_answered_once_and_ends_its_connection_only) {
  const BadRequestCase& bad = GetParam();
  std::vector<std::string> called;
  std::vector<std::string> lines;
  http::ServerOptions options;
  options.access_log = [&](const http::AccessRecord& record) {
    lines.push_back(http::common_log_line(record));
  };
  serve(
      [&](http::Request& request) {
        called.emplace_back(request.path());
        return http::Response(request.read_all());
      },
      options);
  net::StreamSocket other = dial();
  const auto is_served = [&] {
    other.send_all(post("good", keep));
    std::string answer;
    while (!answer.ends_with("good"))
      answer += other.recv(65536, 20s);
    return answer.starts_with("HTTP/1.1 200 ");
  };
  EXPECT_TRUE(is_served());
  called.clear();
  lines.clear();

  const std::string answer = talk(bad.bytes + get("/smuggled") + get("/smuggled"));
  EXPECT_THAT(answer, testing::StartsWith("HTTP/1.1 " + std::to_string(bad.status) + " "));
  EXPECT_EQ(count(answer, "HTTP/1.1 "), 1) << answer;
  EXPECT_THAT(answer, testing::HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_EQ(called, std::vector<std::string>(bad.in_body ? 1 : 0, "/"));
  ASSERT_EQ(lines.size(), 1);
  EXPECT_TRUE(std::ranges::none_of(lines[0], http::detail::is_control)) << lines[0];
  EXPECT_EQ(std::ranges::count(lines[0], '"'), 6) << lines[0];
  EXPECT_THAT(lines[0], testing::HasSubstr("\" " + std::to_string(bad.status) + " "));

  EXPECT_TRUE(is_served());
  EXPECT_EQ(server->stats().bad_requests, bad.in_body ? 0 : 1);
  EXPECT_EQ(server->stats().failures, 0);
}

INSTANTIATE_TEST_SUITE_P(Request, BadInput, testing::ValuesIn(bad_requests()),
                         [](const auto& row) { return as_identifier(row.param.name); });

} // namespace
} // namespace grove::test
