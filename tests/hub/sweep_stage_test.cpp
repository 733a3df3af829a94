// SPDX-License-Identifier: MIT
// A sweep over one long stage: it is played once for each of its suspension points, with a kill, or
// a Timeout scope that has run out, at that point; afterwards everything must be as if that wait
// had not been.
#include <functional>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

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

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

// A stage between two queues, with a helper, an event, a result and a pipe beside it: each kind of
// wait, in a fixed order. The others go on whatever happens to the stage; a second stage, spawned
// when the first has ended, must find everything in order.
class Stage {
public:
  static constexpr int items = 4;

  Stage() {
    EXPECT_EQ(pipe2(ends_, O_CLOEXEC | O_NONBLOCK), 0);
    feeder_ = spawn([this] {
      for (int i = 1; i <= items; ++i)
        in_.put(i);
    });
    ticker_ = spawn([this] {
      for (;;) {
        yield();
        tick_.set();
        tick_.clear();
      }
    });
  }
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  ~Stage() {
    kill_all({feeder_, ticker_});
    settle();
    close_descriptor(ends_[0]);
    close_descriptor(ends_[1]);
  }

  // Wraps each wait of the stage; given its number, from 1.
  using Around = std::function<void(int, const std::function<void()>&)>;

  // Takes items and passes them on until `items` are out. What it holds when a kill comes is put
  // back to front by the guard, so that the count must come out right in the end.
  void stage(const Around& around) {
    int point = 0;
    const auto at = [&](const std::function<void()>& wait) { around(++point, wait); };
    while (out_.size() < items) {
      std::optional<int> held;
      AtExit give_back([&] {
        if (held)
          returned_.push_back(*held);
      });
      if (!returned_.empty()) {
        held = returned_.back();
        returned_.pop_back();
      } else {
        at([&] { held = in_.get(); });
      }
      at([&] { tick_.wait(); });
      auto helper = spawn([&] {
        yield();
        return 1;
      });
      AtExit join_helper([&] { helper.join(); });
      at([&] { helper.join(); });
      AsyncResult<int> result;
      auto setter = spawn([result] {
        yield();
        result.set(2);
      });
      AtExit join_setter([&] { setter.join(); });
      at([&] { EXPECT_EQ(result.get(), 2); });
      EXPECT_EQ(write(ends_[1], "x", 1), 1);
      AtExit empty_the_pipe([&] {
        char c = 0;
        EXPECT_EQ(read(ends_[0], &c, 1), 1);
      });
      at([&] { EXPECT_TRUE(wait_readable(ends_[0])); });
      at([&] { wait_any(tick_.wait_op(), never_.get_op(), after(10s)); });
      at([&] { yield(); });
      at([&] { sleep(10us); });
      at([&] {
        out_.put(*held);
        held.reset();
      });
    }
  }

  // Lets a stage without disturbance bring the rest to its end, and looks at everything.
  void finish_and_check(const std::string& what) {
    SCOPED_TRACE(what);
    auto second = spawn([this] { stage([](int, const std::function<void()>& wait) { wait(); }); });
    EXPECT_TRUE(second.join(60s)) << "stuck";
    EXPECT_TRUE(second.successful());
    int sum = 0;
    while (auto item = out_.try_get())
      sum += *item;
    EXPECT_EQ(sum, items * (items + 1) / 2);
    EXPECT_TRUE(in_.empty());
    EXPECT_TRUE(returned_.empty());
    EXPECT_EQ(in_.waiting_getters() + never_.waiting_getters() + tick_.waiters(), 0u);
    EXPECT_FALSE(wait_readable(ends_[0], 0ms));
  }

private:
  Queue<int> in_{1};
  Queue<int> out_;
  Queue<int> never_;
  Event tick_;
  std::vector<int> returned_;
  int ends_[2] = {-1, -1};
  GreenletRef<> feeder_;
  GreenletRef<> ticker_;
};

class SweepStageTest : public HubTest {
protected:
  // How many suspension points the scenario has when nobody disturbs it.
  static int count_points() {
    Stage scenario;
    int points = 0;
    spawn([&] {
      scenario.stage([&](int point, const std::function<void()>& wait) {
        points = point;
        wait();
      });
    }).join();
    scenario.finish_and_check("undisturbed");
    return points;
  }
};

// reliability 8
TEST_F(SweepStageTest, a_kill_that_is_sent_while_one_waits_at_any_point) {
  const int points = count_points();
  ASSERT_GE(points, 8 * Stage::items);
  for (int k = 1; k <= points; ++k) {
    Stage scenario;
    int reached = 0;
    auto victim = spawn([&] {
      scenario.stage([&](int point, const std::function<void()>& wait) {
        reached = point;
        wait();
      });
    });
    while (reached < k && !victim.ready())
      yield();
    victim.kill();
    scenario.finish_and_check("killed at point " + std::to_string(k));
  }
}

// reliability 8
TEST_F(SweepStageTest, a_kill_that_is_due_when_one_comes_to_any_point) {
  const int points = count_points();
  for (int k = 1; k <= points; ++k) {
    Stage scenario;
    auto victim = spawn([&] {
      scenario.stage([&](int point, const std::function<void()>& wait) {
        if (point == k) {
          Shield shield;
          current_greenlet().kill_nowait();
        }
        wait();
      });
    });
    victim.join();
    EXPECT_TRUE(victim.killed() || victim.successful());
    scenario.finish_and_check("kill due at point " + std::to_string(k));
  }
}

// reliability 8
TEST_F(SweepStageTest, a_kill_that_is_declined_at_any_point) {
  const int points = count_points();
  for (int k = 1; k <= points; ++k) {
    Stage scenario;
    int reached = 0;
    auto victim = spawn([&] {
      try {
        scenario.stage([&](int point, const std::function<void()>& wait) {
          reached = point;
          wait();
        });
      } catch (const GreenletExit&) {
        scenario.stage([](int, const std::function<void()>& wait) { wait(); });
      }
    });
    while (reached < k && !victim.ready())
      yield();
    victim.kill();
    EXPECT_TRUE(victim.successful());
    scenario.finish_and_check("declined at point " + std::to_string(k));
  }
}

// reliability 9
TEST_F(SweepStageTest, a_scope_that_runs_out_at_any_point_is_told_from_the_scope_around_it) {
  const int points = count_points();
  int expired_scopes = 0;
  for (int k = 1; k <= points; ++k) {
    Stage scenario;
    auto victim = spawn([&] {
      Timeout outer(60s);
      Timeout* inner = nullptr;
      try {
        scenario.stage([&](int point, const std::function<void()>& wait) {
          if (point != k)
            return wait();
          Timeout at_once(0ms);
          inner = &at_once;
          wait();
          inner = nullptr;
        });
      } catch (const TimeoutExpired& expired) {
        ++expired_scopes;
        EXPECT_EQ(expired.scope, inner);
        EXPECT_FALSE(outer.is(expired));
        EXPECT_TRUE(outer.pending());
      }
    });
    victim.get();
    scenario.finish_and_check("expired at point " + std::to_string(k));
  }
  EXPECT_GT(expired_scopes, 0);
}

// reliability 9
TEST_F(SweepStageTest, a_scope_around_everything_that_runs_out_at_any_point) {
  const int points = count_points();
  for (int k = 1; k <= points; ++k) {
    Stage scenario;
    auto victim = spawn([&] {
      Timeout outer(60s);
      std::optional<Timeout> scope;
      try {
        scenario.stage([&](int point, const std::function<void()>& wait) {
          if (point == k)
            scope.emplace(0ms);
          wait();
        });
      } catch (const TimeoutExpired& expired) {
        ASSERT_TRUE(scope.has_value());
        EXPECT_TRUE(scope->is(expired));
      }
    });
    victim.get();
    scenario.finish_and_check("run out from point " + std::to_string(k));
  }
}

} // namespace
} // namespace grove::test
