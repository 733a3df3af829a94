// SPDX-License-Identifier: MIT
// File: who owns a descriptor, regular files, and closing while others wait.
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <functional>
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
#include "../support/open_descriptors.hpp"
#include "../support/pipe_files.hpp"
#include "../support/temporary_file.hpp"

extern char** environ; // NOLINT: POSIX

namespace grove::test {
namespace {

bool is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }
class FileTest : public HubTest {
protected:
  void put(const std::string& text) const { file_.put(text); }
  std::string content() const { return file_.content(); }

private:
  TemporaryFile file_;

protected:
  const std::string& path_ = file_.path();
};

// -- owning ---------------------------------------------------------------------------------------

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
  PipeFiles one;
  PipeFiles two;
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
  const auto before = open_descriptors().size();
  try {
    File::open(path_ + "/none");
    ADD_FAILURE();
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code().value(), ENOTDIR);
    EXPECT_NE(std::string(error.what()).find("open " + path_ + "/none"), std::string::npos);
  }
  EXPECT_EQ(error_of([] { File::own(-1); }).value(), EBADF);
  EXPECT_EQ(error_of([&] { File::own(9999); }).value(), EBADF);
  EXPECT_EQ(open_descriptors().size(), before);
}

TEST_F(FileTest, an_open_that_nobody_waits_for_any_more_closes_what_it_opened) {
  ASSERT_EQ(unlink(path_.c_str()), 0);
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0); // to open one end waits for the other
  run_blocking([] {});
  const auto before = open_descriptors().size();
  EXPECT_THROW(File::open(path_, O_RDONLY, 0, 1ms), TimeoutError);
  auto killed = spawn([&] { File::open(path_); });
  settle();
  killed.kill();
  const int other = run_blocking([&] { return open(path_.c_str(), O_WRONLY | O_CLOEXEC); });
  EXPECT_TRUE(default_thread_pool().join());
  close(other);
  for (int i = 0; i < 1000 && open_descriptors().size() != before; ++i)
    sleep(1ms); // the last of the jobs is still on its way here
  EXPECT_EQ(open_descriptors().size(), before);
}

// gevent R7
TEST_F(FileTest, both_ends_of_a_pipe_can_be_closed) {
  PipeFiles pipe;
  pipe.in->close();
  pipe.out->close();
  EXPECT_FALSE(is_open(pipe.ends[0]));
  EXPECT_FALSE(is_open(pipe.ends[1]));
}

// -- regular files --------------------------------------------------------------------------------

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
  PipeFiles pipe;
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

// -- closing while others wait --------------------------------------------------------------------

// pitfall 38
TEST_F(FileTest, who_reads_or_writes_is_woken_when_the_file_is_closed) {
  ErrorLog errors;
  for (const bool owned : {true, false}) {
    PipeFiles pipe;
    PipeFiles full;
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
  PipeFiles pipe;
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

} // namespace
} // namespace grove::test
