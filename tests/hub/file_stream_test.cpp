// SPDX-License-Identifier: MIT
// File: pipes, sockets, terminals and stdin.
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <pty.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <grove/hub/event.hpp>
#include <grove/hub/file.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/thread_pool.hpp>
#include <grove/hub/timeout.hpp>

#include "../support/blocking_call.hpp"
#include "../support/busy_threads.hpp"
#include "../support/hub_test.hpp"

extern char** environ; // NOLINT: POSIX
#include "../support/pipe_files.hpp"

namespace grove::test {
namespace {

class FileRead : public BlockingCall {
  bool call(Deadline deadline) override { return pipe_.in->read(1, deadline) == "x"; }
  void release() override { EXPECT_EQ(write(pipe_.ends[1], "x", 1), 1); }
  bool direct() const override { return false; }
  bool get_like() const override { return true; }
  PipeFiles pipe_;
};
class FileReadLine : public BlockingCall {
public:
  FileReadLine() { again(); }

private:
  bool call(Deadline deadline) override { return pipe_.in->read_line(deadline) == "part line"; }
  void release() override { EXPECT_EQ(write(pipe_.ends[1], "line\n", 5), 5); }
  void again() override { EXPECT_EQ(write(pipe_.ends[1], "part ", 5), 5); }
  bool direct() const override { return false; }
  bool get_like() const override { return true; }
  PipeFiles pipe_;
};
class FileReadAll : public BlockingCall {
public:
  FileReadAll() { again(); }

private:
  bool call(Deadline deadline) override { return pipe_->in->read_all(deadline) == "text"; }
  void release() override { pipe_->out.reset(); }
  void again() override {
    pipe_ = std::make_unique<PipeFiles>();
    EXPECT_EQ(write(pipe_->ends[1], "text", 4), 4);
  }
  bool direct() const override { return false; }
  bool get_like() const override { return true; }
  std::unique_ptr<PipeFiles> pipe_;
};
class FileWrite : public BlockingCall {
public:
  FileWrite() { again(); }

private:
  bool call(Deadline deadline) override {
    pipe_.out->write("y", deadline);
    return true;
  }
  void release() override {
    char block[65536];
    EXPECT_GT(read(pipe_.ends[0], block, sizeof block), 0);
  }
  void again() override { pipe_.fill(); }
  bool direct() const override { return false; }
  bool get_like() const override { return true; }
  PipeFiles pipe_;
};

[[maybe_unused]] const bool rows_added = add_blocking_calls({
    blocking_row<FileRead>("file_read"),
    blocking_row<FileReadLine>("file_read_line"),
    blocking_row<FileReadAll>("file_read_all"),
    blocking_row<FileWrite>("file_write"),
});

class FileStreamTest : public HubTest {};

// -- pipes, sockets, terminals --------------------------------------------------------------------

// gevent R4
TEST_F(FileStreamTest, reading_into_a_buffer_takes_what_fits_and_others_run_meanwhile) {
  PipeFiles pipe;
  auto writer = spawn([&] {
    for (const char* part : {"ab", "c"}) {
      sleep(1ms);
      pipe.out->write(part);
    }
    pipe.out->close();
  });
  char two[2];
  EXPECT_EQ(pipe.in->read(two), 2u);
  EXPECT_EQ(std::string(two, 2), "ab");
  EXPECT_EQ(pipe.in->read(two), 1u);
  EXPECT_EQ(two[0], 'c');
  EXPECT_EQ(pipe.in->read(two), 0u);
  EXPECT_EQ(pipe.in->read(std::span<char>{}), 0u);
  writer.get();
}

TEST_F(FileStreamTest, lines_may_come_in_pieces) {
  PipeFiles pipe;
  auto writer = spawn([&] {
    for (const char* part : {"on", "e\n\ntw", "o\nlast"}) {
      pipe.out->write(part);
      sleep(1ms);
    }
    pipe.out->close();
  });
  EXPECT_EQ(pipe.in->read_line(), "one");
  EXPECT_EQ(pipe.in->read_line(), "");
  EXPECT_EQ(pipe.in->read_line(), "two");
  EXPECT_EQ(pipe.in->read_line(), "last");
  EXPECT_EQ(pipe.in->read_line(), std::nullopt);
  writer.get();
}

// gevent F4
// pitfall 36
TEST_F(FileStreamTest, a_megabyte_goes_through_a_pipe_that_stays_blocking) {
  PipeFiles pipe;
  std::string text;
  for (int i = 0; text.size() < 1'000'000; ++i)
    text += std::to_string(i) + ' ';
  auto writer = spawn([&] {
    pipe.out->write(text);
    pipe.out->close();
  });
  settle();
  EXPECT_FALSE(writer.ready());
  EXPECT_EQ(pipe.in->read_all(), text);
  EXPECT_EQ(fcntl(pipe.ends[0], F_GETFL) & O_NONBLOCK, 0);
  writer.get();
}

TEST_F(FileStreamTest, a_socket_is_read_and_written_like_a_pipe) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  File one = File::own(ends[0]);
  File two = File::own(ends[1]);
  auto echo = spawn([&] {
    while (auto line = two.read_line())
      two.write(*line + "!\n");
    two.close();
  });
  one.write("hello\n");
  EXPECT_EQ(one.read_line(), "hello!");
  const std::string large(1'000'000, 'x');
  auto writer = spawn([&] { one.write(large + '\n'); });
  EXPECT_EQ(one.read_line(), large + "!");
  writer.get();
  shutdown(ends[0], SHUT_WR);
  EXPECT_EQ(one.read_all(), "");
  echo.get();
}

// pitfall 36
TEST_F(FileStreamTest, a_terminal_is_waited_for_and_stays_blocking) {
  int master = -1;
  int slave = -1;
  ASSERT_EQ(openpty(&master, &slave, nullptr, nullptr, nullptr), 0);
  File keyboard = File::own(master, "the keyboard");
  File terminal = File::own(slave, "the terminal");
  EXPECT_THROW(terminal.read_line(1ms), TimeoutError);
  auto reader = spawn([&] { return *terminal.read_line(); });
  settle();
  keyboard.write("typed\n");
  EXPECT_EQ(reader.get(), "typed");
  EXPECT_EQ(keyboard.read_line(), "typed\r"); // its echo
  const std::string large(100'000, 'x');
  auto writer = spawn([&] { terminal.write(large + "\n"); });
  EXPECT_EQ(keyboard.read_line()->size(), large.size() + 1);
  writer.get();
  EXPECT_EQ(fcntl(slave, F_GETFL) & O_NONBLOCK, 0);
}

TEST_F(FileStreamTest, writing_to_nobody_is_an_error_and_no_signal) {
  PipeFiles pipe;
  pipe.in->close();
  EXPECT_EQ(error_of([&] { pipe.out->write("x"); }).value(), EPIPE);
  sigset_t pending;
  sigpending(&pending);
  EXPECT_EQ(sigismember(&pending, SIGPIPE), 0);
}

// pitfall 49
TEST_F(FileStreamTest, a_reader_that_need_not_wait_lets_others_run) {
  PipeFiles pipe;
  pipe.out->write(std::string(1000, 'x'));
  int turns = 0;
  bool done = false;
  auto other = spawn([&] {
    while (!done) {
      ++turns;
      yield();
    }
  });
  for (int i = 0; i < 1000; ++i)
    EXPECT_EQ(pipe.in->read(1), "x");
  done = true;
  EXPECT_GE(turns, 10);
  other.join();
}

TEST_F(FileStreamTest, a_second_reader_is_told) {
  PipeFiles pipe;
  auto reader = spawn([&] { return pipe.in->read(1); });
  settle();
  EXPECT_THROW(pipe.in->read(1), std::logic_error);
  EXPECT_THROW(pipe.in->read_line(), std::logic_error);
  pipe.out->write("x");
  EXPECT_EQ(reader.get(), "x");
}

TEST_F(FileStreamTest, an_interrupted_line_is_read_again_in_full) {
  PipeFiles pipe;
  pipe.out->write("first half, ");
  EXPECT_THROW(pipe.in->read_line(1ms), TimeoutError);
  auto killed = spawn([&] { pipe.in->read_all(); });
  settle();
  killed.kill();
  pipe.out->write("second half\n");
  EXPECT_EQ(pipe.in->read_line(), "first half, second half");
}

// -- stdin ----------------------------------------------------------------------------------------

// Runs in a process of its own, for the test below.
TEST(FileChild, DISABLED_reads_stdin_in_a_greenlet) {
  File in = File::borrow(STDIN_FILENO);
  auto reader = spawn([&] {
    std::string text;
    while (auto line = in.read_line())
      text += *line + ';';
    return text;
  });
  settle();
  EXPECT_FALSE(reader.ready());
  File out = File::borrow(STDOUT_FILENO);
  out.write("\nchild:waits\n"); // nothing is sent before: the reader stops nobody
  out.write("\nchild:" + reader.get() + "\n");
}

// gevent F6
// pitfall 36
TEST_F(FileStreamTest, a_child_reads_its_stdin_from_a_pipe) {
  PipeFiles to;
  PipeFiles from;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, to.ends[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, from.ends[1], STDOUT_FILENO);
  std::string self = std::filesystem::read_symlink("/proc/self/exe");
  std::string filter = "--gtest_filter=FileChild.*";
  std::string disabled = "--gtest_also_run_disabled_tests";
  char* arguments[] = {self.data(), filter.data(), disabled.data(), nullptr};
  pid_t child = -1;
  ASSERT_EQ(posix_spawn(&child, self.c_str(), &actions, nullptr, arguments, environ), 0);
  posix_spawn_file_actions_destroy(&actions);
  to.in->close();
  from.out->close();
  const auto next_answer = [&] {
    for (;;) {
      auto line = from.in->read_line();
      if (!line || line->rfind("child:", 0) == 0)
        return line;
    }
  };
  EXPECT_EQ(next_answer(), "child:waits");
  to.out->write("one\n");
  to.out->write("two\n");
  to.out->close();
  EXPECT_EQ(next_answer(), "child:one;two;");
  EXPECT_EQ(next_answer(), std::nullopt);
  int status = -1;
  EXPECT_EQ(run_blocking([&] { return waitpid(child, &status, 0); }), child);
  EXPECT_EQ(status, 0);
}

} // namespace
} // namespace grove::test
