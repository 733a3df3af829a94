// SPDX-License-Identifier: MIT
// How often a supervisor starts a child again, after which pause, and when it gives up; its
// children at run time.
#include <chrono>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <grove/actors.hpp>
#include <grove/hub/simulation.hpp>

#include "../support/hub_test.hpp"
#include "worker.hpp"

namespace grove::test {
namespace {

class RestartTest : public SupervisedTest {
protected:
  // Time passes as nobody can run.
  const Simulation simulation_{Simulation::Options{.shuffle = false}};
};

// actors 89
TEST_F(RestartTest, more_than_its_intensity_within_the_period_ends_the_supervisor) {
  auto root = supervise({.intensity = 2, .period = 10s}, {{"a"}, {"b"}});
  auto down = when_down(root);
  fail("a");
  fail("b");
  child("a").tell(Fail{"oops"});
  const ExitReason reason = down.get().reason;
  EXPECT_EQ(reason.kind, ExitReason::Kind::failed);
  EXPECT_THROW(std::rethrow_exception(reason.error), TooManyRestarts);
  EXPECT_NE(reason.what().find("more than 2 restarts within 10000 ms; the last was of 'a': "
                               "std::runtime_error: oops"),
            std::string::npos)
      << reason.what();
  EXPECT_EQ(log_.back(), "b ends: shut down");
}

// actors 89, 101
TEST_F(RestartTest, the_period_slides) {
  auto root = supervise({.intensity = 2, .period = 10s}, {{"a"}});
  for (int i = 0; i < 20; ++i) {
    fail("a");
    sleep(5s);
  }
  EXPECT_EQ(info(root, "a").restarts, 20U);
  fail("a");
  child("a").tell(Fail{"oops"}); // the third within ten seconds
  EXPECT_TRUE(root.join());
}

// actors 90
TEST_F(RestartTest, a_restart_that_fails_is_tried_again_and_others_are_served_in_between) {
  auto root = supervise({.intensity = 5}, {{"a"}, {"b"}});
  log_.clear();
  fails_to_start_["a"] = 3;
  child("a").tell(Fail{"oops"});
  yield();
  EXPECT_EQ(root.ask(Supervisor::Children{}).size(), 2U);
  settle(20);
  EXPECT_EQ(log_, (Log{"a ends: std::runtime_error: oops", "a fails to start", "a fails to start",
                       "a fails to start", "a starts"}));
  EXPECT_EQ(info(root, "a").state, ChildInfo::State::running);
  root.kill();
}

// actors 90
TEST_F(RestartTest, restarts_that_fail_count) {
  auto root = supervise({.intensity = 5}, {{"a"}});
  fails_to_start_["a"] = 1000;
  auto down = when_down(root);
  child("a").tell(Fail{"oops"});
  EXPECT_THROW(std::rethrow_exception(down.get().reason.error), TooManyRestarts);
  EXPECT_EQ(fails_to_start_["a"], 1000 - 5);
}

// actors 85, 90
TEST_F(RestartTest, one_for_all_begins_again_with_all_when_one_does_not_start) {
  auto root = supervise({.strategy = Strategy::one_for_all, .intensity = 5}, {{"a"}, {"b"}, {"c"}});
  log_.clear();
  fails_to_start_["b"] = 1;
  child("c").tell(Fail{"oops"});
  settle(30);
  EXPECT_EQ(log_, (Log{"c ends: std::runtime_error: oops", "b ends: shut down", "a ends: shut down",
                       "a starts", "b fails to start", "a ends: shut down", "a starts", "b starts",
                       "c starts"}));
  root.kill();
}

// actors 91
TEST_F(RestartTest, a_supervisor_that_gave_up_is_started_again_by_its_own) {
  struct Top : Supervisor {
    explicit Top(World* w)
        : Supervisor(SupervisorOptions{.intensity = 1, .period = 3600s}), world(w) {}
    void on_start() override {
      add<Root>({.id = "middle"}, SupervisorOptions{.intensity = 1, .period = 3600s},
                std::vector<ChildSpec>{{"leaf"}}, world);
    }
    World* world;
  };
  auto top = spawn<Top>(&world_);
  const auto middle_ref = top.ask(Supervisor::Children{}).front().actor.joinable();
  root_ = ActorRef<Root>(middle_ref.identity, middle_ref.generation);
  for (int i = 0; i < 3; ++i)
    fail("leaf");
  EXPECT_EQ(info(root_, "leaf").restarts, 1U) << "of the second middle";
  EXPECT_EQ(top.ask(Supervisor::Children{}).front().restarts, 1U);
  child("leaf").tell(Fail{"oops"}); // 2 x 2 are allowed, and this is one more
  EXPECT_TRUE(top.join());
}

// -- pauses --------------------------------------------------------------------------------------

// actors 104
TEST_F(RestartTest, the_pause_doubles_up_to_the_longest) {
  auto root = supervise({.intensity = 100, .backoff = {.first = 1s, .longest = 5s}}, {{"a"}});
  for (const auto pause : {1s, 2s, 4s, 5s, 5s}) {
    const auto a = child("a");
    const auto began = now();
    a.tell(Fail{"oops"});
    (void)a.ask(Ask{1}); // kept until it runs again
    EXPECT_EQ(now() - began, pause);
  }
  sleep(3s); // half of first + longest: peace
  const auto began = now();
  child("a").tell(Fail{"oops"});
  (void)child("a").ask(Ask{1});
  EXPECT_EQ(now() - began, 1s);
  root.kill();
}

// actors 104
TEST_F(RestartTest, a_jitter_lengthens_the_pause_within_its_bounds) {
  auto root = supervise({.intensity = 100, .backoff = {.first = 1s, .longest = 1s, .jitter = 0.5}},
                        {{"a"}});
  std::set<std::chrono::nanoseconds> pauses;
  for (int i = 0; i < 20; ++i) {
    const auto a = child("a");
    const auto began = now();
    a.tell(Fail{"oops"});
    (void)a.ask(Ask{1});
    const auto pause = now() - began;
    EXPECT_GE(pause, 1s);
    EXPECT_LT(pause, 1500ms);
    pauses.insert(pause);
  }
  EXPECT_GT(pauses.size(), 10U);
  root.kill();
}

TEST_F(RestartTest, during_a_pause_the_supervisor_answers_and_the_child_is_shown) {
  auto root = supervise({.backoff = {.first = 1s, .longest = 1s}}, {{"a"}, {"b"}});
  fail("a");
  EXPECT_EQ(info(root, "a").state, ChildInfo::State::restarting);
  EXPECT_EQ(info(root, "b").state, ChildInfo::State::running);
  EXPECT_TRUE(child("a").kill()) << "nothing runs";
  sleep(1s);
  settle();
  EXPECT_EQ(info(root, "a").state, ChildInfo::State::running);
  root.kill();
}

TEST_F(RestartTest, a_supervisor_that_ends_during_a_pause_ends_that_child) {
  auto root = supervise({.backoff = {.first = 1s, .longest = 1s}}, {{"a"}});
  const auto a = child("a");
  auto down = when_down(a);
  fail("a");
  auto asker = spawn([&] { return a.ask(Ask{1}); });
  yield();
  root.stop();
  EXPECT_TRUE(root.join());
  EXPECT_EQ(down.get().reason.what(), "std::runtime_error: oops");
  EXPECT_THROW(asker.get(), ActorDown);
}

// actors 86
TEST_F(RestartTest, with_a_pause_those_that_came_after_wait_for_it_too) {
  auto root =
      supervise({.strategy = Strategy::rest_for_one, .backoff = {.first = 1s, .longest = 1s}},
                {{"a"}, {"b"}});
  log_.clear();
  fail("a");
  EXPECT_EQ(log_, (Log{"a ends: std::runtime_error: oops", "b ends: shut down"}));
  sleep(1s);
  settle();
  EXPECT_EQ(log_,
            (Log{"a ends: std::runtime_error: oops", "b ends: shut down", "a starts", "b starts"}));
  root.kill();
}

// -- significant children ------------------------------------------------------------------------

// actors 97
TEST_F(RestartTest, the_end_of_any_significant_child_ends_the_supervisor) {
  auto root = supervise({.auto_shutdown = AutoShutdown::any_significant},
                        {{.id = "a", .restart = Restart::transient, .significant = true}, {"b"}});
  auto down = when_down(root);
  fail("a"); // started again
  EXPECT_FALSE(down.ready());
  child("a").stop();
  EXPECT_EQ(down.get().reason.kind, ExitReason::Kind::shutdown);
  EXPECT_EQ(log_.back(), "b ends: shut down");
}

// actors 97
TEST_F(RestartTest, or_the_end_of_all_of_them) {
  auto root = supervise({.auto_shutdown = AutoShutdown::all_significant},
                        {{.id = "a", .restart = Restart::temporary, .significant = true},
                         {.id = "b", .restart = Restart::transient, .significant = true},
                         {"c"}});
  auto down = when_down(root);
  child("b").stop();
  settle();
  EXPECT_FALSE(down.ready());
  child("a").tell(Fail{"oops"});
  EXPECT_EQ(down.get().reason.kind, ExitReason::Kind::shutdown);
}

// actors 97
TEST_F(RestartTest, not_when_the_supervisor_ended_them) {
  auto root = supervise({.auto_shutdown = AutoShutdown::any_significant},
                        {{.id = "a", .restart = Restart::transient, .significant = true}});
  EXPECT_TRUE(root.ask(Supervisor::Terminate{"a"}));
  settle();
  EXPECT_EQ(info(root, "a").state, ChildInfo::State::ended);
  root.kill();
}

// -- at run time ---------------------------------------------------------------------------------

// actors 96
TEST_F(RestartTest, children_are_terminated_revived_and_forgotten) {
  auto root = supervise({}, {{"a"}, {"b"}});
  const auto a = child("a");
  EXPECT_FALSE(root.ask(Supervisor::Terminate{"nobody"}));
  EXPECT_FALSE(root.ask(Supervisor::Forget{"a"})) << "it runs";
  EXPECT_NE(root.ask(Supervisor::Revive{"a"}).error, nullptr) << "it runs";
  EXPECT_NE(root.ask(Supervisor::Revive{"nobody"}).error, nullptr);
  EXPECT_TRUE(root.ask(Supervisor::Terminate{"a"}));
  EXPECT_TRUE(root.ask(Supervisor::Terminate{"a"}));
  EXPECT_TRUE(a.join(0ms));
  const auto again = root.ask(Supervisor::Revive{"a"});
  EXPECT_EQ(again.error, nullptr);
  EXPECT_NE(again.actor, ActorRef<Actor>(a));
  EXPECT_EQ(child("a").ask(Ask{1}), 1);
  EXPECT_TRUE(root.ask(Supervisor::Terminate{"a"}));
  EXPECT_TRUE(root.ask(Supervisor::Forget{"a"}));
  EXPECT_EQ(root.ask(Supervisor::Children{}).size(), 1U);
  root.kill();
}

// actors 96
TEST_F(RestartTest, an_id_is_unique_and_a_failed_add_leaves_nothing) {
  auto root = supervise({}, {{"a"}});
  EXPECT_THROW(add_child<Worker>(root, {.id = "a"}, &world_, std::string("a")),
               std::invalid_argument);
  fails_to_start_["b"] = 1;
  EXPECT_THROW(add_child<Worker>(root, {.id = "b"}, &world_, std::string("b")), std::runtime_error);
  auto b = add_child<Worker>(root, {.id = "b"}, &world_, std::string("b"));
  EXPECT_EQ(b.ask(Name{}), "b");
  EXPECT_EQ(root.ask(Supervisor::Children{}).size(), 2U);
  root.kill();
}

TEST_F(RestartTest, a_child_that_stops_at_once_is_started_again_or_not) {
  struct Brief : Actor {
    void on_start() override { stop(); }
  };
  auto root = supervise({.intensity = 3}, {});
  add_child<Brief>(root, {.id = "transient", .restart = Restart::transient});
  settle();
  EXPECT_EQ(info(root, "transient").state, ChildInfo::State::ended);
  auto down = when_down(root);
  add_child<Brief>(root, {.id = "permanent"});
  EXPECT_THROW(std::rethrow_exception(down.get().reason.error), TooManyRestarts);
}

TEST_F(RestartTest, nonsense_is_refused) {
  EXPECT_THROW(supervise({.period = 0s}, {}), std::invalid_argument);
  EXPECT_THROW(supervise({.backoff = {.first = 2s, .longest = 1s}}, {}), std::invalid_argument);
  EXPECT_THROW(supervise({.backoff = {.jitter = 2}}, {}), std::invalid_argument);
  EXPECT_THROW(supervise({}, {{.id = "a", .shutdown = -1s}}), std::invalid_argument);
  EXPECT_THROW(supervise({}, {{.id = "a", .significant = true}}), std::invalid_argument);
}

} // namespace
} // namespace grove::test
