// SPDX-License-Identifier: MIT
// Servers that break RFC 9112, or mean harm: the client says so, names phase and peer, gives its
// user nothing of it, and uses the connection no more.
#include <gmock/gmock.h>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include <grove/http/client.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/net/listener.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

using http::ClientError;
using Phase = ClientError::Phase;

struct Case {
  const char* name;
  Phase phase;
  std::string bytes;
  friend void PrintTo(const Case& that, std::ostream* out) { *out << that.name; }
};

class BadAnswer : public HubTest, public testing::WithParamInterface<Case> {};

TEST_P(BadAnswer, is_told_and_not_given) {
  const Case& bad = GetParam();
  net::Listener listener(net::Address::loopback());
  int connections = 0;
  const auto server = spawn([&] {
    while (true) {
      net::StreamSocket socket = listener.accept();
      ++connections;
      try {
        if (socket.recv(65536, 20s).starts_with("GET /good"))
          socket.send_all("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood");
        else
          socket.send_all(bad.bytes);
        socket.shutdown_write();
        while (!socket.recv(65536, 20s).empty()) {
        }
      } catch (const std::system_error&) { // the client has seen enough
      }
    }
  });
  const std::string url = "http://" + listener.local_address().to_string();
  http::ClientOptions options;
  options.limits.body = 1000;
  http::Client client(options);
  try {
    auto answer = client.get(url + "/bad");
    const std::string text = answer.text();
    ADD_FAILURE() << "it was taken: " << answer.status() << " " << text;
  } catch (const ClientError& error) {
    EXPECT_EQ(error.phase(), bad.phase) << error.what();
    EXPECT_THAT(error.what(), testing::StartsWith("GET " + url + "/bad: "));
  }
  EXPECT_EQ(client.get(url + "/good").text(), "good");
  EXPECT_EQ(connections, 2);
  server.kill();
}

std::string ok(const std::string& fields) { return "HTTP/1.1 200 OK\r\n" + fields + "\r\n\r\n"; }

std::vector<Case> cases() {
  const std::string chunked = ok("Transfer-Encoding: chunked");
  const std::string long_text(20'000, 'x');
  std::string many;
  for (int i = 0; i < 101; ++i)
    many += "A: b\r\n";
  std::string interim;
  for (int i = 0; i < 101; ++i)
    interim += "HTTP/1.1 100 Continue\r\n\r\n";
  return {
      {"length_and_chunked", Phase::head, ok("Content-Length: 5\r\nTransfer-Encoding: chunked")},
      {"chunked_and_length", Phase::head, ok("Transfer-Encoding: chunked\r\nContent-Length: 5")},
      {"lengths_that_differ", Phase::head, ok("Content-Length: 5\r\nContent-Length: 6")},
      {"length_with_a_sign", Phase::head, ok("Content-Length: +5")},
      {"length_beyond_64_bits", Phase::head, ok("Content-Length: 18446744073709551616")},
      {"another_coding", Phase::head, ok("Transfer-Encoding: gzip")},
      {"coding_under_chunked", Phase::head, ok("Transfer-Encoding: gzip, chunked")},
      {"chunked_twice", Phase::head, ok("Transfer-Encoding: chunked, chunked")},
      {"another_version", Phase::head, "HTTP/2.0 200 OK\r\n\r\n"},
      {"a_status_in_letters", Phase::head, "HTTP/1.1 abc OK\r\n\r\n"},
      {"a_status_below_100", Phase::head, "HTTP/1.1 099 OK\r\n\r\n"},
      {"a_status_of_two_digits", Phase::head, "HTTP/1.1 20 OK\r\n\r\n"},
      {"no_HTTP_at_all", Phase::head, "220 mail.example.org ESMTP\r\n\r\n"},
      {"NUL_in_a_field", Phase::head, ok(std::string("A: b\0c", 6))},
      {"bare_CR_in_a_field", Phase::head, ok("A: b\rSet-Cookie: c")},
      {"blank_before_a_colon", Phase::head, ok("A : b")},
      {"a_field_too_many", Phase::head, "HTTP/1.1 200 OK\r\n" + many + "\r\n"},
      {"a_head_too_long", Phase::head, ok("A: " + long_text)},
      {"interim_answers_for_ever", Phase::head, interim},
      {"an_end_within_the_head", Phase::head, "HTTP/1.1 200 OK\r\nContent-Le"},
      {"an_end_within_the_body", Phase::body, ok("Content-Length: 5") + "abc"},
      {"an_end_within_a_chunk", Phase::body, chunked + "5\r\nabc"},
      {"no_last_chunk", Phase::body, chunked + "3\r\nabc\r\n"},
      {"a_chunk_size_in_words", Phase::body, chunked + "three\r\nabc\r\n0\r\n\r\n"},
      {"a_chunk_size_beyond_64_bits", Phase::body, chunked + "10000000000000003\r\nabc"},
      {"a_chunk_without_its_end", Phase::body, chunked + "3\r\nabcX\r\n0\r\n\r\n"},
      {"a_chunk_extension_too_long", Phase::body, chunked + "1;" + long_text + "\r\nx\r\n"},
      {"trailers_too_long", Phase::body, chunked + "0\r\nA: " + long_text + "\r\n\r\n"},
      {"chunks_beyond_the_limit", Phase::body, chunked + "3e9\r\n" + long_text},
  };
}

INSTANTIATE_TEST_SUITE_P(Server, BadAnswer, testing::ValuesIn(cases()),
                         [](const auto& row) { return row.param.name; });

class BadAnswers : public HubTest {};

// A second answer that nobody asked for would be taken for that to the next request.
TEST_F(BadAnswers, what_comes_behind_an_answer_is_not_the_next) {
  net::Listener listener(net::Address::loopback());
  const auto server = spawn([&] {
    for (int i = 0; i < 2; ++i) {
      net::StreamSocket socket = listener.accept(20s);
      static_cast<void>(socket.recv(65536, 20s));
      const std::string answer = ok("Content-Length: 5") + (i == 0 ? "first" : "other");
      socket.send_all(answer + ok("Content-Length: 6") + "forged");
    }
  });
  const std::string url = "http://" + listener.local_address().to_string() + "/";
  http::Client client;
  EXPECT_EQ(client.get(url).text(), "first");
  EXPECT_EQ(client.get(url).text(), "other");
  EXPECT_EQ(client.stats().connections, 2);
}

// Trailers are no fields: RFC 9110, 6.5.1
TEST_F(BadAnswers, trailers_are_dropped) {
  net::Listener listener(net::Address::loopback());
  const auto server = spawn([&] {
    net::StreamSocket socket = listener.accept(20s);
    static_cast<void>(socket.recv(65536, 20s));
    socket.send_all(ok("Transfer-Encoding: chunked") + "3\r\nabc\r\n0\r\nSet-Cookie: a=b\r\n\r\n");
  });
  http::Client client;
  auto answer = client.get("http://" + listener.local_address().to_string() + "/");
  EXPECT_EQ(answer.text(), "abc");
  EXPECT_FALSE(answer.fields().has("Set-Cookie"));
}

} // namespace
} // namespace grove::test
