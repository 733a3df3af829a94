// SPDX-License-Identifier: MIT
// Work queues: bounds, closing, joining, several hubs.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <grove/actors.hpp>

#include "../support/hub_test.hpp"
#include "hand.hpp"

namespace grove::test {
namespace {

using WorkQueueLineTest = WorkQueueTest;

// -- bounds --------------------------------------------------------------------------------------

TEST_F(WorkQueueLineTest, a_full_queue_does_as_its_policy_says) {
  const WorkQueue<Task> rejects({.capacity = 1, .policy = Overflow::reject});
  rejects.put({1});
  EXPECT_EQ(text_of<InboxFull>([&] { rejects.put({2}); }), "WorkQueue.put: 1 jobs wait already");
  const WorkQueue<Task> drops_new({.capacity = 2, .policy = Overflow::drop_new});
  const WorkQueue<Task> drops_old({.capacity = 2, .policy = Overflow::drop_old});
  for (int i = 1; i <= 3; ++i) {
    EXPECT_EQ(drops_new.put({i}), i < 3);
    EXPECT_TRUE(drops_old.put({i}));
  }
  EXPECT_EQ(drops_new.stats().dropped, 1u);
  EXPECT_EQ(drops_old.stats().dropped, 1u);
  drops_new.add_worker(hand("new"));
  drops_old.add_worker(hand("old"));
  drops_new.join();
  drops_old.join();
  std::erase_if(log_, [](const std::string& line) { return line.find("begins") != line.npos; });
  EXPECT_EQ(log_, (Log{"new ends 1", "new ends 2", "old ends 2", "old ends 3"}));
}

TEST_F(WorkQueueLineTest, a_producer_waits_for_room_in_its_turn) {
  const WorkQueue<Task> queue({.capacity = 1});
  queue.put({0});
  Log puts;
  std::vector<GreenletRef<>> producers;
  for (int i = 1; i <= 3; ++i)
    producers.push_back(spawn([&, i] {
      queue.put({i});
      puts.push_back(std::to_string(i));
    }));
  settle();
  EXPECT_TRUE(puts.empty());
  EXPECT_THROW(queue.put({4}, 1ms), TimeoutError);
  EXPECT_FALSE(with_timeout(1ms, [&] { return queue.put({4}); }));
  producers[1].kill();
  queue.add_worker(hand("a"));
  EXPECT_TRUE(join_all(producers));
  EXPECT_TRUE(queue.join());
  EXPECT_EQ(puts, (Log{"1", "3"}));
  EXPECT_EQ(queue.stats().done, 3u) << "what was killed or late has put nothing";
}

TEST_F(WorkQueueLineTest, a_bound_is_no_negative_number) {
  EXPECT_THROW(WorkQueue<Task>({.capacity = static_cast<std::size_t>(-1)}), std::invalid_argument);
}

struct Tracer : Actor {
  explicit Tracer(std::vector<std::uint64_t>* s) : seen(s) {}
  void receive(const Task&) {
    yield();
    seen->push_back(current_trace());
  }
  std::vector<std::uint64_t>* seen;
};

TEST_F(WorkQueueLineTest, a_job_carries_the_trace_that_it_was_put_under) {
  const WorkQueue<Task> queue;
  std::vector<std::uint64_t> seen;
  auto tracer = spawn<Tracer>(&seen);
  {
    const TraceScope scope(7);
    queue.put({1});
  }
  queue.put({2});
  queue.add_worker(tracer);
  EXPECT_TRUE(queue.join());
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{7, 0}));
  tracer.kill();
}

TEST_F(WorkQueueLineTest, close_lets_what_was_put_be_done) {
  const WorkQueue<Task> queue({.capacity = 1});
  queue.put({1});
  auto waits = spawn([&] { EXPECT_THROW(queue.put({2}), Closed); });
  yield();
  queue.close();
  waits.get();
  EXPECT_THROW(queue.put({3}), Closed);
  queue.add_worker(hand("a"));
  EXPECT_TRUE(queue.join());
  EXPECT_EQ(queue.stats().done, 1u);
}

TEST_F(WorkQueueLineTest, join_waits_for_all_jobs_until_a_deadline_or_a_kill) {
  const WorkQueue<Task> queue;
  EXPECT_TRUE(queue.join());
  queue.put({1});
  EXPECT_FALSE(queue.join(1ms));
  EXPECT_FALSE(with_timeout(1ms, [&] { return queue.join(); }));
  auto killed = spawn([&] { queue.join(); });
  yield();
  killed.kill();
  EXPECT_TRUE(killed.killed());
  auto joins = spawn([&] { return queue.join(); });
  yield();
  queue.add_worker(hand("a"));
  EXPECT_TRUE(joins.get());
}

// -- any order -----------------------------------------------------------------------------------

using Done = std::map<int, int>;

void dawdle() { sleep(std::chrono::milliseconds(random_number() % 4)); }

struct Fickle : Actor {
  explicit Fickle(Done* d) : done(d) {}
  void receive(const Task& task) {
    dawdle();
    if (random_number() % 8 == 0)
      throw TestError();
    ++(*done)[task.n];
    dawdle();
  }
  Done* done;
};
struct Later : Actor {
  explicit Later(Done* d) : done(d) {}
  AsyncResult<void> receive(const Task& task) {
    const AsyncResult<void> promise;
    spawn([promise, d = done, n = task.n] {
      dawdle();
      if (random_number() % 8 == 0)
        return; // it is never kept
      ++(*d)[n];
      promise.set();
    });
    return promise;
  }
  Done* done;
};

// actors 138
TEST_F(WorkQueueLineTest, no_job_is_lost_in_whatever_order_all_this_happens) {
  constexpr int jobs = 30;
  ErrorLog errors;
  for (std::uint64_t seed = 1; seed <= (sanitized ? 30 : 200); ++seed) {
    SCOPED_TRACE(seed);
    const Simulation simulation(seed);
    const WorkQueue<Task> queue({.capacity = 3});
    Done done;
    auto supervisor = spawn<Supervisor>(
        SupervisorOptions{.strategy = Strategy::simple_one_for_one, .intensity = 1000});
    std::vector<ActorRef<Actor>> workers;
    const auto employ = [&](const auto& worker) {
      queue.add_worker(worker);
      workers.emplace_back(worker);
    };
    employ(add_child<Fickle>(supervisor, {}, &done));
    employ(add_child<Later>(supervisor, {}, &done));
    employ(spawn<Fickle>(&done));
    employ(spawn<Later>(&done));
    auto killer = spawn([&] {
      for (int i = 0; i < 20; ++i) {
        dawdle();
        workers[random_number() % workers.size()].kill();
      }
    });
    auto fickle = spawn<Fickle>(&done);
    auto ditherer = spawn([&] {
      for (int i = 0; i < 10; ++i) {
        if (!fickle.join(0s))
          queue.add_worker(fickle);
        dawdle();
        queue.remove_worker(fickle);
      }
    });
    std::vector<GreenletRef<>> producers;
    for (int from = 0; from < 2; ++from)
      producers.push_back(spawn([&, from] {
        for (int i = from; i < jobs; i += 2)
          queue.put({i});
      }));
    join_all(producers);
    ASSERT_TRUE(queue.join(1000s));
    EXPECT_EQ(done.size(), static_cast<std::size_t>(jobs));
    EXPECT_EQ(queue.stats().done, static_cast<std::uint64_t>(jobs));
    EXPECT_EQ(queue.stats().in_work + queue.stats().waiting, 0u);
    join_all({killer, ditherer});
    fickle.kill();
    for (const auto& worker : workers)
      worker.kill();
    supervisor.kill();
    EXPECT_EQ(queue.stats().workers, 0u);
    sleep(1s); // promises that nobody waits for
  }
}

// -- hubs and threads ----------------------------------------------------------------------------

struct Tally {
  std::atomic<int> done[2000]{};
};
struct FarHand : Actor {
  FarHand(Tally* t, unsigned s) : tally(t), seed(s) {}
  void receive(const Task& task) {
    seed = seed * 1664525 + 1013904223;
    if (seed >> 28 == 0)
      throw TestError();
    if (seed >> 28 == 1)
      yield();
    ++tally->done[task.n];
  }
  Tally* tally;
  unsigned seed;
};

// Workers of two hubs fail and are started again, producers are of both and of a thread without
// one: each job is done exactly once, as these fail before they have done anything. actors 138
TEST_F(WorkQueueLineTest, no_job_is_lost_whatever_the_hubs_do) {
  constexpr int jobs = sanitized ? 600 : 1800;
  ErrorLog errors;
  const WorkQueue<Task> queue({.capacity = 10});
  Tally tally;
  HubThread other;
  other.call([] { Hub::current().on_error([](const UnhandledError&) {}); });
  const auto staff = [&](unsigned seed) {
    auto supervisor = spawn<Supervisor>(
        SupervisorOptions{.strategy = Strategy::simple_one_for_one, .intensity = 1'000'000});
    for (unsigned i = 0; i < 3; ++i)
      queue.add_worker(add_child<FarHand>(supervisor, {}, &tally, seed + i));
    return supervisor;
  };
  auto here = staff(1);
  auto there = other.call([&] { return staff(77); });
  const auto produce = [&](int from) {
    for (int i = from; i < jobs; i += 3)
      queue.put({i});
  };
  auto mine = spawn([&] { produce(0); });
  auto theirs = spawn([&] { other.call([&] { produce(1); }); });
  std::thread thread([&] { produce(2); });
  mine.get();
  theirs.get();
  const auto attachment = Hub::current().attach();
  while (queue.stats().done + queue.stats().waiting + queue.stats().in_work < jobs)
    yield();
  EXPECT_TRUE(queue.join());
  thread.join();
  for (int i = 0; i < jobs; ++i)
    ASSERT_EQ(tally.done[i], 1) << i;
  const WorkQueueStats stats = queue.stats();
  EXPECT_EQ(stats.done, static_cast<std::uint64_t>(jobs));
  EXPECT_GT(stats.returned, 0u);
  EXPECT_EQ(stats.workers, 6u);
  here.kill();
  there.kill();
  EXPECT_EQ(queue.stats().workers, 0u);
  other.call([] { Hub::current().on_error({}); });
}

struct Sleeper : Actor {
  explicit Sleeper(std::atomic<bool>* b) : begun(b) {}
  void receive(const Task&) {
    *begun = true;
    sleep(1000s);
  }
  std::atomic<bool>* begun;
};

TEST_F(WorkQueueLineTest, a_hub_that_ends_gives_its_jobs_back) {
  const WorkQueue<Task> queue;
  std::atomic<bool> begun{false};
  {
    HubThread other;
    queue.add_worker(other.call([&] { return spawn<Sleeper>(&begun); }));
    queue.put({1});
    while (!begun)
      yield();
  }
  EXPECT_EQ(queue.stats().waiting, 1u);
  queue.add_worker(hand("a"));
  EXPECT_TRUE(queue.join());
  EXPECT_EQ(log_, (Log{"a begins 1", "a ends 1"}));
}

} // namespace
} // namespace grove::test
