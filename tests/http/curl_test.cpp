// SPDX-License-Identifier: MIT
// Forms, gzip and events as curl writes and reads them.
#include <gmock/gmock.h>

#include <chrono>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <grove/http/event_stream.hpp>
#include <grove/http/gzip.hpp>
#include <grove/http/multipart.hpp>
#include <grove/http/router.hpp>
#include <grove/hub/process.hpp>

#include "../support/hub_test.hpp"
#include "../support/temporary_directory.hpp"

namespace grove::test {
namespace {

using http::Request;
using http::Response;

class CurlTest : public HubTest {
protected:
  void SetUp() override {
    HubTest::SetUp();
    try {
      static_cast<void>(curl({"--version"}));
    } catch (const std::system_error&) {
      GTEST_SKIP() << "apt-get install curl";
    }
    http::Router router;
    router.use(http::Gzip());
    router.post("/form", [](Request& request) {
      std::string all;
      http::Multipart form(request);
      while (auto* part = form.next()) {
        all += part->name() + '|' + part->file_name().value_or("-") + '|' +
               std::string(part->type()) + '|' + part->text(1'000'000) + '\n';
      }
      return Response(all);
    });
    router.post("/echo", [](Request& request) { return Response(request.read_all()); });
    router.get("/text", [](Request&) { return Response(std::string(100'000, 'x')); });
    router.get("/events", [](Request& request) {
      return http::event_stream(request, [](http::EventStream& stream) {
        stream.send({.data = "after " + stream.last_event_id(), .id = "8"});
      });
    });
    server = std::make_unique<http::Server>(net::Address::loopback(), router);
    server->start();
  }
  void TearDown() override {
    server.reset();
    HubTest::TearDown();
  }
  static std::string curl(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"curl", "-sS", "--max-time", "20"});
    return check_output(arguments, {.out = Stdio::pipe(), .err = Stdio::inherit()}, {}, 60s);
  }
  std::string url(std::string_view path) const {
    return "http://" + server->address().to_string() + std::string(path);
  }
  TemporaryDirectory directory;
  std::unique_ptr<http::Server> server;
};

TEST_F(CurlTest, forms_are_read) {
  const std::string large(300'000, 'z');
  std::ofstream(directory.path() + "/a \"b\".txt") << large;
  EXPECT_EQ(curl({"-F", "title=Tea & \u00fc", "-F", "empty=", "-F",
                  "file=@\"" + directory.path() + "/a \\\"b\\\".txt\"", "-F",
                  "json={};type=application/json", url("/form")}),
            "title|-|text/plain|Tea & \u00fc\nempty|-|text/plain|\nfile|a \"b\".txt|text/plain|" +
                large + "\njson|-|application/json|{}\n");
}

TEST_F(CurlTest, what_is_compressed_is_read_and_taken) {
  EXPECT_EQ(curl({"--compressed", url("/text")}), std::string(100'000, 'x'));
  EXPECT_EQ(curl({"--compressed", "--http1.0", url("/text")}), std::string(100'000, 'x'));
  EXPECT_EQ(curl({"-H", "Accept-Encoding: gzip", "-o", "/dev/null", "-w",
                  "%{http_code} %header{content-encoding}", url("/text")}),
            "200 gzip");
  const std::string packed = directory.path() + "/packed.gz";
  check_output(shell("printf 'some text' | gzip > " + packed));
  EXPECT_EQ(curl({"-H", "Content-Encoding: gzip", "--data-binary", "@" + packed, url("/echo")}),
            "some text");
  EXPECT_EQ(curl({"-H", "Content-Encoding: gzip", "-H", "Transfer-Encoding: chunked", "-T", packed,
                  "-X", "POST", url("/echo")}),
            "some text");
}

TEST_F(CurlTest, events_are_read) {
  EXPECT_EQ(curl({"-N", "-H", "Last-Event-ID: 7", url("/events")}), "id: 8\ndata: after 7\n\n");
}

} // namespace
} // namespace grove::test
