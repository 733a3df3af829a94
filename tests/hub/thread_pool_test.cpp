// SPDX-License-Identifier: MIT
// ThreadPool: results and errors, threads that come and go, waits that end early, the end of a
// pool.
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

#include "../support/blocking_call.hpp"
#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

// Holds jobs back until it is opened.
class Gate {
public:
  explicit Gate(int jobs = 1) : jobs_(jobs) {}
  void pass() { semaphore_.acquire(); }
  void open() { semaphore_.release(std::exchange(jobs_, 0)); }
  void open(int jobs) {
    semaphore_.release(jobs);
    jobs_ -= jobs;
  }

private:
  std::counting_semaphore<1000> semaphore_{0};
  int jobs_;
};

class ThreadPoolJoin : public BlockingCall {
public:
  ThreadPoolJoin() { again(); }
  ~ThreadPoolJoin() override { gate_->open(); }

private:
  bool call(Deadline deadline) override { return pool_.join(deadline); }
  void release() override { gate_->open(); }
  bool direct() const override { return false; }
  void again() override {
    if (gate_)
      gate_->open();
    pool_.join();
    gate_ = std::make_shared<Gate>();
    pool_.submit([gate = gate_] { gate->pass(); });
  }
  std::shared_ptr<Gate> gate_;
  ThreadPool pool_{1};
};
// A result of a pool, with the time limit that its handle takes.
class ThreadPoolGet : public BlockingCall {
public:
  ThreadPoolGet() { again(); }
  ~ThreadPoolGet() override { gate_->open(); }

private:
  bool call(Deadline deadline) override { return result_->get(deadline) == 1; }
  void release() override { gate_->open(); }
  bool direct() const override { return false; }
  bool get_like() const override { return true; }
  void again() override {
    gate_ = std::make_shared<Gate>();
    result_.emplace(pool_.submit([gate = gate_] {
      gate->pass();
      return 1;
    }));
  }
  std::shared_ptr<Gate> gate_;
  ThreadPool pool_{1};
  std::optional<AsyncResult<int>> result_;
};

[[maybe_unused]] const bool rows_added = add_blocking_calls({
    blocking_row<ThreadPoolJoin>("thread_pool_join"),
    blocking_row<ThreadPoolGet>("thread_pool_get"),
});

class ThreadPoolTest : public HubTest {};

// -- results
// ---------------------------------------------------------------------------------------

TEST_F(ThreadPoolTest, run_gives_the_result_while_others_go_on) {
  ThreadPool pool(1);
  Gate gate;
  auto waiter = spawn([&] {
    return pool.run(
        [&](int a, std::unique_ptr<int> b) {
          gate.pass();
          EXPECT_NE(::gettid(), ::getpid());
          return a + *b;
        },
        1, std::make_unique<int>(2));
  });
  int turns = 0;
  for (; turns < 100; ++turns)
    yield();
  EXPECT_FALSE(waiter.ready());
  gate.open();
  EXPECT_EQ(waiter.get(), 3);
  EXPECT_EQ(*pool.run([] { return std::make_unique<int>(5); }), 5);
}

// gevent A15
TEST_F(ThreadPoolTest, what_a_job_throws_comes_back_and_the_next_job_works) {
  ThreadPool pool(1);
  try {
    pool.run([] { throw TestError(4); });
    ADD_FAILURE();
  } catch (const TestError& error) {
    EXPECT_EQ(error.number, 4);
  }
  EXPECT_EQ(pool.run([] { return 1; }), 1);
}

// gevent A1, P15, P17, P19, P24
TEST_F(ThreadPoolTest, map_and_imap_over_threads) {
  for (const std::ptrdiff_t size : {1, 2, 3, 10}) {
    ThreadPool threads(size);
    std::vector<int> items;
    std::vector<int> squares;
    for (int i = 0; i < 100; ++i) {
      items.push_back(i);
      squares.push_back(i * i);
    }
    const auto square = [](int i) {
      if (i % 7 == 0)
        std::this_thread::yield();
      return i * i;
    };
    EXPECT_EQ(threads.map(square, items), squares);
    EXPECT_EQ(threads.map(square, std::vector<int>{}), std::vector<int>{});
    EXPECT_THROW(threads.map(
                     [](int i) {
                       if (i == 1)
                         throw TestError();
                     },
                     std::vector{0, 1, 2}),
                 TestError);
    Pool pool(size);
    const auto on_thread = [&](int i) { return threads.run(square, i); };
    std::vector<int> results;
    for (const int i : pool.imap(on_thread, items))
      results.push_back(i);
    EXPECT_EQ(results, squares);
    results.clear();
    for (const int i : pool.imap_unordered(on_thread, items))
      results.push_back(i);
    std::sort(results.begin(), results.end());
    EXPECT_EQ(results, squares);
    EXPECT_LE(threads.threads(), static_cast<std::size_t>(size));
  }
}

// gevent A2
TEST_F(ThreadPoolTest, a_negative_size_is_refused) {
  EXPECT_THROW(ThreadPool(-1), std::invalid_argument);
  ThreadPool pool(1);
  EXPECT_THROW(pool.resize(-2), std::invalid_argument);
  EXPECT_EQ(pool.max_threads(), 1u);
}

// gevent A4
TEST_F(ThreadPoolTest, greenlets_of_several_hubs_share_a_pool) {
  ThreadPool pool(2);
  HubThread other;
  const int here = pool.run([] { return 1; });
  const int there = other.call([&] {
    int sum = 0;
    for (int i = 0; i < 10; ++i)
      sum += pool.run([i] { return i; });
    return sum;
  });
  EXPECT_EQ(here, 1);
  EXPECT_EQ(there, 45);
}

// gevent A4
TEST_F(ThreadPoolTest, a_thread_without_a_hub_cannot_wait_for_a_job) {
  ThreadPool pool(1);
  ThreadPool other(1);
  EXPECT_THROW(pool.run([&] { other.run([] {}); }), std::logic_error);
  EXPECT_THROW(pool.run([] { sleep(1ms); }), std::logic_error);
}

// gevent A5
TEST_F(ThreadPoolTest, a_job_that_runs_another_in_its_own_pool_calls_it) {
  ThreadPool pool(1);
  EXPECT_FALSE(pool.on_own_thread());
  EXPECT_EQ(pool.run([&] {
    EXPECT_TRUE(pool.on_own_thread());
    return pool.run([](int a) { return a; }, 6) + 1;
  }),
            7);
}

TEST_F(ThreadPoolTest, run_blocking_uses_the_default_pool) {
  EXPECT_EQ(run_blocking([](std::string text) { return text + "!"; }, "text"), "text!");
  EXPECT_THROW(run_blocking([] { throw TestError(); }), TestError);
  EXPECT_TRUE(run_blocking([] { return default_thread_pool().on_own_thread(); }));
  EXPECT_EQ(default_thread_pool().max_threads(), 10u);
}

// gevent A9
TEST_F(ThreadPoolTest, arguments_are_gone_when_the_result_is_there_and_results_with_their_handle) {
  int alive = 0;
  ThreadPool pool(1);
  pool.run([counted = Counted(alive)] {});
  EXPECT_EQ(alive, 0);
  EXPECT_THROW(pool.run([counted = Counted(alive)] { throw TestError(); }), TestError);
  EXPECT_EQ(alive, 0);
  {
    auto result = pool.submit([&] { return std::make_shared<Counted>(alive); });
    EXPECT_EQ(result.get().use_count(), 1);
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(alive, 0);
}

// gevent A12
TEST_F(ThreadPoolTest, submit_gives_a_handle_that_can_be_waited_for) {
  ThreadPool pool(2);
  Gate gate;
  auto slow = pool.submit([&] {
    gate.pass();
    return 1;
  });
  auto fast = pool.submit([] { return std::string("fast"); });
  EXPECT_EQ(wait_any(slow.wait_op(), fast.wait_op()).index(), 1u);
  EXPECT_EQ(fast.get(), "fast");
  EXPECT_THROW(slow.get(1ms), TimeoutError);
  EXPECT_FALSE(slow.ready());
  gate.open();
  EXPECT_EQ(slow.get(), 1);
}

TEST_F(ThreadPoolTest, a_job_under_way_is_no_deadlock) {
  ThreadPool pool(1);
  Event event;
  auto setter = spawn([&] {
    pool.run([] { std::this_thread::sleep_for(2ms); });
    event.set();
  });
  EXPECT_TRUE(event.wait());
  event.clear();
  setter.join();
  EXPECT_THROW(event.wait(), Deadlock) << "and a pool at rest saves nobody";
}

// -- waits that end early
// --------------------------------------------------------------------------

TEST_F(ThreadPoolTest, whoever_is_killed_abandons_the_job_that_goes_on) {
  ErrorLog errors;
  int alive = 0;
  ThreadPool pool(1);
  auto gate = std::make_shared<Gate>();
  auto done = std::make_shared<std::atomic<bool>>(false);
  auto waiter = spawn([&] {
    return pool.run([gate, done, counted = std::make_shared<Counted>(alive)] {
      gate->pass();
      *done = true;
      return counted;
    });
  });
  auto timed = spawn([&] {
    Timeout limit(1ms);
    pool.run([done] { *done = false; });
  });
  while (pool.pending() != 1)
    sleep(100us);
  EXPECT_TRUE(waiter.kill());
  timed.join();
  EXPECT_FALSE(timed.successful());
  EXPECT_EQ(alive, 1);
  gate->open();
  EXPECT_TRUE(pool.join());
  EXPECT_TRUE(*done) << "the second job had not begun, and never did";
  yield();
  EXPECT_EQ(alive, 0);
}

// gevent A10
TEST_F(ThreadPoolTest, kill_pending_drops_what_has_not_begun) {
  ThreadPool pool(1);
  Gate gate;
  bool ran = false;
  auto first = pool.submit([&] {
    gate.pass();
    return 1;
  });
  while (pool.pending() != 0)
    sleep(100us);
  auto second = pool.submit([&] { ran = true; });
  pool.kill_pending();
  EXPECT_THROW(second.get(), Killed);
  gate.open();
  EXPECT_EQ(first.get(), 1);
  EXPECT_FALSE(ran);
  pool.submit([] {});
  pool.kill_pending();
  EXPECT_TRUE(pool.join());
}

// gevent A11
TEST_F(ThreadPoolTest, join_of_an_idle_pool_does_not_switch) {
  ThreadPool pool(1);
  bool other = false;
  auto o = spawn([&] { other = true; });
  EXPECT_TRUE(pool.join());
  EXPECT_FALSE(other);
  o.join();
  pool.run([] {});
  EXPECT_TRUE(pool.join());
}

// -- threads
// ---------------------------------------------------------------------------------------

TEST_F(ThreadPoolTest, threads_are_started_when_jobs_need_them) {
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
TEST_F(ThreadPoolTest, with_no_threads_jobs_wait_and_more_threads_run_them_in_order) {
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
TEST_F(ThreadPoolTest, with_fewer_threads_the_busy_ones_end_as_they_finish) {
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

TEST_F(ThreadPoolTest, threads_that_are_idle_for_long_end) {
  ThreadPool pool(2, {.idle = 1ms});
  pool.run([] {});
  while (pool.threads() != 0)
    sleep(1ms);
  EXPECT_EQ(pool.run([] { return 1; }), 1);
}

// gevent A14
TEST_F(ThreadPoolTest, the_hook_runs_once_on_each_thread_before_its_jobs) {
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

TEST_F(ThreadPoolTest, what_the_hook_throws_is_the_jobs_error_and_it_is_tried_again) {
  bool fail = true;
  ThreadPool pool(1, {.on_start = [&] {
                    if (std::exchange(fail, false))
                      throw TestError();
                  }});
  EXPECT_THROW(pool.run([] { return 1; }), TestError);
  EXPECT_EQ(pool.run([] { return 2; }), 2);
}

TEST_F(ThreadPoolTest, threads_have_all_signals_blocked_and_ours_are_not) {
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

// -- the end
// ---------------------------------------------------------------------------------------

TEST_F(ThreadPoolTest, a_pool_that_goes_waits_for_its_jobs_and_others_go_on) {
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

TEST_F(ThreadPoolTest, its_destructor_is_not_interrupted) {
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

TEST_F(ThreadPoolTest, jobs_that_nobody_will_run_are_answered_at_the_end) {
  std::optional<ThreadPool> pool(0);
  auto result = pool->submit([] { return 1; });
  pool.reset();
  EXPECT_THROW(result.get(), Closed);
}

TEST_F(ThreadPoolTest, a_pool_may_be_destroyed_on_a_thread_without_a_hub) {
  auto pool = std::make_unique<ThreadPool>(2);
  auto result = pool->submit([] { return 3; });
  std::thread([&] { pool.reset(); }).join();
  EXPECT_EQ(result.get(), 3);
}

TEST_F(ThreadPoolTest, a_result_for_a_hub_that_has_shut_down_is_dropped) {
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
TEST_F(ThreadPoolTest, a_child_of_fork_has_threads_of_its_own) {
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
