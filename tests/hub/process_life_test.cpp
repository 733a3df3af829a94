// SPDX-License-Identifier: MIT
// Child processes: groups, the end of the object, other children and other hubs.
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
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
#include "../support/open_descriptors.hpp"
#include "../support/process_test.hpp"

namespace grove::test {
namespace {

class ProcessLifeTest : public AnyProcessTest {};
INSTANTIATE_TEST_SUITE_P(, ProcessLifeTest, ::testing::Bool(),
                         [](const auto& way) { return way.param ? "by_pidfd" : "by_sigchld"; });

// -- groups --------------------------------------------------------------------------------------

TEST_P(ProcessLifeTest, a_group_is_killed_as_a_whole) {
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

TEST_P(ProcessLifeTest, one_that_leads_no_group_has_none_to_kill) {
  Process child({"sleep", "100"});
  EXPECT_THROW(child.kill_group(SIGTERM), std::logic_error);
  EXPECT_EQ(code_of([&] { child.kill(1000); }), EINVAL);
}

// -- the end of the object -----------------------------------------------------------------------

TEST_P(ProcessLifeTest, destroying_it_kills_and_collects_the_child) {
  pid_t pid = 0;
  {
    Process child({"sleep", "100"});
    pid = child.pid();
  }
  EXPECT_FALSE(exists(pid));
}

TEST_P(ProcessLifeTest, destroying_one_that_leads_a_group_kills_the_group) {
  Pipe alive;
  {
    Process child(shell("sleep 100 & sleep 100"),
                  {.pass = {alive.writer.descriptor()}, .new_group = true});
    alive.writer.close();
  }
  EXPECT_EQ(alive.reader.read_all(), "");
}

TEST_P(ProcessLifeTest, destroying_it_while_others_wait_tells_them_its_end) {
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

TEST_P(ProcessLifeTest, destroying_it_while_one_talks_to_it_ends_the_talk) {
  auto child = std::make_unique<Process>(std::vector<std::string>{"sleep", "100"},
                                         ProcessOptions{.out = Stdio::pipe()});
  auto talker = spawn([&] { return child->communicate().status; });
  settle();
  child.reset();
  EXPECT_THROW(talker.get(), Closed);
}

// An operation whose arm() is the test's own.
template <class F>
class Arming : public detail::Operation {
public:
  using Result = void;
  explicit Arming(F f) : f_(std::move(f)) {}
  bool ready() const { return false; }
  void arm() { f_(); }
  void take() {}
  static constexpr const char* name = "wait_any(Arming)";

private:
  F f_;
};

TEST_P(ProcessLifeTest, one_that_ended_while_somebody_lined_up_keeps_no_pipe) {
  const auto before = open_descriptors();
  try {
    Process child({"cat"}, {.in = Stdio::pipe(), .out = Stdio::pipe()});
    wait_any(Arming([&] {
               child.in().close();
               siginfo_t info{};
               waitid(P_PID, static_cast<id_t>(child.pid()), &info, WEXITED | WNOWAIT);
             }),
             child.exited_op(), Arming([] { throw TestError(); }));
    ADD_FAILURE();
  } catch (const TestError&) {
    EXPECT_EQ(open_descriptors(), before) << "the child's, which has gone";
  }
}

TEST_P(ProcessLifeTest, a_greenlet_that_is_killed_takes_its_child_along) {
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

TEST_P(ProcessLifeTest, a_detached_child_goes_on_and_is_collected) {
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

TEST_P(ProcessLifeTest, it_may_be_moved) {
  Process child(shell("exit 3"));
  Process moved(std::move(child));
  EXPECT_THROW(child.wait(), std::logic_error); // NOLINT(bugprone-use-after-move): it says so
  EXPECT_EQ(moved.wait().code(), 3);
  moved = Process(shell("exit 4"));
  EXPECT_EQ(moved.wait().code(), 4);
}

// -- beside others -------------------------------------------------------------------------------

// gevent N6
TEST_P(ProcessLifeTest, children_of_others_are_left_to_them) {
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

TEST_P(ProcessLifeTest, one_that_was_collected_by_others_has_an_unknown_status) {
  Process child({"true"});
  EXPECT_EQ(waitpid(child.pid(), nullptr, 0), child.pid());
  const ExitStatus status = child.wait();
  EXPECT_FALSE(status.known());
  EXPECT_FALSE(status.success());
  EXPECT_EQ(to_string(status), "unknown exit status");
}

std::atomic<int> foreign_calls{0};

// gevent N5
TEST_P(ProcessLifeTest, a_handler_of_sigchld_sees_the_end_too) {
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

TEST_P(ProcessLifeTest, it_works_on_every_hub) {
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
TEST_P(ProcessLifeTest, in_a_forked_child_it_does_nothing_to_its_sibling) {
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
TEST_P(ProcessLifeTest, a_cron_ticks_while_a_child_is_waited_for) {
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

TEST_P(ProcessLifeTest, a_group_ends_though_its_leader_has_ended_already) {
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
