// SPDX-License-Identifier: MIT
// Child processes: how they are started, and which descriptors they have.
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>

#include <grove/hub/descriptor.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/hub_thread.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/pipe.hpp>
#include <grove/hub/process.hpp>
#include <grove/hub/signal.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/hub/wait_any.hpp>

#include "../support/hub_test.hpp"
#include "../support/process_test.hpp"

namespace grove::test {
namespace {

using ::testing::HasSubstr;

class ProcessStartTest : public AnyProcessTest {};
INSTANTIATE_TEST_SUITE_P(, ProcessStartTest, ::testing::Bool(),
                         [](const auto& way) { return way.param ? "by_pidfd" : "by_sigchld"; });

// -- starting ------------------------------------------------------------------------------------

// gevent U2
TEST_P(ProcessStartTest, an_unknown_program_is_named_and_nothing_is_left) {
  const auto before = open_descriptors();
  const ProcessOptions pipes{.in = Stdio::pipe(), .out = Stdio::pipe(), .err = Stdio::null()};
  for (int i = 0; i < 7; ++i) {
    try {
      Process child({"no-such-program", "x"}, pipes);
      ADD_FAILURE();
    } catch (const std::system_error& e) {
      EXPECT_EQ(e.code().value(), ENOENT);
      EXPECT_THAT(e.what(), HasSubstr("grove: start 'no-such-program'"));
    }
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST_P(ProcessStartTest, an_unknown_directory_is_named) {
  try {
    Process child({"true"}, {.cwd = "/no/such/directory"});
    ADD_FAILURE();
  } catch (const std::system_error& e) {
    EXPECT_EQ(e.code().value(), ENOENT);
    EXPECT_THAT(e.what(), HasSubstr("in directory '/no/such/directory'"));
  }
}

TEST_P(ProcessStartTest, what_makes_no_sense_is_refused) {
  const auto refused = [](std::vector<std::string> argv, const ProcessOptions& options) {
    EXPECT_THROW(Process(std::move(argv), options), std::invalid_argument);
  };
  refused({}, {});
  refused({""}, {});
  refused({"echo", std::string("a\0b", 3)}, {});
  refused({"true"}, {.env = {{"A=B", "c"}}});
  refused({"true"}, {.env = {{"", "c"}}});
  refused({"true"}, {.pass = {1}});
  refused({"true"}, {.out = Stdio::to_stdout()});
  EXPECT_EQ(code_of([] { Process({"true"}, {.pass = {1000000}}); }), EBADF);
  EXPECT_EQ(code_of([] { Process({"true"}, {.in = Stdio::descriptor(1000000)}); }), EBADF);
}

// gevent U15
TEST_P(ProcessStartTest, the_environment_is_added_to_taken_from_or_replaced) {
  setenv("GROVE_TEST_A", "a", 1);
  setenv("GROVE_TEST_B", "b", 1);
  const auto echo = shell("echo \"$GROVE_TEST_A,$GROVE_TEST_B,$GROVE_TEST_C\"");
  EXPECT_EQ(check_output(echo), "a,b,\n");
  EXPECT_EQ(check_output(echo, {.env = {{"GROVE_TEST_A", "x"},
                                        {"GROVE_TEST_B", std::nullopt},
                                        {"GROVE_TEST_C", "c=d"}}}),
            "x,,c=d\n");
  EXPECT_EQ(check_output({"/usr/bin/env"}, {.env = {{"ONLY", "1"}}, .inherit_env = false}),
            "ONLY=1\n");
  unsetenv("GROVE_TEST_A");
  unsetenv("GROVE_TEST_B");
}

TEST_P(ProcessStartTest, it_starts_in_its_directory) {
  EXPECT_EQ(check_output({"pwd"}, {.cwd = "/usr"}), "/usr\n");
}

TEST_P(ProcessStartTest, its_signal_mask_and_sigpipe_are_the_defaults) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  std::signal(SIGPIPE, SIG_IGN);
  Process child({"grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"}, {.out = Stdio::pipe()});
  std::signal(SIGPIPE, SIG_DFL);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  const std::string status = child.communicate().out;
  EXPECT_THAT(status, HasSubstr("SigBlk:\t0000000000000000"));
  const auto ignored = std::stoull(status.substr(status.find("SigIgn:") + 8), nullptr, 16);
  EXPECT_EQ(ignored >> (SIGPIPE - 1) & 1, 0u);
}

// -- descriptors ---------------------------------------------------------------------------------

// The numbers above 2 that a child has open.
std::string list_of(const ProcessOptions& options) {
  return check_output(shell("for f in /proc/$$/fd/*; do n=${f##*/}; [ -L $f ] && [ $n -gt 2 ] && "
                            "printf '%s ' $n; done; true"),
                      options);
}

// gevent U9
TEST_P(ProcessStartTest, it_has_no_descriptors_but_those_that_are_passed) {
  int leaky[2];
  ASSERT_EQ(pipe2(leaky, 0), 0); // not close-on-exec
  const int high = fcntl(leaky[0], F_DUPFD, 40);
  const int higher = fcntl(leaky[0], F_DUPFD_CLOEXEC, 50);
  EXPECT_EQ(list_of({}), "");
  EXPECT_EQ(list_of({.pass = {high}}), std::to_string(high) + " ");
  EXPECT_EQ(list_of({.pass = {higher, high, high}}),
            std::to_string(high) + " " + std::to_string(higher) + " ");
  EXPECT_NE(fcntl(higher, F_GETFD) & FD_CLOEXEC, 0) << "here it is as before";
  for (const int fd : {leaky[0], leaky[1], high, higher})
    ::close(fd);
}

TEST_P(ProcessStartTest, streams_are_null_or_descriptors) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  PipeReader reader(ends[0]);
  const ProcessOutput ended =
      run(shell("cat; echo out; echo err >&2"),
          {.in = Stdio::null(), .out = Stdio::descriptor(ends[1]), .err = Stdio::null()});
  ::close(ends[1]);
  EXPECT_TRUE(ended.status.success());
  EXPECT_EQ(ended.out, "");
  EXPECT_EQ(reader.read_all(), "out\n");
}

TEST_P(ProcessStartTest, stderr_may_go_where_stdout_goes) {
  EXPECT_EQ(check_output(shell("echo one; echo two >&2"), {.err = Stdio::to_stdout()}),
            "one\ntwo\n");
}

TEST_P(ProcessStartTest, standard_descriptors_may_change_places) {
  int out[2];
  int err[2];
  ASSERT_EQ(pipe2(out, O_CLOEXEC), 0);
  ASSERT_EQ(pipe2(err, O_CLOEXEC), 0);
  const int saved_out = fcntl(1, F_DUPFD_CLOEXEC, 10);
  const int saved_err = fcntl(2, F_DUPFD_CLOEXEC, 10);
  dup2(out[1], 1);
  dup2(err[1], 2);
  const ExitStatus status = run(shell("echo out; echo err >&2"),
                                {.out = Stdio::descriptor(2), .err = Stdio::descriptor(1)})
                                .status;
  dup2(saved_out, 1);
  dup2(saved_err, 2);
  for (const int fd : {out[1], err[1], saved_out, saved_err})
    ::close(fd);
  EXPECT_TRUE(status.success());
  EXPECT_EQ(PipeReader(out[0]).read_all(), "err\n");
  EXPECT_EQ(PipeReader(err[0]).read_all(), "out\n");
}

// gevent U6
TEST_P(ProcessStartTest, a_pipe_that_never_blocks_is_made_blocking_for_the_child) {
  Pipe pipe;
  Process child({"cat"}, {.in = Stdio::descriptor(pipe.reader.descriptor()), .out = Stdio::pipe()});
  pipe.reader.close();
  EXPECT_THROW(child.wait(20ms), ProcessTimeout) << "it saw EAGAIN and ended";
  pipe.writer.write_all("x");
  pipe.writer.close();
  EXPECT_EQ(child.communicate().out, "x");
}

TEST_P(ProcessStartTest, one_child_may_feed_another) {
  Process first({"echo", "b\na"}, {.out = Stdio::pipe()});
  Process second({"sort"},
                 {.in = Stdio::descriptor(first.out().descriptor()), .out = Stdio::pipe()});
  first.out().close();
  EXPECT_EQ(second.communicate().out, "a\nb\n");
}

} // namespace
} // namespace grove::test
