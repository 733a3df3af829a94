// SPDX-License-Identifier: MIT
// The watchdog: blocked hubs are reported once, with who runs and where; nobody else is.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <grove/hub/event.hpp>
#include <grove/hub/hub_thread.hpp>
#include <grove/hub/log.hpp>
#include <grove/hub/watchdog.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {

// Collects what goes to the log while it lives. For all threads.
class LogCatcher {
public:
  LogCatcher() {
    before_ = set_log_sink([this](LogLevel, std::string_view text) {
      const std::lock_guard lock(mutex_);
      texts_.emplace_back(text);
    });
  }
  LogCatcher(const LogCatcher&) = delete;
  LogCatcher& operator=(const LogCatcher&) = delete;
  ~LogCatcher() { set_log_sink(before_); }

  // Those that contain `what`.
  std::vector<std::string> with(const std::string& what) const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> found;
    std::copy_if(texts_.begin(), texts_.end(), std::back_inserter(found),
                 [&](const std::string& text) { return text.find(what) != std::string::npos; });
    return found;
  }

private:
  mutable std::mutex mutex_;
  std::vector<std::string> texts_;
  LogSink before_;
};

// Keeps the thread busy until `done` says so. Not in the anonymous namespace: a back trace is
// searched for it.
template <class F>
[[gnu::noinline]] void spin_until(F done) {
  while (!done())
    std::this_thread::sleep_for(100us);
}

[[gnu::noinline]] void block_badly(const LogCatcher& log, std::size_t reports,
                                   const std::string& what) {
  spin_until([&] { return log.with(what).size() >= reports; });
  asm volatile("" ::: "memory"); // no tail call: the frame stays
}

namespace {

class WatchdogOf : public HubTest {
protected:
  static void block_for(std::chrono::nanoseconds time) {
    const auto until = Clock::now() + time;
    spin_until([&] { return Clock::now() >= until; });
  }
};

constexpr auto limit = 20ms;

// gevent M1
// pitfall 61
TEST_F(WatchdogOf, a_blocked_hub_is_reported_with_who_runs_and_where) {
  LogCatcher log;
  const Watchdog watchdog(limit);
  spawn(SpawnOptions{.name = "blocker"}, [&] { block_badly(log, 1, "blocker"); }).join();
  const auto reports = log.with("has not switched");
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_NE(reports[0].find("hub 0 has not switched for "), std::string::npos) << reports[0];
  EXPECT_NE(reports[0].find("blocker runs, at\n"), std::string::npos) << reports[0];
  if (!under_tsan) { // it hands signals on at a place and time of its own
    EXPECT_NE(reports[0].find("block_badly"), std::string::npos) << reports[0];
  }
}

TEST_F(WatchdogOf, a_blockage_is_reported_once_and_the_next_one_again) {
  LogCatcher log;
  const Watchdog watchdog(limit);
  spawn(SpawnOptions{.name = "first"}, [&] {
    block_badly(log, 1, "first");
    block_for(5 * limit);
  }).join();
  EXPECT_EQ(log.with("first runs").size(), 1u);
  spawn(SpawnOptions{.name = "second"}, [&] { block_badly(log, 1, "second"); }).join();
  EXPECT_EQ(log.with("second runs").size(), 1u);
}

TEST_F(WatchdogOf, main_is_reported_like_any) {
  LogCatcher log;
  const Watchdog watchdog(limit);
  yield();
  block_badly(log, 1, "main runs");
  EXPECT_EQ(log.with("main runs").size(), 1u);
}

// gevent M1
TEST_F(WatchdogOf, a_hub_that_gets_on_or_sleeps_is_not_reported) {
  LogCatcher log;
  const Watchdog watchdog(200ms);
  const auto until = Clock::now() + 300ms;
  auto busy = spawn([&] {
    while (Clock::now() < until)
      yield();
  });
  busy.join();
  sleep(400ms);
  yield();
  sleep(300ms); // still asleep at two looks
  EXPECT_EQ(log.with("has not switched").size(), 0u);
}

// gevent M1
TEST_F(WatchdogOf, a_hub_on_which_nobody_has_waited_is_left_alone) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        LogCatcher log;
        const Watchdog watchdog(2ms);
        Hub::current();
        block_for(50ms);
        std::_Exit(static_cast<int>(log.with("has not switched").size()));
      },
      ::testing::ExitedWithCode(0), "");
}

// gevent M2
TEST_F(WatchdogOf, one_that_may_block_is_not_reported_until_it_may_not_any_more) {
  LogCatcher log;
  const Watchdog watchdog(limit);
  spawn(SpawnOptions{.name = "allowed"}, [&] {
    {
      const Watchdog::Ignore outer;
      {
        const Watchdog::Ignore inner;
        block_for(3 * limit);
      }
      block_for(3 * limit);
      EXPECT_EQ(log.with("has not switched").size(), 0u);
      yield();
    }
    yield();
    block_badly(log, 1, "allowed runs");
  }).join();
  EXPECT_EQ(log.with("allowed runs").size(), 1u);
}

// gevent M4, M6
TEST_F(WatchdogOf, every_hub_is_looked_after_as_long_as_it_lives) {
  if (under_tsan)
    GTEST_SKIP() << "ThreadSanitizer holds signals back from a thread that only computes";
  LogCatcher log;
  const Watchdog watchdog(limit);
  {
    HubThread other;
    other.call([&] { block_badly(log, 1, "hub 1 has not switched"); });
  }
  EXPECT_EQ(log.with("hub 1 has not switched").size(), 1u);
  sleep(3 * limit); // nothing is asked of a thread that has gone
  HubThread again;
  again.call([&] { block_badly(log, 2, "hub 1 has not switched"); });
}

// gevent M4
TEST_F(WatchdogOf, a_thread_without_a_hub_may_block) {
  LogCatcher log;
  const Watchdog watchdog(limit);
  AsyncResult<void> done;
  const auto attachment = Hub::current().attach();
  std::thread thread([done] {
    block_for(4 * limit);
    done.set();
  });
  done.wait();
  thread.join();
  EXPECT_EQ(log.with("has not switched").size(), 0u);
}

// gevent M5
TEST_F(WatchdogOf, nonsense_is_refused) {
  EXPECT_THROW(Watchdog(0ms), std::invalid_argument);
  EXPECT_THROW(Watchdog(-1ms), std::invalid_argument);
  EXPECT_THROW(Watchdog(1us), std::invalid_argument);
  const Watchdog watchdog(1s);
  EXPECT_THROW(Watchdog(1s), std::logic_error);
}

TEST_F(WatchdogOf, one_may_follow_another) {
  LogCatcher log;
  for (std::size_t i = 1; i <= 3; ++i) {
    const Watchdog watchdog(limit);
    yield();
    block_badly(log, i, "main runs");
  }
}

volatile std::sig_atomic_t urgent = 0;

// Run first: the handler must be there before the first Watchdog's.
TEST_F(WatchdogOf, another_handler_of_its_signal_is_called_for_what_is_not_its_own) {
  if (under_tsan)
    GTEST_SKIP() << "ThreadSanitizer holds signals back from a thread that only computes";
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        std::signal(SIGURG, [](int) { urgent = urgent + 1; });
        LogCatcher log;
        const Watchdog watchdog(limit);
        yield();
        block_badly(log, 1, "main runs");
        const int before = urgent;
        union sigval none {};
        sigqueue(getpid(), SIGURG, none);
        std::_Exit(before == 0 && urgent == 1 ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

// Its look may come in the midst of the assignment: the name is then the old one, the new one, or
// the one that it would have without.
TEST_F(WatchdogOf, one_that_changes_its_name_all_the_time_has_a_name_in_each_report) {
  if (under_tsan)
    GTEST_SKIP() << "ThreadSanitizer holds signals back from a thread that only computes";
  LogCatcher log;
  const Watchdog watchdog(1ms);
  const std::string short_name = "short";
  const std::string long_name(60, 'l');
  std::string unnamed;
  constexpr std::size_t reports = sanitized ? 20 : 100;
  spawn([&] {
    auto self = current_greenlet();
    unnamed = self.name();
    for (std::size_t i = 1; i <= reports; ++i) {
      for (int k = 0; k % 1000 != 0 || log.with("has not switched").size() < i; ++k)
        self.set_name(k % 2 == 0 ? short_name : long_name);
      yield();
    }
  }).join();
  for (const std::string& report : log.with("has not switched")) {
    const auto begin = report.find(" ms: ") + 5;
    const std::string name = report.substr(begin, report.find(" runs, at") - begin);
    EXPECT_TRUE(name == short_name || name == long_name || name == unnamed) << report;
  }
}

TEST_F(WatchdogOf, a_hub_that_does_not_answer_is_told_of) {
  LogCatcher log;
  const Watchdog watchdog(1ms);
  sigset_t look;
  sigemptyset(&look);
  sigaddset(&look, SIGURG);
  pthread_sigmask(SIG_BLOCK, &look, nullptr);
  spin_until([&] { return log.with("does not answer its watchdog").size() == 1; });
  pthread_sigmask(SIG_UNBLOCK, &look, nullptr);
}

// gevent M10
TEST_F(WatchdogOf, a_child_of_fork_has_none_and_ends_like_any) {
  LogCatcher log;
  pid_t child = -1;
  {
    const Watchdog watchdog(limit);
    child = fork();
    if (child == 0)
      watchdog.~Watchdog(); // what leaving the scope does
  }
  if (child == 0)
    _exit(0);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

// gevent M9
// Without the fixture: it opens the hub before the environment is set.
TEST(WatchdogOfEnvironment, is_started_or_it_is_told_that_it_cannot) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        setenv("GROVE_WATCHDOG", "20ms", 1);
        LogCatcher log;
        yield();
        block_badly(log, 1, "main runs");
        std::_Exit(0);
      },
      ::testing::ExitedWithCode(0), "");
  for (const char* wrong : {"soon", "100", "0ms", "-5ms", "10us", "99999999s", "5 ms"}) {
    EXPECT_EXIT(
        {
          setenv("GROVE_WATCHDOG", wrong, 1);
          yield();
          const HubThread other; // told once
          std::_Exit(0);
        },
        ::testing::ExitedWithCode(0), "^grove: GROVE_WATCHDOG=.* is no time.*\n$")
        << wrong;
  }
}

} // namespace
} // namespace grove::test
