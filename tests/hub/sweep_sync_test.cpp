// SPDX-License-Identifier: MIT
// Scenarios of the sweep about semaphores, locks, conditions, barriers and the other queues.
#include <mutex>
#include <numeric>
#include <optional>
#include <shared_mutex>
#include <vector>

#include <grove/hub/barrier.hpp>
#include <grove/hub/channel.hpp>
#include <grove/hub/condition.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/latch.hpp>
#include <grove/hub/mutex.hpp>
#include <grove/hub/queue.hpp>
#include <grove/hub/rmutex.hpp>
#include <grove/hub/rw_lock.hpp>
#include <grove/hub/semaphore.hpp>
#include <grove/hub/shared_queue.hpp>
#include <grove/hub/wait_any.hpp>

#include "../support/hub_test.hpp"
#include "../support/scenario.hpp"

namespace grove::test {
namespace {

// Others want it too, in the same line as the victim; each holds it for some turns.
class Rivals : public Scenario {
protected:
  template <class Turn>
  void compete(Turn turn) {
    for (int i = 0; i < 2; ++i) {
      rivals_.push_back(spawn([turn] {
        for (int round = 0; round < 3; ++round) {
          turn();
          yield();
        }
      }));
    }
  }
  void join_rivals() {
    for (const auto& rival : rivals_)
      rival.get();
  }

private:
  std::vector<GreenletRef<>> rivals_;
};

class Permits : public Rivals {
  void turn() {
    EXPECT_TRUE(permits_.acquire());
    AtExit give_back([this] { permits_.release(); });
    yield();
  }
  void begin() override {
    compete([this] { turn(); });
  }
  void victim() override {
    turn();
    EXPECT_TRUE(permits_.wait(60s));
    wait_any(permits_.acquire_op(), after(60s));
    permits_.release();
    turn();
  }
  void check() override {
    join_rivals();
    EXPECT_EQ(permits_.value(), 1);
    EXPECT_EQ(permits_.waiters(), 0u);
  }
  Semaphore permits_{1, Semaphore::bounded};
};

template <class M>
class Locks : public Rivals {
  void turn() {
    const std::lock_guard lock(mutex_);
    EXPECT_EQ(inside_++, 0);
    AtExit leave([this] { --inside_; });
    yield();
  }
  void begin() override {
    compete([this] { turn(); });
  }
  void victim() override {
    turn();
    turn();
    std::unique_lock lock(mutex_);
    yield();
    lock.unlock();
    lock.lock();
  }
  void check() override {
    join_rivals();
    EXPECT_FALSE(mutex_.locked());
    EXPECT_EQ(mutex_.waiters(), 0u);
    turn();
  }
  M mutex_;
  int inside_ = 0;
};

class Conditions : public Scenario {
  void begin() override {
    notifier_ = spawn([this] {
      for (;;) {
        {
          const std::lock_guard lock(mutex_);
          ++turn_;
          condition_.notify_all();
        }
        yield();
      }
    });
  }
  void victim() override {
    for (int i = 0; i < 3; ++i) {
      std::unique_lock lock(mutex_);
      const int before = turn_;
      // Whatever comes out of the wait, the mutex is held again.
      AtExit held([this] { EXPECT_TRUE(mutex_.locked_by_caller()); });
      EXPECT_TRUE(condition_.wait(lock, [&] { return turn_ > before + 1; }));
    }
  }
  void check() override {
    EXPECT_TRUE(notifier_.kill());
    EXPECT_EQ(condition_.waiters(), 0u);
    EXPECT_FALSE(mutex_.locked());
  }
  Mutex mutex_;
  Condition condition_;
  int turn_ = 0;
  GreenletRef<> notifier_;
};

class ReadersAndWriters : public Rivals {
  void write() {
    const std::unique_lock lock(lock_);
    EXPECT_EQ(readers_, 0);
    EXPECT_EQ(writers_++, 0);
    AtExit leave([this] { --writers_; });
    yield();
  }
  void read() {
    const std::shared_lock lock(lock_);
    EXPECT_EQ(writers_, 0);
    ++readers_;
    AtExit leave([this] { --readers_; });
    yield();
  }
  void begin() override {
    compete([this] { write(); });
    compete([this] { read(); });
  }
  void victim() override {
    read();
    write();
    read();
    wait_any(lock_.lock_op(), after(60s));
    lock_.unlock();
  }
  void check() override {
    join_rivals();
    EXPECT_EQ(lock_.readers(), 0u);
    EXPECT_FALSE(lock_.has_writer());
    EXPECT_EQ(lock_.waiters(), 0u);
  }
  RWLock lock_;
  int readers_ = 0;
  int writers_ = 0;
};

// A party that is struck has not arrived: another takes its place, and the round is complete.
class Barriers : public Scenario {
  static constexpr int rounds = 3;
  void begin() override {
    other_ = spawn([this] {
      for (int i = 0; i < rounds; ++i)
        EXPECT_TRUE(barrier_.arrive_and_wait());
    });
  }
  void victim() override {
    while (passed_ < rounds) {
      EXPECT_TRUE(barrier_.arrive_and_wait());
      ++passed_;
    }
  }
  void check() override {
    for (; passed_ < rounds; ++passed_)
      EXPECT_TRUE(barrier_.arrive_and_wait());
    other_.get();
    EXPECT_EQ(barrier_.waiters(), 0u);
  }
  Barrier barrier_{2};
  int passed_ = 0;
  GreenletRef<> other_;
};

class Latches : public Scenario {
  void begin() override {
    opener_ = spawn([this] {
      settle(2);
      latch_.count_down();
      settle(2);
      latch_.count_down();
    });
  }
  void victim() override {
    EXPECT_TRUE(latch_.wait());
    EXPECT_TRUE(latch_.wait(60s));
  }
  void check() override {
    EXPECT_TRUE(latch_.wait());
    EXPECT_EQ(latch_.waiters(), 0u);
    opener_.get();
  }
  Latch latch_{2};
  GreenletRef<> opener_;
};

// Of one item, so that both sides wait.
struct SmallShared : SharedQueue<int> {
  SmallShared() : SharedQueue<int>(1) {}
};

// One hands over, the other takes: both sides count alike, whichever of them is struck.
template <class Q, bool VictimTakes>
class HandsOver : public Scenario {
  static constexpr int items = 4;
  void put_all() {
    while (put_ < items) {
      queue_.put(put_);
      ++put_;
    }
  }
  void take_all() {
    while (taken_ < items) {
      EXPECT_EQ(queue_.get(), taken_);
      ++taken_;
    }
  }
  void begin() override {
    other_ = spawn([this] {
      if (VictimTakes)
        put_all();
      else
        take_all();
    });
  }
  void victim() override {
    if (VictimTakes)
      take_all();
    else
      put_all();
  }
  void check() override {
    victim();
    other_.get();
    EXPECT_TRUE(queue_.empty());
    EXPECT_EQ(put_, items);
    EXPECT_EQ(taken_, items);
    EXPECT_EQ(queue_.waiting_getters() + queue_.waiting_putters(), 0u);
  }
  Q queue_;
  int put_ = 0;
  int taken_ = 0;
  GreenletRef<> other_;
};

// Tasks are done once each; who waits for all of them returns when they are.
class Tasks : public Scenario {
  static constexpr int items = 4;
  void begin() override {
    worker_ = spawn([this] {
      for ([[maybe_unused]] const int item : queue_) {
        yield();
        queue_.task_done();
      }
    });
  }
  void victim() override {
    for (; put_ < items; ++put_)
      queue_.put(put_);
    EXPECT_TRUE(queue_.join());
    EXPECT_EQ(queue_.unfinished_tasks(), 0u);
  }
  void check() override {
    EXPECT_TRUE(queue_.join());
    queue_.close();
    worker_.get();
  }
  Queue<int> queue_{1};
  int put_ = 0;
  GreenletRef<> worker_;
};

class Priorities : public Scenario {
  void begin() override {
    feeder_ = spawn([this] {
      for (const int item : {3, 1, 2}) {
        queue_.put(item);
        yield();
      }
    });
  }
  void victim() override {
    for (int i = 0; i < 3; ++i)
      sum_ += queue_.get();
  }
  void check() override {
    feeder_.get();
    int last = 0;
    while (auto item = queue_.try_get()) {
      EXPECT_GT(*item, last);
      sum_ += last = *item;
    }
    EXPECT_EQ(sum_, 6);
  }
  Queue<int, Priority<>> queue_;
  int sum_ = 0;
  GreenletRef<> feeder_;
};

[[maybe_unused]] const bool added = add_scenarios({
    scenario_row<Permits>("permits"),
    scenario_row<Locks<Mutex>>("mutex"),
    scenario_row<Locks<RMutex>>("rmutex"),
    scenario_row<Conditions>("conditions"),
    scenario_row<ReadersAndWriters>("readers_and_writers"),
    scenario_row<Barriers>("barriers"),
    scenario_row<Latches>("latches"),
    scenario_row<HandsOver<Channel<int>, true>>("channel_gets"),
    scenario_row<HandsOver<Channel<int>, false>>("channel_puts"),
    scenario_row<Tasks>("tasks"),
    scenario_row<Priorities>("priorities"),
    scenario_row<HandsOver<SmallShared, true>>("shared_queue_gets"),
    scenario_row<HandsOver<SmallShared, false>>("shared_queue_puts"),
});

} // namespace
} // namespace grove::test
