// SPDX-License-Identifier: MIT
// Condition: notifications, and the mutex that is held again however a wait ends.
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <grove/hub/condition.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/timeout.hpp>

#include "../support/blocking_call.hpp"
#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class ConditionTest : public HubTest {
protected:
  Mutex mutex_;
  Condition condition_;
};

class ConditionWait : public BlockingCall {
  bool call(Deadline deadline) override {
    std::unique_lock lock(mutex_);
    if (!condition_.wait(
            lock, [this] { return tokens_ > 0; }, deadline)) {
      return false;
    }
    --tokens_;
    return true;
  }
  void release() override {
    ++tokens_;
    condition_.notify_one();
  }
  std::size_t waiters() const override { return condition_.waiters() + mutex_.waiters(); }
  Mutex mutex_;
  Condition condition_;
  int tokens_ = 0;
};
[[maybe_unused]] const bool rows_added =
    add_blocking_calls({blocking_row<ConditionWait>("condition_wait")});

TEST_F(ConditionTest, waiting_gives_the_mutex_up_and_has_it_again) {
  auto g = spawn([&] {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(condition_.wait(lock));
    EXPECT_TRUE(lock.owns_lock());
    EXPECT_TRUE(mutex_.locked_by_caller());
  });
  yield();
  EXPECT_FALSE(mutex_.locked());
  EXPECT_TRUE(condition_.notify_one());
  g.get();
  EXPECT_FALSE(mutex_.locked());
  EXPECT_FALSE(condition_.notify_one());
  EXPECT_EQ(condition_.notify_all(), 0u);
}

TEST_F(ConditionTest, one_or_all_are_woken_in_their_order) {
  Log log;
  std::vector<GreenletRef<>> all;
  for (const char* name : {"a", "b", "c", "d"}) {
    all.push_back(spawn([&, name] {
      std::unique_lock lock(mutex_);
      condition_.wait(lock);
      log.emplace_back(name);
    }));
  }
  yield();
  EXPECT_EQ(condition_.waiters(), 4u);
  condition_.notify_one();
  EXPECT_TRUE(log.empty()) << "notifying does not switch";
  settle();
  EXPECT_EQ(log, Log{"a"});
  EXPECT_EQ(condition_.notify_all(), 3u);
  join_all(all);
  EXPECT_EQ(log, (Log{"a", "b", "c", "d"}));
}

TEST_F(ConditionTest, a_notified_one_goes_on_only_when_the_mutex_is_free) {
  bool went_on = false;
  auto g = spawn([&] {
    std::unique_lock lock(mutex_);
    condition_.wait(lock);
    went_on = true;
  });
  yield();
  {
    const std::lock_guard guard(mutex_);
    condition_.notify_one();
    settle();
    EXPECT_FALSE(went_on);
    EXPECT_EQ(mutex_.waiters(), 1u);
  }
  g.get();
  EXPECT_TRUE(went_on);
}

TEST_F(ConditionTest, a_predicate_is_asked_again_after_each_wake) {
  int value = 0;
  auto g = spawn([&] {
    std::unique_lock lock(mutex_);
    return condition_.wait(lock, [&] { return value == 2; });
  });
  yield();
  for (value = 1; value < 3; ++value) {
    EXPECT_FALSE(g.ready());
    condition_.notify_one();
    settle();
  }
  EXPECT_TRUE(g.get());
  std::unique_lock lock(mutex_);
  EXPECT_FALSE(condition_.wait(
      lock, [] { return false; }, 1ms));
  EXPECT_TRUE(condition_.wait(lock, [] { return true; }));
}

TEST_F(ConditionTest, a_passed_deadline_gives_false_with_the_mutex_held) {
  std::unique_lock lock(mutex_);
  EXPECT_FALSE(condition_.wait(lock, 1ms));
  EXPECT_TRUE(mutex_.locked_by_caller());
  EXPECT_EQ(condition_.waiters(), 0u);
}

TEST_F(ConditionTest, a_kill_is_thrown_after_the_mutex_was_taken_back) {
  bool held = false;
  auto g = spawn([&] {
    std::unique_lock lock(mutex_);
    try {
      condition_.wait(lock);
    } catch (const GreenletExit&) {
      held = lock.owns_lock() && mutex_.locked_by_caller();
      throw;
    }
  });
  yield();
  {
    const std::lock_guard guard(mutex_);
    g.kill_nowait();
    settle();
    EXPECT_FALSE(g.ready()) << "it waits for the mutex";
    g.kill_nowait(); // and nothing interrupts that
    settle();
    EXPECT_FALSE(g.ready());
  }
  g.join();
  EXPECT_TRUE(held);
  EXPECT_FALSE(mutex_.locked());
}

TEST_F(ConditionTest, a_scope_that_runs_out_is_thrown_after_the_mutex_was_taken_back) {
  std::unique_lock lock(mutex_);
  Timeout limit(1ms);
  try {
    condition_.wait(lock);
    ADD_FAILURE() << "it came back";
  } catch (const TimeoutExpired& expired) {
    EXPECT_TRUE(limit.is(expired));
    EXPECT_TRUE(mutex_.locked_by_caller());
  }
}

TEST_F(ConditionTest, a_kill_between_the_notification_and_the_mutex_waits_for_the_next_wait) {
  bool result = false;
  auto g = spawn([&] {
    std::unique_lock lock(mutex_);
    result = condition_.wait(lock);
    yield();
    ADD_FAILURE() << "the kill did not come";
  });
  yield();
  {
    const std::lock_guard guard(mutex_);
    condition_.notify_one();
    settle();
    g.kill_nowait();
    settle();
  }
  g.join();
  EXPECT_TRUE(result);
  EXPECT_TRUE(g.killed());
}

TEST_F(ConditionTest, a_notification_after_the_kill_goes_to_the_next) {
  auto a = spawn([&] {
    std::unique_lock lock(mutex_);
    condition_.wait(lock);
  });
  auto b = spawn([&] {
    std::unique_lock lock(mutex_);
    return condition_.wait(lock);
  });
  yield();
  a.kill_nowait();
  EXPECT_TRUE(condition_.notify_one());
  EXPECT_TRUE(b.get());
  a.join();
  EXPECT_TRUE(a.killed());
}

TEST_F(ConditionTest, waiting_without_the_mutex_is_refused) {
  std::unique_lock none(mutex_, std::defer_lock);
  EXPECT_THROW(condition_.wait(none), std::logic_error);
  std::unique_lock<Mutex> empty;
  EXPECT_THROW(condition_.wait(empty), std::logic_error);
  std::unique_lock lock(mutex_);
  auto stranger = spawn({.name = "stranger"}, [&] {
    try {
      condition_.wait(lock);
      ADD_FAILURE() << "it waited";
    } catch (const std::logic_error& e) {
      EXPECT_STREQ(e.what(), "grove: Condition.wait: stranger does not hold the mutex through this "
                             "lock");
    }
  });
  stranger.get();
  EXPECT_EQ(condition_.waiters(), 0u);
}

TEST_F(ConditionTest, destroying_it_wakes_its_waiters_with_closed_and_the_mutex) {
  auto condition = std::make_unique<Condition>();
  auto g = spawn([&] {
    std::unique_lock lock(mutex_);
    EXPECT_THROW(condition->wait(lock), Closed);
    EXPECT_TRUE(mutex_.locked_by_caller());
  });
  yield();
  condition.reset();
  g.get();
}

TEST_F(ConditionTest, when_the_mutex_has_gone_a_kill_still_comes_through) {
  auto mutex = std::make_unique<Mutex>();
  mutex->lock();
  auto g = spawn([&] {
    std::unique_lock lock(*mutex, std::defer_lock);
    lock.lock();
    try {
      condition_.wait(lock);
    } catch (const GreenletExit&) {
      EXPECT_FALSE(lock.owns_lock());
      throw;
    }
  });
  auto notified = spawn([&] {
    std::unique_lock lock(*mutex);
    EXPECT_THROW(condition_.wait(lock), Closed);
    EXPECT_FALSE(lock.owns_lock());
  });
  yield();
  mutex->unlock();
  settle();
  EXPECT_EQ(condition_.waiters(), 2u);
  mutex->lock();
  g.kill_nowait();
  condition_.notify_one();
  settle();
  EXPECT_EQ(mutex->waiters(), 2u);
  mutex.reset();
  notified.get();
  g.join();
  EXPECT_TRUE(g.killed());
}

} // namespace
} // namespace grove::test
