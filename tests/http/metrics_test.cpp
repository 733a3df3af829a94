// SPDX-License-Identifier: MIT
#include <grove/http/metrics.hpp>

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <grove/http/client.hpp>
#include <grove/http/router.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

using http::Metrics;
using testing::HasSubstr;

TEST(Metrics, numbers_of_one_name_are_together) {
  Metrics metrics;
  metrics.counter("a_total", "All.", 1, {{"x", "1"}})
      .gauge("b", "Now.", -0.5)
      .counter("a_total", "All.", 18446744073709551615.0, {{"x", "2"}, {"a", ""}});
  EXPECT_EQ(metrics.text(), "# HELP a_total All.\n"
                            "# TYPE a_total counter\n"
                            "a_total{x=\"1\"} 1\n"
                            "a_total{a=\"\",x=\"2\"} 18446744073709551616\n"
                            "# HELP b Now.\n"
                            "# TYPE b gauge\n"
                            "b -0.5\n");
}

TEST(Metrics, what_could_end_a_line_or_a_label_is_escaped) {
  Metrics metrics;
  metrics.gauge("a", "one \\ \"two\"\nthree", 1, {{"path", "C:\\x\n\"} 2\na 3"}});
  EXPECT_EQ(metrics.text(), "# HELP a one \\\\ \"two\"\\nthree\n"
                            "# TYPE a gauge\n"
                            "a{path=\"C:\\\\x\\n\\\"} 2\\na 3\"} 1\n");
}

TEST(Metrics, numbers_are_written_as_prometheus_reads_them) {
  const auto text = [](double value) {
    const std::string all = Metrics().gauge("a", "", value).text();
    return all.substr(all.rfind(' ') + 1);
  };
  EXPECT_EQ(text(0.1), "0.1\n");
  EXPECT_EQ(text(1e300), "1e+300\n");
  EXPECT_EQ(text(std::numeric_limits<double>::infinity()), "+Inf\n");
  EXPECT_EQ(text(-std::numeric_limits<double>::infinity()), "-Inf\n");
  EXPECT_EQ(text(std::nan("")), "NaN\n");
}

TEST(Metrics, what_prometheus_would_not_take_is_refused) {
  for (const char* name : {"", "1a", "a-b", "a b", "a\n", "__a", "\u00fc", "a{"})
    EXPECT_THROW(Metrics().gauge(name, "", 1), std::invalid_argument) << name;
  for (const char* label : {"", "1a", "a:b", "__a", "a\"", "a="})
    EXPECT_THROW(Metrics().gauge("a", "", 1, {{label, "x"}}), std::invalid_argument) << label;
  EXPECT_THROW(Metrics().gauge("a", "", 1, {{"x", "\xff"}}), std::invalid_argument);
  EXPECT_THROW(Metrics().gauge("a", "", 1, {{"x", "1"}, {"x", "2"}}), std::invalid_argument);
  Metrics metrics;
  metrics.gauge("a:b", "", 1).gauge("a", "", 1, {{"x", "1"}, {"y", "2"}});
  EXPECT_THROW(metrics.gauge("a:b", "", 2), std::invalid_argument);
  EXPECT_THROW(metrics.gauge("a", "", 2, {{"y", "2"}, {"x", "1"}}), std::invalid_argument);
  EXPECT_THROW(metrics.counter("a", "", 2), std::invalid_argument);
}

TEST(Metrics, a_histogram_counts_up_to_its_bounds) {
  http::Histogram seconds({0.1, 1});
  for (const double value : {0.05, 0.1, 0.5, 7.0})
    seconds.observe(value);
  Metrics metrics;
  metrics.histogram("a_seconds", "Time.", seconds, {{"x", "1"}});
  EXPECT_EQ(metrics.text(), "# HELP a_seconds Time.\n"
                            "# TYPE a_seconds histogram\n"
                            "a_seconds_bucket{le=\"0.1\",x=\"1\"} 2\n"
                            "a_seconds_bucket{le=\"1\",x=\"1\"} 3\n"
                            "a_seconds_bucket{le=\"+Inf\",x=\"1\"} 4\n"
                            "a_seconds_sum{x=\"1\"} 7.65\n"
                            "a_seconds_count{x=\"1\"} 4\n");
  EXPECT_THROW(metrics.histogram("a_seconds", "", seconds, {{"x", "1"}}), std::invalid_argument);
  EXPECT_THROW(metrics.histogram("b", "", seconds, {{"le", "1"}}), std::invalid_argument);
  EXPECT_THROW(http::Histogram({1, 1}), std::invalid_argument);
  EXPECT_THROW(http::Histogram({std::nan("")}), std::invalid_argument);
  EXPECT_EQ(http::Histogram(std::vector<double>{}).counts_up_to().size(), 1);
}

TEST(Metrics, a_histogram_is_for_all_threads) {
  http::Histogram seconds;
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 1000; ++n)
        seconds.observe(0.5);
    });
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_EQ(seconds.counts_up_to().back(), 4000);
  EXPECT_EQ(seconds.sum(), 2000);
}

class MetricsServerTest : public HubTest {};

TEST_F(MetricsServerTest, a_server_tells_its_own) {
  http::Router router;
  http::Server* told = nullptr;
  router.get("/", [](http::Request&) { return http::Response("12345"); });
  router.get("/fails", [](http::Request&) -> http::Response { throw TestError(); });
  router.get("/metrics", [&](http::Request&) {
    return Metrics().add(told->stats(), {{"server", "a"}}).response();
  });
  http::Server server(net::Address::loopback(), router);
  told = &server;
  server.start();
  ErrorLog log;
  http::Client client;
  const std::string root = "http://" + server.address().to_string();
  EXPECT_EQ(client.get(root + "/").text(), "12345");
  EXPECT_EQ(client.get(root + "/").text(), "12345");
  client.get(root + "/nowhere").text();
  client.get(root + "/fails").text();
  auto answer = client.get(root + "/metrics");
  EXPECT_EQ(answer.fields().get("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  const std::string text = answer.text();
  for (const char* line : {"\n# TYPE grove_http_requests_total counter\n",
                           R"(grove_http_requests_total{server="a"} 5)",
                           R"(grove_http_connections_total{server="a"} 1)",
                           R"(grove_http_connections_open{server="a"} 1)",
                           R"(grove_http_bad_requests_total{server="a"} 0)",
                           R"(grove_http_failures_total{server="a"} 1)",
                           R"(grove_http_responses_total{code="2xx",server="a"} 2)",
                           R"(grove_http_responses_total{code="4xx",server="a"} 1)",
                           R"(grove_http_responses_total{code="5xx",server="a"} 1)"})
    EXPECT_THAT(text, HasSubstr(line));
  EXPECT_EQ(server.stats().responses[2], 3);
  EXPECT_GT(server.stats().body_bytes, text.size());
}

} // namespace
} // namespace grove::test
