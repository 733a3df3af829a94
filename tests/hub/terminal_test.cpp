// SPDX-License-Identifier: MIT
// A File on a terminal: what becomes of control characters there must not block the hub.
#include <cstdlib>
#include <optional>
#include <string>

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <grove/hub/descriptor.hpp>
#include <grove/hub/file.hpp>
#include <grove/hub/greenlet.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class TerminalTest : public HubTest {
protected:
  void SetUp() override {
    HubTest::SetUp();
    keyboard_ = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    ASSERT_GE(keyboard_, 0);
    ASSERT_EQ(grantpt(keyboard_), 0);
    ASSERT_EQ(unlockpt(keyboard_), 0);
    const int screen = ::open(ptsname(keyboard_), O_RDWR | O_NOCTTY | O_CLOEXEC); // NOLINT
    ASSERT_GE(screen, 0);
    terminal_.emplace(File::own(screen));
  }
  void TearDown() override {
    terminal_.reset();
    if (keyboard_ >= 0)
      close_descriptor(keyboard_);
    HubTest::TearDown();
  }
  int keyboard_ = -1;
  std::optional<File> terminal_;
};

// Each line feed becomes two characters, and the terminal takes some thousands: a write of more
// than fits would block the thread, though the terminal was said to be ready.
TEST_F(TerminalTest, a_writer_whom_nobody_reads_waits_alone) {
  for (const char* text : {"\n", "x", "\t", "xx\n"}) {
    std::string many;
    while (many.size() < 1000)
      many += text;
    auto writer = spawn([&] {
      for (;;)
        terminal_->write(many);
    });
    for (int i = 0; i < 50; ++i)
      sleep(200us); // the hub goes on
    EXPECT_FALSE(writer.ready());
    writer.kill();
    ASSERT_EQ(tcflush(keyboard_, TCIOFLUSH), 0);
  }
}

TEST_F(TerminalTest, what_is_written_comes_whole) {
  std::string all;
  for (int i = 0; i < 3000; ++i)
    all += i % 7 == 0 ? "line\n" : "\x1b[1mword\x1b[0m ";
  auto writer = spawn([&] { terminal_->write(all); });
  std::string expected;
  for (const char c : all)
    expected += c == '\n' ? std::string("\r\n") : std::string(1, c);
  std::string seen;
  while (seen.size() < expected.size()) {
    char part[4096];
    ASSERT_TRUE(wait_readable(keyboard_, 10s));
    const ssize_t n = read(keyboard_, part, sizeof part);
    ASSERT_GT(n, 0);
    seen.append(part, static_cast<std::size_t>(n));
  }
  writer.join();
  EXPECT_TRUE(writer.successful());
  EXPECT_EQ(seen, expected);
}

} // namespace
} // namespace grove::test
