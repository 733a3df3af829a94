// SPDX-License-Identifier: MIT
// BufferedReader: parts of a stream, in whatever pieces it comes; limits; waits; whose buffer it
// is.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <optional>
#include <random>
#include <ranges>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <grove/hub/exceptions.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/net/buffered_reader.hpp>
#include <grove/net/buffered_writer.hpp>

#include "../support/connected.hpp"
#include "../support/hub_test.hpp"
#include "../support/memory_stream.hpp"

namespace grove::test {
namespace {

using net::BufferedReader;

static_assert(std::ranges::input_range<BufferedReader::Lines>);

class BufferedReaderTest : public HubTest {
protected:
  Connected ends_ = Connected::unix_pair();
  net::StreamSocket& peer_ = ends_.client;
  BufferedReader reader_{ends_.server};
};

TEST_F(BufferedReaderTest, lines_may_end_either_way_and_the_last_not_at_all) {
  peer_.send_all("one\r\n\n\r\nmid\rdle\ntwo\r\r\nlast\r");
  peer_.shutdown_write();
  for (const char* line : {"one", "", "", "mid\rdle", "two\r", "last\r"})
    EXPECT_EQ(reader_.read_line(), line);
  EXPECT_EQ(reader_.read_line(), std::nullopt);
  EXPECT_EQ(reader_.read_line(), std::nullopt);
}

TEST_F(BufferedReaderTest, lines_are_a_range) {
  peer_.send_all("a\nb\nc");
  peer_.shutdown_write();
  std::vector<std::string> lines;
  for (std::string& line : reader_.lines())
    lines.push_back(std::move(line));
  EXPECT_EQ(lines, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(std::ranges::distance(reader_.lines()), 0);
}

TEST_F(BufferedReaderTest, parts_of_every_kind_follow_one_another) {
  peer_.send_all("head\r\n\r\nbodyAB--mark--rest");
  EXPECT_EQ(reader_.read_until("\r\n\r\n"), "head");
  EXPECT_EQ(reader_.read_exactly(4), "body");
  char one = 0;
  EXPECT_EQ(reader_.read({&one, 1}), 1u);
  EXPECT_EQ(one, 'A');
  EXPECT_EQ(reader_.peek(3).substr(0, 3), "B--");
  EXPECT_EQ(reader_.read_until("--mark--"), "B");
  EXPECT_EQ(reader_.buffered(), "rest");
  reader_.skip(1);
  peer_.shutdown_write();
  EXPECT_EQ(reader_.peek(100), "est") << "all there is before the end";
  char rest[10];
  EXPECT_EQ(reader_.read(rest), 3u);
  EXPECT_EQ(reader_.read(rest), 0u);
  EXPECT_EQ(reader_.peek(), "");
}

TEST_F(BufferedReaderTest, what_ends_too_early_is_told_and_stays) {
  peer_.send_all("abc");
  peer_.shutdown_write();
  EXPECT_THROW(reader_.read_exactly(4), Closed);
  EXPECT_NE(text_of<Closed>([&] { reader_.read_until("|"); }).find("unix"), std::string::npos);
  std::string large(100'000, ' ');
  EXPECT_THROW(reader_.read_exactly(large), Closed);
  EXPECT_EQ(reader_.read_line(), "abc");
}

TEST_F(BufferedReaderTest, mistakes_are_told) {
  EXPECT_THROW(reader_.read_until(""), std::invalid_argument);
  EXPECT_THROW(reader_.skip(1), std::logic_error);
  EXPECT_EQ(reader_.read({}), 0u);
  EXPECT_EQ(reader_.read_exactly(0), "");
}

// -- limits --------------------------------------------------------------------------------------

TEST_F(BufferedReaderTest, a_line_over_the_limit_is_told_and_left_where_it_is) {
  peer_.send_all("12345\r\nnext\n");
  const std::string text = text_of<std::length_error>([&] { reader_.read_line(4); });
  EXPECT_NE(text.find(ends_.server.name()), std::string::npos) << text;
  EXPECT_NE(text.find("more than 4 bytes"), std::string::npos) << text;
  EXPECT_THROW(reader_.read_line(4), std::length_error);
  EXPECT_EQ(reader_.read_line(5), "12345") << "its end does not count";
  EXPECT_EQ(reader_.read_line(4), "next");
}

TEST_F(BufferedReaderTest, a_limit_holds_before_the_end_of_the_line_is_there) {
  peer_.send_all("12345");
  EXPECT_THROW(reader_.read_line(4, 10s), std::length_error);
  EXPECT_THROW(reader_.read_line(5, 1ms), TimeoutError);
  peer_.send_all("\r");
  EXPECT_THROW(reader_.read_line(5, 1ms), TimeoutError) << "it may still be the line's end";
  peer_.send_all("6");
  EXPECT_THROW(reader_.read_line(5, 10s), std::length_error) << "it was not";
  peer_.send_all("\r");
  peer_.shutdown_write();
  EXPECT_THROW(reader_.read_line(7, 10s), std::length_error) << "nor was this, at the end";
  EXPECT_EQ(reader_.read_line(8), "12345\r6\r");
}

TEST_F(BufferedReaderTest, read_until_counts_what_comes_before_the_delimiter) {
  peer_.send_all("abcde||");
  EXPECT_THROW(reader_.read_until("||", 4), std::length_error);
  EXPECT_EQ(reader_.read_until("||", 5), "abcde");
  peer_.send_all("abcdef|");
  EXPECT_THROW(reader_.read_until("||", 5, 10s), std::length_error);
  EXPECT_THROW(reader_.read_until("||", 6, 1ms), TimeoutError) << "the delimiter may be to come";
  peer_.send_all("|");
  EXPECT_EQ(reader_.read_until("||", 6), "abcdef");
}

// reliability 16
// gevent C9
TEST_F(BufferedReaderTest, a_peer_that_drips_is_bounded_by_the_deadline) {
  auto dripper = spawn([&] {
    for (;;) {
      peer_.send_all("x");
      sleep(1ms);
    }
  });
  const auto begin = Clock::now();
  EXPECT_THROW(reader_.read_line(BufferedReader::default_limit, 50ms), TimeoutError);
  EXPECT_LT(Clock::now() - begin, 30s);
  EXPECT_FALSE(reader_.buffered().empty()) << "nothing is lost";
  dripper.kill();
}

// reliability 16
TEST_F(BufferedReaderTest, a_peer_that_never_pauses_is_bounded_by_the_limit_and_the_deadline) {
  auto flood = spawn([&] {
    const std::string block(4096, 'x');
    for (;;)
      peer_.send_all(block);
  });
  EXPECT_THROW(reader_.read_line(1000), std::length_error);
  EXPECT_LT(reader_.buffered().size(), 64u * 1024);
  EXPECT_THROW(reader_.read_line(std::string::npos - 10, 20ms), TimeoutError);
  flood.kill();
}

// -- waits ---------------------------------------------------------------------------------------

TEST_F(BufferedReaderTest, a_call_that_is_interrupted_takes_nothing) {
  const std::string large(50'000, 'l');
  const std::vector<std::pair<std::string, std::function<std::string()>>> calls{
      {"first part, second part\n", [&] { return *reader_.read_line() + "\n"; }},
      {"first part, second part;", [&] { return reader_.read_until(";") + ";"; }},
      {"first part, second", [&] { return reader_.read_exactly(18); }},
      {"first part, " + large, [&] { return reader_.read_exactly(12 + large.size()); }},
  };
  for (const auto& each : calls) {
    const std::string& whole = each.first;
    const std::function<std::string()>& call = each.second;
    const auto half = static_cast<std::ptrdiff_t>(10);
    peer_.send_all(std::string_view(whole).substr(0, half));
    auto killed = spawn([&] { call(); });
    settle();
    EXPECT_FALSE(killed.ready());
    killed.kill();
    EXPECT_FALSE(with_timeout(1ms, call).has_value());
    peer_.send_all(std::string_view(whole).substr(half));
    EXPECT_EQ(call(), whole);
  }
}

TEST_F(BufferedReaderTest, what_is_there_is_found_however_late_the_call) {
  peer_.send_all("first half, ");
  EXPECT_THROW(reader_.read_line(100, 0s), TimeoutError);
  peer_.send_all("second half\n");
  EXPECT_EQ(reader_.read_line(100, 0s), "first half, second half");
}

TEST_F(BufferedReaderTest, close_wakes_who_waits) {
  auto waiting = spawn([&] { EXPECT_THROW(reader_.read_line(), Closed); });
  settle();
  ends_.server.close();
  waiting.get();
}

// gevent C7
TEST_F(BufferedReaderTest, what_it_holds_can_be_read_when_the_stream_is_closed) {
  ends_.client.send_all("first\nsecond\nhalf");
  EXPECT_EQ(reader_.read_line(), "first");
  ends_.server.close();
  EXPECT_EQ(reader_.read_line(), "second");
  EXPECT_THROW(reader_.read_line(), Closed);
  EXPECT_EQ(reader_.buffered(), "half");
  net::BufferedWriter writer(ends_.server);
  writer.write("nobody");
  EXPECT_THROW(writer.flush(), Closed);
}

TEST_F(BufferedReaderTest, a_kill_comes_before_what_is_buffered) {
  peer_.send_all("one\ntwo\n");
  EXPECT_EQ(reader_.read_line(), "one");
  auto killed = spawn([&] {
    {
      const Shield shield;
      sleep(5ms);
    }
    reader_.read_line();
  });
  settle();
  killed.kill();
  EXPECT_EQ(reader_.read_line(), "two");
}

// -- whose buffer it is --------------------------------------------------------------------------

TEST_F(BufferedReaderTest, a_reader_that_has_nothing_has_no_buffer) {
  peer_.send_all("x\n");
  reader_.read_line();
  const std::size_t spare = net::detail::spare_buffers();
  ASSERT_GT(spare, 0u) << "it was given back";
  auto waiting = spawn([&] { return reader_.read_line(); });
  settle();
  EXPECT_EQ(net::detail::spare_buffers(), spare) << "nor does one that waits";
  peer_.send_all("one\npart");
  EXPECT_EQ(waiting.get(), "one");
  EXPECT_EQ(net::detail::spare_buffers(), spare - 1);
  peer_.send_all(" of it\n");
  EXPECT_EQ(reader_.read_line(), "part of it");
  EXPECT_EQ(net::detail::spare_buffers(), spare);
}

TEST_F(BufferedReaderTest, a_buffer_that_has_grown_is_not_kept) {
  const std::size_t spare = net::detail::spare_buffers();
  const std::string line(300'000, 'l');
  auto sender = spawn([&] { peer_.send_all(line + "\n"); });
  EXPECT_EQ(reader_.read_line(line.size()), line);
  EXPECT_LE(net::detail::spare_buffers(), spare + 1);
  EXPECT_TRUE(reader_.buffered().empty());
}

TEST_F(BufferedReaderTest, it_moves_with_what_it_holds) {
  peer_.send_all("one\ntwo\n");
  EXPECT_EQ(reader_.read_line(), "one");
  BufferedReader moved = std::move(reader_);
  EXPECT_EQ(moved.read_line(), "two");
}

// -- pieces --------------------------------------------------------------------------------------

// A text of lines, long ones and short ones, and what the lines are.
struct Text {
  std::string bytes;
  std::vector<std::string> lines;
  explicit Text(std::mt19937_64& random, std::size_t size) {
    while (bytes.size() < size) {
      std::string line(random() % (random() % 50 == 0 ? 20'000 : 40), ' ');
      for (char& c : line)
        c = "abc\r|"[random() % 5];
      if (line.ends_with('\r'))
        line.back() = 'e';
      bytes += line + (random() % 2 == 0 ? "\n" : "\r\n");
      lines.push_back(std::move(line));
    }
  }
};

// reliability 13
TEST_F(BufferedReaderTest, a_million_random_splits_make_no_difference) {
  const auto seed = static_cast<std::uint64_t>(Clock::now().time_since_epoch().count());
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  RecordProperty("seed", std::to_string(seed));
  std::mt19937_64 random(seed);
  const std::size_t wanted = sanitized ? 100'000 : 1'000'000;
  std::size_t splits = 0;
  while (splits < wanted) {
    const Text text(random, 200'000);
    const std::size_t most = 1 + random() % (random() % 3 == 0 ? 3000 : 3);
    MemoryStream stream(text.bytes, [&] { return 1 + random() % most; });
    BufferedReader reader(stream);
    std::size_t at = 0; // in the bytes
    for (const std::string& line : text.lines) {
      const std::size_t end = text.bytes[at + line.size()] == '\r' ? 2 : 1;
      std::string got;
      switch (random() % 5) {
      case 0:
        got = reader.read_until(end == 2 ? "\r\n" : "\n");
        break;
      case 1:
        got = reader.read_exactly(line.size());
        reader.peek(end);
        reader.skip(end);
        break;
      case 2:
        got = std::string(reader.peek(line.size()).substr(0, line.size()));
        reader.skip(line.size());
        EXPECT_EQ(reader.read_line(), "");
        break;
      default:
        got = *reader.read_line();
      }
      ASSERT_EQ(got, line) << "seed " << seed;
      at += line.size() + end;
    }
    ASSERT_EQ(reader.read_line(), std::nullopt);
    splits += stream.reads;
  }
}

// reliability 13
TEST_F(BufferedReaderTest, a_socket_with_the_smallest_buffer_makes_no_difference) {
  const auto seed = static_cast<std::uint64_t>(Clock::now().time_since_epoch().count());
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  std::mt19937_64 random(seed);
  Connected ends = Connected::tcp();
  ends.client.set_option(SOL_SOCKET, SO_SNDBUF, 2048);
  const Text text(random, sanitized ? 50'000 : 300'000);
  auto sender = spawn([&] {
    std::string_view rest = text.bytes;
    while (!rest.empty()) {
      const std::size_t piece = std::min<std::size_t>(rest.size(), 1 + random() % 5000);
      ends.client.send_all(rest.substr(0, piece));
      rest.remove_prefix(piece);
    }
    ends.client.shutdown_write();
  });
  std::size_t count = 0;
  BufferedReader reader(ends.server);
  for (const std::string& line : reader.lines())
    ASSERT_EQ(line, text.lines.at(count++)) << "seed " << seed;
  EXPECT_EQ(count, text.lines.size());
}

} // namespace
} // namespace grove::test
