// SPDX-License-Identifier: MIT
// Semaphore: permits, order, bounds, fairness, waiters that leave.
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/semaphore.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/hub/wait.hpp>
#include <grove/hub/wait_any.hpp>

#include "../support/blocking_call.hpp"
#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class SemaphoreTest : public HubTest {};

class SemaphoreAcquire : public BlockingCall {
  bool call(Deadline deadline) override { return semaphore_.acquire(deadline); }
  void release() override { semaphore_.release(); }
  std::size_t waiters() const override { return semaphore_.waiters(); }

protected:
  Semaphore semaphore_{0};
};
class SemaphoreWait : public SemaphoreAcquire {
  bool call(Deadline deadline) override { return semaphore_.wait(deadline); }
  void again() override { EXPECT_TRUE(semaphore_.try_acquire()); }
};
class WaitAnyAcquire : public SemaphoreAcquire {
  bool call(Deadline deadline) override {
    return wait_any(semaphore_.acquire_op(), after(deadline)).index() == 0;
  }
};
class WaitAnyPermit : public SemaphoreWait {
  bool call(Deadline deadline) override {
    return wait_any(semaphore_.wait_op(), after(deadline)).index() == 0;
  }
};
class WaitForPermit : public SemaphoreWait {
  bool call(Deadline deadline) override {
    Semaphore* all[] = {&semaphore_};
    return one_is_ready(all, deadline);
  }
};
[[maybe_unused]] const bool rows_added = add_blocking_calls({
    blocking_row<SemaphoreAcquire>("semaphore_acquire"),
    blocking_row<SemaphoreWait>("semaphore_wait"),
    blocking_row<WaitAnyAcquire>("wait_any_semaphore"),
    blocking_row<WaitAnyPermit>("wait_any_semaphore_wait"),
    blocking_row<WaitForPermit>("wait_semaphore"),
});

TEST_F(SemaphoreTest, it_counts_what_is_taken_and_given) {
  Semaphore semaphore(2);
  EXPECT_EQ(semaphore.value(), 2);
  EXPECT_TRUE(semaphore.acquire());
  EXPECT_TRUE(semaphore.try_acquire());
  EXPECT_FALSE(semaphore.try_acquire());
  EXPECT_EQ(semaphore.value(), 0);
  semaphore.release(3);
  EXPECT_EQ(semaphore.value(), 3);
  semaphore.release(0);
  EXPECT_EQ(semaphore.value(), 3);
}

// gevent S1
TEST_F(SemaphoreTest, an_acquire_whose_deadline_has_passed_has_taken_nothing) {
  Semaphore semaphore(0);
  EXPECT_FALSE(semaphore.acquire(2ms));
  EXPECT_EQ(semaphore.waiters(), 0u);
  semaphore.release();
  EXPECT_EQ(semaphore.value(), 1);
}

// gevent S2
TEST_F(SemaphoreTest, two_releases_serve_two_who_came_one_after_the_other) {
  Semaphore semaphore(0);
  Log log;
  auto a = spawn([&] {
    semaphore.acquire();
    log.emplace_back("a");
  });
  yield();
  semaphore.release();
  auto b = spawn([&] {
    semaphore.acquire();
    log.emplace_back("b");
  });
  yield();
  semaphore.release();
  join_all({a, b});
  EXPECT_EQ(log, (Log{"a", "b"}));
  EXPECT_EQ(semaphore.value(), 0);
}

// gevent S4
TEST_F(SemaphoreTest, a_bounded_one_is_not_released_above_its_start) {
  Semaphore semaphore(2, Semaphore::bounded);
  try {
    semaphore.release();
    ADD_FAILURE() << "it was released";
  } catch (const std::logic_error& e) {
    EXPECT_STREQ(e.what(), "grove: Semaphore.release: above its bound of 2");
  }
  semaphore.acquire();
  EXPECT_THROW(semaphore.release(2), std::logic_error);
  EXPECT_EQ(semaphore.value(), 1);
  semaphore.release();
  EXPECT_EQ(semaphore.value(), 2);
}

TEST_F(SemaphoreTest, a_bounded_one_counts_what_it_hands_over_as_taken) {
  Semaphore semaphore(1, Semaphore::bounded);
  semaphore.acquire();
  auto next = spawn([&] { semaphore.acquire(); });
  yield();
  EXPECT_THROW(semaphore.release(2), std::logic_error);
  EXPECT_EQ(semaphore.waiters(), 1u);
  semaphore.release();
  next.join();
  semaphore.release();
  EXPECT_THROW(semaphore.release(), std::logic_error);
}

TEST_F(SemaphoreTest, negative_numbers_are_refused) {
  EXPECT_EQ(text_of<std::invalid_argument>([] { Semaphore semaphore(-1); }),
            "grove: Semaphore: a count of -1 permits is negative");
  EXPECT_THROW(Semaphore(-1, Semaphore::bounded), std::invalid_argument);
  Semaphore semaphore(1);
  EXPECT_EQ(text_of<std::invalid_argument>([&] { semaphore.release(-1); }),
            "grove: Semaphore.release: a number of -1 permits is negative");
  EXPECT_THROW(semaphore.acquire(-1ms), std::invalid_argument);
  EXPECT_EQ(semaphore.value(), 1);
}

// gevent S5
TEST_F(SemaphoreTest, release_never_switches) {
  Semaphore semaphore(0);
  bool got = false;
  auto g = spawn([&] { got = semaphore.acquire(); });
  yield();
  semaphore.release();
  EXPECT_FALSE(got);
  EXPECT_EQ(semaphore.value(), 0) << "the permit has its taker";
  g.join();
  EXPECT_TRUE(got);
}

// gevent S6
TEST_F(SemaphoreTest, first_come_first_served) {
  Semaphore semaphore(0);
  std::vector<int> order;
  std::vector<GreenletRef<>> all;
  for (int i = 0; i < 5; ++i) {
    all.push_back(spawn([&, i] {
      semaphore.acquire();
      order.push_back(i);
    }));
  }
  yield();
  semaphore.release(2);
  settle();
  EXPECT_EQ(order, (std::vector<int>{0, 1}));
  semaphore.release(3);
  join_all(all);
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST_F(SemaphoreTest, a_permit_goes_to_who_waited_and_not_to_who_comes_by) {
  Semaphore semaphore(0);
  auto waited = spawn([&] { return semaphore.acquire(); });
  yield();
  semaphore.release();
  EXPECT_FALSE(semaphore.try_acquire());
  EXPECT_FALSE(semaphore.acquire(0ms));
  EXPECT_TRUE(waited.get());
}

// gevent S7
TEST_F(SemaphoreTest, families_that_want_it_for_ever_do_not_starve_one_that_wants_it_once) {
  Semaphore semaphore(1);
  bool quit = false;
  std::vector<GreenletRef<>> all;
  std::function<void()> acquire_then_spawn;
  const std::function<void()> release_then_spawn = [&] {
    semaphore.release();
    if (quit)
      return;
    all.push_back(spawn(acquire_then_spawn));
    const auto child = all.back();
    child.join();
  };
  acquire_then_spawn = [&] {
    if (quit)
      return;
    semaphore.acquire();
    all.push_back(spawn(release_then_spawn));
    const auto child = all.back();
    child.join();
  };
  all.push_back(spawn(acquire_then_spawn));
  all.push_back(spawn(acquire_then_spawn));
  auto once = spawn([&] {
    semaphore.acquire();
    quit = true;
  });
  EXPECT_TRUE(once.join(60s)) << "it never got the permit";
  EXPECT_THROW(
      {
        for (std::size_t i = 0; i < all.size(); ++i)
          GreenletRef<>(all[i]).join();
      },
      Deadlock)
      << "the permit is gone: the others wait for ever";
  kill_all(all);
}

TEST_F(SemaphoreTest, a_killed_waiter_leaves_the_permit_to_the_next) {
  Semaphore semaphore(0);
  auto a = spawn([&] { semaphore.acquire(); });
  auto b = spawn([&] { return semaphore.acquire(); });
  yield();
  a.kill_nowait();
  semaphore.release();
  EXPECT_TRUE(b.get());
  EXPECT_TRUE(a.killed());
  EXPECT_EQ(semaphore.value(), 0);
}

// gevent S16
TEST_F(SemaphoreTest, wait_takes_nothing_and_goes_on_when_somebody_else_was_faster) {
  Semaphore semaphore(0);
  auto watcher = spawn([&] {
    EXPECT_TRUE(semaphore.wait());
    return semaphore.try_acquire();
  });
  yield();
  semaphore.release();
  EXPECT_TRUE(semaphore.try_acquire());
  settle();
  EXPECT_FALSE(watcher.ready());
  semaphore.release();
  EXPECT_TRUE(watcher.get());
  EXPECT_EQ(semaphore.value(), 0);
}

TEST_F(SemaphoreTest, who_acquires_goes_before_who_only_watches) {
  Semaphore semaphore(0);
  auto watcher = spawn([&] { return semaphore.wait(20ms); });
  yield();
  auto taker = spawn([&] { return semaphore.acquire(); });
  yield();
  semaphore.release();
  EXPECT_TRUE(taker.get());
  EXPECT_FALSE(watcher.get());
}

// gevent J9
TEST_F(SemaphoreTest, waiting_for_a_free_one_among_others_comes_back_at_once) {
  Semaphore semaphore(1);
  Event event;
  EXPECT_EQ(wait_any(event.wait_op(), semaphore.wait_op()).index(), 1u);
  for (Semaphore* ready : wait(std::vector<Semaphore*>{&semaphore}))
    EXPECT_EQ(ready, &semaphore);
  EXPECT_EQ(semaphore.value(), 1);
  EXPECT_EQ(wait_any(event.wait_op(), semaphore.acquire_op()).index(), 1u);
  EXPECT_EQ(semaphore.value(), 0);
}

// gevent J10
TEST_F(SemaphoreTest, of_two_the_released_one_is_told) {
  Semaphore one(0);
  Semaphore two(0);
  auto g = spawn([&] { return wait_any(one.wait_op(), two.wait_op()).index(); });
  yield();
  two.release();
  EXPECT_EQ(g.get(), 1u);
  EXPECT_EQ(one.waiters() + two.waiters(), 0u);
  EXPECT_EQ(two.value(), 1);

  auto first = spawn([&] {
    for (Semaphore* ready : wait(std::vector<Semaphore*>{&one, &two}, {.count = 1}))
      return ready;
    return static_cast<Semaphore*>(nullptr);
  });
  EXPECT_EQ(first.get(), &two);
  EXPECT_EQ(one.waiters(), 0u);
}

TEST_F(SemaphoreTest, an_acquire_that_is_not_the_one_chosen_takes_no_permit) {
  Semaphore semaphore(0);
  Event event;
  auto g = spawn([&] { return wait_any(event.wait_op(), semaphore.acquire_op()).index(); });
  yield();
  event.set();
  semaphore.release();
  EXPECT_EQ(g.get(), 0u);
  EXPECT_EQ(semaphore.value(), 1);
}

TEST_F(SemaphoreTest, destroying_it_wakes_its_waiters_with_closed) {
  auto semaphore = std::make_unique<Semaphore>(0);
  auto acquirer = spawn([&] { EXPECT_THROW(semaphore->acquire(), Closed); });
  auto watcher = spawn([&] { EXPECT_THROW(semaphore->wait(), Closed); });
  auto chooser = spawn([&] { EXPECT_THROW(wait_any(semaphore->acquire_op()), Closed); });
  yield();
  semaphore.reset();
  acquirer.get();
  watcher.get();
  chooser.get();
}

TEST_F(SemaphoreTest, it_may_go_right_after_a_release) {
  auto semaphore = std::make_unique<Semaphore>(0);
  auto acquirer = spawn([&] { return semaphore->acquire(); });
  auto watcher = spawn([&] { EXPECT_THROW(semaphore->wait(), Closed); });
  yield();
  semaphore->release(2);
  semaphore.reset();
  EXPECT_TRUE(acquirer.get());
  watcher.get();
}

TEST_F(SemaphoreTest, the_guards_of_std_hold_a_permit_for_a_block) {
  Semaphore permits(2, Semaphore::bounded);
  {
    const std::lock_guard first(permits);
    const std::unique_lock second(permits);
    EXPECT_EQ(permits.value(), 0);
    EXPECT_FALSE(std::unique_lock(permits, std::try_to_lock).owns_lock());
    auto third = spawn([&] {
      const std::lock_guard waits(permits);
      throw TestError();
    });
    yield();
    EXPECT_EQ(permits.waiters(), 1u);
    EXPECT_TRUE(third.kill());
  }
  EXPECT_EQ(permits.value(), 2);
}

} // namespace
} // namespace grove::test
