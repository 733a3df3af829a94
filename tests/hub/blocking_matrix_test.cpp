// SPDX-License-Identifier: MIT
// The blocking matrix: what holds of every call that waits, tried with each of them, whichever test
// file has listed it (see support/blocking_call.hpp).
#include <cerrno>
#include <memory>
#include <optional>
#include <string>

#include <fcntl.h>
#include <unistd.h>

#include <grove/hub/async_result.hpp>
#include <grove/hub/descriptor.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/queue.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/hub/wait_any.hpp>

#include "../support/blocking_call.hpp"
#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class EventWait : public BlockingCall {
  bool call(Deadline deadline) override { return event_.wait(deadline); }
  void release() override { event_.set(); }
  void again() override { event_.clear(); }
  std::size_t waiters() const override { return event_.waiters(); }
  Event event_;
};

class ResultWait : public BlockingCall {
  bool call(Deadline deadline) override { return result_->wait(deadline); }
  void release() override { result_->set(1); }
  void again() override { result_.emplace(); }

protected:
  std::optional<AsyncResult<int>> result_{std::in_place};
};

class ResultGet : public ResultWait {
  bool call(Deadline deadline) override { return result_->get(deadline) == 1; }
  bool get_like() const override { return true; }
};

// Calls about a greenlet that ends when it is told to, and not when it is killed.
class AboutGreenlet : public BlockingCall {
public:
  AboutGreenlet() { again(); }
  ~AboutGreenlet() override {
    end_->set();
    target_.join();
  }
  void release() override { end_->set(); }
  bool direct() const override { return false; }
  void again() override {
    if (target_) {
      end_->set();
      target_.join();
    }
    end_ = std::make_unique<Event>();
    target_ = spawn([end = end_.get()] {
      Shield shield;
      end->wait();
      return 1;
    });
    yield();
  }

protected:
  std::unique_ptr<Event> end_;
  GreenletRef<int> target_;
};

class GreenletJoin : public AboutGreenlet {
  bool call(Deadline deadline) override { return target_.join(deadline); }
};
class GreenletGet : public AboutGreenlet {
  bool call(Deadline deadline) override { return target_.get(deadline) == 1; }
  bool get_like() const override { return true; }
};
class GreenletKill : public AboutGreenlet {
  bool call(Deadline deadline) override { return target_.kill(deadline); }
};
class JoinAll : public AboutGreenlet {
  bool call(Deadline deadline) override {
    auto finished = spawn([] {});
    return join_all({finished, target_}, deadline);
  }
};
class KillAll : public AboutGreenlet {
  bool call(Deadline deadline) override { return kill_all({target_}, deadline); }
};
class JoinFresh : public BlockingCall {
public:
  ~JoinFresh() override { target_.kill(); }

private:
  bool call(Deadline deadline) override { return target_.join(deadline); }
  void release() override { target_.start(); }
  bool direct() const override { return false; }
  void again() override {
    target_ = make_greenlet([] {});
  }
  GreenletRef<> target_ = make_greenlet([] {});
};

class QueueGet : public BlockingCall {
  bool call(Deadline deadline) override { return queue_.get(deadline) == 1; }
  void release() override { queue_.put(1); }
  std::size_t waiters() const override { return queue_.waiting_getters(); }
  bool get_like() const override { return true; }
  Queue<int> queue_;
};
class QueuePut : public BlockingCall {
public:
  QueuePut() { queue_.put(1); }

private:
  bool call(Deadline deadline) override {
    queue_.put(1, deadline);
    return true;
  }
  void release() override { EXPECT_EQ(queue_.get(), 1); }
  std::size_t waiters() const override { return queue_.waiting_putters(); }
  bool get_like() const override { return true; }
  Queue<int> queue_{1};
};
class QueuePeek : public BlockingCall {
  bool call(Deadline deadline) override { return queue_.peek(deadline) == 1; }
  void release() override { queue_.put(1); }
  void again() override { EXPECT_EQ(queue_.get(), 1); }
  bool get_like() const override { return true; }
  Queue<int> queue_;
};

class WaitAnyGet : public BlockingCall {
  bool call(Deadline deadline) override {
    return wait_any(queue_.get_op(), event_.wait_op(), after(deadline)).index() == 0;
  }
  void release() override { queue_.put(1); }
  std::size_t waiters() const override { return queue_.waiting_getters() + event_.waiters(); }
  Queue<int> queue_;
  Event event_;
};
class WaitAnyPut : public BlockingCall {
public:
  WaitAnyPut() { queue_.put(1); }

private:
  bool call(Deadline deadline) override {
    return wait_any(queue_.put_op(1), after(deadline)).index() == 0;
  }
  void release() override { EXPECT_EQ(queue_.get(), 1); }
  std::size_t waiters() const override { return queue_.waiting_putters(); }
  Queue<int> queue_{1};
};
class WaitAnyEvent : public BlockingCall {
  bool call(Deadline deadline) override {
    return wait_any(event_.wait_op(), after(deadline)).index() == 0;
  }
  void release() override { event_.set(); }
  void again() override { event_.clear(); }
  std::size_t waiters() const override { return event_.waiters(); }
  Event event_;
};
class WaitAnyResult : public ResultWait {
  bool call(Deadline deadline) override {
    return wait_any(result_->wait_op(), after(deadline)).index() == 0;
  }
};
class WaitAnyEnded : public AboutGreenlet {
  bool call(Deadline deadline) override {
    return wait_any(ended(target_), after(deadline)).index() == 0;
  }
};

class Pipe : public BlockingCall {
public:
  Pipe() { EXPECT_EQ(pipe2(ends_, O_CLOEXEC | O_NONBLOCK), 0); }
  ~Pipe() override {
    close_descriptor(ends_[0]);
    close_descriptor(ends_[1]);
  }
  bool direct() const override { return false; }

protected:
  int ends_[2] = {-1, -1};
};
class Readable : public Pipe {
  bool call(Deadline deadline) override { return wait_readable(ends_[0], deadline); }
  void release() override { EXPECT_EQ(write(ends_[1], "x", 1), 1); }
  void again() override {
    char c = 0;
    EXPECT_EQ(read(ends_[0], &c, 1), 1);
  }
};
class Writable : public Pipe {
public:
  Writable() { again(); }

private:
  bool call(Deadline deadline) override { return wait_writable(ends_[1], deadline); }
  void release() override {
    char block[4096];
    while (read(ends_[0], block, sizeof block) > 0) {
    }
  }
  void again() override {
    const char block[4096] = {};
    while (write(ends_[1], block, sizeof block) > 0) {
    }
  }
};

[[maybe_unused]] const bool rows_added = add_blocking_calls({
    blocking_row<EventWait>("event_wait"),
    blocking_row<ResultWait>("async_result_wait"),
    blocking_row<ResultGet>("async_result_get"),
    blocking_row<GreenletJoin>("join"),
    blocking_row<JoinFresh>("join_of_a_fresh_one"),
    blocking_row<GreenletGet>("get"),
    blocking_row<GreenletKill>("kill"),
    blocking_row<JoinAll>("join_all"),
    blocking_row<KillAll>("kill_all"),
    blocking_row<QueueGet>("queue_get"),
    blocking_row<QueuePut>("queue_put"),
    blocking_row<QueuePeek>("queue_peek"),
    blocking_row<WaitAnyGet>("wait_any_get"),
    blocking_row<WaitAnyPut>("wait_any_put"),
    blocking_row<WaitAnyEvent>("wait_any_event"),
    blocking_row<WaitAnyResult>("wait_any_result"),
    blocking_row<WaitAnyEnded>("wait_any_ended"),
    blocking_row<Readable>("wait_readable"),
    blocking_row<Writable>("wait_writable"),
});

// -- what holds of each --------------------------------------------------------------------------

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
