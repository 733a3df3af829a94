// SPDX-License-Identifier: MIT
// Signals in greenlets: who is called, in what order, what is put back.
#include <csignal>
#include <cstdlib>
#include <functional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/hub_thread.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/signal.hpp>

#include "../support/hub_test.hpp"
#include "../support/program_test.hpp"
#include "../support/signals.hpp"

namespace grove::test {
namespace {

class SignalTest : public HubTest {};

TEST_F(SignalTest, the_function_runs_in_a_greenlet_that_has_the_signals_name) {
  std::string where;
  const SignalWatch watch = on_signal(SIGQUIT, [&] {
    yield(); // as no handler could
    where = current_name();
  });
  EXPECT_TRUE(watch.active());
  EXPECT_EQ(watch.signal(), SIGQUIT);
  raise(SIGQUIT);
  EXPECT_EQ(where, "") << "it ran in the handler";
  until([&] { return !where.empty(); });
  EXPECT_EQ(where, "SIGQUIT");
}

TEST_F(SignalTest, the_function_may_ask_which_signal_it_was) {
  std::vector<int> seen;
  const auto note = [&](int signal) { seen.push_back(signal); };
  const SignalWatch first = on_signal(SIGUSR1, note);
  const SignalWatch second = on_signal(SIGUSR2, note);
  raise(SIGUSR1);
  until([&] { return seen.size() == 1; });
  raise(SIGUSR2);
  until([&] { return seen.size() == 2; });
  EXPECT_EQ(seen, (std::vector<int>{SIGUSR1, SIGUSR2}));
}

TEST_F(SignalTest, it_is_called_each_time) {
  int calls = 0;
  const SignalWatch watch = on_signal(SIGUSR1, [&] { ++calls; });
  for (int i = 1; i <= 3; ++i) {
    raise(SIGUSR1);
    until([&] { return calls == i; });
  }
}

TEST_F(SignalTest, several_for_one_signal_are_called_in_their_order) {
  Log log;
  const SignalWatch first = on_signal(SIGUSR1, [&] { log.push_back("first"); });
  SignalWatch second = on_signal(SIGUSR1, [&] { log.push_back("second"); });
  const SignalWatch third = on_signal(SIGUSR1, [&] { log.push_back("third"); });
  raise(SIGUSR1);
  until([&] { return log.size() == 3; });
  EXPECT_EQ(log, (Log{"first", "second", "third"}));
  second.cancel();
  raise(SIGUSR1);
  until([&] { return log.size() == 5; });
  EXPECT_EQ(log, (Log{"first", "second", "third", "first", "third"}));
}

TEST_F(SignalTest, a_signal_wakes_a_hub_that_sleeps) {
  Event come;
  const SignalWatch watch = on_signal(SIGALRM, [&] { come.set(); });
  ualarm(2000, 0);
  EXPECT_TRUE(come.wait(10s));
}

// gevent N2
TEST_F(SignalTest, what_the_function_throws_is_reported_and_it_stays_installed) {
  ErrorLog errors;
  const SignalWatch watch = on_signal(SIGALRM, [] { throw TestError(7); });
  for (std::size_t round = 1; round <= 2; ++round) {
    ualarm(1000, 0);
    EXPECT_NO_THROW(until([&] { return errors.size() == round; })) << "main is not interrupted";
    EXPECT_EQ(errors[round - 1].where, "SIGALRM");
    EXPECT_THROW(std::rethrow_exception(errors[round - 1].error), TestError);
  }
}

// gevent N1
TEST_F(SignalTest, an_empty_function_is_refused) {
  EXPECT_THROW((void)on_signal(SIGUSR1, std::function<void()>()), std::invalid_argument);
  EXPECT_THROW((void)on_signal(SIGUSR1, static_cast<void (*)(int)>(nullptr)),
               std::invalid_argument);
  EXPECT_TRUE(is_default(SIGUSR1));
  static_assert(!SignalFunction<int> && !SignalFunction<void (*)(std::string)>);
}

TEST_F(SignalTest, signals_that_cannot_be_handled_are_refused) {
  for (const int signal : {SIGKILL, SIGSTOP, SIGSEGV, SIGFPE, SIGABRT, 0, -1, 65}) {
    EXPECT_THROW((void)on_signal(signal, [] {}), std::invalid_argument) << signal;
  }
  try {
    (void)on_signal(SIGKILL, [] {});
  } catch (const std::invalid_argument& e) {
    EXPECT_STREQ(e.what(), "grove: on_signal: SIGKILL cannot be handled");
  }
}

// -- the end of a watch --------------------------------------------------------------------------

// gevent N4
TEST_F(SignalTest, after_the_last_one_the_default_is_back) {
  ASSERT_TRUE(is_default(SIGUSR1));
  {
    SignalWatch first = on_signal(SIGUSR1, [] {});
    SignalWatch second = on_signal(SIGUSR1, [] {});
    first.cancel();
    EXPECT_FALSE(first.active());
    EXPECT_EQ(first.signal(), 0);
    first.cancel();
    EXPECT_FALSE(is_default(SIGUSR1)) << "the second one lives";
  }
  EXPECT_TRUE(is_default(SIGUSR1));
}

TEST_F(SignalTest, what_was_there_before_is_put_back) {
  std::signal(SIGUSR1, SIG_IGN);
  {
    const SignalWatch watch = on_signal(SIGUSR1, [] {});
  }
  EXPECT_EQ(disposition_of(SIGUSR1).sa_handler, SIG_IGN);
  std::signal(SIGUSR1, SIG_DFL);
}

TEST_F(SignalTest, a_handler_that_somebody_installed_since_stays) {
  const auto other = [](int) {};
  {
    const SignalWatch watch = on_signal(SIGUSR1, [] {});
    std::signal(SIGUSR1, other);
  }
  EXPECT_EQ(disposition_of(SIGUSR1).sa_handler, static_cast<void (*)(int)>(other));
  std::signal(SIGUSR1, SIG_DFL);
}

TEST_F(SignalTest, a_watch_may_be_moved_and_replaced) {
  Log log;
  SignalWatch watch = on_signal(SIGUSR1, [&] { log.push_back("old"); });
  SignalWatch moved = std::move(watch);
  raise(SIGUSR1);
  until([&] { return log.size() == 1; });
  moved = on_signal(SIGUSR1, [&] { log.push_back("new"); });
  raise(SIGUSR1);
  until([&] { return log.size() == 2; });
  EXPECT_EQ(log, (Log{"old", "new"}));
}

TEST_F(SignalTest, cancelled_before_its_turn_the_function_is_not_begun) {
  bool first_ran = false;
  bool second_ran = false;
  SignalWatch second;
  const SignalWatch first = on_signal(SIGUSR1, [&] {
    second.cancel();
    first_ran = true;
  });
  second = on_signal(SIGUSR1, [&] { second_ran = true; });
  raise(SIGUSR1);
  until([&] { return first_ran; });
  settle();
  EXPECT_FALSE(second_ran);
}

TEST_F(SignalTest, cancelled_while_the_function_is_under_way_it_goes_on) {
  Event go;
  int stage = 0;
  SignalWatch watch = on_signal(SIGUSR1, [&] {
    stage = 1;
    go.wait();
    stage = 2;
  });
  raise(SIGUSR1);
  until([&] { return stage == 1; });
  watch.cancel();
  go.set();
  until([&] { return stage == 2; });
}

// -- waiting -------------------------------------------------------------------------------------

// gevent J16
TEST_F(SignalTest, one_that_may_come_saves_nobody_from_a_deadlock) {
  const SignalWatch watch = on_signal(SIGUSR1, [] {});
  Event never;
  EXPECT_THROW(never.wait(), Deadlock);
}

// gevent N2
TEST_F(SignalTest, one_that_is_awaited_does) {
  Event come;
  const SignalWatch watch = on_signal(SIGALRM, [&] { come.set(); }, {.awaited = true});
  ualarm(2000, 0);
  EXPECT_TRUE(come.wait());
}

TEST_F(SignalTest, when_the_awaited_one_is_cancelled_the_deadlock_is_found) {
  SignalWatch watch = on_signal(SIGUSR1, [] {}, {.awaited = true});
  auto canceller = spawn([&] { watch.cancel(); });
  Event never;
  EXPECT_THROW(never.wait(), Deadlock);
  canceller.join();
}

// -- several hubs --------------------------------------------------------------------------------

// pitfall 33
TEST_F(SignalTest, each_hub_that_asked_is_told_on_its_own_thread) {
  HubThread other;
  const auto here = std::this_thread::get_id();
  bool here_told = false;
  std::atomic<bool> there_told{false};
  const SignalWatch mine = on_signal(SIGUSR1, [&] {
    EXPECT_EQ(std::this_thread::get_id(), here);
    here_told = true;
  });
  SignalWatch theirs = other.call([&] {
    return on_signal(SIGUSR1, [&] {
      EXPECT_NE(std::this_thread::get_id(), here);
      there_told = true;
    });
  });
  raise(SIGUSR1);
  until([&] { return here_told && there_told.load(); });
  theirs.cancel(); // from this thread
  here_told = false;
  raise(SIGUSR1);
  until([&] { return here_told; });
}

TEST_F(SignalTest, one_that_outlives_its_hub_is_cancelled_in_peace) {
  SignalWatch watch;
  {
    HubThread other;
    watch = other.call([] { return on_signal(SIGUSR1, [] {}); });
  }
  raise(SIGUSR1);
  watch.cancel();
  EXPECT_TRUE(is_default(SIGUSR1));
  HubThread next; // in the same place
  next.call([] { sleep(1ms); });
}

// -- beside others -------------------------------------------------------------------------------

std::atomic<int> foreign_calls{0};

// gevent N5
TEST_F(SignalTest, a_handler_of_sigchld_that_was_there_before_hears_of_it_too) {
  foreign_calls = 0;
  std::signal(SIGCHLD, [](int) { ++foreign_calls; });
  int calls = 0;
  {
    const SignalWatch watch = on_signal(SIGCHLD, [&] { ++calls; });
    raise(SIGCHLD);
    until([&] { return calls == 1; });
    EXPECT_EQ(foreign_calls, 1);
  }
  std::signal(SIGCHLD, SIG_DFL);
}

class SignalsUnderMain : public ProgramTest {};

TEST_F(SignalsUnderMain, one_that_is_watched_does_not_interrupt_main) {
  EXPECT_EXIT(run([] {
                Event stop;
                const SignalWatch watch =
                    on_signal(SIGTERM, [&] { stop.set(); }, {.awaited = true});
                raise(SIGTERM);
                raise(SIGTERM);
                stop.wait();
                return 3;
              }),
              ::testing::ExitedWithCode(3), "");
}

TEST_F(SignalsUnderMain, one_that_is_watched_no_more_interrupts_main_again) {
  EXPECT_EXIT(run([] {
                {
                  const SignalWatch watch = on_signal(SIGTERM, [] {});
                }
                raise(SIGTERM);
                sleep(10s);
              }),
              ::testing::ExitedWithCode(128 + SIGTERM), "");
}

TEST_F(SignalsUnderMain, one_that_was_watched_on_a_hub_that_has_ended_interrupts_main) {
  EXPECT_EXIT(run([] {
                SignalWatch left;
                {
                  HubThread other;
                  left = other.call([] { return on_signal(SIGTERM, [] {}); });
                }
                raise(SIGTERM);
                sleep(10s);
              }),
              ::testing::ExitedWithCode(128 + SIGTERM), "");
}

// The seed's snippet on ending a program that does not yield.
TEST_F(SignalsUnderMain, sigquit_can_end_a_program_in_order) {
  EXPECT_EXIT(run([] {
                auto forever = spawn([] { sleep(1000s); });
                const SignalWatch watch = on_signal(SIGQUIT, [&] { forever.kill(); });
                raise(SIGQUIT);
                forever.join();
                return 4;
              }),
              ::testing::ExitedWithCode(4), "");
}

} // namespace
} // namespace grove::test
