// SPDX-License-Identifier: MIT
// Pipes: reading and writing that waits, ends, what is kept over a kill, no SIGPIPE.
#include <cerrno>
#include <csignal>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/time.h>
#include <unistd.h>

#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/pipe.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/hub/wait_any.hpp>

#include "../support/blocking_call.hpp"
#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

// Writes until there is no room.
std::size_t fill(PipeWriter& writer) {
  const std::string block(4096, 'f');
  std::size_t written = 0;
  while (const auto n = writer.try_write(block))
    written += *n;
  return written;
}
void drain(PipeReader& reader) {
  std::vector<char> block(65536);
  while (reader.try_read(block)) {
  }
}

class PipeRead : public BlockingCall {
  bool call(Deadline deadline) override {
    char c = 0;
    return pipe_.reader.read({&c, 1}, deadline) == 1;
  }
  void release() override { pipe_.writer.write_all("x"); }
  bool get_like() const override { return true; }
  bool direct() const override { return false; }

protected:
  Pipe pipe_;
};
class PipeReadExactly : public PipeRead {
  bool call(Deadline deadline) override { return pipe_.reader.read_exactly(2, deadline) == "xy"; }
  void release() override { pipe_.writer.write_all("xy"); }
};
class PipeReadAll : public PipeRead {
  bool call(Deadline deadline) override { return pipe_.reader.read_all(deadline) == "x"; }
  void release() override {
    pipe_.writer.write_all("x");
    pipe_.writer.close();
  }
  void again() override { pipe_ = Pipe(); }
};
class PipeWrite : public PipeRead {
public:
  PipeWrite() { again(); }

private:
  bool call(Deadline deadline) override {
    pipe_.writer.write_all("x", deadline);
    return true;
  }
  void release() override { drain(pipe_.reader); }
  void again() override { fill(pipe_.writer); }
};
class PipeWriteSome : public PipeWrite {
  bool call(Deadline deadline) override { return pipe_.writer.write_some("x", deadline) == 1; }
};
class PipeReadable : public PipeRead {
  bool call(Deadline deadline) override {
    return wait_any(pipe_.reader.readable_op(), after(deadline)).index() == 0;
  }
  void again() override { drain(pipe_.reader); }
  bool get_like() const override { return false; }
};

[[maybe_unused]] const bool rows_added = add_blocking_calls({
    blocking_row<PipeRead>("pipe_read"),
    blocking_row<PipeReadExactly>("pipe_read_exactly"),
    blocking_row<PipeReadAll>("pipe_read_all"),
    blocking_row<PipeWrite>("pipe_write_all"),
    blocking_row<PipeWriteSome>("pipe_write_some"),
    blocking_row<PipeReadable>("wait_any_pipe_readable"),
});

class PipeTest : public HubTest {};

TEST_F(PipeTest, what_is_written_is_read) {
  Pipe pipe;
  pipe.writer.write_all("hello");
  char bytes[16];
  EXPECT_EQ(pipe.reader.read(bytes), 5u);
  EXPECT_EQ(std::string(bytes, 5), "hello");
  pipe.writer.close();
  EXPECT_EQ(pipe.reader.read(bytes), 0u) << "no end";
  EXPECT_EQ(pipe.reader.read(bytes), 0u);
  EXPECT_EQ(pipe.reader.read_all(), "");
}

// gevent F4
TEST_F(PipeTest, a_megabyte_goes_through_though_the_reader_comes_late) {
  Pipe pipe;
  const std::string data = [] {
    std::string made(1 << 20, '\0');
    for (std::size_t i = 0; i < made.size(); ++i)
      made[i] = static_cast<char>(i % 251);
    return made;
  }();
  auto writer = spawn([&] {
    pipe.writer.write_all(data);
    pipe.writer.close();
  });
  settle();
  EXPECT_FALSE(writer.ready());
  auto reader = spawn([&] { return pipe.reader.read_all(); });
  EXPECT_EQ(reader.get(), data);
  writer.get();
}

TEST_F(PipeTest, read_gives_what_is_there_and_read_exactly_waits_for_more) {
  Pipe pipe;
  auto writer = spawn([&] {
    for (const char* part : {"ab", "cd", "ef"}) {
      pipe.writer.write_all(part);
      sleep(1ms);
    }
  });
  EXPECT_EQ(pipe.reader.read_exactly(3), "abc");
  EXPECT_EQ(pipe.reader.read_exactly(0), "");
  EXPECT_EQ(pipe.reader.read_exactly(3), "def");
  writer.join();
}

TEST_F(PipeTest, read_exactly_at_the_end_throws_and_keeps_what_there_was) {
  Pipe pipe;
  pipe.writer.write_all("abc");
  pipe.writer.close();
  try {
    pipe.reader.read_exactly(5);
    ADD_FAILURE();
  } catch (const Closed& e) {
    EXPECT_STREQ(e.what(), "PipeReader.read_exactly: the pipe ended after 3 of 5 bytes");
  }
  EXPECT_EQ(pipe.reader.read_all(), "abc");
}

// pitfall 57
TEST_F(PipeTest, what_an_interrupted_call_has_read_comes_first_in_the_next) {
  Pipe pipe;
  pipe.writer.write_all("abc");
  EXPECT_THROW(pipe.reader.read_exactly(5, 1ms), TimeoutError);
  auto g = spawn([&] { return pipe.reader.read_all(); });
  settle();
  g.kill();
  pipe.writer.write_all("de");
  EXPECT_THROW(pipe.reader.release(), std::logic_error);
  char two[2];
  EXPECT_EQ(pipe.reader.read(two), 2u);
  EXPECT_EQ(std::string(two, 2), "ab");
  EXPECT_EQ(pipe.reader.read_exactly(3), "cde");
}

TEST_F(PipeTest, write_all_has_one_deadline_for_all_of_it) {
  Pipe pipe;
  const std::size_t room = fill(pipe.writer);
  drain(pipe.reader);
  const auto start = Clock::now();
  EXPECT_THROW(pipe.writer.write_all(std::string(room + 1, 'x'), 5ms), TimeoutError);
  EXPECT_GE(Clock::now() - start, 5ms);
}

TEST_F(PipeTest, the_trying_forms_never_wait) {
  Pipe pipe;
  char c = 0;
  EXPECT_EQ(pipe.reader.try_read({&c, 1}), std::nullopt);
  EXPECT_EQ(pipe.writer.try_write("x"), 1u);
  EXPECT_EQ(pipe.reader.try_read({&c, 1}), 1u);
  fill(pipe.writer);
  EXPECT_EQ(pipe.writer.try_write(std::string(4096, 'x')), std::nullopt);
  EXPECT_EQ(pipe.writer.try_write(""), 0u);
}

// -- SIGPIPE -------------------------------------------------------------------------------------

// pitfall 52
TEST_F(PipeTest, writing_what_nobody_reads_is_an_error_and_no_signal) {
  ASSERT_EQ(std::signal(SIGPIPE, SIG_DFL), SIG_DFL);
  Pipe pipe;
  pipe.reader.close();
  for (int i = 0; i < 2; ++i) {
    try {
      pipe.writer.write_all("x");
      ADD_FAILURE();
    } catch (const std::system_error& e) {
      EXPECT_EQ(e.code().value(), EPIPE);
    }
  }
  sigset_t pending;
  sigpending(&pending);
  EXPECT_EQ(sigismember(&pending, SIGPIPE), 0);
}

TEST_F(PipeTest, a_writer_that_waits_is_told_when_the_reader_goes) {
  Pipe pipe;
  fill(pipe.writer);
  auto writer = spawn([&] { pipe.writer.write_all("x"); });
  settle();
  pipe.reader.close();
  EXPECT_THROW(writer.get(), std::system_error);
}

TEST_F(PipeTest, a_sigpipe_that_the_program_has_blocked_and_pending_stays_its_own) {
  sigset_t pipe_only;
  sigset_t before;
  sigemptyset(&pipe_only);
  sigaddset(&pipe_only, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
  raise(SIGPIPE);
  Pipe pipe;
  pipe.reader.close();
  EXPECT_THROW(pipe.writer.write_all("x"), std::system_error);
  sigset_t pending;
  sigpending(&pending);
  EXPECT_EQ(sigismember(&pending, SIGPIPE), 1);
  const timespec at_once{};
  EXPECT_EQ(sigtimedwait(&pipe_only, nullptr, &at_once), SIGPIPE);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

// gevent F5
TEST_F(PipeTest, interrupted_system_calls_are_made_again) {
  struct sigaction action {};
  action.sa_handler = [](int) {}; // no SA_RESTART
  struct sigaction before {};
  sigaction(SIGALRM, &action, &before);
  const itimerval storm{{0, 500}, {0, 500}};
  setitimer(ITIMER_REAL, &storm, nullptr);
  {
    Pipe pipe;
    const std::string data(1 << 20, 'x');
    auto writer = spawn([&] {
      pipe.writer.write_all(data);
      pipe.writer.close();
    });
    EXPECT_EQ(pipe.reader.read_all(), data);
    writer.get();
  }
  const itimerval calm{};
  setitimer(ITIMER_REAL, &calm, nullptr);
  sigaction(SIGALRM, &before, nullptr);
}

// -- closing -------------------------------------------------------------------------------------

// gevent F5
TEST_F(PipeTest, closing_an_end_wakes_who_waits_there) {
  Pipe pipe;
  auto reader = spawn([&] { return pipe.reader.read_all(); });
  auto closer = spawn([&] { pipe.reader.close(); });
  EXPECT_THROW(reader.get(), Closed);
  closer.get();
  EXPECT_FALSE(pipe.reader.is_open());
  EXPECT_EQ(pipe.reader.descriptor(), -1);
  pipe.reader.close();
  EXPECT_THROW(pipe.reader.read_all(), Closed);
}

TEST_F(PipeTest, destroying_an_end_wakes_who_waits_there) {
  std::optional<Pipe> pipe(std::in_place);
  fill(pipe->writer);
  auto reader = spawn([&reader = pipe->reader] { // finds bytes, then waits
    for (char block[4096]; reader.read(block) != 0;) {
    }
  });
  settle();
  fill(pipe->writer);
  auto writer = spawn([&writer = pipe->writer] { writer.write_all(std::string(1 << 20, 'x')); });
  settle();
  pipe.reset();
  EXPECT_THROW(reader.get(), Closed);
  EXPECT_THROW(writer.get(), Closed);
}

TEST_F(PipeTest, one_that_goes_after_it_has_woken_its_reader_is_not_touched) {
  std::optional<Pipe> pipe(std::in_place);
  auto reader = spawn([&reader = pipe->reader] {
    char c = 0;
    return reader.read({&c, 1});
  });
  settle();
  pipe->writer.write_all("x");
  Event turn; // the loop brings the news to the reader and to this timer's greenlet in one poll
  auto destroyer = spawn([&] { pipe.reset(); });
  destroyer.join();
  try {
    EXPECT_EQ(reader.get(), 1u);
  } catch (const Closed&) {
  }
}

TEST_F(PipeTest, ends_move_and_are_released) {
  Pipe pipe;
  PipeReader moved(std::move(pipe.reader));
  EXPECT_FALSE(pipe.reader.is_open());
  EXPECT_THROW(pipe.reader.try_read({}), Closed);
  pipe.writer.write_all("x");
  EXPECT_EQ(moved.read_exactly(1), "x");
  const int fd = moved.release();
  EXPECT_FALSE(moved.is_open());
  PipeReader again(fd);
  pipe.writer.close();
  EXPECT_EQ(again.read_all(), "");
}

TEST_F(PipeTest, its_descriptors_never_block_and_are_closed_on_exec) {
  Pipe pipe;
  for (const int fd : {pipe.reader.descriptor(), pipe.writer.descriptor()}) {
    EXPECT_NE(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
  }
  int plain[2];
  ASSERT_EQ(pipe2(plain, 0), 0);
  {
    const PipeReader reader(plain[0]);
    EXPECT_NE(fcntl(plain[0], F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(fcntl(plain[0], F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_EQ(fcntl(plain[1], F_GETFL) & O_NONBLOCK, 0) << "that end is somebody else's";
  }
  EXPECT_EQ(fcntl(plain[0], F_GETFD), -1);
  ::close(plain[1]);
}

TEST_F(PipeTest, a_descriptor_that_is_not_open_is_refused) {
  EXPECT_THROW(PipeReader(-1), std::system_error);
  EXPECT_THROW(PipeWriter(1000000), std::system_error);
}

TEST_F(PipeTest, a_second_reader_at_once_is_an_error) {
  Pipe pipe;
  auto first = spawn([&] { return pipe.reader.read_exactly(1); });
  settle();
  EXPECT_THROW(pipe.reader.read_exactly(1), std::logic_error);
  pipe.writer.write_all("x");
  EXPECT_EQ(first.get(), "x");
}

} // namespace
} // namespace grove::test
