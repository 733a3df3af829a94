// SPDX-License-Identifier: MIT
// Monitors: who hears of an actor's end, how often, and why it ended.
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <grove/actors.hpp>

#include "../support/hub_test.hpp"
#include "relatives.hpp"

namespace grove::test {
namespace {

class MonitorTest : public HubTest {
protected:
  ErrorLog errors_; // failures are reported too
  Log log_;
};

// actors 60
TEST_F(MonitorTest, one_that_has_ended_is_told_at_once_as_gone) {
  auto dead = spawn<Relative>(log_, "dead");
  dead.kill();
  auto watcher = spawn<Relative>(log_, "watcher");
  watcher.ask(Watch{dead});
  watcher.ask(Watch{ActorRef<Actor>()});
  settle();
  EXPECT_EQ(log_, (Log{"watcher: down: gone before anybody looked",
                       "watcher: down: gone before anybody looked"}));
  watcher.kill();
}

// actors 100
TEST_F(MonitorTest, each_way_to_end_is_told_with_its_reason) {
  auto watcher = spawn<Relative>(log_, "watcher");
  std::vector<ActorRef<Relative>> others;
  for (int i = 0; i < 5; ++i) {
    others.push_back(spawn<Relative>(log_, "other"));
    watcher.ask(Watch{others.back()});
  }
  others[0].stop();
  settle();
  others[1].kill();
  settle();
  others[2].tell(Fail{"oops"});
  settle();
  others[3].stop(Stop::now);
  settle();
  others[4].stop(Stop::after_current);
  settle();
  EXPECT_EQ(log_, (Log{"watcher: down: stopped", "watcher: down: killed",
                       "watcher: down: std::runtime_error: oops", "watcher: down: stopped",
                       "watcher: down: stopped"}));
  EXPECT_EQ(errors_.size(), 1U);
  watcher.kill();
}

// actors 61
TEST_F(MonitorTest, each_of_several_monitors_gives_a_down_of_its_own) {
  auto other = spawn<Relative>(log_, "other");
  auto watcher = spawn<Relative>(log_, "watcher");
  watcher.ask(Watch{other});
  watcher.ask(Watch{other});
  other.stop();
  settle();
  EXPECT_EQ(log_, (Log{"watcher: down: stopped", "watcher: down: stopped"}));
  watcher.kill();
}

// actors 62
TEST_F(MonitorTest, a_cancelled_one_is_silent_even_if_the_down_lies_in_the_inbox) {
  auto other = spawn<Relative>(log_, "other");
  auto watcher = spawn<Relative>(log_, "watcher");
  watcher.ask(Watch{other});
  watcher.ask(Do{[&](Relative& me) {
    other.kill(); // the Down is in the inbox behind this message
    me.monitors.clear();
  }});
  settle();
  EXPECT_EQ(log_, Log{});
  watcher.kill();
}

// actors 63
TEST_F(MonitorTest, one_that_is_dropped_before_the_end_is_silent) {
  auto other = spawn<Relative>(log_, "other");
  auto watcher = spawn<Relative>(log_, "watcher");
  watcher.ask(Watch{other});
  watcher.ask(Do{[](Relative& me) { me.monitors.clear(); }});
  other.kill();
  settle();
  EXPECT_EQ(log_, Log{});
  watcher.kill();
}

TEST_F(MonitorTest, a_detached_one_needs_no_handle) {
  auto other = spawn<Relative>(log_, "other");
  auto watcher = spawn<Relative>(log_, "watcher");
  watcher.ask(Watch{other});
  watcher.ask(Do{[](Relative& me) {
    me.monitors.back().detach();
    me.monitors.clear();
  }});
  other.kill();
  settle();
  EXPECT_EQ(log_, Log{"watcher: down: killed"});
  watcher.kill();
}

TEST_F(MonitorTest, a_handle_may_be_moved_and_outlive_its_actor) {
  auto other = spawn<Relative>(log_, "other");
  Monitor kept;
  {
    auto watcher = spawn<Relative>(log_, "watcher");
    watcher.ask(Watch{other});
    watcher.ask(Do{[&](Relative& me) {
      kept = std::move(me.monitors.back());
      me.monitors.clear();
    }});
    watcher.kill();
  }
  kept.cancel();
  kept.cancel();
  other.kill();
  EXPECT_EQ(log_, Log{});
}

// actors 1, 4, 5
TEST_F(MonitorTest, the_down_comes_behind_what_the_actor_sent) {
  auto watcher = spawn<Relative>(log_, "watcher");
  auto other = spawn<Relative>(log_, "other");
  watcher.ask(Watch{other});
  other.tell(Do{[&](Relative&) {
    watcher.tell(Say{"last words"});
    throw std::runtime_error("oops");
  }});
  settle();
  EXPECT_EQ(log_, (Log{"watcher: last words", "watcher: down: std::runtime_error: oops"}));
  watcher.kill();
}

// actors 10
TEST_F(MonitorTest, an_urgent_one_overtakes_what_the_actor_had_sent) {
  auto watcher = spawn<Relative>(log_, "watcher");
  auto other = spawn<Relative>(log_, "other");
  watcher.ask(Do{[&](Relative& me) {
    me.monitors.push_back(me.monitor(other));
    me.monitors.push_back(me.monitor(other, urgent));
    other.tell(Do{[&](Relative& it) {
      watcher.tell(Say{"sent before"});
      it.stop();
    }});
    settle(); // all of it lies in the inbox
  }});
  settle();
  EXPECT_EQ(log_,
            (Log{"watcher: down: stopped", "watcher: sent before", "watcher: down: stopped"}));
  watcher.ask(Do{[&](Relative& me) { me.monitors.push_back(me.monitor(other, urgent)); }});
  settle();
  EXPECT_EQ(log_.back(), "watcher: down: gone before anybody looked");
  watcher.kill();
}

TEST_F(MonitorTest, an_urgent_one_is_exempt_from_the_bound_of_the_inbox) {
  for (const Overflow policy : {Overflow::drop_new, Overflow::drop_old}) {
    log_.clear();
    auto watcher =
        spawn<Relative>(ActorOptions{.inbox = {.capacity = 1, .policy = policy}}, log_, "watcher");
    auto other = spawn<Relative>(log_, "other");
    watcher.ask(Do{[&](Relative& me) {
      me.monitors.push_back(me.monitor(other, urgent));
      watcher.tell(Say{"before"});
      other.kill();
      watcher.tell(Say{"after"});
      watcher.tell(Say{"last"});
    }});
    settle();
    EXPECT_EQ(log_, (Log{"watcher: down: killed",
                         policy == Overflow::drop_new ? "watcher: before" : "watcher: last"}));
    watcher.kill();
  }
}

TEST_F(MonitorTest, an_urgent_one_works_across_hubs_and_can_be_cancelled) {
  HubThread elsewhere;
  Log far_log;
  auto far = elsewhere.call([&] { return spawn<Relative>(far_log, "far"); });
  auto watcher = spawn<Relative>(log_, "watcher");
  watcher.ask(Do{[&](Relative& me) {
    me.monitors.push_back(me.monitor(far, urgent));
    me.monitors.push_back(me.monitor(far, urgent));
    me.monitors.pop_back();
  }});
  auto down = when_down(far);
  far.kill();
  down.get(); // and so the other one, which was sent before, has come
  settle();
  EXPECT_EQ(log_, Log{"watcher: down: killed"});
  watcher.kill();
}

TEST_F(MonitorTest, an_error_that_leaves_on_down_ends_the_watcher) {
  auto other = spawn<Relative>(log_, "other");
  auto watcher = spawn<Relative>(log_, "watcher");
  watcher.ask(Do{[](Relative& me) { me.fails_on_down = true; }});
  watcher.ask(Watch{other});
  other.kill();
  EXPECT_TRUE(watcher.join());
  EXPECT_EQ(errors_.size(), 1U);
}

// actors 75
TEST_F(MonitorTest, spawn_monitor_leaves_no_gap) {
  auto watcher = spawn<Relative>(log_, "watcher");
  watcher.ask(Do{[&](Relative& me) {
    auto [child, monitor] = me.spawn_monitor<Relative>(log_, "child", Dies::after_start);
    me.monitors.push_back(std::move(monitor));
    EXPECT_TRUE(child.join());
  }});
  settle();
  EXPECT_EQ(log_, Log{"watcher: down: stopped"});
  watcher.kill();
}

TEST_F(MonitorTest, a_start_that_fails_is_thrown_and_gives_no_down) {
  auto watcher = spawn<Relative>(log_, "watcher");
  watcher.ask(Do{[&](Relative& me) {
    EXPECT_THROW(me.spawn_monitor<Relative>(log_, "child", Dies::in_start), std::runtime_error);
    EXPECT_THROW(me.spawn_monitor<Relative>(log_, "child", Dies::in_constructor),
                 std::runtime_error);
  }});
  settle();
  EXPECT_EQ(log_, Log{});
  EXPECT_EQ(errors_.size(), 0U);
  watcher.kill();
}

// actors 60, 76
TEST_F(MonitorTest, a_greenlet_waits_for_the_end) {
  auto other = spawn<Relative>(log_, "other");
  auto down = when_down(other);
  EXPECT_FALSE(down.wait(1ms));
  other.tell(Fail{"oops"});
  const Down heard = down.get();
  EXPECT_EQ(heard.actor, ActorRef<Actor>(other));
  EXPECT_EQ(heard.reason.what(), "std::runtime_error: oops");
  EXPECT_NE(heard.name.find("Relative"), std::string::npos) << heard.name;
  EXPECT_TRUE(other.join(0ms)) << "it is gone by then";
  EXPECT_EQ(when_down(other).get().reason.kind, ExitReason::Kind::gone);
  EXPECT_EQ(when_down(ActorRef<Actor>()).get().reason.kind, ExitReason::Kind::gone);
}

TEST_F(MonitorTest, works_across_hubs) {
  HubThread elsewhere;
  auto far = elsewhere.call([&] { return spawn<Relative>(log_, "far"); });
  auto watcher = spawn<Relative>(log_, "watcher");
  watcher.ask(Watch{far});
  auto down = when_down(far);
  far.tell(Fail{"oops"});
  EXPECT_EQ(down.get().reason.what(), "std::runtime_error: oops");
  EXPECT_EQ(when_down(far).get().reason.kind, ExitReason::Kind::gone);
  watcher.ask(Say{"heard so far"});
  watcher.ask(Watch{far});
  (void)when_down(far).get(); // the answers of one hub come in their order
  watcher.ask(Say{"end"});
  EXPECT_EQ(log_, (Log{"watcher: down: std::runtime_error: oops", "watcher: heard so far",
                       "watcher: down: gone before anybody looked", "watcher: end"}));
  watcher.kill();
}

TEST_F(MonitorTest, one_that_is_cancelled_across_hubs_is_silent) {
  HubThread elsewhere;
  auto far = elsewhere.call([&] { return spawn<Relative>(log_, "far"); });
  auto watcher = spawn<Relative>(log_, "watcher");
  watcher.ask(Watch{far});
  watcher.ask(Do{[](Relative& me) { me.monitors.clear(); }});
  far.kill();
  (void)when_down(far).get();
  watcher.ask(Say{"end"});
  EXPECT_EQ(log_, Log{"watcher: end"});
  watcher.kill();
}

} // namespace
} // namespace grove::test
