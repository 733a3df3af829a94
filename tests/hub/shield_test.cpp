// SPDX-License-Identifier: MIT
// Shield: kills and Timeout scopes wait until it is over.
#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/timeout.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class ShieldTest : public HubTest {};

TEST_F(ShieldTest, a_kill_is_held_back_until_the_first_suspension_point_after_it) {
  Event go_on;
  Log log;
  auto g = spawn([&] {
    {
      Shield shield;
      go_on.wait();
      yield();
      log.push_back("shielded");
    }
    log.push_back("before");
    yield();
    log.push_back("after");
  });
  yield();
  g.kill_nowait();
  settle();
  EXPECT_EQ(log, Log{});
  go_on.set();
  g.join();
  EXPECT_EQ(log, (Log{"shielded", "before"}));
  EXPECT_TRUE(g.killed());
}

TEST_F(ShieldTest, a_kill_from_before_it_is_held_back_too) {
  Log log;
  auto g = spawn([&] {
    Event done;
    spawn([&] { done.set(); });
    {
      Shield shield;
      current_greenlet().kill_nowait();
      done.wait();
      log.push_back("shielded");
    }
    EXPECT_THROW(yield(), GreenletExit);
    log.push_back("thrown");
    throw GreenletExit();
  });
  g.join();
  settle();
  EXPECT_EQ(log, (Log{"shielded", "thrown"}));
  EXPECT_TRUE(g.killed());
}

TEST_F(ShieldTest, shields_nest) {
  Log log;
  auto g = spawn([&] {
    Shield outer;
    {
      Shield inner;
      sleep(10us);
    }
    sleep(10us);
    log.push_back("still shielded");
  });
  yield();
  g.kill_nowait();
  g.join();
  EXPECT_EQ(log, Log{"still shielded"});
}

TEST_F(ShieldTest, a_scope_that_runs_out_is_held_back) {
  Timeout limit(1ms);
  {
    Shield shield;
    EXPECT_NO_THROW(sleep(4ms));
  }
  try {
    yield();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const TimeoutExpired& expired) {
    EXPECT_TRUE(limit.is(expired));
  }
}

TEST_F(ShieldTest, a_scope_inside_it_that_ran_out_is_gone_with_the_scope) {
  {
    Shield shield;
    Timeout limit(1ms);
    EXPECT_NO_THROW(sleep(3ms));
  }
  EXPECT_NO_THROW(yield());
}

TEST_F(ShieldTest, deadlines_of_single_calls_go_on) {
  Event never;
  Shield shield;
  EXPECT_FALSE(never.wait(2ms));
}

TEST_F(ShieldTest, one_who_kills_waits_for_it) {
  Event go_on;
  auto g = spawn([&] {
    {
      Shield shield;
      go_on.wait();
    }
    yield();
  });
  yield();
  auto killer = spawn([&] { return g.kill(); });
  settle();
  EXPECT_FALSE(killer.ready());
  go_on.set();
  EXPECT_TRUE(killer.get());
  EXPECT_TRUE(g.killed());
}

TEST_F(ShieldTest, it_belongs_to_its_greenlet_only) {
  Event go_on;
  auto shielded = spawn([&] {
    Shield shield;
    go_on.wait();
  });
  yield();
  auto other = spawn([] { sleep(10s); });
  yield();
  EXPECT_TRUE(other.kill());
  EXPECT_TRUE(other.killed());
  go_on.set();
  shielded.join();
}

TEST_F(ShieldTest, one_that_ends_during_unwinding_lets_nothing_through) {
  Log log;
  auto g = spawn([&] {
    AtExit cleanup([&] {
      {
        Shield shield;
        yield();
      }
      yield();
      log.push_back("clean");
    });
    sleep(10s);
  });
  yield();
  g.kill_nowait();
  yield();
  g.kill_nowait();
  g.join();
  EXPECT_EQ(log, Log{"clean"});
  EXPECT_TRUE(g.killed());
}

TEST_F(ShieldTest, a_greenlet_that_ends_shielded_leaves_no_shield_to_the_next_on_its_stack) {
  auto first = spawn([] {
    Shield shield;
    yield();
  });
  first.join();
  auto second = spawn([] { sleep(10s); });
  yield();
  EXPECT_TRUE(second.kill());
  EXPECT_TRUE(second.killed());
}

} // namespace
} // namespace grove::test
