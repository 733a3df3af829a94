// SPDX-License-Identifier: MIT
// RWLock: readers together, writers alone, one fair line, waiters that leave.
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <vector>

#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/rw_lock.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/hub/wait_any.hpp>

#include "../support/blocking_call.hpp"
#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class RWLockTest : public HubTest {
protected:
  RWLock lock_;
};

// Held to read, by nobody in particular, until it is released.
class RWLockCall : public BlockingCall {
public:
  RWLockCall() { lock_.lock_shared(); }

private:
  bool call(Deadline deadline) override {
    if (!lock_.lock(deadline))
      return false;
    lock_.unlock();
    return true;
  }
  void release() override { lock_.unlock_shared(); }
  void again() override { lock_.lock_shared(); }
  std::size_t waiters() const override { return lock_.waiters(); }

protected:
  RWLock lock_;
};
class RWLockOpCall : public RWLockCall {
  bool call(Deadline deadline) override {
    if (wait_any(lock_.lock_op(), after(deadline)).index() != 0)
      return false;
    lock_.unlock();
    return true;
  }
};
// A writer holds it.
class RWLockShared : public BlockingCall {
public:
  RWLockShared() { again(); }
  ~RWLockShared() override { release(); }

protected:
  bool call(Deadline deadline) override {
    if (!lock_.lock_shared(deadline))
      return false;
    lock_.unlock_shared();
    return true;
  }
  RWLock lock_;

private:
  void release() override {
    release_->set();
    writer_.join();
  }
  bool direct() const override { return false; }
  void again() override {
    if (writer_)
      release();
    release_ = std::make_unique<Event>();
    writer_ = spawn([this] {
      const std::lock_guard guard(lock_);
      const Shield shield;
      release_->wait();
    });
    yield();
  }
  std::size_t waiters() const override { return lock_.waiters(); }
  std::unique_ptr<Event> release_;
  GreenletRef<> writer_;
};
class RWLockSharedOpCall : public RWLockShared {
  bool call(Deadline deadline) override {
    if (wait_any(lock_.lock_shared_op(), after(deadline)).index() != 0)
      return false;
    lock_.unlock_shared();
    return true;
  }
};
[[maybe_unused]] const bool rows_added = add_blocking_calls({
    blocking_row<RWLockCall>("rw_lock"),
    blocking_row<RWLockOpCall>("wait_any_rw_lock"),
    blocking_row<RWLockShared>("rw_lock_shared"),
    blocking_row<RWLockSharedOpCall>("wait_any_rw_lock_shared"),
});

TEST_F(RWLockTest, readers_read_together_and_a_writer_is_alone) {
  int readers = 0;
  int most = 0;
  bool writing = false;
  std::vector<GreenletRef<>> all;
  for (int i = 0; i < 9; ++i) {
    all.push_back(spawn([&, i] {
      for (int n = 0; n < 5; ++n) {
        if (i % 3 == 0) {
          const std::unique_lock guard(lock_);
          EXPECT_FALSE(writing);
          EXPECT_EQ(readers, 0);
          writing = true;
          yield();
          writing = false;
        } else {
          const std::shared_lock guard(lock_);
          EXPECT_FALSE(writing);
          most = std::max(most, ++readers);
          yield();
          --readers;
        }
      }
    }));
  }
  join_all(all);
  EXPECT_GT(most, 1);
  EXPECT_EQ(lock_.readers(), 0u);
  EXPECT_FALSE(lock_.has_writer());
}

TEST_F(RWLockTest, the_guards_of_std_work_with_it) {
  {
    std::shared_lock lock(lock_, std::defer_lock);
    EXPECT_TRUE(lock.try_lock());
    lock.unlock();
    EXPECT_TRUE(lock.try_lock_for(1ms));
    lock.unlock();
    EXPECT_TRUE(lock.try_lock_until(Clock::now() + 1ms));
    EXPECT_EQ(lock_.readers(), 1u);
    const std::unique_lock writer(lock_, 1ms);
    EXPECT_FALSE(writer.owns_lock());
  }
  const std::lock_guard guard(lock_);
  EXPECT_TRUE(lock_.has_writer());
  EXPECT_FALSE(lock_.try_lock());
  EXPECT_FALSE(lock_.try_lock_shared());
}

TEST_F(RWLockTest, a_waiting_writer_stops_new_readers_and_the_line_is_served_in_order) {
  Log log;
  lock_.lock_shared();
  const auto read = [&](const char* name) {
    const std::shared_lock guard(lock_);
    log.emplace_back(name);
    yield();
  };
  const auto write = [&](const char* name) {
    const std::unique_lock guard(lock_);
    log.emplace_back(name);
    yield();
  };
  auto a = spawn(write, "write a");
  yield();
  EXPECT_FALSE(lock_.try_lock_shared());
  auto b = spawn(read, "read b");
  auto c = spawn(read, "read c");
  auto d = spawn(write, "write d");
  auto e = spawn(read, "read e");
  settle();
  EXPECT_TRUE(log.empty());
  EXPECT_EQ(lock_.waiters(), 5u);
  lock_.unlock_shared();
  EXPECT_TRUE(log.empty()) << "unlocking does not switch";
  EXPECT_TRUE(lock_.has_writer()) << "it was handed over";
  join_all({a, b, c, d, e});
  EXPECT_EQ(log, (Log{"write a", "read b", "read c", "write d", "read e"}));
}

TEST_F(RWLockTest, a_writer_that_leaves_lets_in_the_readers_behind_it) {
  lock_.lock_shared();
  auto late = spawn([&] { EXPECT_FALSE(lock_.lock(1ms)); });
  yield();
  auto reader = spawn([&] { return lock_.lock_shared(); });
  settle();
  EXPECT_FALSE(reader.ready());
  late.get();
  EXPECT_TRUE(reader.get());

  auto killed = spawn([&] { lock_.lock(); });
  auto chooser = spawn([&] { return wait_any(lock_.lock_op(), after(1ms)).index(); });
  yield();
  auto behind = spawn([&] { return lock_.lock_shared(); });
  settle();
  killed.kill();
  EXPECT_FALSE(behind.ready());
  EXPECT_EQ(chooser.get(), 1u);
  EXPECT_TRUE(behind.get());
  EXPECT_EQ(lock_.readers(), 3u);
  for (int i = 0; i < 3; ++i)
    lock_.unlock_shared();
}

TEST_F(RWLockTest, a_writer_that_was_killed_and_has_not_run_since_holds_back_nobody) {
  lock_.lock_shared();
  auto writer = spawn([&] { lock_.lock(); });
  yield();
  auto reader = spawn([&] { return lock_.lock_shared(); });
  yield();
  writer.kill_nowait();
  EXPECT_TRUE(lock_.try_lock_shared());
  EXPECT_TRUE(reader.get());
  writer.join();
  EXPECT_EQ(lock_.readers(), 3u);
  for (int i = 0; i < 3; ++i)
    lock_.unlock_shared();
  EXPECT_TRUE(lock_.try_lock());
  lock_.unlock();
}

TEST_F(RWLockTest, misuse_is_told_with_names) {
  EXPECT_THROW(lock_.unlock(), std::logic_error);
  EXPECT_THROW(lock_.unlock_shared(), std::logic_error);
  auto writer = spawn({.name = "writer"}, [&] {
    const std::lock_guard guard(lock_);
    EXPECT_THROW(lock_.lock(), std::logic_error);
    EXPECT_THROW(lock_.lock_shared(), std::logic_error);
    EXPECT_THROW(wait_any(lock_.lock_shared_op()), std::logic_error);
    EXPECT_THROW(lock_.unlock_shared(), std::logic_error);
    auto stranger = spawn({.name = "stranger"}, [&] {
      try {
        lock_.unlock();
        ADD_FAILURE() << "it was unlocked";
      } catch (const std::logic_error& e) {
        EXPECT_STREQ(e.what(), "grove: RWLock.unlock: stranger does not hold it; writer does");
      }
    });
    stranger.get();
  });
  writer.get();
  EXPECT_FALSE(lock_.has_writer());
}

TEST_F(RWLockTest, it_is_one_of_several_things_to_wait_for) {
  Event event;
  EXPECT_EQ(wait_any(event.wait_op(), lock_.lock_shared_op()).index(), 1u);
  EXPECT_EQ(lock_.readers(), 1u);
  auto writer = spawn([&] {
    EXPECT_EQ(wait_any(event.wait_op(), lock_.lock_op()).index(), 1u);
    lock_.unlock();
  });
  yield();
  lock_.unlock_shared();
  writer.get();
  EXPECT_EQ(wait_any(lock_.lock_op()).index(), 0u);
  EXPECT_TRUE(lock_.has_writer());
  lock_.unlock();
}

TEST_F(RWLockTest, destroying_it_wakes_its_waiters_with_closed) {
  auto lock = std::make_unique<RWLock>();
  lock->lock();
  auto reader = spawn([&] { EXPECT_THROW(lock->lock_shared(), Closed); });
  auto writer = spawn([&] { EXPECT_THROW(lock->lock(), Closed); });
  auto chooser = spawn([&] { EXPECT_THROW(wait_any(lock->lock_op()), Closed); });
  auto killed = spawn([&] { lock->lock(); });
  yield();
  killed.kill_nowait();
  lock.reset();
  reader.get();
  writer.get();
  chooser.get();
  killed.join();
  EXPECT_TRUE(killed.killed());
}

} // namespace
} // namespace grove::test
