// SPDX-License-Identifier: MIT
// Barrier and Latch: who goes on when, and parties that leave.
#include <memory>
#include <string>
#include <vector>

#include <grove/hub/barrier.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/latch.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/hub/wait.hpp>
#include <grove/hub/wait_any.hpp>

#include "../support/blocking_call.hpp"
#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class BarrierTest : public HubTest {};
class LatchTest : public HubTest {};

// Another party keeps coming, once for each release.
class BarrierWait : public BlockingCall {
public:
  ~BarrierWait() override { other_.kill(); }

private:
  bool call(Deadline deadline) override { return barrier_.arrive_and_wait(deadline); }
  void release() override {
    other_ = spawn([this] { barrier_.arrive_and_wait(); });
    yield();
  }
  std::size_t waiters() const override { // beside that party
    const std::size_t all = barrier_.waiters();
    return all > 0 && !other_.ready() ? all - 1 : all;
  }
  Barrier barrier_{2};
  GreenletRef<> other_ = spawn([] {});
};
class LatchWait : public BlockingCall {
public:
  LatchWait() { again(); }

protected:
  bool call(Deadline deadline) override { return latch_->wait(deadline); }
  void release() override { latch_->count_down(); }
  void again() override { latch_ = std::make_unique<Latch>(1); }
  std::size_t waiters() const override { return latch_->waiters(); }
  std::unique_ptr<Latch> latch_;
};
// What was counted stays counted, however the wait ends: there are some to spare.
class LatchArrive : public LatchWait {
  bool call(Deadline deadline) override {
    return latch_->is_open() ? latch_->wait(deadline) : latch_->arrive_and_wait(deadline);
  }
  void release() override { latch_->count_down(latch_->count()); }
  void again() override { latch_ = std::make_unique<Latch>(100); }

public:
  LatchArrive() { again(); }
};
class WaitAnyLatch : public LatchWait {
  bool call(Deadline deadline) override {
    return wait_any(latch_->wait_op(), after(deadline)).index() == 0;
  }
};
class WaitForLatch : public LatchWait {
  bool call(Deadline deadline) override {
    Latch* all[] = {latch_.get()};
    return one_is_ready(all, deadline);
  }
};
[[maybe_unused]] const bool rows_added = add_blocking_calls({
    blocking_row<BarrierWait>("barrier"),
    blocking_row<LatchWait>("latch"),
    blocking_row<LatchArrive>("latch_arrive_and_wait"),
    blocking_row<WaitAnyLatch>("wait_any_latch"),
    blocking_row<WaitForLatch>("wait_latch"),
});

TEST_F(BarrierTest, the_last_to_come_lets_all_go_again_and_again) {
  Barrier barrier(3);
  Log log;
  std::vector<GreenletRef<>> all;
  for (const char* name : {"a", "b", "c"}) {
    all.push_back(spawn([&, name] {
      for (int round = 0; round < 3; ++round) {
        log.push_back(name + std::to_string(round));
        EXPECT_TRUE(barrier.arrive_and_wait());
      }
    }));
  }
  join_all(all);
  ASSERT_EQ(log.size(), 9u);
  for (std::size_t i = 0; i < log.size(); ++i)
    EXPECT_EQ(log[i].back(), static_cast<char>('0' + i / 3)) << "nobody is a round ahead";
  EXPECT_EQ(barrier.waiters(), 0u);
  EXPECT_EQ(barrier.parties(), 3u);
}

TEST_F(BarrierTest, the_last_does_not_switch_and_the_others_go_in_their_order) {
  Barrier barrier(3);
  Log log;
  auto a = spawn([&] {
    barrier.arrive_and_wait();
    log.emplace_back("a");
  });
  auto b = spawn([&] {
    barrier.arrive_and_wait();
    log.emplace_back("b");
  });
  yield();
  EXPECT_TRUE(barrier.arrive_and_wait());
  EXPECT_TRUE(log.empty());
  join_all({a, b});
  EXPECT_EQ(log, (Log{"a", "b"}));
}

TEST_F(BarrierTest, one_party_never_waits) {
  Barrier barrier(1);
  EXPECT_TRUE(barrier.arrive_and_wait(0ms));
  EXPECT_TRUE(barrier.arrive_and_wait());
}

TEST_F(BarrierTest, a_party_that_was_killed_has_not_arrived) {
  Barrier barrier(3);
  auto stays = spawn([&] { return barrier.arrive_and_wait(); });
  auto killed = spawn([&] { barrier.arrive_and_wait(); });
  yield();
  killed.kill_nowait();
  auto comes = spawn([&] { return barrier.arrive_and_wait(); }); // before the killed one has left
  settle();
  EXPECT_TRUE(killed.killed());
  EXPECT_FALSE(stays.ready());
  EXPECT_FALSE(comes.ready());
  EXPECT_EQ(barrier.waiters(), 2u);
  EXPECT_TRUE(barrier.arrive_and_wait());
  EXPECT_TRUE(stays.get());
  EXPECT_TRUE(comes.get());
}

TEST_F(BarrierTest, the_last_arrival_does_not_count_one_that_was_killed_and_has_not_run_since) {
  Barrier barrier(3);
  Log log;
  const auto party = [&](const char* name) {
    barrier.arrive_and_wait();
    log.emplace_back(name);
  };
  auto a = spawn(party, "a");
  auto killed = spawn(party, "killed");
  yield();
  killed.kill_nowait();
  EXPECT_FALSE(barrier.arrive_and_wait(0ms)) << "two of three";
  EXPECT_FALSE(a.ready());
  auto b = spawn(party, "b");
  yield();
  EXPECT_TRUE(barrier.arrive_and_wait());
  join_all({a, b});
  EXPECT_EQ(log, (Log{"a", "b"}));
}

TEST_F(BarrierTest, a_party_whose_time_has_passed_may_come_again) {
  Barrier barrier(2);
  EXPECT_FALSE(barrier.arrive_and_wait(1ms));
  auto other = spawn([&] { return barrier.arrive_and_wait(); });
  yield();
  EXPECT_TRUE(barrier.arrive_and_wait());
  EXPECT_TRUE(other.get());
}

TEST_F(BarrierTest, who_was_let_go_has_passed_though_a_kill_comes_before_the_run) {
  Barrier barrier(2);
  bool passed = false;
  auto other = spawn([&] {
    passed = barrier.arrive_and_wait();
    yield();
  });
  yield();
  barrier.arrive_and_wait();
  other.kill();
  EXPECT_TRUE(passed);
  EXPECT_FALSE(barrier.arrive_and_wait(0ms)) << "the next round is empty";
}

TEST_F(BarrierTest, it_needs_parties) {
  EXPECT_THROW(Barrier(0), std::invalid_argument);
  EXPECT_EQ(text_of<std::invalid_argument>([] { Barrier barrier(-1); }),
            "grove: Barrier: -1 parties; at least one is needed");
}

TEST_F(BarrierTest, destroying_it_wakes_its_waiters_with_closed) {
  auto barrier = std::make_unique<Barrier>(3);
  auto waiter = spawn([&] { EXPECT_THROW(barrier->arrive_and_wait(), Closed); });
  auto killed = spawn([&] { barrier->arrive_and_wait(); });
  yield();
  killed.kill_nowait();
  barrier.reset();
  waiter.get();
  killed.join();
  EXPECT_TRUE(killed.killed());
}

TEST_F(LatchTest, it_opens_at_zero_and_stays_open) {
  Latch latch(3);
  Log log;
  std::vector<GreenletRef<>> all;
  for (const char* name : {"a", "b"}) {
    all.push_back(spawn([&, name] {
      latch.wait();
      log.emplace_back(name);
    }));
  }
  yield();
  latch.count_down();
  EXPECT_FALSE(latch.wait(0ms));
  EXPECT_EQ(latch.count(), 2);
  latch.count_down(2);
  EXPECT_TRUE(latch.is_open());
  EXPECT_TRUE(log.empty()) << "counting down does not switch";
  EXPECT_TRUE(latch.wait());
  join_all(all);
  EXPECT_EQ(log, (Log{"a", "b"}));
}

TEST_F(LatchTest, who_arrives_and_is_killed_while_it_waits_stays_counted) {
  Latch latch(2);
  auto g = spawn([&] { latch.arrive_and_wait(); });
  yield();
  g.kill();
  EXPECT_EQ(latch.count(), 1);
  EXPECT_TRUE(latch.arrive_and_wait());
}

TEST_F(LatchTest, wrong_numbers_are_refused) {
  EXPECT_EQ(text_of<std::invalid_argument>([] { Latch negative(-1); }),
            "grove: Latch: a count of -1 is negative");
  EXPECT_TRUE(Latch(0).wait());
  Latch latch(1);
  EXPECT_EQ(text_of<std::invalid_argument>([&] { latch.count_down(-1); }),
            "grove: Latch.count_down: -1 is negative");
  EXPECT_EQ(text_of<std::logic_error>([&] { latch.count_down(2); }),
            "grove: Latch.count_down: by 2 from 1");
  EXPECT_EQ(latch.count(), 1);
  latch.count_down();
  EXPECT_THROW(latch.count_down(), std::logic_error);
}

TEST_F(LatchTest, it_is_one_of_several_things_to_wait_for) {
  Latch latch(1);
  Event event;
  auto g = spawn([&] { return wait_any(event.wait_op(), latch.wait_op()).index(); });
  yield();
  latch.count_down();
  EXPECT_EQ(g.get(), 1u);
  EXPECT_EQ(event.waiters() + latch.waiters(), 0u);
}

TEST_F(LatchTest, destroying_it_wakes_its_waiters_with_closed) {
  auto latch = std::make_unique<Latch>(1);
  auto waiter = spawn([&] { EXPECT_THROW(latch->wait(), Closed); });
  auto chooser = spawn([&] { EXPECT_THROW(wait_any(latch->wait_op()), Closed); });
  yield();
  latch.reset();
  waiter.get();
  chooser.get();
}

} // namespace
} // namespace grove::test
