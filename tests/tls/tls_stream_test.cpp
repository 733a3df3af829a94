// SPDX-License-Identifier: MIT
// TlsStream: bytes, ends, interruptions.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <random>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <sys/socket.h>

#include <grove/hub/exceptions.hpp>
#include <grove/hub/group.hpp>
#include <grove/hub/timeout.hpp>

#include "../support/process_test.hpp"
#include "tls_test.hpp"

namespace grove::test {
namespace {

using tls::TlsStream;
using tls::Version;

class TlsStreamTest : public TlsTest, public ::testing::WithParamInterface<Version> {
protected:
  TlsStreamTest() {
    tls::ClientOptions options = client_options();
    options.max_version = GetParam();
    Connected ends = Connected::tcp();
    server_fd_ = ends.server.descriptor();
    sides_.emplace(shake_hands(tls::ClientContext(options), server_, "localhost", std::move(ends)));
  }
  TlsStream& client() { return *sides_->client; }
  TlsStream& server() { return *sides_->server; }

  std::optional<Sides> sides_;
  int server_fd_ = -1; // to do to it what TLS does not expect
};
INSTANTIATE_TEST_SUITE_P(of, TlsStreamTest, ::testing::Values(Version::tls_1_2, Version::tls_1_3),
                         [](const auto& version) {
                           return version.param == Version::tls_1_2 ? "1_2" : "1_3";
                         });

TEST_P(TlsStreamTest, both_know_what_was_agreed_upon) {
  EXPECT_EQ(client().version(), GetParam());
  EXPECT_EQ(server().version(), GetParam());
  EXPECT_EQ(client().cipher(), server().cipher());
  EXPECT_EQ(client().alpn(), "");
  EXPECT_EQ(server().server_name(), "localhost");
  EXPECT_FALSE(client().resumed());
  EXPECT_EQ(client().peer_address(), server().local_address());
  EXPECT_TRUE(client().name().starts_with("tls tcp 127.0.0.1:")) << client().name();
  EXPECT_FALSE(server().peer_certificate().has_value());
  const auto peer = client().peer_certificate();
  ASSERT_TRUE(peer.has_value());
  EXPECT_EQ(peer->pem, localhost().chain);
}

TEST_P(TlsStreamTest, what_is_sent_arrives_in_both_directions) {
  client().send_all("question");
  EXPECT_EQ(server().recv(100), "question");
  server().send_all("answer");
  EXPECT_EQ(client().recv_exactly(6), "answer");
  EXPECT_EQ(client().recv_into({}), 0u);
  client().send_all("");
  EXPECT_EQ(client().send(""), 0u);
}

TEST_P(TlsStreamTest, parts_leave_together_and_in_order) {
  std::vector<std::string> texts{"head", "", "body", std::string(40'000, 'b'), "tail", ""};
  const std::vector<std::string_view> parts(texts.begin(), texts.end());
  std::string whole;
  for (const std::string& text : texts)
    whole += text;
  auto sender = spawn([&] { client().send_all(parts); });
  EXPECT_EQ(server().recv_exactly(whole.size()), whole);
  sender.get();
}

// -- reliability 13: any split, both directions at once -------------------------------------------

void send_in_pieces(TlsStream& to, std::string_view data, unsigned seed) {
  std::minstd_rand random(seed);
  while (!data.empty()) {
    const std::size_t size = random() % 4 == 0 ? 1 + random() % 90'000 : 1 + random() % 300;
    to.send_all(data.substr(0, size));
    data.remove_prefix(std::min(size, data.size()));
  }
  to.shutdown_write();
}

std::string receive_in_pieces(TlsStream& from, unsigned seed) {
  std::minstd_rand random(seed);
  std::string all;
  for (;;) {
    if (random() % 5 == 0)
      from.wait_readable();
    const std::string piece = from.recv(1 + random() % 30'000);
    if (piece.empty())
      return all;
    all += piece;
  }
}

TEST_P(TlsStreamTest, both_directions_at_once_with_any_split_lose_nothing) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::minstd_rand random(seed);
  std::string data((sanitized ? 2 : 12) << 20, ' ');
  for (char& c : data)
    c = static_cast<char>(random());
  scope([&](Group& all) {
    all.spawn([&] { send_in_pieces(client(), data, seed); });
    all.spawn([&] { send_in_pieces(server(), data, seed + 1); });
    all.spawn([&] { EXPECT_TRUE(receive_in_pieces(client(), seed + 2) == data); });
    all.spawn([&] { EXPECT_TRUE(receive_in_pieces(server(), seed + 3) == data); });
  });
}

// -- the end --------------------------------------------------------------------------------------

TEST_P(TlsStreamTest, closing_is_seen_as_the_end) {
  client().send_all("last words");
  client().close();
  client().close();
  EXPECT_FALSE(client().is_open());
  EXPECT_EQ(server().recv(100), "last words");
  EXPECT_EQ(server().recv(100), "");
  EXPECT_EQ(server().recv(100), "") << "and again";
  EXPECT_TRUE(server().wait_readable());
}

TEST_P(TlsStreamTest, after_the_end_of_one_direction_the_other_goes_on) {
  client().shutdown_write();
  client().shutdown_write();
  EXPECT_EQ(server().recv(100), "");
  server().send_all("still here");
  EXPECT_EQ(client().recv(100), "still here");
  EXPECT_EQ(code_of([&] { client().send_all("more"); }), EPIPE);
  server().shutdown_write();
  EXPECT_EQ(client().recv(100), "");
}

TEST_P(TlsStreamTest, the_side_that_was_told_of_the_end_may_close_first) {
  client().shutdown_write();
  EXPECT_EQ(server().recv(100), "");
  server().close();
  EXPECT_EQ(client().recv(100), "");
}

// reliability 37
TEST_P(TlsStreamTest, an_end_without_close_notify_is_told_as_truncation) {
  server().send_all("half of the");
  ::shutdown(server_fd_, SHUT_WR);
  EXPECT_EQ(client().recv(100), "half of the");
  const tls::TlsError error = tls_error_of([&] { client().recv(100); });
  EXPECT_EQ(error.reason(), Reason::truncated);
  EXPECT_EQ(error.phase(), Phase::receiving);
  EXPECT_NE(std::string(error.what()).find("truncated"), std::string::npos) << error.what();
  EXPECT_EQ(tls_error_of([&] { client().recv(100); }).reason(), Reason::truncated) << "and again";
  EXPECT_EQ(tls_error_of([&] { client().send("x"); }).reason(), Reason::truncated);
  EXPECT_TRUE(client().wait_readable()) << "the next call does not wait";
}

// reliability 14
TEST_P(TlsStreamTest, a_reset_is_an_error_of_the_connection) {
  const sockaddr nobody{AF_UNSPEC, {}};
  ASSERT_EQ(::connect(server_fd_, &nobody, sizeof nobody), 0);
  EXPECT_EQ(code_of([&] { client().recv(100); }), ECONNRESET);
}

// reliability 11
TEST_P(TlsStreamTest, sending_to_one_who_is_gone_is_an_error_and_no_signal) {
  server().close();
  const auto send = [&] {
    for (int i = 0; i < 1000; ++i)
      client().send_all(std::string(16'384, 'x'));
  };
  EXPECT_THROW(send(), std::system_error);
}

TEST_P(TlsStreamTest, bytes_that_were_changed_on_the_way_are_refused) {
  const std::string record = std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x');
  ASSERT_EQ(::send(server_fd_, record.data(), record.size(), MSG_NOSIGNAL), 37);
  const tls::TlsError error = tls_error_of([&] { client().recv(100); });
  EXPECT_EQ(error.reason(), Reason::protocol) << error.what();
  EXPECT_EQ(error.phase(), Phase::receiving);
  EXPECT_EQ(tls_error_of([&] { server().recv(100); }).reason(), Reason::refused)
      << "and who seems to have sent them is told";
}

// -- waiting --------------------------------------------------------------------------------------

TEST_P(TlsStreamTest, a_second_reader_or_writer_is_told_so) {
  auto reader = spawn([&] { return client().recv(100); });
  settle();
  EXPECT_THROW(client().recv(1), std::logic_error);
  EXPECT_THROW(client().wait_readable(), std::logic_error);
  auto writer = spawn([&] { client().send_all(std::string(32 << 20, 'x')); });
  settle();
  ASSERT_FALSE(writer.ready());
  EXPECT_THROW(client().send("x"), std::logic_error);
  EXPECT_THROW(client().shutdown_write(), std::logic_error);
  server().send_all("hello");
  EXPECT_EQ(std::move(reader).get(), "hello");
  writer.kill();
}

TEST_P(TlsStreamTest, closing_wakes_who_waits_in_each_direction) {
  auto reader = spawn([&] { client().recv(100); });
  auto writer = spawn([&] { client().send_all(std::string(32 << 20, 'x')); });
  settle();
  client().close();
  EXPECT_THROW(reader.get(), Closed);
  EXPECT_THROW(writer.get(), Closed);
  EXPECT_THROW(client().recv(1), Closed);
  EXPECT_THROW(client().send("x"), Closed);
  EXPECT_THROW(client().shutdown_write(), Closed);
  EXPECT_THROW(client().version(), Closed);
}

TEST_P(TlsStreamTest, destroying_it_wakes_who_waits) {
  auto reader = spawn([&] { client().recv(100); });
  settle();
  sides_.reset();
  EXPECT_THROW(reader.get(), Closed);
}

TEST_P(TlsStreamTest, a_reader_that_is_interrupted_loses_nothing) {
  EXPECT_THROW(client().recv(100, 1ms), TimeoutError);
  EXPECT_FALSE(client().wait_readable(1ms));
  EXPECT_FALSE(with_timeout(1ms, [&] { client().recv(100); }));
  auto reader = spawn([&] { client().recv(100); });
  settle();
  reader.kill();
  server().send_all("all of it");
  EXPECT_THROW(client().recv_exactly(20, 5ms), TimeoutError);
  EXPECT_EQ(client().recv_exactly(9), "all of it");
}

// A record that was encrypted goes out whole, or the peer could make nothing of what follows.
TEST_P(TlsStreamTest, a_writer_that_is_interrupted_leaves_a_sound_stream) {
  const std::string much(64 << 20, 'x');
  EXPECT_THROW(client().send_all(much, 5ms), TimeoutError);
  auto writer = spawn([&] { client().send_all(much); });
  settle();
  writer.kill();
  auto reader = spawn([&] {
    std::string tail;
    while (!tail.ends_with("the end"))
      tail = tail.substr(tail.size() > 7 ? tail.size() - 7 : 0) + server().recv(65'536);
  });
  client().send_all("the end", 30s);
  reader.get(30s);
}

TEST_P(TlsStreamTest, one_that_is_never_made_to_wait_lets_others_run) {
  client().send_all(std::string(16'000, 'x'));
  bool stop = false;
  auto other = spawn([&] {
    for (int i = 0; i < 100; ++i)
      yield();
    stop = true;
  });
  while (!stop) {
    client().send_all("x");
    server().recv(1);
  }
  other.get();
}

} // namespace
} // namespace grove::test
