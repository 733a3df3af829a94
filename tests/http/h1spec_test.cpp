// SPDX-License-Identifier: MIT
// The 33 cases that the public h1spec asks of a server which sends every body back, in our words,
// after RFC 9112.
#include <gmock/gmock.h>

#include <cstddef>
#include <ostream>
#include <string>
#include <vector>

#include "bad_requests.hpp"
#include "server_fixture.hpp"

namespace grove::test {
namespace {

struct Case {
  const char* name;
  unsigned status;
  std::string bytes;
  std::string body{};
  friend void PrintTo(const Case& that, std::ostream* out) { *out << that.name; }
};

// A request that has come so far only; the rest follows.
struct Part {
  const char* name;
  std::size_t size;
  friend void PrintTo(const Part& that, std::ostream* out) { *out << that.name; }
};

const std::string hello = "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n";

class H1Spec : public HttpServerTest, public testing::WithParamInterface<Case> {};
class H1SpecFragment : public HttpServerTest, public testing::WithParamInterface<Part> {};

http::Response echo(http::Request& request) { return {request.read_all()}; }

TEST_P(H1Spec, is_answered_as_it_should) {
  serve(echo);
  const Case& each = GetParam();
  net::StreamSocket socket = dial();
  socket.send_all(each.bytes);
  if (each.status < 300)
    socket.shutdown_write();
  const std::string answer = read_all(socket);
  EXPECT_THAT(answer, testing::StartsWith("HTTP/1.1 " + std::to_string(each.status) + " "));
  EXPECT_EQ(count(answer, "HTTP/1.1 "), 1);
  if (each.status == 200) {
    EXPECT_THAT(answer, testing::EndsWith("\r\n\r\n" + each.body));
  }
}

TEST_P(H1SpecFragment, is_waited_for) {
  serve(echo);
  net::StreamSocket socket = dial();
  socket.send_all(hello.substr(0, GetParam().size));
  EXPECT_FALSE(socket.wait_readable(20ms));
  socket.send_all(hello.substr(GetParam().size));
  socket.shutdown_write();
  const std::string answer = read_all(socket);
  EXPECT_THAT(answer, testing::StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(count(answer, "HTTP/1.1 "), 1);
}

std::string with(const std::string& field) {
  return "GET / HTTP/1.1\r\nHost: example.com\r\n" + field + "\r\n\r\n";
}

const std::string posted = "POST / HTTP/1.1\r\nHost: example.com\r\n";

const std::vector<Case> cases{
    {"a_request_line_without_a_version", 400, "GET / \r\n\r\n"},
    {"an_expectation_without_a_body", 200, with("Expect: 100-continue")},
    {"a_plain_request", 200, "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"},
    {"names_in_any_case_and_tabs", 200, "GET / HTTP/1.1\r\nhoSt:\texample.com\r\nempty:\r\n\r\n"},
    {"a_name_that_is_no_token", 400, with("X-Invalid[]: test")},
    {"no_Host", 400, "GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\n"},
    {"two_Hosts", 400, with("Host: example.org")},
    {"a_length_far_below_zero", 400, with("Content-Length: -123456789123456789123456789")},
    {"a_length_below_zero", 400, with("Content-Length: -1234")},
    {"a_length_in_letters", 400, with("Content-Length: abc")},
    {"an_empty_value", 200, with("X-Empty-Header: ")},
    {"a_control_character_in_a_value", 400, with("X-Bad-Control-Char: test\x07")},
    {"a_version_of_the_future", 505, "GET / HTTP/9.9\r\nHost: example.com\r\n\r\n"},
    {"words_before_the_method", 400, "Extra lineGET / HTTP/1.1\r\nHost: example.com\r\n\r\n"},
    {"a_line_that_begins_with_CR", 400, with("\rSome-Header: Test")},
    {"a_body_with_its_length", 200, posted + "Content-Length: 5\r\n\r\nhello", "hello"},
    {"a_body_in_chunks", 200,
     posted + "Transfer-Encoding: chunked\r\n\r\nc\r\nHellO world1\r\n0\r\n\r\n", "HellO world1"},
    {"a_length_and_chunks", 400,
     posted + "content-LengtH: 5\r\nTransFer-Encoding: chunked\r\n\r\nc\r\nHellO "
              "world1\r\n0\r\n\r\n"},
};

const std::vector<Part> parts{
    {"within_the_method", 1},
    {"before_the_target", 4},
    {"behind_the_target", 10},
    {"before_the_version", 11},
    {"within_the_version", 15},
    {"behind_the_version", 19},
    {"within_the_end_of_the_request_line", 20},
    {"behind_the_request_line", 21},
    {"within_a_name", 24},
    {"before_a_value", 26},
    {"behind_the_blank_before_a_value", 27},
    {"behind_a_value", 36},
    {"within_the_end_of_a_field", 37},
    {"behind_a_field", 38},
    {"within_the_end_of_the_head", 39},
};

INSTANTIATE_TEST_SUITE_P(Case, H1Spec, testing::ValuesIn(cases),
                         [](const auto& row) { return row.param.name; });
INSTANTIATE_TEST_SUITE_P(Case, H1SpecFragment, testing::ValuesIn(parts),
                         [](const auto& row) { return row.param.name; });

} // namespace
} // namespace grove::test
