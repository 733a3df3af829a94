// SPDX-License-Identifier: MIT
// Scenarios of the sweep about locks, semaphores, barriers, channels and shared queues.
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <vector>

#include <grove/hub/barrier.hpp>
#include <grove/hub/channel.hpp>
#include <grove/hub/condition.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/mutex.hpp>
#include <grove/hub/queue.hpp>
#include <grove/hub/rw_lock.hpp>
#include <grove/hub/semaphore.hpp>
#include <grove/hub/shared_queue.hpp>
#include <grove/hub/wait_any.hpp>

#include "../support/hub_test.hpp"
#include "../support/scenario.hpp"

namespace grove::test {
namespace {

constexpr int rounds = 3;

// Three contend for two permits; at the end both are free again.
class Permits : public Scenario {
  void work() {
    for (int i = 0; i < rounds; ++i) {
      semaphore_.acquire();
      const AtExit give_back([this] { semaphore_.release(); });
      yield();
    }
  }
  void begin() override {
    for (int i = 0; i < 2; ++i)
      others_.push_back(spawn([this] { work(); }));
  }
  void victim() override { work(); }
  void check() override {
    EXPECT_TRUE(join_all(others_, 10s));
    EXPECT_EQ(semaphore_.waiters(), 0u);
    EXPECT_EQ(semaphore_.value(), 2);
    EXPECT_THROW(semaphore_.release(), std::logic_error);
  }
  Semaphore semaphore_{2, Semaphore::bounded};
  std::vector<GreenletRef<>> others_;
};

// A turn passes from one to the other under a mutex; the mutex is held whenever a wait is left.
class Turns : public Scenario {
  void take_turns(int mine) {
    for (int i = 0; i < rounds; ++i) {
      std::unique_lock lock(mutex_);
      const AtExit still_held([&] { EXPECT_TRUE(mutex_.locked_by_caller()); });
      condition_.wait(lock, [&] { return turn_ == mine || alone_; });
      yield();
      turn_ = 1 - mine;
      condition_.notify_all();
    }
  }
  void begin() override {
    other_ = spawn([this] { take_turns(1); });
  }
  void victim() override { take_turns(0); }
  void check() override {
    alone_ = true;
    condition_.notify_all();
    EXPECT_TRUE(other_.join(10s));
    EXPECT_TRUE(other_.successful());
    EXPECT_FALSE(mutex_.locked());
    EXPECT_EQ(condition_.waiters() + mutex_.waiters(), 0u);
  }
  Mutex mutex_;
  Condition condition_;
  int turn_ = 0;
  bool alone_ = false;
  GreenletRef<> other_;
};

// The victim writes among readers, and reads; nobody is held back by it when it has gone.
class ReadersAndWriter : public Scenario {
  void begin() override {
    for (int i = 0; i < 2; ++i) {
      readers_.push_back(spawn([this] {
        for (int n = 0; n < 2 * rounds; ++n) {
          const std::shared_lock guard(lock_);
          yield();
        }
      }));
    }
  }
  void victim() override {
    for (int i = 0; i < rounds; ++i) {
      {
        const std::unique_lock guard(lock_);
        yield();
      }
      const std::shared_lock guard(lock_);
      yield();
    }
    wait_any(lock_.lock_op());
    const std::unique_lock guard(lock_, std::adopt_lock);
  }
  void check() override {
    EXPECT_TRUE(join_all(readers_, 10s));
    EXPECT_EQ(lock_.waiters() + lock_.readers(), 0u);
    EXPECT_TRUE(lock_.try_lock());
    lock_.unlock();
  }
  RWLock lock_;
  std::vector<GreenletRef<>> readers_;
};

// Whoever was killed has not arrived: check() comes in the victim's place.
class Rounds : public Scenario {
  void begin() override {
    for (int i = 0; i < 2; ++i) {
      others_.push_back(spawn([this] {
        for (int n = 0; n < rounds; ++n)
          barrier_.arrive_and_wait();
      }));
    }
  }
  void victim() override {
    for (; arrived_ < rounds; ++arrived_)
      barrier_.arrive_and_wait();
  }
  void check() override {
    for (; arrived_ < rounds; ++arrived_)
      EXPECT_TRUE(barrier_.arrive_and_wait(10s));
    EXPECT_TRUE(join_all(others_, 10s));
    EXPECT_EQ(barrier_.waiters(), 0u);
  }
  Barrier barrier_{3};
  int arrived_ = 0;
  std::vector<GreenletRef<>> others_;
};

// What the victim has sent is what the other has.
class ChannelSends : public Scenario {
  void begin() override {
    taker_ = spawn([this] {
      for (const int item : channel_)
        taken_.push_back(item);
    });
  }
  void victim() override {
    for (; sent_ < rounds; ++sent_)
      channel_.put(sent_);
  }
  void check() override {
    EXPECT_EQ(channel_.waiting_putters(), 0u);
    channel_.close();
    EXPECT_TRUE(taker_.join(10s));
    EXPECT_EQ(static_cast<int>(taken_.size()), sent_);
  }
  Channel<int> channel_;
  std::vector<int> taken_;
  int sent_ = 0;
  GreenletRef<> taker_;
};

// Items go through a small queue; what the victim has not taken is still there.
template <class Q>
class SmallQueue : public Scenario {
  void begin() override {
    feeder_ = spawn([this] {
      for (int i = 0; i < 2 * rounds; ++i)
        queue_.put(i);
    });
  }
  void victim() override {
    for (int i = 0; i < rounds; ++i) {
      taken_.push_back(queue_.get());
      taken_.push_back(std::get<0>(wait_any(queue_.get_op())));
      yield();
    }
  }
  void check() override {
    EXPECT_EQ(queue_.waiting_getters(), 0u);
    while (taken_.size() < 2 * rounds)
      taken_.push_back(queue_.get(10s));
    EXPECT_TRUE(feeder_.join(10s));
    std::vector<int> all(2 * rounds);
    for (std::size_t i = 0; i < all.size(); ++i)
      all[i] = static_cast<int>(i);
    EXPECT_EQ(taken_, all);
    EXPECT_TRUE(queue_.empty());
  }
  Q queue_{1};
  std::vector<int> taken_;
  GreenletRef<> feeder_;
};

// The victim feeds a shared queue and waits for room.
class SharedPuts : public Scenario {
  void begin() override {
    taker_ = spawn([this] {
      for (const int item : queue_) {
        taken_.push_back(item);
        settle(3);
      }
    });
  }
  void victim() override {
    for (; put_ < rounds; ++put_)
      queue_.put(put_);
    for (; put_ < 2 * rounds; ++put_)
      wait_any(queue_.put_op(put_));
  }
  void check() override {
    EXPECT_EQ(queue_.waiting_putters(), 0u);
    queue_.close();
    EXPECT_TRUE(taker_.join(10s));
    EXPECT_EQ(static_cast<int>(taken_.size()), put_);
  }
  SharedQueue<int> queue_{1};
  std::vector<int> taken_;
  int put_ = 0;
  GreenletRef<> taker_;
};

// Tasks are joined when they are done, by whomever.
class Tasks : public Scenario {
  void begin() override {
    worker_ = spawn([this] {
      for ([[maybe_unused]] const int item : queue_) {
        yield();
        queue_.task_done();
      }
    });
  }
  void victim() override {
    for (int i = 0; i < rounds; ++i)
      queue_.put(i);
    queue_.join();
  }
  void check() override {
    EXPECT_TRUE(queue_.join(10s));
    queue_.close();
    EXPECT_TRUE(worker_.join(10s));
    EXPECT_EQ(queue_.unfinished_tasks(), 0u);
  }
  Queue<int> queue_{1};
  GreenletRef<> worker_;
};

[[maybe_unused]] const bool added = add_scenarios({
    scenario_row<Permits>("semaphore"),
    scenario_row<Turns>("mutex_and_condition"),
    scenario_row<ReadersAndWriter>("rw_lock"),
    scenario_row<Rounds>("barrier"),
    scenario_row<ChannelSends>("channel"),
    scenario_row<SmallQueue<Queue<int, Priority<>>>>("priority_queue"),
    scenario_row<SmallQueue<SharedQueue<int>>>("shared_queue_gets"),
    scenario_row<SharedPuts>("shared_queue_puts"),
    scenario_row<Tasks>("queue_tasks"),
});

} // namespace
} // namespace grove::test
