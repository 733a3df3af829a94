// SPDX-License-Identifier: MIT
// ThreadPool: threads that come and go, and the end of a pool.
#include <algorithm>
#include <atomic>
#include <csignal>
#include <memory>
#include <mutex>
#include <optional>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/hub_thread.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/thread_pool.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/hub/wait_any.hpp>

#include "../support/gate.hpp"
#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class ThreadPoolThreadsTest : public HubTest {};

// -- threads --------------------------------------------------------------------------------------

TEST_F(ThreadPoolThreadsTest, threads_are_started_when_jobs_need_them) {
  ThreadPool pool(3);
  EXPECT_EQ(pool.threads(), 0u);
  for (int i = 0; i < 5; ++i) {
    pool.run([] {});
    pool.join();
  }
  EXPECT_EQ(pool.threads(), 1u) << "an idle one is taken first";
  Gate gate(4);
  for (int i = 0; i < 4; ++i)
    pool.submit([&] { gate.pass(); });
  while (pool.pending() != 1)
    sleep(100us);
  EXPECT_EQ(pool.threads(), 3u);
  gate.open();
  pool.join();
}

// gevent A6
TEST_F(ThreadPoolThreadsTest, with_no_threads_jobs_wait_and_more_threads_run_them_in_order) {
  ThreadPool pool(0);
  std::mutex mutex;
  Log log;
  for (const char* name : {"a", "b", "c"}) {
    pool.submit([&, name] {
      const std::lock_guard lock(mutex);
      log.emplace_back(name);
    });
  }
  EXPECT_FALSE(pool.join(2ms));
  EXPECT_EQ(pool.threads(), 0u);
  EXPECT_EQ(pool.pending(), 3u);
  pool.resize(1);
  EXPECT_TRUE(pool.join());
  EXPECT_EQ(log, (Log{"a", "b", "c"}));
}

// gevent A7
TEST_F(ThreadPoolThreadsTest, with_fewer_threads_the_busy_ones_end_as_they_finish) {
  ThreadPool pool(3);
  Gate gate(3);
  std::vector<AsyncResult<void>> results;
  for (int i = 0; i < 3; ++i)
    results.push_back(pool.submit([&] { gate.pass(); }));
  while (pool.pending() != 0)
    sleep(100us);
  pool.resize(0);
  EXPECT_EQ(pool.threads(), 3u);
  for (std::size_t left = 3; left-- > 0;) {
    gate.open(1);
    while (pool.threads() != left)
      sleep(100us);
  }
  for (auto& result : results)
    result.get();
  auto waits = pool.submit([] { return 8; });
  EXPECT_FALSE(waits.wait(1ms));
  pool.resize(1);
  EXPECT_EQ(waits.get(), 8);
}

TEST_F(ThreadPoolThreadsTest, threads_that_are_idle_for_long_end) {
  ThreadPool pool(2, {.idle = 1ms});
  pool.run([] {});
  while (pool.threads() != 0)
    sleep(1ms);
  EXPECT_EQ(pool.run([] { return 1; }), 1);
}

// gevent A14
TEST_F(ThreadPoolThreadsTest, the_hook_runs_once_on_each_thread_before_its_jobs) {
  static thread_local int prepared = 0;
  std::atomic<int> calls{0};
  ThreadPool pool(2, {.name = "prepared-threads", .on_start = [&] {
                        ++prepared;
                        ++calls;
                      }});
  Gate gate(2);
  std::vector<AsyncResult<int>> results;
  for (int i = 0; i < 2; ++i) {
    results.push_back(pool.submit([&] {
      gate.pass();
      return prepared;
    }));
  }
  while (pool.pending() != 0)
    sleep(100us);
  gate.open();
  for (auto& result : results)
    EXPECT_EQ(result.get(), 1);
  EXPECT_EQ(pool.run([] { return prepared; }), 1);
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(pool.run([] {
    char name[16] = {};
    pthread_getname_np(pthread_self(), name, sizeof name);
    return std::string(name);
  }),
            "prepared-thread");
}

TEST_F(ThreadPoolThreadsTest, what_the_hook_throws_is_the_jobs_error_and_it_is_tried_again) {
  bool fail = true;
  ThreadPool pool(1, {.on_start = [&] {
                    if (std::exchange(fail, false))
                      throw TestError();
                  }});
  EXPECT_THROW(pool.run([] { return 1; }), TestError);
  EXPECT_EQ(pool.run([] { return 2; }), 2);
}

TEST_F(ThreadPoolThreadsTest, threads_have_all_signals_blocked_and_ours_are_not) {
  ThreadPool pool(1);
  const auto blocked = [](int signal) {
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, nullptr, &now);
    return sigismember(&now, signal) == 1;
  };
  for (const int signal : {SIGINT, SIGTERM, SIGCHLD, SIGUSR1, SIGPIPE}) {
    EXPECT_TRUE(pool.run(blocked, signal));
    EXPECT_FALSE(blocked(signal));
  }
}

// -- the end --------------------------------------------------------------------------------------

TEST_F(ThreadPoolThreadsTest, a_pool_that_goes_waits_for_its_jobs_and_others_go_on) {
  std::atomic<int> done{0};
  int turns = 0;
  auto other = spawn([&] {
    for (;;) {
      ++turns;
      sleep(100us);
    }
  });
  {
    ThreadPool pool(2);
    for (int i = 0; i < 6; ++i) {
      pool.submit([&] {
        std::this_thread::sleep_for(1ms);
        ++done;
      });
    }
  }
  EXPECT_EQ(done, 6);
  EXPECT_GT(turns, 0);
  other.kill();
}

TEST_F(ThreadPoolThreadsTest, its_destructor_is_not_interrupted) {
  std::atomic<bool> done{false};
  auto gate = std::make_shared<Gate>();
  auto owner = spawn([&] {
    ThreadPool pool(1);
    pool.submit([gate, &done] {
      gate->pass();
      done = true;
    });
  });
  settle();
  owner.kill_nowait();
  settle();
  EXPECT_FALSE(owner.ready());
  gate->open();
  owner.join();
  EXPECT_TRUE(done);
}

TEST_F(ThreadPoolThreadsTest, jobs_that_nobody_will_run_are_answered_at_the_end) {
  std::optional<ThreadPool> pool(0);
  auto result = pool->submit([] { return 1; });
  pool.reset();
  EXPECT_THROW(result.get(), Closed);
}

TEST_F(ThreadPoolThreadsTest, a_pool_may_be_destroyed_on_a_thread_without_a_hub) {
  auto pool = std::make_unique<ThreadPool>(2);
  auto result = pool->submit([] { return 3; });
  std::thread([&] { pool.reset(); }).join();
  EXPECT_EQ(result.get(), 3);
}

TEST_F(ThreadPoolThreadsTest, a_result_for_a_hub_that_has_shut_down_is_dropped) {
  int alive = 0;
  ThreadPool pool(1);
  auto gate = std::make_shared<Gate>();
  {
    HubThread other;
    other.call([&] {
      pool.submit([gate, counted = std::make_shared<Counted>(alive)] {
        gate->pass();
        return counted;
      });
    });
  }
  gate->open();
  pool.join();
  EXPECT_EQ(alive, 0);
}

// pitfall 34
TEST_F(ThreadPoolThreadsTest, a_child_of_fork_has_threads_of_its_own) {
  if (under_tsan)
    GTEST_SKIP() << "ThreadSanitizer starts no threads after a fork";
  ThreadPool pool(2);
  pool.run([] {});
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    pool.submit([&] {
      const char c = 'x';
      _exit(write(ends[1], &c, 1) == 1 ? 0 : 1);
    });
    for (;;)
      pause();
  }
  int status = -1;
  while (waitpid(child, &status, WNOHANG) == 0)
    sleep(1ms);
  EXPECT_EQ(status, 0);
  char c = 0;
  EXPECT_EQ(read(ends[0], &c, 1), 1);
  close(ends[0]);
  close(ends[1]);
  EXPECT_EQ(pool.run([] { return 1; }), 1);
}

} // namespace
} // namespace grove::test
