// SPDX-License-Identifier: MIT
// The blocking matrix: what holds of every call that waits, tried with each of them, whichever test
// file has listed it (see support/blocking_call.hpp).
#include <cerrno>
#include <memory>
#include <string>

#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/timeout.hpp>

#include "../support/blocking_call.hpp"
#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class BlockingMatrix : public HubTest, public ::testing::WithParamInterface<BlockingRow> {
protected:
  void SetUp() override {
    HubTest::SetUp();
    call_ = GetParam().make();
  }
  void TearDown() override {
    call_.reset();
    HubTest::TearDown();
  }

  // The call with a deadline that comes first gives what it should.
  void expect_deadline(Deadline deadline) {
    if (call_->get_like())
      EXPECT_THROW(call_->call(deadline), TimeoutError);
    else
      EXPECT_FALSE(call_->call(deadline));
  }
  // Nobody is left in line, and the object serves the next call, and another.
  void expect_usable() {
    EXPECT_EQ(call_->waiters(), 0u);
    for (int i = 0; i < 2; ++i) {
      auto next = spawn([this] { return call_->call(10s); });
      settle();
      EXPECT_FALSE(next.ready()) << "it did not wait";
      call_->release();
      EXPECT_TRUE(next.get());
      call_->again();
      EXPECT_EQ(call_->waiters(), 0u);
    }
  }
  // A greenlet that is parked in the call.
  template <class F>
  GreenletRef<> parked(F f) {
    GreenletRef<> g = spawn(std::move(f));
    settle();
    EXPECT_FALSE(g.ready()) << "it did not wait";
    return g;
  }

  std::unique_ptr<BlockingCall> call_;
};

// gevent G1, G2, G6
TEST_P(BlockingMatrix, its_own_deadline_ends_it_and_not_before) {
  const auto start = Clock::now();
  expect_deadline(2ms);
  EXPECT_GE(Clock::now() - start, 2ms);
  expect_usable();
}

// gevent G1, G2, G6
TEST_P(BlockingMatrix, a_deadline_that_has_passed_ends_it_at_once) {
  expect_deadline(0ms);
  expect_deadline(Clock::now() - 1s);
  expect_usable();
}

// gevent G5, G6
TEST_P(BlockingMatrix, an_outer_scope_is_thrown_through_it_and_its_deadline_swallows_nothing) {
  for (const Deadline own : {Deadline(10s), Deadline()}) {
    Timeout outer(1ms);
    try {
      call_->call(own);
      ADD_FAILURE() << "it came back";
    } catch (const TimeoutExpired& expired) {
      EXPECT_TRUE(outer.is(expired));
    }
    outer.cancel();
  }
  expect_usable();
}

// gevent G5
TEST_P(BlockingMatrix, its_deadline_leaves_an_outer_scope_running) {
  Timeout outer(10s);
  expect_deadline(1ms);
  EXPECT_TRUE(outer.pending());
}

// gevent G6
// reliability 10
TEST_P(BlockingMatrix, a_kill_ends_it_and_leaves_the_object_as_it_was) {
  for (const Deadline own : {Deadline(), Deadline(10s)}) {
    bool came_back = false;
    auto g = parked([&] {
      call_->call(own);
      came_back = true;
    });
    EXPECT_TRUE(g.kill());
    EXPECT_TRUE(g.killed());
    EXPECT_FALSE(came_back);
  }
  expect_usable();
}

// reliability 10
TEST_P(BlockingMatrix, a_kill_with_an_error_throws_that_error_through_it) {
  ErrorLog errors;
  auto g = parked([&] { call_->call({}); });
  g.kill(std::make_exception_ptr(TestError(3)));
  EXPECT_THROW(g.get(), TestError);
  expect_usable();
}

// reliability 10
TEST_P(BlockingMatrix, one_that_declines_a_kill_may_make_the_call_again) {
  bool result = false;
  auto g = parked([&] {
    try {
      call_->call({});
    } catch (const GreenletExit&) {
      result = call_->call(10s);
    }
  });
  g.kill_nowait();
  settle();
  EXPECT_FALSE(g.ready());
  call_->release();
  g.join();
  EXPECT_TRUE(result);
  call_->again();
  expect_usable();
}

// pitfall 57
TEST_P(BlockingMatrix, what_comes_before_the_kill_is_returned) {
  bool result = false;
  bool after_it = false;
  auto g = parked([&] {
    result = call_->call(10s);
    yield();
    after_it = true;
  });
  call_->release();
  while (!call_->direct() && !result && !g.ready())
    sleep(100us);
  g.kill();
  EXPECT_TRUE(result);
  EXPECT_EQ(after_it, !g.killed());
  call_->again();
  expect_usable();
}

// pitfall 57
TEST_P(BlockingMatrix, what_comes_after_the_kill_is_left_for_the_next) {
  auto g = parked([&] { call_->call({}); });
  g.kill_nowait();
  call_->release();
  g.join();
  EXPECT_TRUE(g.killed());
  EXPECT_EQ(call_->waiters(), 0u);
  EXPECT_TRUE(call_->call(10s)) << "what was brought is lost";
  call_->again();
  expect_usable();
}

TEST_P(BlockingMatrix, behind_a_shield_a_kill_waits_until_the_call_is_over) {
  bool result = false;
  auto g = parked([&] {
    {
      Shield shield;
      result = call_->call({});
    }
    yield();
    ADD_FAILURE() << "the kill did not come";
  });
  g.kill_nowait();
  settle();
  EXPECT_FALSE(g.ready());
  call_->release();
  g.join();
  EXPECT_TRUE(result);
  EXPECT_TRUE(g.killed());
  call_->again();
  expect_usable();
}

// pitfall 5
TEST_P(BlockingMatrix, it_may_be_called_while_unwinding) {
  bool result = false;
  auto g = spawn([&] {
    AtExit cleanup([&] { result = call_->call(10s); });
    sleep(Deadline());
  });
  yield();
  g.kill_nowait();
  settle();
  g.kill_nowait();
  settle();
  EXPECT_FALSE(g.ready());
  call_->release();
  g.join();
  EXPECT_TRUE(result);
  EXPECT_TRUE(g.killed());
  call_->again();
  expect_usable();
}

TEST_P(BlockingMatrix, a_kill_that_is_due_is_thrown_instead_of_the_wait) {
  bool came_back = false;
  auto g = spawn([&] {
    {
      Shield shield;
      yield();
    }
    call_->call({});
    came_back = true;
  });
  yield();
  g.kill_nowait();
  g.join();
  EXPECT_FALSE(came_back);
  EXPECT_TRUE(g.killed());
  expect_usable();
}

// pitfall 1, 10
TEST_P(BlockingMatrix, it_may_be_called_in_a_catch_block) {
  auto g = parked([&] {
    try {
      throw TestError(8);
    } catch (const TestError&) {
      errno = 33;
      call_->call(10s);
      try {
        throw;
      } catch (const TestError& e) {
        EXPECT_EQ(e.number, 8);
      }
    }
    EXPECT_EQ(std::current_exception(), nullptr);
  });
  spawn([] {
    try {
      throw TestError(9);
    } catch (const TestError&) {
      yield();
    }
  }).join();
  call_->release();
  g.get();
  call_->again();
}

INSTANTIATE_TEST_SUITE_P(Hub, BlockingMatrix, ::testing::ValuesIn(blocking_calls()),
                         [](const auto& each) { return std::string(each.param.name); });

// sleep() and yield() wait for nothing but their time, so few of the rows above fit them.
class SleepMatrix : public HubTest {};

// gevent G1, G5
// reliability 10
TEST_F(SleepMatrix, sleep_ends_by_time_scope_kill_and_error) {
  ErrorLog errors;
  {
    Timeout outer(1ms);
    EXPECT_THROW(sleep(10s), TimeoutExpired);
  }
  EXPECT_NO_THROW(sleep(1ms));
  auto killed = spawn([] { sleep(10s); });
  auto failed = spawn([] { sleep(Deadline()); });
  yield();
  EXPECT_TRUE(killed.kill());
  EXPECT_TRUE(killed.killed());
  failed.kill(std::make_exception_ptr(TestError()));
  EXPECT_THROW(failed.get(), TestError);
}

// reliability 10
TEST_F(SleepMatrix, yield_is_a_suspension_point_even_when_nobody_else_is_runnable) {
  Timeout outer(1ms);
  EXPECT_THROW(
      {
        for (;;)
          yield();
      },
      TimeoutExpired);
}

} // namespace
} // namespace grove::test
