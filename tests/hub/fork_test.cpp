// SPDX-License-Identifier: MIT
// fork(): the child has a hub of its own, and nothing of its parent's runs in it.
#include <atomic>
#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <grove/hub/descriptor.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/hub_thread.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/log.hpp>
#include <grove/hub/message_pipe.hpp>
#include <grove/hub/queue.hpp>
#include <grove/hub/signal.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/hub/watchdog.hpp>

#include "../support/hub_test.hpp"
#include "../support/pipe_ends.hpp"

namespace grove::test {
namespace {

// The wait status of a child that runs f and exits with what it returns; 99 if it throws.
template <class F>
int status_of_child(F f) {
  const pid_t child = fork();
  if (child == 0) {
    int code = 99;
    try {
      code = f();
    } catch (const std::exception& e) {
      std::fprintf(stderr, "child: %s\n", e.what());
    } catch (...) {
    }
    _exit(code);
  }
  int status = -1;
  EXPECT_GT(child, 0);
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return status;
}
template <class F>
int in_child(F f) {
  const int status = status_of_child(std::move(f));
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

class ForkTest : public HubTest {};

TEST_F(ForkTest, the_child_sleeps_spawns_and_exits_with_its_code) {
  EXPECT_EQ(in_child([] {
              sleep(1ms);
              auto g = spawn([] {
                sleep(1ms);
                return 40;
              });
              Queue<int> queue;
              auto putter = spawn([&] { queue.put(2); });
              return g.get() + queue.get();
            }),
            42);
  sleep(1ms);
}

// gevent F1
// pitfall 34
TEST_F(ForkTest, what_was_spawned_before_runs_in_the_parent_only) {
  Ends log;
  auto g = spawn([&] { log.put('x'); });
  auto later = spawn_later(1ms, [&] { log.put('y'); });
  EXPECT_EQ(in_child([&] {
              yield();
              sleep(3ms);
              return g.killed() && later.killed() && !later.start() && g.join() ? 5 : 6;
            }),
            5);
  EXPECT_EQ(log.take(), '\0') << "it ran in the child";
  g.join();
  later.join();
  EXPECT_EQ(log.take(), 'x');
  EXPECT_EQ(log.take(), 'y');
  EXPECT_EQ(log.take(), '\0');
}

// gevent F1
// pitfall 34
TEST_F(ForkTest, what_the_parent_waits_for_is_brought_to_the_parent_only) {
  Ends data;
  Event event;
  Queue<int> queue;
  int woken = 0;
  auto reader = spawn([&] {
    wait_readable(data.read_end);
    return data.take();
  });
  auto waiter = spawn([&] {
    event.wait();
    ++woken;
  });
  auto getter = spawn([&] { return queue.get(); });
  auto sleeper = spawn([&] {
    sleep(2ms);
    ++woken;
  });
  settle();
  data.put('d');
  EXPECT_EQ(in_child([&] {
              event.set();
              queue.put(1);
              sleep(5ms);
              return woken == 0 && queue.get() == 1 && reader.ready() ? 5 : 6;
            }),
            5);
  EXPECT_EQ(reader.get(), 'd');
  event.set();
  queue.put(2);
  join_all({waiter, sleeper});
  EXPECT_EQ(getter.get(), 2);
  EXPECT_EQ(woken, 2);
}

// pitfall 34
TEST_F(ForkTest, both_may_wait_for_descriptors_afterwards) {
  Ends to_child;
  Ends to_parent;
  auto waits = spawn([&] { wait_readable(to_child.read_end, 10s); }); // is under way in the parent
  settle();
  waits.kill();
  const pid_t child = fork();
  if (child == 0) {
    const bool come = wait_readable(to_child.read_end, 10s);
    to_parent.put(come ? to_child.take() : '!');
    _exit(0);
  }
  to_child.put('q');
  EXPECT_TRUE(wait_readable(to_parent.read_end, 10s));
  EXPECT_EQ(to_parent.take(), 'q');
  EXPECT_EQ(waitpid(child, nullptr, 0), child);
}

TEST_F(ForkTest, a_greenlet_may_fork_and_main_does_not_go_on_in_the_child) {
  Ends log;
  auto forker = spawn([&] {
    return in_child([&] {
      auto g = spawn([] {
        sleep(1ms);
        return 3;
      });
      return g.get();
    });
  });
  EXPECT_EQ(forker.get(), 3);
  log.put('m');
  EXPECT_EQ(log.take(), 'm');
  EXPECT_EQ(log.take(), '\0');
}

TEST_F(ForkTest, a_child_that_returns_from_the_greenlet_that_forked_is_told_so) {
  Ends errors;
  pid_t child = 0;
  auto forker = spawn([&] {
    child = fork();
    if (child == 0)
      dup2(errors.write_end, STDERR_FILENO);
  });
  forker.join();
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  char text[512] = {};
  EXPECT_GT(read(errors.read_end, text, sizeof text - 1), 0);
  EXPECT_NE(std::string(text).find("End such a child with _exit()"), std::string::npos) << text;
}

TEST_F(ForkTest, a_deadlock_of_the_child_is_found_there) {
  EXPECT_EQ(in_child([] {
              Event never;
              try {
                never.wait();
              } catch (const Deadlock&) {
                return 7;
              }
              return 8;
            }),
            7);
}

TEST_F(ForkTest, a_timeout_scope_around_the_fork_goes_on_in_the_child) {
  Timeout outer(20ms);
  EXPECT_EQ(in_child([&] {
              try {
                Timeout inner(10s);
                sleep(10s);
              } catch (const TimeoutExpired& expired) {
                return outer.is(expired) ? 5 : 6;
              }
              return 7;
            }),
            5);
}

TEST_F(ForkTest, joining_what_was_the_parents_finds_it_killed) {
  Event end;
  auto g = spawn([&] {
    end.wait();
    return 1;
  });
  settle();
  EXPECT_EQ(in_child([&] {
              try {
                (void)g.get();
              } catch (const Killed&) {
                return 5;
              }
              return 6;
            }),
            5);
  end.set();
  EXPECT_EQ(g.get(), 1);
}

TEST_F(ForkTest, a_child_may_fork_again) {
  EXPECT_EQ(in_child([] {
              sleep(1ms);
              return 1 + in_child([] {
                       sleep(1ms);
                       return 2;
                     });
            }),
            3);
}

// -- signals -------------------------------------------------------------------------------------

TEST_F(ForkTest, signals_that_the_parent_watches_do_in_the_child_what_they_did_before) {
  int calls = 0;
  SignalWatch watch = on_signal(SIGUSR1, [&] { ++calls; });
  const int status = status_of_child([] {
    raise(SIGUSR1);
    return 1;
  });
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
  sleep(1ms);
  EXPECT_EQ(calls, 0) << "the child's signal came to the parent";
  EXPECT_EQ(in_child([&] {
              watch.cancel();
              Event come;
              const SignalWatch own = on_signal(SIGUSR1, [&] { come.set(); }, {.awaited = true});
              raise(SIGUSR1);
              come.wait();
              return 4;
            }),
            4);
  raise(SIGUSR1);
  while (calls == 0)
    sleep(100us);
}

// -- watches -------------------------------------------------------------------------------------

// What the parent's greenlets wait for is nothing that could wake the child's main.
TEST_F(ForkTest, watches_of_the_parent_save_no_child_from_a_deadlock) {
  Ends ends;
  auto [mine, theirs] = MessagePipe::pair();
  auto by_descriptor = spawn([&] { wait_readable(ends.read_end); });
  auto by_watch = spawn([&pipe = mine] { (void)pipe.receive(); });
  settle();
  sleep(1ms);
  EXPECT_EQ(in_child([&] {
              try {
                Event().wait();
              } catch (const Deadlock&) {
                return by_watch.killed() && by_descriptor.killed() ? 7 : 8;
              }
              return 9;
            }),
            7);
  ends.put('x');
  theirs.send("for the parent");
  join_all({by_descriptor, by_watch});
}

// -- several threads -----------------------------------------------------------------------------

class ForkOfManyThreads : public ForkTest {
protected:
  void SetUp() override {
    if (under_tsan)
      GTEST_SKIP() << "ThreadSanitizer does not follow a process of several threads into its child";
    ForkTest::SetUp();
  }
};

// pitfall 34
TEST_F(ForkOfManyThreads, hubs_of_other_threads_are_gone_in_the_child) {
  HubThread other;
  EXPECT_EQ(in_child([&] {
              sleep(1ms);
              if (other.hub().post([] {}))
                return 6;
              HubThread fresh;
              return fresh.call([] {
                sleep(1ms);
                return 5;
              });
            }),
            5);
  EXPECT_EQ(other.call([] { return 1; }), 1);
}

TEST_F(ForkOfManyThreads, destroying_the_parents_hub_thread_does_not_wait_for_it) {
  auto other = std::make_unique<HubThread>();
  EXPECT_EQ(in_child([&] {
              other.reset();
              return 5;
            }),
            5);
}

// Whoever else holds a lock at that time will not be there to open it.
TEST_F(ForkOfManyThreads, the_lock_of_the_log_is_open_in_the_child) {
  if (sanitized)
    GTEST_SKIP() << "a sanitizer's own locks may be held by the other thread when it forks";
  const auto quiet = [](LogLevel, std::string_view) {};
  const LogSink before = set_log_sink(quiet);
  std::atomic<bool> stop{false};
  std::thread other([&] {
    while (!stop)
      set_log_sink(quiet);
  });
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(in_child([&] {
                alarm(60); // ends one that hangs
                set_log_sink(quiet);
                detail::log(LogLevel::info, "in the child");
                return 5;
              }),
              5);
  }
  stop = true;
  other.join();
  set_log_sink(before);
}

TEST_F(ForkOfManyThreads, the_lock_of_the_watchdog_is_open_in_the_child) {
  if (sanitized)
    GTEST_SKIP() << "a sanitizer's own locks may be held by the other thread when it forks";
  std::atomic<bool> stop{false};
  std::thread other([&] {
    while (!stop) {
      const Watchdog watchdog(1s);
    }
  });
  for (int i = 0; i < 30; ++i) {
    EXPECT_EQ(in_child([] {
                alarm(60);
                const Watchdog own(1s);
                const HubThread hub;
                return 5;
              }),
              5);
  }
  stop = true;
  other.join();
}

TEST_F(ForkOfManyThreads, a_thread_of_another_hub_may_fork) {
  HubThread other;
  EXPECT_EQ(other.call([] {
    return in_child([] {
      sleep(1ms);
      return spawn([] { return 5; }).get();
    });
  }),
            5);
}

TEST_F(ForkOfManyThreads, a_thread_without_a_hub_may_fork_and_the_child_gets_one) {
  int code = 0;
  std::thread([&] {
    code = in_child([] {
      sleep(1ms);
      return spawn([] { return 5; }).get();
    });
  }).join();
  EXPECT_EQ(code, 5);
}

} // namespace
} // namespace grove::test
