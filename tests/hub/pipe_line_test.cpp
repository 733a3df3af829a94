// SPDX-License-Identifier: MIT
// PipeReader: lines, of a pipe and of a child's output.
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/pipe.hpp>
#include <grove/hub/process.hpp>
#include <grove/hub/timeout.hpp>

#include "../support/blocking_call.hpp"
#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class PipeReadLine : public BlockingCall {
public:
  PipeReadLine() { again(); }

private:
  bool call(Deadline deadline) override { return pipe_.reader.read_line(deadline) == "part line"; }
  void release() override { pipe_.writer.write_all("line\n"); }
  void again() override { pipe_.writer.write_all("part "); }
  bool get_like() const override { return true; }
  bool direct() const override { return false; }
  Pipe pipe_;
};

[[maybe_unused]] const bool rows_added =
    add_blocking_calls({blocking_row<PipeReadLine>("pipe_read_line")});

class PipeLineTest : public HubTest {};

TEST_F(PipeLineTest, lines_come_one_by_one_and_the_last_may_be_open) {
  Pipe pipe;
  pipe.writer.write_all("one\n\nthree\nlast");
  pipe.writer.close();
  EXPECT_EQ(pipe.reader.read_line(), "one");
  EXPECT_EQ(pipe.reader.read_line(), "");
  EXPECT_EQ(pipe.reader.read_line(), "three");
  EXPECT_EQ(pipe.reader.read_line(), "last");
  EXPECT_EQ(pipe.reader.read_line(), std::nullopt);
  EXPECT_EQ(pipe.reader.read_line(), std::nullopt);
}

TEST_F(PipeLineTest, lines_and_bytes_may_be_read_in_turn) {
  Pipe pipe;
  pipe.writer.write_all("head\nbody");
  EXPECT_EQ(pipe.reader.read_line(), "head");
  EXPECT_EQ(pipe.reader.read_exactly(2), "bo");
  pipe.writer.write_all("\nrest");
  EXPECT_EQ(pipe.reader.read_line(), "dy");
  pipe.writer.close();
  EXPECT_EQ(pipe.reader.read_all(), "rest");
}

TEST_F(PipeLineTest, a_line_longer_than_a_block_is_put_together) {
  Pipe pipe;
  const std::string line(300'000, 'l');
  auto writer = spawn([&] { pipe.writer.write_all(line + "\nnext\n"); });
  EXPECT_EQ(pipe.reader.read_line(), line);
  EXPECT_EQ(pipe.reader.read_line(), "next");
  writer.get();
}

TEST_F(PipeLineTest, an_interrupted_line_is_read_again_in_full) {
  Pipe pipe;
  pipe.writer.write_all("first half, ");
  EXPECT_THROW(pipe.reader.read_line(1ms), TimeoutError);
  auto killed = spawn([&] { pipe.reader.read_line(); });
  settle();
  killed.kill();
  pipe.writer.write_all("second half\n");
  EXPECT_EQ(pipe.reader.read_line(), "first half, second half");
}

TEST_F(PipeLineTest, a_line_beyond_the_limit_is_refused_and_not_taken) {
  Pipe pipe;
  pipe.writer.write_all("short\nlonger than that\nend");
  EXPECT_EQ(pipe.reader.read_line({}, 5), "short");
  try {
    pipe.reader.read_line({}, 15);
    ADD_FAILURE() << "it went";
  } catch (const std::length_error& error) {
    EXPECT_STREQ(error.what(), "PipeReader.read_line: a line is longer than 15 bytes");
  }
  EXPECT_EQ(pipe.reader.read_line({}, 16), "longer than that");
  EXPECT_THROW(pipe.reader.read_line(1s, 2), std::length_error); // its end has not come yet
}

TEST_F(PipeLineTest, a_source_that_never_pauses_lets_others_run_and_is_ended_by_the_deadline) {
  Process child(shell("yes | tr -d '\\n'"), {.out = Stdio::pipe(), .new_group = true});
  int turns = 0;
  auto other = spawn([&] {
    for (;; ++turns)
      yield();
  });
  EXPECT_THROW(child.out().read_line(20ms), TimeoutError);
  EXPECT_GT(turns, 0);
  other.kill();
}

TEST_F(PipeLineTest, the_output_of_a_child_is_read_while_it_runs) {
  Process child({"cat"}, {.in = Stdio::pipe(), .out = Stdio::pipe()});
  for (const std::string line : {"a", "b"}) {
    child.in().write_all(line + "\n");
    EXPECT_EQ(child.out().read_line(), line);
  }
  child.in().close();
  EXPECT_EQ(child.out().read_line(), std::nullopt);
  EXPECT_TRUE(child.wait().success());
}

TEST_F(PipeLineTest, an_absurd_count_is_named) {
  Pipe pipe;
  try {
    pipe.reader.read_exactly(static_cast<std::size_t>(-7));
    ADD_FAILURE() << "it went";
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "grove: PipeReader.read_exactly: -7 bytes is negative");
  }
}

} // namespace
} // namespace grove::test
