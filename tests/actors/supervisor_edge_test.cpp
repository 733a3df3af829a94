// SPDX-License-Identifier: MIT
// Supervisors and ends where several things happen at once.
#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include <grove/actors.hpp>
#include <grove/hub/simulation.hpp>

#include "../support/hub_test.hpp"
#include "worker.hpp"

namespace grove::test {
namespace {

class SupervisorEdgeTest : public SupervisedTest {
protected:
  const Simulation simulation_{Simulation::Options{.shuffle = false}};
};

TEST_F(SupervisorEdgeTest, a_report_of_one_that_was_replaced_concerns_nobody) {
  auto root = supervise({.intensity = 1, .period = 3600s}, {{"a"}});
  // In the inbox of the supervisor, in this order: terminate, revive, the report of the end.
  auto terminated = spawn([&] { return root.ask(Supervisor::Terminate{"a"}); });
  auto revived = spawn([&] { return root.ask(Supervisor::Revive{"a"}).actor; });
  child("a").tell(Fail{"oops"});
  EXPECT_TRUE(terminated.get());
  EXPECT_NE(revived.get(), ActorRef<Actor>());
  settle(20);
  EXPECT_EQ(info(root, "a").state, ChildInfo::State::running);
  EXPECT_EQ(child("a").ask(Ask{1}), 1);
  root.kill();
}

TEST_F(SupervisorEdgeTest, reports_to_a_supervisor_do_not_outlive_its_restart) {
  struct Top : Supervisor {
    explicit Top(World* w) : Supervisor(SupervisorOptions{.intensity = 5}), world(w) {}
    void on_start() override {
      add<Root>({.id = "middle"}, SupervisorOptions{.intensity = 0},
                std::vector<ChildSpec>{{"a"}, {"b"}}, world);
    }
    World* world;
  };
  auto top = spawn<Top>(&world_);
  const auto middle = top.ask(Supervisor::Children{}).front().actor.joinable();
  root_ = ActorRef<Root>(middle.identity, middle.generation);
  child("a").tell(Fail{"oops"}); // two reports: the first one ends the middle
  child("b").tell(Fail{"oops"});
  settle(40);
  EXPECT_EQ(top.ask(Supervisor::Children{}).front().restarts, 1U);
  EXPECT_EQ(child("b").ask(Ask{1}), 1);
  top.kill();
}

// actors 92
TEST_F(SupervisorEdgeTest, an_on_stop_that_takes_too_long_is_ended) {
  auto root = supervise({}, {{.id = "a", .shutdown = 100ms}});
  child("a").ask(SleepAtEnd{3600s});
  const auto began = now();
  EXPECT_TRUE(root.ask(Supervisor::Terminate{"a"}));
  EXPECT_EQ(now() - began, 100ms);
  EXPECT_EQ(info(root, "a").state, ChildInfo::State::ended);
  root.ask(Supervisor::Revive{"a"});
  child("a").ask(SleepAtEnd{3600s});
  root.stop();
  EXPECT_TRUE(root.join());
  EXPECT_EQ(now() - began, 200ms);
}

TEST_F(SupervisorEdgeTest, siblings_of_one_that_does_not_start_come_back_when_it_is_terminated) {
  auto root = supervise({.strategy = Strategy::one_for_all, .intensity = 5}, {{"a"}, {"b"}});
  const auto a = child("a");
  const auto b = child("b");
  fails_to_start_["a"] = 1;
  auto terminated = spawn([&] { // ahead of the report that a does not start
    a.tell(Fail{"oops"});
    yield();
    return root.ask(Supervisor::Terminate{"a"});
  });
  EXPECT_TRUE(terminated.get());
  EXPECT_EQ(b.ask(Ask{1}, 1s), 1);
  root.kill();
}

TEST_F(SupervisorEdgeTest, each_pause_is_waited_for_and_no_longer) {
  auto root =
      supervise({.intensity = 100, .backoff = {.first = 1s, .longest = 64s}}, {{"a"}, {"b"}});
  for (int i = 0; i < 6; ++i) { // b has a long pause by now
    child("b").tell(Fail{"oops"});
    (void)child("b").ask(Ask{1});
  }
  child("a").tell(Fail{"oops"});
  child("b").tell(Fail{"oops"});
  settle();
  const auto began = now();
  (void)child("a").ask(Ask{1});
  EXPECT_EQ(now() - began, 1s);
  (void)child("b").ask(Ask{1});
  EXPECT_EQ(now() - began, 64s);
  root.kill();
}

TEST_F(SupervisorEdgeTest, a_child_has_the_inbox_of_its_spec_also_after_a_restart) {
  auto root = supervise({.intensity = 5},
                        {{.id = "a", .inbox = {.capacity = 2, .policy = Overflow::reject}}});
  const auto a = child("a");
  for (int run = 0; run < 2; ++run) {
    a.tell(Note{"one"});
    a.tell(Note{"two"});
    EXPECT_THROW(a.tell(Note{"three"}), InboxFull);
    EXPECT_EQ(a.try_ask(Ask{1}).error(), AskError::full);
    settle();
    fail("a");
  }
  EXPECT_EQ(info(root, "a").restarts, 2);
  root.kill();
}

// actors 104
TEST_F(SupervisorEdgeTest, a_long_backoff_does_not_overflow) {
  auto root = supervise({.intensity = 1000, .backoff = {.first = 60s, .longest = 3600s}}, {{"a"}});
  for (int i = 0; i < 70; ++i) {
    const auto began = now();
    child("a").tell(Fail{"oops"});
    (void)child("a").ask(Ask{1});
    EXPECT_EQ(now() - began, i < 6 ? std::chrono::seconds(60 << i) : 3600s);
  }
  root.kill();
  auto other = supervise({.backoff = {.first = 1s, .longest = unlimited, .jitter = 1}}, {{"a"}});
  const auto began = now();
  child("a").tell(Fail{"oops"});
  (void)child("a").ask(Ask{1});
  EXPECT_LE(now() - began, 2s);
  other.kill();
}

TEST_F(SupervisorEdgeTest, greenlets_that_end_with_a_child_do_not_outlive_its_object) {
  struct Beating : Worker {
    Beating(World* world, int* b) : Worker(world, "beating"), beats(b) {}
    void on_start() override {
      spawn({.inherit = true}, [this] {
        for (;; ++*beats)
          sleep(1s);
      });
    }
    int* beats;
  };
  int beats = 0;
  auto root = supervise({.intensity = 5}, {});
  auto child = add_child<Beating>(root, {}, &world_, &beats);
  for (int i = 0; i < 3; ++i) {
    child.tell(Fail{"oops"});
    settle(20);
  }
  const int before = beats;
  sleep(10s);
  EXPECT_NEAR(beats - before, 10, 1) << "of one object only";
  root.kill();
}

TEST_F(SupervisorEdgeTest,
       what_is_told_to_one_that_is_to_be_started_again_has_no_effect_on_the_next) {
  const auto root = supervise({.intensity = 5, .backoff = {.first = 1s, .longest = 1s}},
                              {{.id = "a", .restart = Restart::transient}});
  const auto a = child("a");
  fail("a");
  a.stop(Stop::now);
  a.stop(Stop::after_current);
  EXPECT_EQ(a.ask(Ask{1}), 1);
  log_.clear();
  EXPECT_TRUE(a.kill());
  EXPECT_EQ(log_, Log{}) << "no on_stop of one that is killed";
  EXPECT_EQ(a.ask(Ask{2}), 2) << "a kill is no normal end";
  root.kill();
}

TEST_F(SupervisorEdgeTest, an_add_that_runs_out_of_time_leaves_no_child) {
  struct Slow : Actor {
    void on_start() override { sleep(10s); }
  };
  struct Adder : Supervisor {
    void on_start() override {
      EXPECT_EQ(with_timeout(1s, [this] { add<Slow>({.id = "slow"}); }), false);
      sleep(20s);
      add<Slow>({.id = "slow"});
    }
  };
  auto root = spawn<Adder>();
  EXPECT_EQ(root.ask(Supervisor::Children{}).size(), 1U);
  root.kill();
}

TEST_F(SupervisorEdgeTest, one_that_does_not_start_holds_up_nobody_else) {
  auto root =
      supervise({.intensity = 1000, .backoff = {.first = 1s, .longest = 1s}}, {{"a"}, {"b"}});
  fails_to_start_["a"] = 30;
  child("a").tell(Fail{"oops"});
  child("b").tell(Fail{"oops"});
  settle();
  const auto began = now();
  (void)child("b").ask(Ask{1});
  EXPECT_EQ(now() - began, 1s);
  root.kill();
}

TEST_F(SupervisorEdgeTest, a_revived_child_ends_in_its_old_place) {
  auto root = supervise({}, {{"a"}, {"b"}, {"c"}});
  root.ask(Supervisor::Terminate{"b"});
  root.ask(Supervisor::Revive{"b"});
  log_.clear();
  root.stop();
  EXPECT_TRUE(root.join());
  EXPECT_EQ(log_, (Log{"c ends: shut down", "b ends: shut down", "a ends: shut down"}));
}

TEST_F(SupervisorEdgeTest, the_child_that_was_too_much_is_told_with_its_own_reason) {
  supervise({.intensity = 0}, {{"a"}, {"b"}});
  auto a = when_down(child("a"));
  auto b = when_down(child("b"));
  child("a").tell(Fail{"oops"});
  EXPECT_EQ(a.get().reason.what(), "std::runtime_error: oops");
  EXPECT_EQ(b.get().reason.kind, ExitReason::Kind::shutdown);
}

TEST_F(SupervisorEdgeTest, a_start_that_fails_is_told_to_others_with_its_reason) {
  struct Friend : Actor {
    explicit Friend(ActorRef<Relative> r) : relative(r) {}
    void on_start() override {
      link(relative);
      throw std::runtime_error("no start");
    }
    ActorRef<Relative> relative;
  };
  auto keeper = spawn<Relative>(log_, "keeper");
  keeper.ask(Do{[](Relative& me) { me.trap_exits(); }});
  EXPECT_THROW(spawn<Friend>(keeper), std::runtime_error);
  settle();
  EXPECT_EQ(log_, Log{"keeper: exit: std::runtime_error: no start"});
  keeper.kill();
}

TEST_F(SupervisorEdgeTest, a_handler_that_declines_a_stop_ends_after_it) {
  auto one = spawn<Relative>(log_, "one");
  one.ask(Do{[](Relative& me) { me.tells_stop = true; }});
  one.tell(Do{[](Relative&) {
    try {
      sleep(3600s);
    } catch (const GreenletExit&) { // declined
    }
  }});
  settle();
  one.stop(Stop::now);
  EXPECT_TRUE(one.join());
  EXPECT_EQ(log_, Log{"one: on_stop: stopped"});
}

// actors 99
TEST_F(SupervisorEdgeTest, a_constructor_that_fails_leaves_no_name) {
  struct Vain : Actor {
    Vain() {
      register_actor("vain", self(*this));
      throw std::runtime_error("no");
    }
  };
  EXPECT_THROW(spawn<Vain>(), std::runtime_error);
  EXPECT_EQ(find_actor<Actor>("vain"), std::nullopt);
}

TEST_F(SupervisorEdgeTest,
       a_child_that_asks_its_supervisor_which_restarts_it_is_told_of_the_cycle) {
  supervise({.strategy = Strategy::one_for_all, .intensity = 1}, {{.id = "fails"}});
  const auto asks = add_child<Relative>(root_, {.id = "asks"}, std::ref(log_), "asks");
  const auto slow = add_child<Relative>(root_, {.id = "slow"}, std::ref(log_), "slow");
  const auto began = now();
  slow.tell(Do{[](Relative&) { sleep(1s); }});
  asks.tell(Do{[&](Relative&) {
    sleep(100ms); // its supervisor waits for the slow one, then for this one
    EXPECT_THROW(root_.ask(Supervisor::Children{}), AskCycle);
    log_.push_back("asks is told");
  }});
  settle();
  child("fails").tell(Fail{"oops"});
  sleep(2s);
  EXPECT_EQ(log_, (Log{"fails starts", "fails ends: std::runtime_error: oops", "asks is told",
                       "fails starts"}));
  EXPECT_EQ(info(root_, "asks").restarts, 1u);
  EXPECT_LT(now() - began, 5s);
  root_.stop();
  root_.join();
}

TEST_F(SupervisorEdgeTest, killing_oneself_in_on_stop_is_refused) {
  struct Rash : Actor {
    explicit Rash(std::string* e) : error(e) {}
    void on_stop(const ExitReason&) override {
      try {
        self(*this).kill();
      } catch (const std::logic_error& e) {
        *error = e.what();
      }
    }
    std::string* error;
  };
  std::string error;
  auto root = supervise({}, {});
  add_child<Rash>(root, {.id = "rash"}, &error);
  root.stop();
  EXPECT_TRUE(root.join());
  EXPECT_NE(error.find("waits for its own end"), std::string::npos) << error;
}

} // namespace

// Outside of a Simulation: hubs that have gone.
TEST_F(SupervisedTest, an_actor_of_a_hub_that_has_shut_down_is_gone) {
  Log far_log;
  ActorRef<Relative> far;
  {
    HubThread elsewhere;
    far = elsewhere.call([&] { return spawn<Relative>(far_log, "far"); });
  }
  EXPECT_EQ(when_down(far).get().reason.kind, ExitReason::Kind::gone);
  EXPECT_THROW(register_actor("far", far), ActorDown);
  auto keeper = spawn<Relative>(log_, "keeper");
  keeper.ask(Do{[](Relative& me) { me.trap_exits(); }});
  keeper.ask(Watch{far});
  keeper.ask(Link{far});
  settle();
  EXPECT_EQ(log_, (Log{"keeper: down: gone before anybody looked",
                       "keeper: exit: gone before anybody looked"}));
  keeper.kill();
}

} // namespace grove::test
