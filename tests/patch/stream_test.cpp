// SPDX-License-Identifier: MIT
// read and write on what is no socket.
#include <fcntl.h>
#include <pty.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

#include "../support/temporary_file.hpp"
#include "sockets.hpp"

namespace grove::test {
namespace {

class PatchStreamTest : public HubTest {};

struct Ends {
  int out = -1; // where it can be read
  int in = -1;
  Ends() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
      std::abort();
    out = ends[0];
    in = ends[1];
  }
  Ends(const Ends&) = delete;
  Ends& operator=(const Ends&) = delete;
  ~Ends() {
    close(out);
    close(in);
  }
};

TEST_F(PatchStreamTest, a_pipe_is_waited_for_at_both_ends) {
  const Ends pipe;
  char byte = 0;
  auto reader = waiting_call([&] { return read(pipe.out, &byte, 1); });
  EXPECT_EQ(write(pipe.in, "x", 1), 1);
  EXPECT_EQ(reader.get(), (Returned{1, 0}));

  const std::string data(1'000'000, 'x');
  auto writer = waiting_call([&] { return write(pipe.in, data.data(), data.size()); });
  std::string got;
  std::string block(65536, ' ');
  while (got.size() < data.size()) {
    iovec part{block.data(), block.size()};
    const ssize_t n = readv(pipe.out, &part, 1);
    ASSERT_GT(n, 0);
    got.append(block, 0, static_cast<std::size_t>(n));
  }
  EXPECT_EQ(got, data);
  EXPECT_EQ(writer.get(), (Returned{static_cast<long>(data.size()), 0}));
}

TEST_F(PatchStreamTest, a_pipe_whose_user_asked_for_o_nonblock_says_eagain) {
  const Ends pipe;
  fcntl(pipe.out, F_SETFL, O_NONBLOCK);
  char byte = 0;
  EXPECT_EQ(read(pipe.out, &byte, 1), -1);
  EXPECT_EQ(errno, EAGAIN);
}

TEST_F(PatchStreamTest, a_terminal_is_waited_for_at_both_ends) {
  int master = -1;
  int terminal = -1;
  ASSERT_EQ(openpty(&master, &terminal, nullptr, nullptr, nullptr), 0);
  termios raw{};
  tcgetattr(terminal, &raw);
  cfmakeraw(&raw);
  tcsetattr(terminal, TCSANOW, &raw);
  char byte = 0;
  auto reader = waiting_call([&] { return read(terminal, &byte, 1); });
  EXPECT_EQ(write(master, "x", 1), 1);
  EXPECT_EQ(reader.get(), (Returned{1, 0}));

  const std::string data(100'000, 'x');
  auto writer = waiting_call([&] { return write(terminal, data.data(), data.size()); });
  std::size_t got = 0;
  std::string block(4096, ' ');
  while (got < data.size()) {
    const ssize_t n = read(master, block.data(), block.size());
    ASSERT_GT(n, 0);
    got += static_cast<std::size_t>(n);
  }
  EXPECT_EQ(writer.get(), (Returned{static_cast<long>(data.size()), 0}));
  close(master);
  close(terminal);
}

TEST_F(PatchStreamTest, an_eventfd_is_waited_for) {
  const int fd = eventfd(0, EFD_CLOEXEC);
  std::uint64_t count = 0;
  auto reader = waiting_call([&] { return read(fd, &count, sizeof count); });
  const std::uint64_t three = 3;
  EXPECT_EQ(write(fd, &three, sizeof three), 8);
  EXPECT_EQ(reader.get().value, 8);
  EXPECT_EQ(count, 3U);
  close(fd);
}

// pitfall 47
TEST_F(PatchStreamTest, a_regular_file_goes_to_the_kernel) {
  const TemporaryFile file("text");
  const int fd = open(file.path().c_str(), O_RDWR | O_CLOEXEC);
  const auto before = patch::count("read").waited;
  std::string got(10, ' ');
  EXPECT_EQ(read(fd, got.data(), got.size()), 4);
  EXPECT_EQ(got.substr(0, 4), "text");
  EXPECT_EQ(write(fd, "more", 4), 4);
  EXPECT_EQ(file.content(), "textmore");
  EXPECT_EQ(patch::count("read").waited, before);
  close(fd);
  EXPECT_EQ(read(fd, got.data(), 1), -1);
  EXPECT_EQ(errno, EBADF);
}

// reliability 10
TEST_F(PatchStreamTest, closing_wakes_whoever_reads_a_pipe) {
  Ends pipe;
  char byte = 0;
  auto reader = waiting_call([&] { return read(pipe.out, &byte, 1); });
  close(pipe.out);
  EXPECT_EQ(reader.get(), (Returned{-1, EBADF}));
}

// reliability 11
TEST_F(PatchStreamTest, a_broken_pipe_is_told_as_ever) {
  const Ends pipe;
  const auto before = signal(SIGPIPE, SIG_IGN);
  close(pipe.out);
  EXPECT_EQ(write(pipe.in, "x", 1), -1);
  EXPECT_EQ(errno, EPIPE);
  signal(SIGPIPE, before);
}

} // namespace
} // namespace grove::test
