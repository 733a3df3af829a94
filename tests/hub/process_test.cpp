// SPDX-License-Identifier: MIT
// Child processes: how they are started, what they are given, their end, their output.
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

namespace grove::test {
namespace {

using ::testing::HasSubstr;

std::set<int> open_descriptors() {
  std::set<int> result;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
    result.insert(std::stoi(entry.path().filename()));
  for (auto at = result.begin(); at != result.end();) // the directory's own
    at = fcntl(*at, F_GETFD) < 0 ? result.erase(at) : std::next(at);
  return result;
}
bool has_children() {
  siginfo_t info{};
  return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}
bool exists(pid_t pid) { return kill(pid, 0) == 0; }

int code_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const std::system_error& e) {
    return e.code().value();
  }
  return 0;
}

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

// Each way to see the end of a child.
class ProcessTest : public HubTest, public ::testing::WithParamInterface<bool> {
protected:
  void SetUp() override {
    HubTest::SetUp();
    if (GetParam())
      unsetenv("GROVE_PIDFD");
    else
      setenv("GROVE_PIDFD", "0", 1);
    { // what is made at first use, and kept: hubs, and a hub's way to hear of signals
      HubThread one;
      HubThread two;
      const auto listen = [] { const SignalWatch watch = on_signal(SIGCHLD, [] {}); };
      for (HubThread* hub : {&one, &two})
        hub->call(listen);
      listen();
    }
    descriptors_ = open_descriptors();
  }
  void TearDown() override {
    EXPECT_FALSE(has_children()) << "a child, or a zombie, is left";
    EXPECT_LE(open_descriptors().size(), descriptors_.size()) << "descriptors are left";
    unsetenv("GROVE_PIDFD");
    HubTest::TearDown();
  }

private:
  std::set<int> descriptors_;
};
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

// -- starting ------------------------------------------------------------------------------------

// gevent U2
TEST_P(ProcessTest, an_unknown_program_is_named_and_nothing_is_left) {
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

TEST_P(ProcessTest, an_unknown_directory_is_named) {
  try {
    Process child({"true"}, {.cwd = "/no/such/directory"});
    ADD_FAILURE();
  } catch (const std::system_error& e) {
    EXPECT_EQ(e.code().value(), ENOENT);
    EXPECT_THAT(e.what(), HasSubstr("in directory '/no/such/directory'"));
  }
}

TEST_P(ProcessTest, what_makes_no_sense_is_refused) {
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
TEST_P(ProcessTest, the_environment_is_added_to_taken_from_or_replaced) {
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

TEST_P(ProcessTest, it_starts_in_its_directory) {
  EXPECT_EQ(check_output({"pwd"}, {.cwd = "/usr"}), "/usr\n");
}

TEST_P(ProcessTest, its_signal_mask_and_sigpipe_are_the_defaults) {
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
TEST_P(ProcessTest, it_has_no_descriptors_but_those_that_are_passed) {
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

TEST_P(ProcessTest, streams_are_null_or_descriptors) {
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

TEST_P(ProcessTest, stderr_may_go_where_stdout_goes) {
  EXPECT_EQ(check_output(shell("echo one; echo two >&2"), {.err = Stdio::to_stdout()}),
            "one\ntwo\n");
}

TEST_P(ProcessTest, standard_descriptors_may_change_places) {
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
TEST_P(ProcessTest, a_pipe_that_never_blocks_is_made_blocking_for_the_child) {
  Pipe pipe;
  Process child({"cat"}, {.in = Stdio::descriptor(pipe.reader.descriptor()), .out = Stdio::pipe()});
  pipe.reader.close();
  EXPECT_THROW(child.wait(20ms), ProcessTimeout) << "it saw EAGAIN and ended";
  pipe.writer.write_all("x");
  pipe.writer.close();
  EXPECT_EQ(child.communicate().out, "x");
}

TEST_P(ProcessTest, one_child_may_feed_another) {
  Process first({"echo", "b\na"}, {.out = Stdio::pipe()});
  Process second({"sort"},
                 {.in = Stdio::descriptor(first.out().descriptor()), .out = Stdio::pipe()});
  first.out().close();
  EXPECT_EQ(second.communicate().out, "a\nb\n");
}

// -- output --------------------------------------------------------------------------------------

// gevent U4
TEST_P(ProcessTest, communicate_gives_input_and_takes_both_outputs) {
  Process child(shell("cat; echo oops >&2"),
                {.in = Stdio::pipe(), .out = Stdio::pipe(), .err = Stdio::pipe()});
  const auto [out, err, status] = child.communicate("banana\n");
  EXPECT_EQ(out, "banana\n");
  EXPECT_EQ(err, "oops\n");
  EXPECT_TRUE(status.success());
}

TEST_P(ProcessTest, communicate_does_not_deadlock_on_megabytes) {
  const std::string data(3 << 20, 'x');
  Process child(shell("tee /dev/stderr"),
                {.in = Stdio::pipe(), .out = Stdio::pipe(), .err = Stdio::pipe()});
  const ProcessOutput ended = child.communicate(data);
  EXPECT_TRUE(ended.out == data);
  EXPECT_TRUE(ended.err == data);
}

// gevent U5
TEST_P(ProcessTest, no_output_is_empty) {
  Process child({"true"}, {.out = Stdio::pipe()});
  const ProcessOutput ended = child.communicate();
  EXPECT_EQ(ended.out, "");
  EXPECT_EQ(ended.err, "");
  EXPECT_THROW(child.err(), std::logic_error) << "it was no pipe";
  EXPECT_THROW(child.in(), std::logic_error);
  EXPECT_NO_THROW(child.out());
}

TEST_P(ProcessTest, input_that_the_child_does_not_want_is_dropped) {
  EXPECT_EQ(check_output({"echo", "bye"}, {}, std::string(1 << 20, 'x')), "bye\n");
}

TEST_P(ProcessTest, a_timeout_keeps_what_came_and_the_next_call_the_rest) {
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

TEST_P(ProcessTest, a_kill_in_communicate_loses_nothing) {
  Process child(shell("echo early; sleep 0.05; echo late"), {.out = Stdio::pipe()});
  auto talker = spawn([&] { child.communicate(); });
  sleep(20ms); // it has probably read something
  talker.kill();
  EXPECT_EQ(child.communicate().out, "early\nlate\n");
}

TEST_P(ProcessTest, a_source_that_never_pauses_is_ended_by_the_deadline) {
  EXPECT_THROW(run({"yes"}, {.out = Stdio::pipe()}, {}, 5ms), ProcessTimeout);
  Timeout scope(5ms);
  EXPECT_THROW(run({"yes"}, {.out = Stdio::pipe()}), TimeoutExpired);
}

// gevent U17
TEST_P(ProcessTest, an_error_of_reading_comes_to_the_caller) {
  Process child({"sleep", "100"}, {.out = Stdio::pipe()});
  const int directory = ::open("/", O_RDONLY | O_CLOEXEC);
  ASSERT_EQ(dup3(directory, child.out().descriptor(), O_CLOEXEC), child.out().descriptor());
  ::close(directory);
  EXPECT_EQ(code_of([&] { (void)child.communicate(); }), EISDIR);
}

TEST_P(ProcessTest, input_needs_a_pipe) {
  Process child({"true"});
  EXPECT_THROW((void)child.communicate("x"), std::logic_error);
}

// -- run and check_output ------------------------------------------------------------------------

// gevent U10
TEST_P(ProcessTest, run_gives_the_status) {
  EXPECT_EQ(run(shell("exit 47")).status, ExitStatus::of_code(47));
  EXPECT_TRUE(run({"true"}).status.success());
}

// gevent U7, U10
TEST_P(ProcessTest, check_output_of_a_failure_is_an_error_with_code_and_output) {
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
TEST_P(ProcessTest, run_out_of_time_kills_the_child) {
  Pipe alive; // ends when the child does
  EXPECT_THROW(run({"sleep", "100"}, {.pass = {alive.writer.descriptor()}}, {}, 100us),
               ProcessTimeout);
  alive.writer.close();
  EXPECT_EQ(alive.reader.read_all(), "");
}

// gevent U12
TEST_P(ProcessTest, check_output_out_of_time_tells_the_output_so_far) {
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
TEST_P(ProcessTest, stdin_and_input_together_are_refused) {
  try {
    check_output({"cat"}, {.in = Stdio::null()}, "x");
    ADD_FAILURE();
  } catch (const std::invalid_argument& e) {
    EXPECT_STREQ(e.what(), "grove: run: both input and options.in were given");
  }
  EXPECT_THROW(check_output({"cat"}, {.out = Stdio::null()}), std::invalid_argument);
}

// -- groups --------------------------------------------------------------------------------------

TEST_P(ProcessTest, a_group_is_killed_as_a_whole) {
  for (const bool session : {false, true}) {
    Process child(shell("sleep 100 & sleep 100"),
                  {.out = Stdio::pipe(), .new_group = !session, .new_session = session});
    EXPECT_EQ(getpgid(child.pid()), child.pid());
    EXPECT_EQ(getsid(child.pid()) == child.pid(), session);
    EXPECT_TRUE(child.kill_group(SIGTERM));
    EXPECT_EQ(child.communicate().status.signal(), SIGTERM) << "all that held the pipe have ended";
    EXPECT_FALSE(child.kill_group(SIGTERM));
  }
}

TEST_P(ProcessTest, one_that_leads_no_group_has_none_to_kill) {
  Process child({"sleep", "100"});
  EXPECT_THROW(child.kill_group(SIGTERM), std::logic_error);
  EXPECT_EQ(code_of([&] { child.kill(1000); }), EINVAL);
}

// -- the end of the object -----------------------------------------------------------------------

TEST_P(ProcessTest, destroying_it_kills_and_collects_the_child) {
  pid_t pid = 0;
  {
    Process child({"sleep", "100"});
    pid = child.pid();
  }
  EXPECT_FALSE(exists(pid));
}

TEST_P(ProcessTest, destroying_one_that_leads_a_group_kills_the_group) {
  Pipe alive;
  {
    Process child(shell("sleep 100 & sleep 100"),
                  {.pass = {alive.writer.descriptor()}, .new_group = true});
    alive.writer.close();
  }
  EXPECT_EQ(alive.reader.read_all(), "");
}

TEST_P(ProcessTest, destroying_it_while_others_wait_tells_them_its_end) {
  auto child = std::make_unique<Process>(std::vector<std::string>{"sleep", "100"});
  auto waiter = spawn([&] { return child->wait(); });
  auto talker = spawn([&] { return child->communicate().status; });
  auto op = spawn([&] { return std::get<0>(wait_any(child->exited_op())); });
  settle();
  child.reset();
  EXPECT_EQ(waiter.get().signal(), SIGKILL);
  EXPECT_EQ(talker.get().signal(), SIGKILL);
  EXPECT_EQ(op.get().signal(), SIGKILL);
}

TEST_P(ProcessTest, destroying_it_while_one_talks_to_it_ends_the_talk) {
  auto child = std::make_unique<Process>(std::vector<std::string>{"sleep", "100"},
                                         ProcessOptions{.out = Stdio::pipe()});
  auto talker = spawn([&] { return child->communicate().status; });
  settle();
  child.reset();
  EXPECT_THROW(talker.get(), Closed);
}

TEST_P(ProcessTest, a_greenlet_that_is_killed_takes_its_child_along) {
  pid_t pid = 0;
  auto g = spawn([&] {
    Process child({"sleep", "100"});
    pid = child.pid();
    child.wait();
  });
  settle();
  g.kill();
  EXPECT_GT(pid, 0);
  EXPECT_FALSE(exists(pid));
}

TEST_P(ProcessTest, a_detached_child_goes_on_and_is_collected) {
  Pipe out;
  Process child({"sleep", "0.02"}, {.pass = {out.writer.descriptor()}});
  const pid_t pid = child.pid();
  out.writer.close();
  auto waiter = spawn([&] { return child.wait(); });
  settle();
  child.detach();
  EXPECT_THROW(waiter.get(), Closed);
  EXPECT_THROW(child.pid(), std::logic_error);
  EXPECT_EQ(out.reader.read_all(), "") << "until its end";
  while (exists(pid)) // until it is collected
    sleep(1ms);
}

TEST_P(ProcessTest, it_may_be_moved) {
  Process child(shell("exit 3"));
  Process moved(std::move(child));
  EXPECT_THROW(child.wait(), std::logic_error);
  EXPECT_EQ(moved.wait().code(), 3);
  moved = Process(shell("exit 4"));
  EXPECT_EQ(moved.wait().code(), 4);
}

// -- beside others -------------------------------------------------------------------------------

// gevent N6
TEST_P(ProcessTest, children_of_others_are_left_to_them) {
  const pid_t foreign = fork();
  if (foreign == 0)
    _exit(33);
  Process own(shell("exit 1"));
  EXPECT_EQ(own.wait().code(), 1);
  sleep(1ms);
  int status = 0;
  EXPECT_EQ(waitpid(foreign, &status, 0), foreign);
  EXPECT_EQ(WEXITSTATUS(status), 33);
}

TEST_P(ProcessTest, one_that_was_collected_by_others_has_an_unknown_status) {
  Process child({"true"});
  EXPECT_EQ(waitpid(child.pid(), nullptr, 0), child.pid());
  const ExitStatus status = child.wait();
  EXPECT_FALSE(status.known());
  EXPECT_FALSE(status.success());
  EXPECT_EQ(to_string(status), "unknown exit status");
}

std::atomic<int> foreign_calls{0};

// gevent N5
TEST_P(ProcessTest, a_handler_of_sigchld_sees_the_end_too) {
  foreign_calls = 0;
  std::signal(SIGCHLD, [](int) { ++foreign_calls; });
  int watched = 0;
  {
    const SignalWatch watch = on_signal(SIGCHLD, [&] { ++watched; });
    EXPECT_TRUE(run({"true"}).status.success());
    while (watched == 0)
      sleep(100us);
  }
  EXPECT_GT(foreign_calls, 0);
  EXPECT_TRUE(run({"true"}).status.success());
  std::signal(SIGCHLD, SIG_DFL);
}

TEST_P(ProcessTest, it_works_on_every_hub) {
  HubThread one;
  HubThread two;
  std::vector<GreenletRef<std::string>> results;
  const auto work = [] {
    Process child({"sleep", "0.01"});
    EXPECT_TRUE(child.wait().success());
    return check_output({"cat"}, {}, "text");
  };
  auto here = spawn(work);
  auto first = spawn([&] { return one.call(work); });
  auto second = spawn([&] { return two.call(work); });
  EXPECT_EQ(here.get(), "text");
  EXPECT_EQ(first.get(), "text");
  EXPECT_EQ(second.get(), "text");
}

// pitfall 34
TEST_P(ProcessTest, in_a_forked_child_it_does_nothing_to_its_sibling) {
  auto sibling = std::make_unique<Process>(std::vector<std::string>{"sleep", "100"});
  const pid_t child = fork();
  if (child == 0) {
    int code = 9;
    try {
      (void)sibling->poll();
    } catch (const std::logic_error&) {
      code = 5;
    }
    sibling.reset();
    _exit(code);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 5);
  EXPECT_EQ(sibling->poll(), std::nullopt) << "it was killed";
}

// The seed's snippet 23.
TEST_P(ProcessTest, a_cron_ticks_while_a_child_is_waited_for) {
  int ticks = 0;
  auto cron = spawn([&] {
    for (;; ++ticks)
      sleep(2ms);
  });
  Process child(shell("sleep 0.05; uname"), {.out = Stdio::pipe()});
  const auto [out, err, status] = child.communicate();
  cron.kill();
  EXPECT_EQ(out, "Linux\n");
  EXPECT_GT(ticks, 1);
}

TEST(ExitStatusTest, says_what_it_is) {
  static_assert(!ExitStatus().known() && ExitStatus::of_code(0).success());
  EXPECT_EQ(to_string(ExitStatus::of_code(0)), "exit code 0");
  EXPECT_EQ(to_string(ExitStatus::of_signal(SIGKILL)), "SIGKILL");
  EXPECT_EQ(to_string(ExitStatus::of_signal(60)), "signal 60");
}

TEST_P(ProcessTest, a_group_ends_though_its_leader_has_ended_already) {
  Pipe pipe;
  {
    Process leader(shell("sleep 60 & exit 0"),
                   {.out = Stdio::descriptor(pipe.writer.descriptor()), .new_group = true});
    pipe.writer.close();
    std::array<char, 1> byte;
    EXPECT_THROW(pipe.reader.read(byte, 100ms), TimeoutError) << "the other one holds it open";
  }
  std::array<char, 1> byte;
  EXPECT_EQ(pipe.reader.read(byte, 30s), 0u) << "it has ended with its group";
}

} // namespace
} // namespace grove::test
