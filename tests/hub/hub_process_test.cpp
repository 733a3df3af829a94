// SPDX-License-Identifier: MIT
// The hub in its process: descriptors, forks, signals, exits.
#include <cstdlib>
#include <filesystem>
#include <string>

#include <fcntl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <grove/hub/descriptor.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/hub_thread.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class HubProcessTest : public HubTest {};

// pitfall 34
TEST_F(HubProcessTest, every_descriptor_of_the_hub_closes_on_exec) {
  sleep(100us); // every part of the loop has been in use
  HubThread other;
  other.call([] { sleep(100us); });
  int looked_at = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const auto target = std::filesystem::read_symlink(entry.path(), gone).string();
    if (gone || target.find("anon_inode:[event") == std::string::npos)
      continue;
    const int fd = std::stoi(entry.path().filename().string());
    EXPECT_NE(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0) << target;
    ++looked_at;
  }
  EXPECT_GE(looked_at, 2);
}

// pitfall 34
TEST_F(HubProcessTest, a_forked_child_that_ends_leaves_the_parent_unhurt) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  auto reader = spawn([&] { return wait_readable(ends[0]); });
  yield();
  const pid_t child = fork();
  if (child == 0)
    _exit(0);
  ASSERT_GT(child, 0);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  ASSERT_EQ(write(ends[1], "x", 1), 1);
  EXPECT_TRUE(reader.get());
  EXPECT_NO_THROW(sleep(1ms));
  close_descriptor(ends[0]);
  close_descriptor(ends[1]);
}

// reliability 12
TEST_F(HubProcessTest, a_storm_of_signals_disturbs_no_wait) {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  struct sigaction before {};
  sigaction(SIGALRM, &action, &before); // no SA_RESTART: every system call sees EINTR
  itimerval storm{{0, 1000}, {0, 1000}};
  setitimer(ITIMER_REAL, &storm, nullptr);
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  for (int i = 0; i < 5; ++i) {
    auto start = Clock::now();
    EXPECT_NO_THROW(sleep(5ms));
    EXPECT_GE(Clock::now() - start, 5ms);
    start = Clock::now();
    EXPECT_NO_THROW(EXPECT_FALSE(wait_readable(ends[0], 5ms)));
    EXPECT_GE(Clock::now() - start, 5ms);
  }
  storm = {};
  setitimer(ITIMER_REAL, &storm, nullptr);
  sigaction(SIGALRM, &before, nullptr);
  close_descriptor(ends[0]);
  close_descriptor(ends[1]);
}

// Abandoned greenlets cost no exit code, and are not unwound.
TEST_F(HubProcessTest, a_process_may_exit_while_greenlets_are_parked) {
  in_fresh_processes();
  EXPECT_EXIT(
      {
        Event never;
        spawn([&] {
          AtExit unwound([] { std::_Exit(3); });
          never.wait();
        });
        yield();
        std::exit(0);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST_F(HubProcessTest, exit_inside_a_greenlet_ends_the_process_with_its_code) {
  if (under_asan)
    GTEST_SKIP() << "LeakSanitizer looks at the running stack only, and misses what main's holds";
  in_fresh_processes();
  EXPECT_EXIT(
      {
        spawn([] {
          yield();
          std::exit(7);
        }).join();
      },
      ::testing::ExitedWithCode(7), "");
}

} // namespace
} // namespace grove::test
