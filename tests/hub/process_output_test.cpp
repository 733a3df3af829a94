// SPDX-License-Identifier: MIT
// Child processes: their input and output, run() and check_output().
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

class ProcessOutputTest : public AnyProcessTest {};
INSTANTIATE_TEST_SUITE_P(, ProcessOutputTest, ::testing::Bool(),
                         [](const auto& way) { return way.param ? "by_pidfd" : "by_sigchld"; });

// -- output --------------------------------------------------------------------------------------

// gevent U4
TEST_P(ProcessOutputTest, communicate_gives_input_and_takes_both_outputs) {
  Process child(shell("cat; echo oops >&2"),
                {.in = Stdio::pipe(), .out = Stdio::pipe(), .err = Stdio::pipe()});
  const auto [out, err, status] = child.communicate("banana\n");
  EXPECT_EQ(out, "banana\n");
  EXPECT_EQ(err, "oops\n");
  EXPECT_TRUE(status.success());
}

TEST_P(ProcessOutputTest, communicate_does_not_deadlock_on_megabytes) {
  const std::string data(3 << 20, 'x');
  Process child(shell("tee /dev/stderr"),
                {.in = Stdio::pipe(), .out = Stdio::pipe(), .err = Stdio::pipe()});
  const ProcessOutput ended = child.communicate(data);
  EXPECT_TRUE(ended.out == data);
  EXPECT_TRUE(ended.err == data);
}

// gevent U5
TEST_P(ProcessOutputTest, no_output_is_empty) {
  Process child({"true"}, {.out = Stdio::pipe()});
  const ProcessOutput ended = child.communicate();
  EXPECT_EQ(ended.out, "");
  EXPECT_EQ(ended.err, "");
  EXPECT_THROW(child.err(), std::logic_error) << "it was no pipe";
  EXPECT_THROW(child.in(), std::logic_error);
  EXPECT_NO_THROW(child.out());
}

TEST_P(ProcessOutputTest, input_that_the_child_does_not_want_is_dropped) {
  EXPECT_EQ(check_output({"echo", "bye"}, {}, std::string(1 << 20, 'x')), "bye\n");
}

TEST_P(ProcessOutputTest, a_timeout_keeps_what_came_and_the_next_call_the_rest) {
  Process child(shell("cat; echo error >&2; sleep 0.05; echo late"),
                {.in = Stdio::pipe(), .out = Stdio::pipe(), .err = Stdio::pipe()});
  std::optional<std::string> so_far;
  while (!so_far || so_far->empty()) {
    try {
      (void)child.communicate(so_far ? "" : "BDFL\n", 1ms);
      break;
    } catch (const ProcessTimeout& e) {
      so_far = e.output;
    }
  }
  EXPECT_EQ(so_far, "BDFL\n");
  EXPECT_THROW((void)child.communicate("more"), std::logic_error);
  const ProcessOutput ended = child.communicate();
  EXPECT_EQ(ended.out, "BDFL\nlate\n");
  EXPECT_EQ(ended.err, "error\n");
}

TEST_P(ProcessOutputTest, a_kill_in_communicate_loses_nothing) {
  Process child(shell("echo early; sleep 0.05; echo late"), {.out = Stdio::pipe()});
  auto talker = spawn([&] { child.communicate(); });
  sleep(20ms); // it has probably read something
  talker.kill();
  EXPECT_EQ(child.communicate().out, "early\nlate\n");
}

TEST_P(ProcessOutputTest, a_source_that_never_pauses_is_ended_by_the_deadline) {
  EXPECT_THROW(run({"yes"}, {.out = Stdio::pipe()}, {}, 5ms), ProcessTimeout);
  Timeout scope(5ms);
  EXPECT_THROW(run({"yes"}, {.out = Stdio::pipe()}), TimeoutExpired);
}

// gevent U17
TEST_P(ProcessOutputTest, an_error_of_reading_comes_to_the_caller) {
  Process child({"sleep", "100"}, {.out = Stdio::pipe()});
  const int directory = ::open("/", O_RDONLY | O_CLOEXEC);
  ASSERT_EQ(dup3(directory, child.out().descriptor(), O_CLOEXEC), child.out().descriptor());
  ::close(directory);
  EXPECT_EQ(code_of([&] { (void)child.communicate(); }), EISDIR);
}

TEST_P(ProcessOutputTest, input_needs_a_pipe) {
  Process child({"true"});
  EXPECT_THROW((void)child.communicate("x"), std::logic_error);
}

// -- run and check_output ------------------------------------------------------------------------

// gevent U10
TEST_P(ProcessOutputTest, run_gives_the_status) {
  EXPECT_EQ(run(shell("exit 47")).status, ExitStatus::of_code(47));
  EXPECT_TRUE(run({"true"}).status.success());
}

// gevent U7, U10
TEST_P(ProcessOutputTest, check_output_of_a_failure_is_an_error_with_code_and_output) {
  try {
    check_output(shell("echo some; echo more >&2; exit 44"), {.err = Stdio::pipe()});
    ADD_FAILURE();
  } catch (const ProcessError& e) {
    EXPECT_EQ(e.status, ExitStatus::of_code(44));
    EXPECT_EQ(e.output, "some\n");
    EXPECT_EQ(e.error_output, "more\n");
    EXPECT_STREQ(e.what(), "grove: '/bin/sh' ended with exit code 44");
  }
}

// gevent U11
TEST_P(ProcessOutputTest, run_out_of_time_kills_the_child) {
  Pipe alive; // ends when the child does
  EXPECT_THROW(run({"sleep", "100"}, {.pass = {alive.writer.descriptor()}}, {}, 100us),
               ProcessTimeout);
  alive.writer.close();
  EXPECT_EQ(alive.reader.read_all(), "");
}

// gevent U12
TEST_P(ProcessOutputTest, check_output_out_of_time_tells_the_output_so_far) {
  std::string seen;
  for (int ms = 20; seen.empty(); ms *= 2) {
    try {
      check_output(shell("echo BDFL; exec sleep 100"), {}, {}, std::chrono::milliseconds(ms));
      FAIL();
    } catch (const ProcessTimeout& e) {
      seen = e.output;
    }
  }
  EXPECT_EQ(seen, "BDFL\n");
}

// gevent U14
TEST_P(ProcessOutputTest, stdin_and_input_together_are_refused) {
  try {
    check_output({"cat"}, {.in = Stdio::null()}, "x");
    ADD_FAILURE();
  } catch (const std::invalid_argument& e) {
    EXPECT_STREQ(e.what(), "grove: run: both input and options.in were given");
  }
  EXPECT_THROW(check_output({"cat"}, {.out = Stdio::null()}), std::invalid_argument);
}

} // namespace
} // namespace grove::test
