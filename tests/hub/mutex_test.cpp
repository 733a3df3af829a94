// SPDX-License-Identifier: MIT
// Mutex and RMutex: owners, the guards of std, order, waiters that leave.
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/mutex.hpp>
#include <grove/hub/rmutex.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/hub/wait_any.hpp>

#include "../support/blocking_call.hpp"
#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

// A lock that a greenlet of its own holds until it is released.
template <class Lock>
class LockCall : public BlockingCall {
public:
  LockCall() { hold(); }
  ~LockCall() override { let_go(); }

protected:
  bool call(Deadline deadline) override {
    if (!lock_.lock(deadline))
      return false;
    lock_.unlock();
    return true;
  }
  Lock lock_;

private:
  void release() override { let_go(); }
  void again() override {
    settle();
    hold();
  }
  bool direct() const override { return false; }
  std::size_t waiters() const override { return lock_.waiters(); }

  void hold() {
    let_go();
    release_ = std::make_unique<Event>();
    holder_ = spawn([this] {
      const std::lock_guard guard(lock_);
      const Shield shield;
      release_->wait();
    });
    yield();
  }
  void let_go() {
    if (!holder_)
      return;
    release_->set();
    holder_.join();
  }
  std::unique_ptr<Event> release_;
  GreenletRef<> holder_;
};
template <class Lock>
class LockOpCall : public LockCall<Lock> {
  bool call(Deadline deadline) override {
    if (wait_any(this->lock_.lock_op(), after(deadline)).index() != 0)
      return false;
    this->lock_.unlock();
    return true;
  }
};
[[maybe_unused]] const bool rows_added = add_blocking_calls({
    blocking_row<LockCall<Mutex>>("mutex_lock"),
    blocking_row<LockCall<RMutex>>("rmutex_lock"),
    blocking_row<LockOpCall<Mutex>>("wait_any_mutex"),
    blocking_row<LockOpCall<RMutex>>("wait_any_rmutex"),
});

// What holds of both.
template <class Lock>
class AnyMutexTest : public HubTest {};
using Locks = ::testing::Types<Mutex, RMutex>;
class LockNames {
public:
  template <class T>
  static std::string GetName(int) {
    return std::is_same_v<T, Mutex> ? "Mutex" : "RMutex";
  }
};
TYPED_TEST_SUITE(AnyMutexTest, Locks, LockNames);

TYPED_TEST(AnyMutexTest, one_at_a_time_across_waits) {
  TypeParam mutex;
  int inside = 0;
  int most = 0;
  std::vector<GreenletRef<>> all;
  for (int i = 0; i < 4; ++i) {
    all.push_back(spawn([&] {
      for (int n = 0; n < 10; ++n) {
        const std::lock_guard guard(mutex);
        most = std::max(most, ++inside);
        yield();
        --inside;
      }
    }));
  }
  join_all(all);
  EXPECT_EQ(most, 1);
  EXPECT_FALSE(mutex.locked());
}

TYPED_TEST(AnyMutexTest, the_guards_of_std_work_with_it) {
  TypeParam one;
  TypeParam two;
  {
    const std::lock_guard guard(one);
    EXPECT_TRUE(one.locked());
    EXPECT_TRUE(one.locked_by_caller());
  }
  {
    std::unique_lock lock(one, std::defer_lock);
    EXPECT_FALSE(one.locked());
    EXPECT_TRUE(lock.try_lock());
    lock.unlock();
    EXPECT_TRUE(lock.try_lock_for(1ms));
    lock.unlock();
    EXPECT_TRUE(lock.try_lock_until(Clock::now() + 1ms));
  }
  {
    const std::scoped_lock both(one, two);
    EXPECT_TRUE(one.locked() && two.locked());
  }
  EXPECT_FALSE(one.locked() || two.locked());
}

TYPED_TEST(AnyMutexTest,
           two_that_lock_two_in_opposite_order_through_scoped_lock_both_come_through) {
  TypeParam one;
  TypeParam two;
  int rounds = 0;
  const auto play = [&](TypeParam& first, TypeParam& second) {
    for (int i = 0; i < 20; ++i) {
      const std::scoped_lock both(first, second);
      yield();
      ++rounds;
    }
  };
  auto a = spawn([&] { play(one, two); });
  auto b = spawn([&] { play(two, one); });
  join_all({a, b});
  EXPECT_EQ(rounds, 40);
}

TYPED_TEST(AnyMutexTest, a_passed_deadline_leaves_it_to_its_owner) {
  TypeParam mutex;
  mutex.lock();
  auto other = spawn([&] {
    EXPECT_FALSE(mutex.lock(1ms));
    EXPECT_FALSE(mutex.try_lock());
    const std::unique_lock lock(mutex, 1ms);
    EXPECT_FALSE(lock.owns_lock());
  });
  other.get();
  EXPECT_TRUE(mutex.locked_by_caller());
  EXPECT_EQ(mutex.waiters(), 0u);
  mutex.unlock();
}

// gevent S6
TYPED_TEST(AnyMutexTest, unlocking_hands_it_to_who_waited_longest_and_does_not_switch) {
  TypeParam mutex;
  Log log;
  mutex.lock();
  std::vector<GreenletRef<>> all;
  for (const char* name : {"a", "b", "c"}) {
    all.push_back(spawn([&, name] {
      const std::lock_guard guard(mutex);
      log.emplace_back(name);
    }));
  }
  yield();
  EXPECT_EQ(mutex.waiters(), 3u);
  mutex.unlock();
  EXPECT_TRUE(log.empty());
  EXPECT_TRUE(mutex.locked());
  EXPECT_FALSE(mutex.locked_by_caller());
  EXPECT_FALSE(mutex.try_lock()) << "it has its next owner";
  mutex.lock();
  EXPECT_EQ(log, (Log{"a", "b", "c"})) << "who comes last is served last";
  mutex.unlock();
}

// gevent S14
TYPED_TEST(AnyMutexTest, a_stranger_that_unlocks_is_told_who_holds_it) {
  TypeParam mutex;
  Event end;
  auto owner = spawn({.name = "owner"}, [&] {
    const std::lock_guard guard(mutex);
    end.wait();
  });
  yield();
  auto stranger = spawn({.name = "stranger"}, [&] {
    try {
      mutex.unlock();
      ADD_FAILURE() << "it was unlocked";
    } catch (const std::logic_error& e) {
      EXPECT_NE(std::string(e.what()).find("Mutex.unlock: stranger does not hold it; owner does"),
                std::string::npos)
          << e.what();
    }
  });
  stranger.get();
  EXPECT_TRUE(mutex.locked());
  end.set();
  owner.get();
  EXPECT_THROW(mutex.unlock(), std::logic_error);
}

TYPED_TEST(AnyMutexTest, who_comes_into_the_owners_slot_is_not_the_owner) {
  TypeParam mutex;
  auto owner = spawn([&] { mutex.lock(); });
  const detail::Identity* slot = owner.identity();
  owner.join();
  EXPECT_THROW(mutex.unlock(), std::logic_error);
  owner = {};
  auto heir = spawn([&] {
    EXPECT_FALSE(mutex.locked_by_caller());
    EXPECT_FALSE(mutex.try_lock());
    EXPECT_FALSE(mutex.lock(1ms));
    EXPECT_THROW(mutex.unlock(), std::logic_error);
  });
  EXPECT_EQ(heir.identity(), slot) << "the test needs the same slot";
  heir.get();
}

TYPED_TEST(AnyMutexTest, a_killed_waiter_leaves_it_to_the_next_and_a_killed_owner_unlocks) {
  TypeParam mutex;
  auto owner = spawn([&] {
    const std::lock_guard guard(mutex);
    sleep(10s);
  });
  auto waiter = spawn([&] { const std::lock_guard guard(mutex); });
  auto next = spawn([&] {
    const std::lock_guard guard(mutex);
    return true;
  });
  yield();
  waiter.kill_nowait();
  owner.kill();
  EXPECT_TRUE(next.get());
  EXPECT_TRUE(waiter.killed());
  EXPECT_FALSE(mutex.locked());
}

TYPED_TEST(AnyMutexTest, once_handed_over_it_is_held_though_a_kill_comes_before_the_run) {
  TypeParam mutex;
  bool held = false;
  mutex.lock();
  auto next = spawn([&] {
    const std::lock_guard guard(mutex);
    held = mutex.locked_by_caller();
    yield();
  });
  yield();
  mutex.unlock();
  next.kill();
  EXPECT_TRUE(held);
  EXPECT_FALSE(mutex.locked());
}

TYPED_TEST(AnyMutexTest, it_is_one_of_several_things_to_wait_for) {
  TypeParam mutex;
  Event event;
  EXPECT_EQ(wait_any(event.wait_op(), mutex.lock_op()).index(), 1u);
  EXPECT_TRUE(mutex.locked_by_caller());
  auto late = spawn([&] { return wait_any(mutex.lock_op(), after(1ms)).index(); });
  EXPECT_EQ(late.get(), 1u);
  auto other = spawn([&] {
    const auto which = wait_any(event.wait_op(), mutex.lock_op()).index();
    EXPECT_TRUE(mutex.locked_by_caller());
    mutex.unlock();
    return which;
  });
  yield();
  mutex.unlock();
  EXPECT_EQ(other.get(), 1u);
}

TYPED_TEST(AnyMutexTest, destroying_it_wakes_its_waiters_with_closed) {
  auto mutex = std::make_unique<TypeParam>();
  mutex->lock();
  auto waiter = spawn([&] { EXPECT_THROW(mutex->lock(), Closed); });
  auto chooser = spawn([&] { EXPECT_THROW(wait_any(mutex->lock_op()), Closed); });
  yield();
  mutex.reset();
  waiter.get();
  chooser.get();
}

class MutexTest : public HubTest {};

TEST_F(MutexTest, an_owner_that_locks_again_is_told_so) {
  Mutex mutex;
  auto g = spawn({.name = "owner"}, [&] {
    const std::lock_guard guard(mutex);
    EXPECT_FALSE(mutex.try_lock());
    EXPECT_THROW(mutex.lock(1ms), std::logic_error);
    EXPECT_THROW(wait_any(mutex.lock_op()), std::logic_error);
    try {
      mutex.lock();
      ADD_FAILURE() << "it was locked twice";
    } catch (const std::logic_error& e) {
      EXPECT_STREQ(e.what(), "grove: Mutex.lock: owner holds it already");
    }
  });
  g.get();
  EXPECT_FALSE(mutex.locked());
}

class RMutexTest : public HubTest {};

// gevent S14
TEST_F(RMutexTest, its_owner_nests_and_the_last_unlock_lets_one_other_in) {
  RMutex mutex;
  mutex.lock();
  EXPECT_TRUE(mutex.try_lock());
  EXPECT_EQ(wait_any(mutex.lock_op()).index(), 0u);
  EXPECT_EQ(mutex.depth(), 3u);
  auto a = spawn([&] {
    mutex.lock();
    EXPECT_EQ(mutex.depth(), 1u);
  });
  auto b = spawn([&] { mutex.lock(); });
  yield();
  mutex.unlock();
  mutex.unlock();
  settle();
  EXPECT_FALSE(a.ready());
  mutex.unlock();
  settle();
  EXPECT_TRUE(a.ready());
  EXPECT_FALSE(b.ready()) << "to one, and it did not unlock";
  EXPECT_THROW(mutex.unlock(), std::logic_error);
  b.kill();
}

} // namespace
} // namespace grove::test
