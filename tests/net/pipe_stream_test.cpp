// SPDX-License-Identifier: MIT
// PipeStream: a child's pipes, and the two ends of a pipe, as a stream.
#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include <grove/hub/exceptions.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/pipe.hpp>
#include <grove/hub/process.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/net/buffered_reader.hpp>
#include <grove/net/buffered_writer.hpp>
#include <grove/net/pipe_stream.hpp>

#include "../support/hub_test.hpp"
#include "../support/pipe_files.hpp"

namespace grove::test {
namespace {

using net::PipeStream;

class PipeStreamTest : public HubTest {
protected:
  static PipeStream loop() {
    Pipe pipe;
    return {std::move(pipe.reader), std::move(pipe.writer), "loop"};
  }
};

TEST_F(PipeStreamTest, a_child_is_talked_to_as_any_stream) {
  Process child({"cat"}, {.in = Stdio::pipe(), .out = Stdio::pipe()});
  PipeStream stream(std::move(child.out()), std::move(child.in()), "cat");
  net::BufferedWriter writer(stream);
  net::BufferedReader reader(stream);
  const std::string large(500'000, 'l');
  auto sender = spawn([&] {
    writer.write("one\n");
    writer.write(large);
    writer.write("\n");
    writer.flush();
    stream.shutdown_write();
  });
  EXPECT_EQ(reader.read_line(), "one");
  EXPECT_EQ(reader.read_line(large.size()), large);
  EXPECT_EQ(reader.read_line(), std::nullopt);
  sender.get();
  EXPECT_TRUE(stream.is_open());
  EXPECT_TRUE(child.wait(60s).success());
}

TEST_F(PipeStreamTest, waits_end_as_those_of_a_socket) {
  PipeStream stream = loop();
  EXPECT_FALSE(stream.wait_readable(1ms));
  EXPECT_THROW(stream.recv(1, 1ms), TimeoutError);
  auto killed = spawn([&] { stream.recv_exactly(10); });
  settle();
  stream.send_all("half");
  settle();
  killed.kill();
  EXPECT_TRUE(stream.wait_readable());
  stream.send_all("half");
  EXPECT_EQ(stream.recv_exactly(8), "halfhalf");
}

// gevent C19
TEST_F(PipeStreamTest, close_wakes_who_waits) {
  for (const bool just_look : {false, true}) {
    PipeStream stream = loop();
    auto waiting = spawn([&] {
      EXPECT_THROW(just_look ? void(stream.wait_readable()) : void(stream.recv(1)), Closed);
    });
    settle();
    EXPECT_FALSE(waiting.ready());
    stream.close();
    stream.close();
    waiting.get();
    EXPECT_FALSE(stream.is_open());
    EXPECT_THROW(stream.send("x"), Closed);
    EXPECT_THROW(stream.recv(1), Closed);
  }
}

TEST_F(PipeStreamTest, one_receives_while_another_sends) {
  PipeStream stream = loop();
  const std::string large(1 << 20, 'l');
  auto sender = spawn([&] { stream.send_all(large); });
  EXPECT_EQ(stream.recv_exactly(large.size()), large);
  sender.get();
}

// reliability 11
TEST_F(PipeStreamTest, a_child_that_is_gone_is_an_error_and_no_signal) {
  Process child({"true"}, {.in = Stdio::pipe(), .out = Stdio::pipe()});
  PipeStream stream(std::move(child.out()), std::move(child.in()));
  child.wait(60s);
  EXPECT_EQ(stream.recv(1), "");
  EXPECT_EQ(error_of([&] { stream.send_all("x"); }).value(), EPIPE);
}

TEST_F(PipeStreamTest, it_has_a_name_and_needs_open_ends) {
  Pipe pipe;
  const int number = pipe.reader.descriptor();
  PipeStream stream(std::move(pipe.reader), std::move(pipe.writer));
  EXPECT_EQ(stream.name().find("pipe " + std::to_string(number)), 0u) << stream.name();
  Pipe other;
  other.writer.close();
  EXPECT_THROW(PipeStream(std::move(other.reader), std::move(other.writer)), std::logic_error);
}

TEST_F(PipeStreamTest, what_a_reader_had_read_ahead_comes_first) {
  Pipe pipe;
  pipe.writer.write_all("line\nrest");
  EXPECT_EQ(pipe.reader.read_line(), "line");
  PipeStream stream(std::move(pipe.reader), std::move(pipe.writer));
  EXPECT_TRUE(stream.wait_readable(1ms));
  EXPECT_EQ(stream.recv(10), "rest");
}

} // namespace
} // namespace grove::test
