// SPDX-License-Identifier: MIT
#include <grove/http/multipart.hpp>

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <grove/http/client.hpp>
#include <grove/http/error.hpp>
#include <grove/http/server.hpp>

#include "multipart_parser.hpp"

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

using http::Error;
using http::Fields;
using http::Multipart;
using http::MultipartLimits;
using http::Request;
using http::Response;
using http::detail::boundary_of;
using http::detail::MultipartParser;
using testing::ElementsAre;

constexpr std::string_view type = "multipart/form-data; boundary=XyZ";

Request form_of(std::string body, std::string_view content_type = type) {
  Fields fields;
  fields.add("Content-Type", content_type);
  return Request::make("POST", "/", std::move(body), std::move(fields));
}

std::string part(std::string_view disposition, std::string_view body,
                 std::string_view fields = "") {
  return "--XyZ\r\nContent-Disposition: form-data; " + std::string(disposition) + "\r\n" +
         std::string(fields) + "\r\n" + std::string(body) + "\r\n";
}
std::string form(const std::vector<std::string>& parts) {
  std::string all;
  for (const std::string& one : parts)
    all += one;
  return all + "--XyZ--\r\n";
}

// "name=text", "name(file name)=text".
std::vector<std::string> read(Request request, const MultipartLimits& limits = {}) {
  std::vector<std::string> all;
  Multipart parts(request, limits);
  while (auto* one = parts.next()) {
    all.push_back(one->name() + (one->is_file() ? "(" + *one->file_name() + ")" : "") + "=" +
                  one->text(1'000'000));
  }
  EXPECT_EQ(parts.next(), nullptr);
  return all;
}
unsigned status_of(std::string body, const MultipartLimits& limits = {},
                   std::string_view content_type = type) {
  try {
    read(form_of(std::move(body), content_type), limits);
  } catch (const Error& error) {
    return error.status();
  }
  return 200;
}

// The same by the parser alone, given so many bytes at a time; "!" for a fault.
std::vector<std::string> parse(std::string_view body, std::size_t piece) {
  MultipartParser parser("XyZ", {});
  std::vector<std::string> all;
  std::string buffer;
  try {
    while (true) {
      const auto step = parser.step(buffer);
      if (step.event == MultipartParser::Event::head)
        all.push_back(parser.part().name + "=");
      else if (step.event == MultipartParser::Event::data)
        all.back() += step.data;
      buffer.erase(0, step.used);
      if (step.event != MultipartParser::Event::more)
        continue;
      if (body.empty()) {
        parser.end();
        return all;
      }
      buffer += body.substr(0, piece);
      body.remove_prefix(std::min(piece, body.size()));
    }
  } catch (const Error&) {
    all.emplace_back("!");
  }
  return all;
}

// -- what is taken
// ---------------------------------------------------------------------------------

TEST(Multipart, fields_and_files_come_in_their_order) {
  EXPECT_THAT(read(form_of(form({part("name=\"title\"", "Tea & cake"), part("name=\"empty\"", ""),
                                 part("name=\"file\"; filename=\"a.txt\"", "1\r\n2\r\n",
                                      "Content-Type: text/plain\r\n"),
                                 part("name=file; filename=\"\"", "")}))),
              ElementsAre("title=Tea & cake", "empty=", "file(a.txt)=1\r\n2\r\n", "file()="));
  EXPECT_THAT(read(form_of("--XyZ--")), ElementsAre());
}

TEST(Multipart, a_body_may_have_all_but_the_boundary) {
  constexpr std::string_view most("\r\n--XyY\r\n--Xy\r\r\n\r\n--\xff--XyZ\r\n--Xy");
  const std::string tail = '\0' + std::string(most);
  EXPECT_THAT(read(form_of(form({part("name=a", tail)}))), ElementsAre("a=" + tail));
  const std::string ends(10'000, '\r');
  EXPECT_THAT(read(form_of(form({part("name=a", ends), part("name=b", "\r\n")}))),
              ElementsAre("a=" + ends, "b=\r\n"));
}

TEST(Multipart, pieces_make_no_difference) {
  const std::vector<std::string> bodies = {
      form({part("name=a", "1\r\n--Xy"), part("name=b", "\r\n\r\n--X\r\n-"), part("name=c", "")}),
      form({part("name=a", "x")}) + "x",
      form({part("name=a", "x")}).substr(0, 60),
      "--XyZ\r\n\r\nx\r\n--XyZ--",
      "--XyZ -",
      "--XyZ\rx"};
  for (const std::string& body : bodies) {
    const auto whole = parse(body, body.size());
    for (const std::size_t piece : {1U, 2U, 3U, 7U, 13U, 40U})
      EXPECT_EQ(parse(body, piece), whole) << piece << " of " << body;
  }
  EXPECT_THAT(parse(bodies[0], 1), ElementsAre("a=1\r\n--Xy", "b=\r\n\r\n--X\r\n-", "c="));
}

// As Chromium, Firefox, curl and Python's requests write them.
TEST(Multipart, names_are_read_as_browsers_write_them) {
  const auto name = [](std::string_view disposition) {
    return read(form_of(form({part(disposition, "")}))).at(0);
  };
  EXPECT_EQ(name(R"(name="a%22b%0D%0Ac%20")"), "a\"b\r\nc%20=");
  EXPECT_EQ(name("name=\"f\"; filename=\"\u00fc \u4e16.txt\""), "f(\u00fc \u4e16.txt)=");
  EXPECT_EQ(name(R"(name="f"; filename="C:\dir\x.txt")"), R"(f(C:\dir\x.txt)=)");
  EXPECT_EQ(name(R"(name="f"; filename="a\"b\\c")"), R"x(f(a"b\c)=)x");
  EXPECT_EQ(name(R"(NAME=f ;FileName=x;size=3)"), "f(x)=");
}

TEST(Multipart, boundaries_are_those_of_rfc_2046) {
  EXPECT_EQ(boundary_of("multipart/form-data; boundary=abc"), "abc");
  EXPECT_EQ(boundary_of("Multipart/Form-Data;charset=utf-8;BOUNDARY=\"a b:c\""), "a b:c");
  EXPECT_EQ(boundary_of("multipart/form-data; boundary=----WebKitFormBoundaryeXQ0"),
            "----WebKitFormBoundaryeXQ0");
  const auto status = [](std::string_view text) {
    try {
      boundary_of(text);
    } catch (const Error& error) {
      return error.status();
    }
    return 200U;
  };
  for (const char* none :
       {"multipart/form-data",
        "multipart/form-data; boundary=", "multipart/form-data; boundary=\"\"",
        "multipart/form-data; boundary=\"a \"", "multipart/form-data; boundary=a; boundary=b",
        "multipart/form-data; boundary=\"a", "multipart/form-data; boundary=a b",
        "multipart/form-data; boundary=\"\u00fc\"", "multipart/form-data; boundary=\"a*b\"",
        "multipart/form-data; boundary", "multipart/form-data;; boundary=a"})
    EXPECT_EQ(status(none), 400) << none;
  EXPECT_EQ(status("multipart/form-data; boundary=" + std::string(70, 'a')), 200);
  EXPECT_EQ(status("multipart/form-data; boundary=" + std::string(71, 'a')), 400);
  for (const char* other : {"", "multipart/mixed; boundary=a", "application/x-www-form-urlencoded",
                            "multipart/form-datax; boundary=a"})
    EXPECT_EQ(status(other), 415) << other;
}

// -- what is refused
// -------------------------------------------------------------------------------

TEST(Multipart, what_is_broken_or_cut_off_is_refused) {
  const std::string good = form({part("name=a", "x"), part("name=b", "yy")});
  EXPECT_EQ(status_of(good), 200);
  EXPECT_EQ(status_of(good.substr(0, good.size() - 2)), 200); // without the last end of line
  for (std::size_t size = 0; size < good.size() - 2; ++size)
    EXPECT_EQ(status_of(good.substr(0, size)), 400) << size;
  for (const std::string& bad :
       {"preamble\r\n" + good, "\r\n" + good, good + "epilogue", good + "\r\n",
        std::string("--XyZx\r\n"), std::string("--XyZ \r\n--XyZ--"), std::string("--XyZ\n"),
        form({"--XyZ\r\n\r\nx\r\n"}), form({"--XyZ\r\nContent-Type: text/plain\r\n\r\nx\r\n"}),
        form({part("name=a", "x\r\n--XyZx")}), form({part("name=a", "x\r\n--XyZ\nx")})})
    EXPECT_EQ(status_of(bad), 400) << bad;
}

TEST(Multipart, what_servers_disagree_about_is_refused) {
  for (const char* disposition :
       {"", "name", "name=", "name=\"a", "name=a; name=b", "name=a; filename=x; filename=y",
        "name=a; filename=x; filename*=utf-8''y", "name*=utf-8''a; name=b", "filename=x",
        "name=\"\xff\"", "name=a; filename=\"\xc0\x80\"", "name=a b", "name = a", "name=\"a\"b",
        "name=\"a\x01\""})
    EXPECT_EQ(status_of(form({part(disposition, "x")})), 400) << disposition;
  for (const char* fields :
       {"Content-Disposition: form-data; name=b\r\n", "Content-Transfer-Encoding: base64\r\n",
        "Content-Type: a/b\r\nContent-Type: c/d\r\n", "X: a\r\n folded\r\n", "X : a\r\n", ": a\r\n",
        "no colon\r\n", "X: a\rb\r\n", "X: a\nY: b\r\n"})
    EXPECT_EQ(status_of(form({part("name=a", "x", fields)})), 400) << fields;
  EXPECT_EQ(status_of("--XyZ\r\nContent-Disposition: attachment; name=a\r\n\r\nx\r\n--XyZ--"), 400);
  EXPECT_EQ(status_of(form({part("name=a", "x", "Content-Transfer-Encoding: 8BIT\r\n")})), 200);
}

// tornado CVE-2025-47287: the first fault ends it, and is an error of the request, not of the log.
TEST(Multipart, a_fault_stays) {
  for (const std::string& body :
       {std::string("--XyZx\r\n"), form({part("name=a", "x", "bad\r\n")}), "x" + form({})}) {
    Request request = form_of(body);
    Multipart parts(request);
    const std::string first = text_of<Error>([&] { parts.next(); });
    EXPECT_EQ(text_of<Error>([&] { parts.next(); }), first);
  }
}

TEST(Multipart, limits_hold) {
  const auto parts = [](int count) {
    return form(std::vector<std::string>(static_cast<std::size_t>(count), part("name=a", "x")));
  };
  EXPECT_EQ(status_of(parts(100)), 200);
  EXPECT_EQ(status_of(parts(101)), 413);
  EXPECT_EQ(status_of(parts(3), {.parts = 2}), 413);
  const auto with_field = [](std::size_t size) {
    return form({part("name=a", "x", "X: " + std::string(size, 'x') + "\r\n")});
  };
  EXPECT_EQ(status_of(with_field(4000)), 200);
  EXPECT_EQ(status_of(with_field(4100)), 431);
  EXPECT_EQ(status_of(with_field(500'000)), 431);
  std::string many;
  for (int i = 0; i < 16; ++i)
    many += "X: y\r\n";
  EXPECT_EQ(status_of(form({part("name=a", "x", many)})), 431);
  EXPECT_EQ(status_of(form({part("name=a", std::string(1000, 'x'))}), {.part = 1000}), 200);
  EXPECT_EQ(status_of(form({part("name=a", std::string(1001, 'x'))}), {.part = 1000}), 413);
}

// -- reading it
// ------------------------------------------------------------------------------------

TEST(Multipart, what_nobody_reads_is_passed_over) {
  Request request = form_of(form({part("name=a", std::string(100'000, 'x')), part("name=b", "y"),
                                  part("name=c", std::string(100'000, 'z'))}));
  Multipart parts(request);
  ASSERT_NE(parts.next(), nullptr);
  std::array<char, 10> some;
  EXPECT_EQ(parts.next()->read(some), 1);
  Multipart moved = std::move(parts);
  auto* last = moved.next();
  EXPECT_EQ(last->name(), "c");
  EXPECT_EQ(last->read(some), 10);
  EXPECT_EQ(last->text(100'000).size(), 99'990);
  EXPECT_EQ(last->read(some), 0);
  EXPECT_EQ(moved.next(), nullptr);
}

TEST(Multipart, a_text_has_a_limit_and_a_sink_may_throw) {
  Request request = form_of(form({part("name=a", std::string(70'000, 'x')), part("name=b", "y")}));
  Multipart parts(request);
  auto* first = parts.next();
  EXPECT_EQ(first->type(), "text/plain");
  EXPECT_THROW(first->copy_to([](std::string_view) { throw TestError(); }), TestError);
  EXPECT_THROW(first->text(), Error);
  EXPECT_EQ(parts.next()->text(), "y");
}

class MultipartServerTest : public HubTest {
protected:
  void TearDown() override {
    server.reset();
    HubTest::TearDown();
  }
  std::string post(std::string body) {
    http::Client client;
    auto answer =
        client.post("http://" + server->address().to_string() + "/", std::move(body), type);
    return std::to_string(answer.status()) + " " + answer.text();
  }
  std::unique_ptr<http::Server> server;
};

TEST_F(MultipartServerTest, an_upload_goes_to_a_sink_as_it_comes) {
  std::size_t largest = 0;
  server = std::make_unique<http::Server>(
      net::Address::loopback(),
      [&](Request& request) {
        Multipart parts(request);
        std::uint64_t size = 0;
        while (auto* one = parts.next()) {
          size += one->copy_to([&](std::string_view piece) {
            largest = std::max(largest, piece.size());
            yield();
          });
        }
        return Response(std::to_string(size));
      },
      http::ServerOptions{.limits = {.body = 64 * 1024 * 1024}});
  server->start();
  std::string body(8 * 1024 * 1024, 'x');
  EXPECT_EQ(post(form({part("name=f; filename=big", body), part("name=a", "123")})),
            "200 " + std::to_string(body.size() + 3));
  EXPECT_LE(largest, 16 * 1024);
}

TEST_F(MultipartServerTest, a_broken_form_is_answered_and_is_no_failure) {
  server = std::make_unique<http::Server>(net::Address::loopback(), [](Request& request) {
    Multipart parts(request);
    while (parts.next() != nullptr) {
    }
    return Response("taken");
  });
  server->start();
  EXPECT_EQ(post("--XyZx"), "400 400 Bad Request: the form: something follows a boundary\n");
  EXPECT_EQ(post(form({part("name=a", "x")})), "200 taken");
  EXPECT_EQ(server->stats().failures, 0);
}

} // namespace
} // namespace grove::test
