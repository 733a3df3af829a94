// SPDX-License-Identifier: MIT
// ThreadPool: results and errors, waits that end early.
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
#include "../support/gate.hpp"
#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

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

// -- results --------------------------------------------------------------------------------------

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

// -- waits that end early -------------------------------------------------------------------------

TEST_F(ThreadPoolTest, whoever_is_killed_abandons_the_job_that_goes_on) {
  ErrorLog errors;
  int alive = 0;
  ThreadPool pool(1);
  auto gate = std::make_shared<Gate>();
  auto done = std::make_shared<std::atomic<bool>>(false);
  auto begun = std::make_shared<std::atomic<bool>>(false);
  auto waiter = spawn([&] {
    return pool.run([gate, begun, done, counted = std::make_shared<Counted>(alive)] {
      *begun = true;
      gate->pass();
      *done = true;
      return counted;
    });
  });
  while (!*begun) // a job that has not would be dropped with who waits for it
    sleep(100us);
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

} // namespace
} // namespace grove::test
