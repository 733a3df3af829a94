// SPDX-License-Identifier: MIT
// Child processes: their end, and who waits for it.
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

#include "../support/blocking_call.hpp"
#include "../support/hub_test.hpp"
#include "../support/process_test.hpp"

namespace grove::test {
namespace {

// A child that ends when it is told so.
class AboutProcess : public BlockingCall {
public:
  void release() override { child_->in().close(); }
  void again() override { start(); }
  bool direct() const override { return false; }
  bool get_like() const override { return true; }

protected:
  AboutProcess() { start(); }
  void start() { child_.emplace(std::vector<std::string>{"cat"}, pipes()); }
  static ProcessOptions pipes() {
    return {.in = Stdio::pipe(), .out = Stdio::pipe(), .err = Stdio::pipe()};
  }
  std::optional<Process> child_;
};
class ProcessWait : public AboutProcess {
  bool call(Deadline deadline) override { return child_->wait(deadline).success(); }
};
class ProcessExited : public AboutProcess {
  bool call(Deadline deadline) override {
    return wait_any(child_->exited_op(), after(deadline)).index() == 0;
  }
  bool get_like() const override { return false; }
};
class ProcessCommunicate : public AboutProcess {
public:
  ProcessCommunicate() { ProcessCommunicate::again(); }

private:
  bool call(Deadline deadline) override {
    return child_->communicate({}, deadline).status.success();
  }
  // Its stdin is not communicate()'s: that would close it.
  void again() override {
    stdin_.emplace();
    ProcessOptions options = pipes();
    options.in = Stdio::descriptor(stdin_->reader.descriptor());
    child_.emplace(std::vector<std::string>{"cat"}, options);
  }
  void release() override { stdin_->writer.close(); }
  std::optional<Pipe> stdin_;
};

// A child of the call's own, which reads to the end of its stdin.
class ProcessRun : public BlockingCall {
  bool call(Deadline deadline) override {
    return run({"cat"}, {.in = stdin_option(), .out = Stdio::pipe()}, {}, deadline)
        .status.success();
  }
  void release() override { stdin_->writer.close(); }
  void again() override { stdin_.emplace(); }
  bool direct() const override { return false; }
  bool get_like() const override { return true; }

protected:
  Stdio stdin_option() const { return Stdio::descriptor(stdin_->reader.descriptor()); }

private:
  std::optional<Pipe> stdin_{std::in_place};
};
class ProcessCheckOutput : public ProcessRun {
  bool call(Deadline deadline) override {
    return check_output({"cat"}, {.in = stdin_option()}, {}, deadline).empty();
  }
};

[[maybe_unused]] const bool rows_added = add_blocking_calls({
    blocking_row<ProcessRun>("run"),
    blocking_row<ProcessCheckOutput>("check_output"),
    blocking_row<ProcessWait>("process_wait"),
    blocking_row<ProcessExited>("wait_any_process"),
    blocking_row<ProcessCommunicate>("process_communicate"),
});

class ProcessTest : public AnyProcessTest {};
INSTANTIATE_TEST_SUITE_P(, ProcessTest, ::testing::Bool(),
                         [](const auto& way) { return way.param ? "by_pidfd" : "by_sigchld"; });

// -- its end -------------------------------------------------------------------------------------

// gevent U1
TEST_P(ProcessTest, wait_gives_the_exit_code) {
  Process child(shell("exit 10"));
  EXPECT_GT(child.pid(), 0);
  const ExitStatus status = child.wait();
  EXPECT_EQ(status, ExitStatus::of_code(10));
  EXPECT_EQ(status.code(), 10);
  EXPECT_EQ(status.signal(), std::nullopt);
  EXPECT_FALSE(status.success());
  EXPECT_EQ(to_string(status), "exit code 10");
  EXPECT_EQ(child.wait(), status) << "again";
  EXPECT_EQ(child.wait(0ms), status);
  EXPECT_EQ(child.poll(), status);
}

// gevent U1
TEST_P(ProcessTest, wait_any_takes_the_end_of_the_first) {
  Process fast(shell("exit 11"));
  Process slow({"sleep", "100"});
  const auto first = wait_any(slow.exited_op(), fast.exited_op());
  ASSERT_EQ(first.index(), 1u);
  EXPECT_EQ(std::get<1>(first), ExitStatus::of_code(11));
  EXPECT_EQ(fast.poll(), ExitStatus::of_code(11));
  EXPECT_EQ(slow.poll(), std::nullopt);
}

TEST_P(ProcessTest, the_signal_that_ended_it_is_told) {
  Process child({"sleep", "100"});
  EXPECT_TRUE(child.kill(SIGTERM));
  const ExitStatus status = child.wait();
  EXPECT_EQ(status.signal(), SIGTERM);
  EXPECT_EQ(status.code(), std::nullopt);
  EXPECT_EQ(to_string(status), "SIGTERM");
  EXPECT_FALSE(child.kill(SIGTERM)) << "its number may be another's now";
}

TEST_P(ProcessTest, others_run_while_one_waits) {
  int turns = 0;
  auto other = spawn([&] {
    for (;; ++turns)
      sleep(1ms);
  });
  Process child({"sleep", "0.05"});
  EXPECT_TRUE(child.wait().success());
  other.kill();
  EXPECT_GT(turns, 1);
}

TEST_P(ProcessTest, several_may_wait_for_one_child) {
  Process child({"cat"}, {.in = Stdio::pipe()});
  std::vector<GreenletRef<ExitStatus>> waiters;
  for (int i = 0; i < 3; ++i)
    waiters.push_back(spawn([&] { return child.wait(); }));
  settle();
  waiters[1].kill();
  child.in().close();
  EXPECT_TRUE(waiters[0].get().success());
  EXPECT_TRUE(waiters[2].get().success());
  EXPECT_TRUE(waiters[1].killed());
}

// gevent U16
TEST_P(ProcessTest, a_loop_of_polls_sees_the_end_without_a_turn_of_the_loop) {
  Process child({"true"});
  while (!child.poll()) {
  }
  EXPECT_TRUE(child.poll()->success());
}

TEST_P(ProcessTest, a_poll_that_sees_the_end_wakes_who_waits) {
  Process child({"true"});
  auto waiter = spawn([&] { return child.wait(); });
  yield();
  while (!child.poll()) {
  }
  EXPECT_TRUE(waiter.get().success());
}

TEST_P(ProcessTest, a_deadline_leaves_the_child_running) {
  Process child({"sleep", "100"});
  try {
    child.wait(1ms);
    ADD_FAILURE();
  } catch (const ProcessTimeout& e) {
    EXPECT_STREQ(e.what(), "Process.wait: 'sleep' has not ended in time");
  }
  EXPECT_EQ(child.poll(), std::nullopt);
  EXPECT_TRUE(exists(child.pid()));
}

TEST_P(ProcessTest, waiting_for_a_child_is_no_deadlock) {
  Process child({"sleep", "0.02"});
  EXPECT_NO_THROW(child.wait());
}

TEST_P(ProcessTest, many_at_once_end_each_in_its_own_way) {
  std::vector<Process> children;
  for (int i = 0; i < 20; ++i)
    children.emplace_back(shell("exit " + std::to_string(i)));
  for (int i = 19; i >= 0; --i)
    EXPECT_EQ(children[static_cast<std::size_t>(i)].wait(), ExitStatus::of_code(i));
}

} // namespace
} // namespace grove::test
