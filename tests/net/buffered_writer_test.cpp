// SPDX-License-Identifier: MIT
// BufferedWriter: what is gathered, what leaves when, what an interruption does.
#include <array>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <grove/hub/exceptions.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/net/buffered_writer.hpp>

#include "../support/connected.hpp"
#include "../support/hub_test.hpp"
#include "../support/memory_stream.hpp"

namespace grove::test {
namespace {

using net::BufferedWriter;

class BufferedWriterTest : public HubTest {};

TEST_F(BufferedWriterTest, small_parts_leave_together) {
  int sends = 0;
  MemoryStream stream({}, [&] {
    ++sends;
    return ~std::size_t{0};
  });
  BufferedWriter writer(stream);
  for (int i = 0; i < 100; ++i)
    writer.write("ten bytes\n");
  EXPECT_EQ(stream.sent, "");
  EXPECT_EQ(writer.buffered(), 1000u);
  writer.flush();
  EXPECT_EQ(sends, 1);
  EXPECT_EQ(stream.sent.size(), 1000u);
  EXPECT_EQ(writer.buffered(), 0u);
  writer.flush();
  EXPECT_EQ(sends, 1);
}

TEST_F(BufferedWriterTest, no_more_than_its_size_is_gathered) {
  MemoryStream stream({});
  BufferedWriter writer(stream, 10);
  writer.write("12345");
  writer.write("67890");
  EXPECT_EQ(stream.sent, "");
  writer.write("a");
  EXPECT_EQ(stream.sent, "1234567890");
  EXPECT_EQ(writer.buffered(), 1u);
  EXPECT_THROW(BufferedWriter(stream, 0), std::invalid_argument);
}

TEST_F(BufferedWriterTest, a_large_part_leaves_at_once_behind_the_small_ones) {
  int sends = 0;
  MemoryStream stream({}, [&] {
    ++sends;
    return ~std::size_t{0};
  });
  BufferedWriter writer(stream, 10);
  writer.write("head ");
  const std::string large(100, 'l');
  writer.write(std::array<std::string_view, 3>{"more ", large, " tail"});
  EXPECT_EQ(stream.sent, "head more " + large + " tail");
  EXPECT_EQ(sends, 1) << "as one writev(2)";
  EXPECT_EQ(writer.buffered(), 0u);
}

TEST_F(BufferedWriterTest, what_was_not_flushed_is_dropped_with_it) {
  MemoryStream stream({});
  BufferedWriter(stream).write("never");
  EXPECT_EQ(stream.sent, "");
}

TEST_F(BufferedWriterTest, its_buffer_is_the_hubs_while_there_is_something_in_it) {
  MemoryStream stream({});
  BufferedWriter writer(stream);
  writer.write("x");
  writer.flush();
  const std::size_t spare = net::detail::spare_buffers();
  ASSERT_GT(spare, 0u);
  writer.write("x");
  EXPECT_EQ(net::detail::spare_buffers(), spare - 1);
  writer.flush();
  EXPECT_EQ(net::detail::spare_buffers(), spare);
}

TEST_F(BufferedWriterTest, a_flush_that_is_interrupted_loses_nothing_and_sends_nothing_twice) {
  Connected ends = Connected::unix_pair();
  BufferedWriter writer(ends.client, 1 << 20);
  std::string whole;
  for (int i = 0; whole.size() < 900'000; ++i)
    whole += std::to_string(i) + " ";
  writer.write(whole);
  EXPECT_THROW(writer.flush(1ms), TimeoutError);
  auto killed = spawn([&] { writer.flush(); });
  settle();
  killed.kill();
  EXPECT_GT(writer.buffered(), 0u);
  auto sender = spawn([&] {
    writer.flush();
    ends.client.shutdown_write();
  });
  std::string got;
  while (true) {
    const std::string more = ends.server.recv(10'000);
    if (more.empty())
      break;
    got += more;
  }
  sender.get();
  EXPECT_EQ(got, whole);
}

TEST_F(BufferedWriterTest, a_small_write_that_is_interrupted_has_written_nothing) {
  Connected ends = Connected::unix_pair();
  const std::size_t filled = fill(ends.client);
  BufferedWriter writer(ends.client, 4);
  writer.write("one");
  EXPECT_THROW(writer.write("lost", 1ms), TimeoutError);
  EXPECT_EQ(writer.buffered(), 3u);
  ends.server.recv_exactly(filled);
  writer.write("two");
  writer.flush();
  EXPECT_EQ(ends.server.recv_exactly(6), "onetwo");
}

TEST_F(BufferedWriterTest, a_large_write_that_is_interrupted_is_the_end) {
  Connected ends = Connected::unix_pair();
  BufferedWriter writer(ends.client, 10);
  const std::string large(10 << 20, 'l');
  EXPECT_THROW(writer.write(large, 1ms), TimeoutError);
  EXPECT_THROW(writer.write("x"), Closed);
  EXPECT_THROW(writer.flush(), Closed);
}

// reliability 13
TEST_F(BufferedWriterTest, whatever_the_pieces_the_same_bytes_arrive) {
  const auto seed = static_cast<std::uint64_t>(Clock::now().time_since_epoch().count());
  RecordProperty("seed", std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 50; ++round) {
    MemoryStream stream({}, [&] { return 1 + random() % 50; });
    BufferedWriter writer(stream, 1 + random() % 100);
    std::string whole;
    for (int i = 0; i < 200; ++i) {
      const std::string part(random() % 60, static_cast<char>('a' + i % 26));
      writer.write(part);
      whole += part;
      if (random() % 10 == 0)
        writer.flush();
    }
    writer.flush();
    ASSERT_EQ(stream.sent, whole) << "seed " << seed;
  }
}

} // namespace
} // namespace grove::test
