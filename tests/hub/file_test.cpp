// SPDX-License-Identifier: MIT
// File: regular files, pipes and terminals; places, lines, closing, and what an interrupted call
// leaves behind.
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

namespace grove::test {
namespace {

// A pipe whose ends block, as those that a shell makes.
struct Pipe {
  int ends[2] = {-1, -1};
  std::optional<File> in;
  std::optional<File> out;
  Pipe() {
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    in.emplace(File::own(ends[0], "the pipe"));
    out.emplace(File::own(ends[1], "the pipe"));
  }
  void fill() const {
    const int copy = open(("/proc/self/fd/" + std::to_string(ends[1])).c_str(),
                          O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    const std::string block(4096, 'x');
    while (write(copy, block.data(), block.size()) > 0) {
    }
    close(copy);
  }
};

class FileRead : public BlockingCall {
  bool call(Deadline deadline) override { return pipe_.in->read(1, deadline) == "x"; }
  void release() override { EXPECT_EQ(write(pipe_.ends[1], "x", 1), 1); }
  bool direct() const override { return false; }
  bool get_like() const override { return true; }
  Pipe pipe_;
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
  Pipe pipe_;
};
class FileReadAll : public BlockingCall {
public:
  FileReadAll() { again(); }

private:
  bool call(Deadline deadline) override { return pipe_->in->read_all(deadline) == "text"; }
  void release() override { pipe_->out.reset(); }
  void again() override {
    pipe_ = std::make_unique<Pipe>();
    EXPECT_EQ(write(pipe_->ends[1], "text", 4), 4);
  }
  bool direct() const override { return false; }
  bool get_like() const override { return true; }
  std::unique_ptr<Pipe> pipe_;
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
  Pipe pipe_;
};

[[maybe_unused]] const bool rows_added = add_blocking_calls({
    blocking_row<FileRead>("file_read"),
    blocking_row<FileReadLine>("file_read_line"),
    blocking_row<FileReadAll>("file_read_all"),
    blocking_row<FileWrite>("file_write"),
});

std::error_code error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const std::system_error& error) {
    return error.code();
  }
  return {};
}
bool is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }
std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

class FileTest : public HubTest {
protected:
  FileTest() {
    char name[] = "/tmp/grove_file_XXXXXX";
    close(mkstemp(name));
    path_ = name;
  }
  ~FileTest() override { unlink(path_.c_str()); }
  void put(const std::string& text) const { std::ofstream(path_) << text; }
  std::string content() const {
    std::ifstream in(path_);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::string path_;
};

// -- owning
// ----------------------------------------------------------------------------------------

// gevent R1
TEST_F(FileTest, an_owned_descriptor_is_closed_at_the_end_and_a_borrowed_one_is_not) {
  for (const bool pipe : {false, true}) {
    int ends[2] = {open(path_.c_str(), O_RDONLY | O_CLOEXEC), -1};
    if (pipe) {
      close(ends[0]);
      ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    }
    { const File file = File::borrow(ends[0]); }
    EXPECT_TRUE(is_open(ends[0]));
    {
      File file = File::borrow(ends[0]);
      file.close();
      EXPECT_FALSE(file.is_open());
      EXPECT_TRUE(is_open(ends[0]));
    }
    {
      File file = File::own(ends[0]);
      File moved = std::move(file);
      EXPECT_EQ(moved.descriptor(), ends[0]);
      EXPECT_TRUE(is_open(ends[0]));
    }
    EXPECT_FALSE(is_open(ends[0]));
    if (pipe)
      close(ends[1]);
  }
}

TEST_F(FileTest, assignment_closes_what_was_there) {
  Pipe one;
  Pipe two;
  *one.in = std::move(*two.in);
  EXPECT_FALSE(is_open(one.ends[0]));
  EXPECT_EQ(one.in->descriptor(), two.ends[0]);
  EXPECT_THROW(two.in->read(1), std::logic_error);
}

// gevent R5
TEST_F(FileTest, the_name_stays_after_close) {
  File file = File::open(path_);
  EXPECT_EQ(file.name(), path_);
  file.close();
  EXPECT_EQ(file.name(), path_);
  EXPECT_EQ(file.descriptor(), -1);
  EXPECT_EQ(File::borrow(0).name(), "stdin");
  file.close();
  try {
    file.read(1);
    ADD_FAILURE();
  } catch (const Closed& error) {
    EXPECT_EQ(error.what(), "File.read: " + path_ + " is closed");
  }
}

// gevent R6
TEST_F(FileTest, a_failed_open_leaks_nothing_and_says_what_failed) {
  run_blocking([] {});
  const auto before = open_descriptors();
  try {
    File::open(path_ + "/none");
    ADD_FAILURE();
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code().value(), ENOTDIR);
    EXPECT_NE(std::string(error.what()).find("open " + path_ + "/none"), std::string::npos);
  }
  EXPECT_EQ(error_of([] { File::own(-1); }).value(), EBADF);
  EXPECT_EQ(error_of([&] { File::own(9999); }).value(), EBADF);
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(FileTest, an_open_that_nobody_waits_for_any_more_closes_what_it_opened) {
  ASSERT_EQ(unlink(path_.c_str()), 0);
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0); // to open one end waits for the other
  run_blocking([] {});
  const auto before = open_descriptors();
  EXPECT_THROW(File::open(path_, O_RDONLY, 0, 1ms), TimeoutError);
  auto killed = spawn([&] { File::open(path_); });
  settle();
  killed.kill();
  const int other = run_blocking([&] { return open(path_.c_str(), O_WRONLY | O_CLOEXEC); });
  EXPECT_TRUE(default_thread_pool().join());
  close(other);
  for (int i = 0; i < 1000 && open_descriptors() != before; ++i)
    sleep(1ms); // the last of the jobs is still on its way here
  EXPECT_EQ(open_descriptors(), before);
}

// gevent R7
TEST_F(FileTest, both_ends_of_a_pipe_can_be_closed) {
  Pipe pipe;
  pipe.in->close();
  pipe.out->close();
  EXPECT_FALSE(is_open(pipe.ends[0]));
  EXPECT_FALSE(is_open(pipe.ends[1]));
}

// -- regular files
// ---------------------------------------------------------------------------------

// gevent R2
TEST_F(FileTest, seek_tell_and_read_match_the_systems_own) {
  std::string text;
  for (int i = 0; i < 1024; ++i)
    text += static_cast<char>('a' + i % 26);
  put(text);
  File file = File::open(path_);
  const int native = open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(file.seek(100), lseek(native, 100, SEEK_SET));
  std::string other(500, '\0');
  ASSERT_EQ(read(native, other.data(), 500), 500);
  EXPECT_EQ(file.read(500), other);
  EXPECT_EQ(file.tell(), 600);
  EXPECT_EQ(file.seek(-24, SEEK_END), 1000);
  EXPECT_EQ(file.read_all(), text.substr(1000));
  EXPECT_EQ(file.read(1), "");
  EXPECT_EQ(error_of([&] { file.seek(-1); }).value(), EINVAL);
  close(native);
}

// gevent R2
TEST_F(FileTest, a_pipe_has_no_places) {
  Pipe pipe;
  EXPECT_EQ(error_of([&] { pipe.in->seek(0); }).value(), ESPIPE);
  EXPECT_EQ(error_of([&] { pipe.in->tell(); }).value(), ESPIPE);
  char c = 0;
  EXPECT_EQ(error_of([&] { pipe.in->pread(std::span(&c, 1), 0); }).value(), ESPIPE);
  EXPECT_EQ(error_of([&] { pipe.out->pwrite("x", 0); }).value(), ESPIPE);
  EXPECT_EQ(error_of([&] { pipe.out->sync(); }).value(), EINVAL);
  try {
    pipe.in->seek(0);
  } catch (const std::system_error& error) {
    EXPECT_STREQ(error.what(), "seek the pipe: Illegal seek");
  }
}

TEST_F(FileTest, what_is_written_can_be_read_while_others_run) {
  bool other = false;
  auto o = spawn([&] { other = true; });
  File file = File::open(path_, O_RDWR | O_TRUNC);
  EXPECT_TRUE(other);
  const std::string large(1'000'000, 'z');
  file.write("head\n");
  file.write(large);
  file.sync();
  EXPECT_EQ(file.tell(), 1'000'005);
  file.seek(0);
  EXPECT_EQ(file.read_line(), "head");
  EXPECT_EQ(file.tell(), 5);
  EXPECT_EQ(file.read_all(), large);
  file.close();
  EXPECT_EQ(content(), "head\n" + large);
  o.join();
}

TEST_F(FileTest, reading_ahead_does_not_move_where_writing_goes_on) {
  put("one\ntwo\nthree\n");
  File file = File::open(path_, O_RDWR);
  EXPECT_EQ(file.read_line(), "one");
  file.write("2");
  EXPECT_EQ(file.read_line(), "wo");
  EXPECT_EQ(file.seek(-2, SEEK_CUR), 6);
  EXPECT_EQ(file.read_line(), "o");
  file.close();
  EXPECT_EQ(content(), "one\n2wo\nthree\n");
}

TEST_F(FileTest, a_borrowed_descriptor_stands_where_its_file_stood) {
  put("one\ntwo\n");
  const int fd = open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  {
    File file = File::borrow(fd);
    EXPECT_EQ(file.read_line(), "one");
  }
  char rest[16];
  EXPECT_EQ(read(fd, rest, sizeof rest), 4);
  close(fd);
}

TEST_F(FileTest, appending_goes_to_the_end) {
  put("begin ");
  File file = File::open(path_, O_WRONLY | O_APPEND);
  std::ofstream(path_, std::ios::app) << "middle ";
  file.write("end");
  EXPECT_EQ(content(), "begin middle end");
}

TEST_F(FileTest, places_are_read_and_written_without_moving) {
  put("0123456789");
  File file = File::open(path_, O_RDWR);
  char four[4];
  EXPECT_EQ(file.pread(four, 3), 4u);
  EXPECT_EQ(std::string(four, 4), "3456");
  EXPECT_EQ(file.pread(four, 8), 2u);
  EXPECT_EQ(file.pread(four, 20), 0u);
  file.pwrite("xy", 4);
  EXPECT_EQ(file.tell(), 0);
  EXPECT_EQ(file.read(10), "0123xy6789");
  EXPECT_EQ(error_of([&] { file.pread(four, -1); }).value(), EINVAL);
}

TEST_F(FileTest, errors_of_reading_and_writing_come_back) {
  File in = File::open(path_);
  EXPECT_EQ(error_of([&] { in.write("x"); }).value(), EBADF);
  File out = File::open(path_, O_WRONLY);
  EXPECT_EQ(error_of([&] { out.read(1); }).value(), EBADF);
  File directory = File::open("/tmp");
  EXPECT_EQ(error_of([&] { directory.read(1); }).value(), EISDIR);
  File full = File::open("/dev/full", O_WRONLY);
  EXPECT_EQ(error_of([&] { full.write("x"); }).value(), ENOSPC);
}

// pitfall 47
TEST_F(FileTest, devices_that_epoll_refuses_are_read_too) {
  EXPECT_EQ(File::open("/dev/null").read_all(), "");
  EXPECT_EQ(File::open("/dev/zero").read(3), std::string(3, '\0'));
  File::open("/dev/null", O_WRONLY).write("x");
  EXPECT_FALSE(File::open("/proc/self/status").read_line()->empty());
}

TEST_F(FileTest, an_interrupted_read_of_a_regular_file_has_taken_nothing) {
  put("0123456789");
  File file = File::open(path_);
  BusyThreads busy;
  EXPECT_THROW(file.read(5, 0ms), TimeoutError);
  auto killed = spawn([&] { file.read(5); });
  yield();
  killed.kill();
  busy.end(); // and both are read after all
  EXPECT_EQ(file.tell(), 0);
  EXPECT_EQ(file.read(5), "01234");
}

TEST_F(FileTest, an_interrupted_write_that_has_not_begun_never_does) {
  File file = File::open(path_, O_WRONLY);
  BusyThreads busy;
  EXPECT_THROW(file.write("late", 0ms), TimeoutError);
  auto killed = spawn([&] { file.pwrite("late", 0); });
  yield();
  killed.kill();
  busy.end();
  EXPECT_EQ(content(), "");
  file.write("now");
  EXPECT_EQ(content(), "now");
}

// -- pipes, sockets, terminals
// ---------------------------------------------------------------------

// gevent R4
TEST_F(FileTest, reading_into_a_buffer_takes_what_fits_and_others_run_meanwhile) {
  Pipe pipe;
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

TEST_F(FileTest, lines_may_come_in_pieces) {
  Pipe pipe;
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
TEST_F(FileTest, a_megabyte_goes_through_a_pipe_that_stays_blocking) {
  Pipe pipe;
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

TEST_F(FileTest, a_socket_is_read_and_written_like_a_pipe) {
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
TEST_F(FileTest, a_terminal_is_waited_for_and_stays_blocking) {
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

TEST_F(FileTest, writing_to_nobody_is_an_error_and_no_signal) {
  Pipe pipe;
  pipe.in->close();
  EXPECT_EQ(error_of([&] { pipe.out->write("x"); }).value(), EPIPE);
  sigset_t pending;
  sigpending(&pending);
  EXPECT_EQ(sigismember(&pending, SIGPIPE), 0);
}

// pitfall 49
TEST_F(FileTest, a_reader_that_need_not_wait_lets_others_run) {
  Pipe pipe;
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

TEST_F(FileTest, a_second_reader_is_told) {
  Pipe pipe;
  auto reader = spawn([&] { return pipe.in->read(1); });
  settle();
  EXPECT_THROW(pipe.in->read(1), std::logic_error);
  EXPECT_THROW(pipe.in->read_line(), std::logic_error);
  pipe.out->write("x");
  EXPECT_EQ(reader.get(), "x");
}

TEST_F(FileTest, an_interrupted_line_is_read_again_in_full) {
  Pipe pipe;
  pipe.out->write("first half, ");
  EXPECT_THROW(pipe.in->read_line(1ms), TimeoutError);
  auto killed = spawn([&] { pipe.in->read_all(); });
  settle();
  killed.kill();
  pipe.out->write("second half\n");
  EXPECT_EQ(pipe.in->read_line(), "first half, second half");
}

// -- closing while others wait
// ---------------------------------------------------------------------

// pitfall 38
TEST_F(FileTest, who_reads_or_writes_is_woken_when_the_file_is_closed) {
  ErrorLog errors;
  for (const bool owned : {true, false}) {
    Pipe pipe;
    Pipe full;
    full.fill();
    File in = owned ? std::move(*pipe.in) : File::borrow(pipe.ends[0]);
    File out = owned ? std::move(*full.out) : File::borrow(full.ends[1]);
    auto reader = spawn([&] { in.read(1); });
    auto writer = spawn([&] { out.write("x"); });
    settle();
    in.close();
    out.close();
    EXPECT_THROW(reader.get(), Closed);
    EXPECT_THROW(writer.get(), Closed);
    EXPECT_EQ(is_open(pipe.ends[0]), !owned);
    EXPECT_EQ(is_open(full.ends[1]), !owned);
  }
}

// pitfall 38, 39
TEST_F(FileTest, a_file_may_go_while_it_is_read) {
  ErrorLog errors;
  Pipe pipe;
  auto reader = spawn([&] { pipe.in->read(1); });
  settle();
  EXPECT_EQ(write(pipe.ends[1], "x", 1), 1); // it will be woken, and finds its file gone
  pipe.in.reset();
  EXPECT_THROW(reader.get(), Closed);
}

TEST_F(FileTest, a_job_keeps_the_number_of_a_closed_file_until_it_is_done) {
  ErrorLog errors;
  put("text");
  File file = File::open(path_);
  const int number = file.descriptor();
  BusyThreads busy;
  auto reader = spawn([&] { file.read(4); });
  settle();
  file.close();
  EXPECT_THROW(reader.get(), Closed);
  EXPECT_TRUE(is_open(number)) << "it could have been somebody else's by now";
  busy.end();
  EXPECT_FALSE(is_open(number));
}

// -- stdin
// -----------------------------------------------------------------------------------------

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
TEST_F(FileTest, a_child_reads_its_stdin_from_a_pipe) {
  Pipe to;
  Pipe from;
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
