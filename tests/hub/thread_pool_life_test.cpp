// SPDX-License-Identifier: MIT
// ThreadPool: what waits and what ends leaves nothing behind; its rows of the blocking matrix.
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/hub_thread.hpp>
#include <grove/hub/queue.hpp>
#include <grove/hub/shared_queue.hpp>
#include <grove/hub/thread_pool.hpp>
#include <grove/hub/timeout.hpp>

#include "../support/blocking_call.hpp"
#include "../support/hub_test.hpp"
#include "hub_impl.hpp"

namespace grove::test {
namespace {

// -- rows of the blocking matrix ----------------------------------------------------------------

// Jobs that hold their threads until they are told: also those that nobody waits for any more.
class HeldJobs : public BlockingCall {
public:
  HeldJobs() { again(); }
  ~HeldJobs() override { release(); }
  void release() override {
    *open_ = true;
    open_->notify_all();
  }
  void again() override { open_ = std::make_shared<std::atomic<bool>>(false); }
  bool direct() const override { return false; }

protected:
  std::function<int()> job() const {
    return [open = open_] {
      open->wait(false);
      return 1;
    };
  }

private:
  std::shared_ptr<std::atomic<bool>> open_;
};
class ThreadPoolRun : public HeldJobs {
public:
  ~ThreadPoolRun() override { release(); }

private:
  bool call(Deadline deadline) override {
    return with_timeout(deadline, [&] { return pool_.run(job()); }) == 1;
  }
  ThreadPool pool_{2};
};
class ThreadPoolMap : public HeldJobs {
public:
  ~ThreadPoolMap() override { release(); }

private:
  bool call(Deadline deadline) override {
    const auto each = [job = job()](int i) { return i * job(); };
    return pool_.map(each, std::vector{1, 2, 3}, deadline) == std::vector{1, 2, 3};
  }
  bool get_like() const override { return true; }
  ThreadPool pool_{2};
};
class RunBlocking : public HeldJobs {
  bool call(Deadline deadline) override {
    return with_timeout(deadline, [&] { return run_blocking(job()); }) == 1;
  }
};

[[maybe_unused]] const bool rows_added = add_blocking_calls({
    blocking_row<ThreadPoolRun>("thread_pool_run"),
    blocking_row<ThreadPoolMap>("thread_pool_map"),
    blocking_row<RunBlocking>("run_blocking"),
});

class ThreadPoolLifeTest : public HubTest {};

std::string error_text(const std::function<void()>& f) {
  try {
    f();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "none";
}

// -- threads that end ---------------------------------------------------------------------------

// An object of a thread whose destructor looks at the pool until another thread lives: it never
// ends if that one is not started before the first is joined, or the mutex is held meanwhile.
struct LooksAtPool {
  ThreadPool* pool = nullptr;
  std::atomic<bool>* seen = nullptr;
  ~LooksAtPool() {
    while (pool != nullptr && pool->threads() == 0)
      std::this_thread::yield();
    if (seen != nullptr)
      *seen = true;
  }
};
thread_local LooksAtPool looks_at_pool;

TEST_F(ThreadPoolLifeTest, a_thread_that_ends_may_look_at_its_pool) {
  std::atomic<bool> seen = false;
  ThreadPool pool(1);
  pool.run([&] {
    looks_at_pool.pool = &pool;
    looks_at_pool.seen = &seen;
  });
  pool.resize(0);
  while (pool.threads() != 0)
    sleep(100us);
  pool.resize(1);
  pool.run([&] {
    while (!seen)
      std::this_thread::yield();
  });
  EXPECT_TRUE(seen);
}

TEST_F(ThreadPoolLifeTest, many_threads_that_end_one_after_the_other_are_all_joined) {
  ThreadPool pool(3);
  for (int i = 0; i < 30; ++i) {
    pool.resize(3);
    EXPECT_EQ(pool.map([](int n) { return n; }, std::vector{1, 2, 3}), (std::vector{1, 2, 3}));
    pool.resize(0);
    while (pool.threads() != 0)
      sleep(100us);
  }
}

// -- waits that end early -----------------------------------------------------------------------

TEST_F(ThreadPoolLifeTest, a_join_that_ends_early_leaves_nothing_behind) {
  const auto& hub = detail::HubImpl::here();
  ThreadPool pool(1);
  std::atomic<bool> open = false;
  pool.submit([&] { open.wait(false); });
  const auto attachments = hub.attachments; // the job's
  for (int i = 0; i < 100; ++i)
    EXPECT_FALSE(pool.join(0ms));
  auto killed = spawn([&] { pool.join(); });
  yield();
  killed.kill();
  EXPECT_EQ(hub.attachments, attachments);
  auto joined = spawn([&] { return pool.join(10s); });
  settle();
  open = true;
  open.notify_all();
  EXPECT_TRUE(joined.get());
}

TEST_F(ThreadPoolLifeTest, a_job_that_nobody_waits_for_any_more_saves_nobody_from_a_deadlock) {
  ThreadPool pool(1);
  std::promise<void> end;
  std::promise<void> begun;
  bool has_ended = false;
  auto waiter = spawn([&] {
    pool.run([&] {
      begun.set_value();
      // For ever, but for a test that fails.
      has_ended = end.get_future().wait_for(5s) == std::future_status::timeout;
    });
  });
  settle();
  begun.get_future().wait();
  waiter.kill();
  EXPECT_THROW(Event().wait(), Deadlock);
  end.set_value();
  EXPECT_TRUE(pool.join(60s));
  EXPECT_FALSE(has_ended) << "it was waited for";
}

TEST_F(ThreadPoolLifeTest, a_map_out_of_time_begins_no_more) {
  ThreadPool pool(1);
  std::atomic<bool> open = false;
  std::atomic<int> begun = 0;
  const auto each = [&](int) {
    ++begun;
    open.wait(false);
  };
  try {
    pool.map(each, std::vector{1, 2, 3}, 2ms);
    ADD_FAILURE() << "it came back";
  } catch (const TimeoutError& error) {
    EXPECT_STREQ(error.what(), "ThreadPool.map: not all is done in time");
  }
  open = true;
  open.notify_all();
  EXPECT_TRUE(pool.join());
  EXPECT_LE(begun, 1);
}

TEST_F(ThreadPoolLifeTest, whoever_is_to_end_begins_no_job) {
  ThreadPool pool(1);
  bool ran = false;
  auto waiter = spawn([&] {
    {
      Shield shield;
      yield();
    }
    pool.run([&] { ran = true; });
  });
  yield();
  waiter.kill();
  EXPECT_TRUE(pool.join());
  EXPECT_FALSE(ran);
}

// -- imap ---------------------------------------------------------------------------------------

// gevent P16, P17
TEST_F(ThreadPoolLifeTest, imap_gives_results_in_order_and_imap_unordered_as_they_come) {
  ThreadPool pool(3);
  std::vector<int> items(50);
  std::iota(items.begin(), items.end(), 0);
  std::vector<int> results;
  for (const int i : pool.imap([](int n) { return n; }, items))
    results.push_back(i);
  EXPECT_EQ(results, items);

  std::atomic<bool> open = false;
  auto unordered = pool.imap_unordered(
      [&](int n) {
        if (n == 0)
          open.wait(false);
        return n;
      },
      std::vector{0, 1, 2});
  EXPECT_NE(unordered.next(), 0);
  EXPECT_NE(unordered.next(), 0);
  open = true;
  open.notify_all();
  EXPECT_EQ(unordered.next(), 0);
  EXPECT_EQ(unordered.next(), std::nullopt);
}

// gevent P22, P24
TEST_F(ThreadPoolLifeTest, an_imap_has_a_bound_and_errors_are_results) {
  ThreadPool pool(4);
  std::atomic<int> begun = 0;
  auto results = pool.imap(
      [&](int n) {
        ++begun;
        if (n == 1)
          throw TestError(n);
        return n;
      },
      std::vector{0, 1, 2, 3, 4, 5}, 2);
  pool.join();
  settle();
  pool.join();
  EXPECT_EQ(begun, 2);
  EXPECT_EQ(results.next(), 0);
  EXPECT_THROW(results.next(), TestError);
  for (int i = 2; i < 6; ++i)
    EXPECT_EQ(results.next(), i);
  EXPECT_EQ(results.next(), std::nullopt);
}

TEST_F(ThreadPoolLifeTest, results_that_are_dropped_give_their_jobs_up) {
  ThreadPool pool(1);
  std::atomic<bool> open = false;
  std::atomic<int> begun = 0;
  {
    auto results = pool.imap_unordered(
        [&](int) {
          ++begun;
          open.wait(false);
        },
        std::vector{0, 1, 2});
    EXPECT_THROW(results.next(1ms), TimeoutError);
  }
  open = true;
  open.notify_all();
  EXPECT_TRUE(pool.join());
  EXPECT_LE(begun, 1);
}

// -- wrong use ----------------------------------------------------------------------------------

TEST_F(ThreadPoolLifeTest, negative_numbers_are_named) {
  EXPECT_EQ(error_text([] { ThreadPool(-1); }), "grove: ThreadPool: a size of -1 is negative");
  EXPECT_EQ(error_text([] { ThreadPool(1, {.idle = -2ms}); }),
            "grove: ThreadPool: an idle time of -2 ms is negative");
  ThreadPool pool(1);
  EXPECT_EQ(error_text([&] { pool.resize(-3); }),
            "grove: ThreadPool.resize: a size of -3 is negative");
  const auto same = [](int i) { return i; };
  EXPECT_EQ(error_text([&] { pool.imap(same, std::vector{1}, static_cast<std::size_t>(-1)); }),
            "grove: ThreadPool.imap: a maxsize of -1 is negative");
  EXPECT_EQ(
      error_text([&] { pool.imap_unordered(same, std::vector{1}, static_cast<std::size_t>(-4)); }),
      "grove: ThreadPool.imap_unordered: a maxsize of -4 is negative");
  EXPECT_NE(error_text([&] { pool.join(-5ms); }).find(": a timeout of -5000000 ns is negative"),
            std::string::npos);
}

// -- beside std's own threads and futures -------------------------------------------------------

class ForeignThreadsTest : public HubTest {};

TEST_F(ForeignThreadsTest, a_future_is_awaited_by_run_blocking_while_others_run) {
  std::promise<int> promise;
  std::future<int> future = promise.get_future();
  std::atomic<bool> others_ran = false;
  std::thread thread([&] {
    others_ran.wait(false); // it is not fulfilled before
    promise.set_value(42);
  });
  auto waiter = spawn([&] { return run_blocking([&] { return future.get(); }); });
  auto others = spawn([&] {
    settle();
    others_ran = true;
    others_ran.notify_all();
  });
  EXPECT_EQ(waiter.get(), 42);
  others.get();
  thread.join();
}

TEST_F(ForeignThreadsTest, the_error_of_a_future_comes_to_who_awaits_it) {
  std::promise<int> promise;
  std::future<int> future = promise.get_future();
  std::thread thread([&] { promise.set_exception(std::make_exception_ptr(TestError(6))); });
  EXPECT_THROW(run_blocking([&] { return future.get(); }), TestError);
  thread.join();
}

// Given by value: the job may outlast the wait.
TEST_F(ForeignThreadsTest, who_awaits_a_future_may_give_up) {
  auto promise = std::make_shared<std::promise<int>>();
  const std::shared_future<int> future = promise->get_future().share();
  const auto await = [future] { return run_blocking([future] { return future.get(); }); };
  EXPECT_EQ(with_timeout(1ms, await), std::nullopt);
  promise->set_value(3);
  EXPECT_EQ(await(), 3);
  EXPECT_TRUE(default_thread_pool().join());
}

TEST_F(ForeignThreadsTest, a_plain_thread_sets_a_result_that_greenlets_wait_for) {
  AsyncResult<std::string> result;
  std::atomic<bool> others_ran = false;
  const auto attachment = Hub::current().attach(); // a thread, no hub, will bring it
  std::thread thread([result, &others_ran] {
    others_ran.wait(false);
    result.set("news");
  });
  auto first = spawn([&] { return result.get(); });
  auto second = spawn([&] { return result.get(); });
  settle();
  EXPECT_FALSE(first.ready());
  others_ran = true;
  others_ran.notify_all();
  EXPECT_EQ(first.get(), "news");
  EXPECT_EQ(second.get(), "news");
  thread.join();
}

TEST_F(ForeignThreadsTest, a_plain_thread_feeds_and_is_fed_by_queues_that_are_shared) {
  SharedQueue<int> work(2);
  SharedQueue<int> done;
  std::thread thread([&] {
    for (const int item : work)
      done.put(item * item);
    done.close();
  });
  auto feeder = spawn([&] {
    for (int i = 1; i <= 5; ++i)
      work.put(i);
    work.close();
  });
  std::vector<int> squares;
  for (const int square : done)
    squares.push_back(square);
  EXPECT_EQ(squares, (std::vector{1, 4, 9, 16, 25}));
  feeder.get();
  thread.join();
}

} // namespace
} // namespace grove::test
