// SPDX-License-Identifier: MIT
// Children end before their parent; the ways to stop.
#include <stdexcept>
#include <string>

#include <grove/actors.hpp>
#include <grove/hub/simulation.hpp>

#include "../support/hub_test.hpp"
#include "relatives.hpp"

namespace grove::test {
namespace {

class ChildrenTest : public HubTest {
protected:
  // A parent with so many children, which all tell of their ends.
  ActorRef<Relative> family(int children) {
    auto parent = spawn<Relative>(log_, "parent");
    parent.ask(Do{[this, children](Relative& me) {
      me.tells_stop = true;
      for (int i = 0; i < children; ++i) {
        auto child = me.spawn_child<Relative>(log_, "child " + std::to_string(i));
        child.ask(Do{[](Relative& it) { it.tells_stop = true; }});
        children_.push_back(child);
      }
    }});
    return parent;
  }

  ErrorLog errors_;
  Log log_;
  std::vector<ActorRef<Relative>> children_;
};

// actors 172
TEST_F(ChildrenTest, end_in_reverse_order_before_their_parent_stops) {
  auto parent = family(3);
  parent.stop();
  EXPECT_TRUE(parent.join());
  EXPECT_EQ(log_, (Log{"child 2: on_stop: shut down", "child 1: on_stop: shut down",
                       "child 0: on_stop: shut down", "parent: on_stop: stopped"}));
}

TEST_F(ChildrenTest, end_with_a_parent_that_fails_or_is_killed) {
  auto parent = family(1);
  parent.tell(Fail{"oops"});
  EXPECT_TRUE(parent.join());
  EXPECT_TRUE(children_.back().join(0ms));
  auto killed = family(1);
  killed.kill();
  EXPECT_TRUE(children_.back().join(0ms));
  EXPECT_EQ(log_, (Log{"child 0: on_stop: shut down", "parent: on_stop: std::runtime_error: oops",
                       "child 0: on_stop: shut down"}));
}

TEST_F(ChildrenTest, a_child_that_ends_is_forgotten_and_hurts_nobody) {
  auto parent = family(3);
  children_[1].tell(Fail{"oops"});
  EXPECT_TRUE(children_[1].join());
  parent.ask(Say{"still here"});
  parent.stop();
  EXPECT_TRUE(parent.join());
  EXPECT_EQ(log_, (Log{"child 1: on_stop: std::runtime_error: oops", "parent: still here",
                       "child 2: on_stop: shut down", "child 0: on_stop: shut down",
                       "parent: on_stop: stopped"}));
}

TEST_F(ChildrenTest, grandchildren_go_first) {
  auto parent = family(1);
  children_[0].ask(Do{[this](Relative& me) {
    me.spawn_child<Relative>(log_, "grandchild").ask(Do{[](Relative& it) {
      it.tells_stop = true;
    }});
  }});
  parent.stop();
  EXPECT_TRUE(parent.join());
  EXPECT_EQ(log_, (Log{"grandchild: on_stop: shut down", "child 0: on_stop: shut down",
                       "parent: on_stop: stopped"}));
}

TEST_F(ChildrenTest, one_that_takes_too_long_is_killed) {
  const Simulation simulation(Simulation::Options{.shuffle = false});
  const auto began = now();
  auto parent = family(2);
  children_[0].tell(Do{[this](Relative&) {
    const AtExit unwound([this] { log_.push_back("unwound"); });
    sleep(3600s);
  }});
  settle();
  parent.stop();
  EXPECT_TRUE(parent.join());
  EXPECT_EQ(log_, (Log{"child 1: on_stop: shut down", "unwound", "parent: on_stop: stopped"}))
      << "a killed child has no on_stop";
  EXPECT_GE(now() - began, 5s);
  EXPECT_LT(now() - began, 3600s);
}

TEST_F(ChildrenTest, a_child_that_waits_for_its_parent_is_answered) {
  auto parent = family(1);
  children_[0].tell(Do{[&](Relative&) {
    try {
      parent.ask(Say{"never"});
    } catch (const ActorDown&) {
      log_.push_back("told");
      throw;
    }
  }});
  parent.tell(Do{[](Relative& me) {
    settle(); // the child's question lies in the inbox
    me.stop();
  }});
  EXPECT_TRUE(parent.join());
  EXPECT_EQ(log_.front(), "told");
}

TEST_F(ChildrenTest, a_child_that_asks_the_parent_which_waits_for_its_end_is_told_of_the_cycle) {
  Simulation simulation({.seed = 1, .shuffle = false}); // else it would be killed after 5 s
  auto parent = family(1);
  Event begun;
  children_[0].tell(Do{[&](Relative&) {
    begun.set();
    settle(); // the parent has begun to end
    try {
      parent.ask(Say{"never"});
    } catch (const AskCycle& cycle) {
      log_.push_back(cycle.what());
    }
  }});
  begun.wait();
  parent.stop();
  EXPECT_TRUE(parent.join());
  EXPECT_EQ(log_, (Log{"ask: Relative.receive(Do) → Relative → Relative",
                       "child 0: on_stop: shut down", "parent: on_stop: stopped"}));
}

TEST_F(ChildrenTest,
       a_child_that_asks_while_its_parent_waits_for_another_is_told_of_the_cycle_too) {
  Simulation simulation({.seed = 1, .shuffle = false});
  const auto began = now();
  auto parent = family(2);
  children_[0].tell(Do{[&](Relative&) {
    sleep(100ms); // the parent waits for child 1
    try {
      parent.ask(Say{"never"});
    } catch (const AskCycle& cycle) {
      log_.push_back(cycle.what());
    }
  }});
  children_[1].tell(Do{[](Relative&) { sleep(1s); }});
  settle();
  parent.stop();
  EXPECT_TRUE(parent.join());
  EXPECT_EQ(log_,
            (Log{"child 1: on_stop: shut down", "ask: Relative.receive(Do) → Relative → Relative",
                 "child 0: on_stop: shut down", "parent: on_stop: stopped"}));
  EXPECT_LT(now() - began, 5s) << "nobody's time was up";
}

TEST_F(ChildrenTest, a_child_that_waits_for_its_parent_through_another_is_let_go) {
  Simulation simulation({.seed = 1, .shuffle = false});
  const auto began = now();
  auto parent = family(2);
  auto between = spawn<Relative>(log_, "between");
  children_[0].tell(Do{[&](Relative&) {
    sleep(100ms);
    between.ask(Do{[&](Relative&) {
      try {
        parent.ask(Say{"never"});
      } catch (const AskCycle& cycle) {
        log_.push_back(cycle.what());
      }
    }});
    log_.push_back("answered");
  }});
  children_[1].tell(Do{[](Relative&) { sleep(1s); }});
  settle();
  parent.stop();
  EXPECT_TRUE(parent.join());
  EXPECT_EQ(log_, (Log{"child 1: on_stop: shut down",
                       "ask: Relative.receive(Do) → Relative → Relative.receive(Do) → Relative",
                       "answered", "child 0: on_stop: shut down", "parent: on_stop: stopped"}));
  EXPECT_LT(now() - began, 5s);
  between.kill();
}

TEST_F(ChildrenTest, a_start_that_fails_leaves_no_child) {
  auto parent = family(0);
  parent.ask(Do{[this](Relative& me) {
    EXPECT_THROW(me.spawn_child<Relative>(log_, "child", Dies::in_start), std::runtime_error);
    EXPECT_THROW(me.spawn_child<Relative>(log_, "child", Dies::in_constructor), std::runtime_error);
  }});
  parent.stop();
  EXPECT_TRUE(parent.join());
  EXPECT_EQ(log_, Log{"parent: on_stop: stopped"});
}

TEST_F(ChildrenTest, what_a_parent_spawns_in_on_stop_ends_with_it) {
  struct Late : Actor {
    explicit Late(Log& l) : log(l) {}
    void on_stop(const ExitReason&) override { child = spawn_child<Relative>(log, "late"); }
    Log& log;
    ActorRef<Relative> child;
  };
  auto parent = spawn<Late>(log_);
  parent.stop();
  EXPECT_TRUE(parent.join());
}

// -- how to stop ---------------------------------------------------------------------------------

TEST_F(ChildrenTest, stop_drained_handles_what_was_sent_before) {
  auto one = family(0);
  for (const char* word : {"one", "two"})
    one.tell(Say{word});
  one.stop();
  one.tell(Say{"too late"});
  EXPECT_TRUE(one.join());
  EXPECT_EQ(log_, (Log{"parent: one", "parent: two", "parent: on_stop: stopped"}));
}

TEST_F(ChildrenTest, stop_after_current_drops_the_rest) {
  auto one = family(0);
  Event go;
  one.tell(Do{[&](Relative&) {
    go.wait();
    log_.push_back("done");
  }});
  one.tell(Say{"dropped"});
  settle();
  one.stop(Stop::after_current);
  go.set();
  EXPECT_TRUE(one.join());
  EXPECT_EQ(log_, (Log{"done", "parent: on_stop: stopped"}));
  auto idle = family(0);
  idle.stop(Stop::after_current);
  EXPECT_TRUE(idle.join());
}

TEST_F(ChildrenTest, stop_now_unwinds_the_handler_and_still_runs_on_stop) {
  auto one = family(0);
  one.tell(Do{[this](Relative&) {
    const AtExit unwound([this] { log_.push_back("unwound"); });
    sleep(3600s);
  }});
  settle();
  one.stop(Stop::now);
  EXPECT_TRUE(one.join());
  EXPECT_EQ(log_, (Log{"unwound", "parent: on_stop: stopped"}));
}

TEST_F(ChildrenTest, every_way_works_from_another_hub) {
  HubThread elsewhere;
  for (const Stop how : {Stop::drained, Stop::after_current, Stop::now}) {
    Log far_log; // its hub's, until it has ended
    auto far = elsewhere.call([&] { return spawn<Relative>(far_log, "far"); });
    auto down = when_down(far);
    far.stop(how);
    EXPECT_EQ(down.get().reason.kind, ExitReason::Kind::stopped);
    far.stop(how); // it has ended: nothing
  }
  ActorRef<Relative>().stop(Stop::now);
}

} // namespace
} // namespace grove::test
