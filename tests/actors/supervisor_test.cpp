// SPDX-License-Identifier: MIT
// Supervisors: order of start and end, who is started again, and what survives it.
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

class SupervisorTest : public SupervisedTest {};

// -- start and end -------------------------------------------------------------------------------

// actors 81
TEST_F(SupervisorTest, starts_its_children_in_order_and_ends_them_in_reverse) {
  auto root = supervise({}, {{"a"}, {"b"}, {"c"}});
  EXPECT_EQ(log_, (Log{"a starts", "b starts", "c starts"}));
  log_.clear();
  root.stop();
  EXPECT_TRUE(root.join());
  EXPECT_EQ(log_, (Log{"c ends: shut down", "b ends: shut down", "a ends: shut down"}));
}

// actors 82
TEST_F(SupervisorTest, a_start_that_fails_ends_those_before_it_and_is_thrown) {
  fails_to_start_["b"] = 1000;
  EXPECT_THROW(supervise({}, {{"a"}, {"b"}, {"c"}}), std::runtime_error);
  EXPECT_EQ(log_, (Log{"a starts", "b fails to start", "a ends: shut down"}));
}

// actors 92
TEST_F(SupervisorTest, a_child_that_takes_too_long_to_end_is_killed) {
  const Simulation simulation(Simulation::Options{.shuffle = false});
  for (const bool supervisor_waits : {false, true}) {
    auto root = supervise({}, {{.id = "a", .shutdown = supervisor_waits ? unlimited : 300ms}});
    child("a").tell(Sleep{600ms});
    settle();
    const auto began = now();
    root.stop();
    EXPECT_TRUE(root.join());
    EXPECT_EQ(now() - began, supervisor_waits ? 600ms : 300ms);
    EXPECT_EQ(log_, supervisor_waits ? (Log{"a starts", "a ends: shut down"}) : Log{"a starts"});
    log_.clear();
  }
}

// actors 92
TEST_F(SupervisorTest, by_default_a_worker_has_five_seconds_and_a_supervisor_all_that_it_takes) {
  const Simulation simulation(Simulation::Options{.shuffle = false});
  const auto time_of_end = [](const ActorRef<Root>& root) {
    settle();
    const auto began = now();
    root.stop();
    EXPECT_TRUE(root.join());
    return now() - began;
  };
  const auto flat = supervise({}, {{.id = "a"}});
  child("a").tell(Sleep{3600s});
  EXPECT_EQ(time_of_end(flat), 5s);
  const auto nested = supervise({}, {});
  root_ = add_child<Root>(nested, {}, SupervisorOptions{},
                          std::vector<ChildSpec>{{.id = "slow", .shutdown = unlimited}}, &world_);
  child("slow").tell(Sleep{60s});
  EXPECT_EQ(time_of_end(nested), 60s);
}

// actors 92
TEST_F(SupervisorTest, a_brutal_kill_waits_for_nothing) {
  auto root = supervise({}, {{.id = "a", .shutdown = brutal_kill}});
  root.stop();
  EXPECT_TRUE(root.join());
  EXPECT_EQ(log_, Log{"a starts"}) << "no on_stop";
}

// actors 93
TEST_F(SupervisorTest, an_error_in_a_childs_end_is_reported_and_the_order_goes_on) {
  auto root = supervise({}, {{"a"}, {"b"}});
  child("b").ask(FailAtEnd{});
  root.stop();
  EXPECT_TRUE(root.join());
  EXPECT_EQ(log_, (Log{"a starts", "b starts", "b ends: shut down", "a ends: shut down"}));
  EXPECT_EQ(errors_.size(), 1U);
}

// -- strategies ----------------------------------------------------------------------------------

// actors 84
TEST_F(SupervisorTest, one_for_one_starts_the_failed_one_again) {
  auto root = supervise({}, {{"a"}, {"b"}, {"c"}});
  log_.clear();
  fail("b");
  EXPECT_EQ(log_, (Log{"b ends: std::runtime_error: oops", "b starts"}));
  root.kill();
}

// actors 85
TEST_F(SupervisorTest, one_for_all_ends_the_others_in_reverse_and_starts_all_in_order) {
  auto root = supervise({.strategy = Strategy::one_for_all}, {{"a"}, {"b"}, {"c"}});
  log_.clear();
  fail("b");
  EXPECT_EQ(log_, (Log{"b ends: std::runtime_error: oops", "c ends: shut down", "a ends: shut down",
                       "a starts", "b starts", "c starts"}));
  root.kill();
}

// actors 86
TEST_F(SupervisorTest, rest_for_one_concerns_those_that_came_after) {
  auto root = supervise({.strategy = Strategy::rest_for_one}, {{"a"}, {"b"}, {"c"}});
  log_.clear();
  fail("b");
  EXPECT_EQ(log_,
            (Log{"b ends: std::runtime_error: oops", "c ends: shut down", "b starts", "c starts"}));
  root.kill();
}

// actors 87
TEST_F(SupervisorTest, simple_one_for_one_has_many_children_of_a_kind_that_end_at_once) {
  const Simulation simulation(Simulation::Options{.shuffle = false});
  auto root = supervise({.strategy = Strategy::simple_one_for_one}, {});
  std::vector<ActorRef<Worker>> workers;
  for (int i = 0; i < 5; ++i) {
    const std::string name = std::to_string(i);
    workers.push_back(add_child<Worker>(root, {.restart = Restart::transient}, &world_, name));
  }
  workers[1].tell(Fail{"oops"});
  settle();
  workers[2].stop();
  settle();
  EXPECT_EQ(root.ask(Supervisor::Children{}).size(), 4U) << "one has stopped and is forgotten";
  for (const int i : {0, 1, 3, 4})
    workers[static_cast<std::size_t>(i)].tell(Sleep{2s});
  settle();
  const auto began = now();
  root.stop();
  EXPECT_TRUE(root.join());
  EXPECT_EQ(now() - began, 2s) << "not one after the other";
}

// -- who is started again ------------------------------------------------------------------------

// actors 88
TEST_F(SupervisorTest, a_permanent_one_is_started_again_however_it_ended) {
  auto root = supervise({.intensity = 10}, {{"a"}});
  const auto a = child("a");
  a.stop();
  settle();
  a.kill();
  settle();
  a.tell(Fail{"oops"});
  settle();
  a.stop(Stop::now);
  settle();
  EXPECT_EQ(info(root, "a").restarts, 4U);
  EXPECT_EQ(a.ask(Ask{1}), 1);
  root.kill();
}

// actors 88
TEST_F(SupervisorTest, a_transient_one_unless_it_ended_in_order) {
  auto root = supervise({.intensity = 10}, {{.id = "a", .restart = Restart::transient}});
  const auto a = child("a");
  a.kill();
  settle();
  a.tell(Fail{"oops"});
  settle();
  EXPECT_EQ(info(root, "a").restarts, 2U);
  a.stop();
  settle();
  EXPECT_EQ(info(root, "a").state, ChildInfo::State::ended);
  EXPECT_THROW(a.ask(Ask{1}), ActorDown);
  root.kill();
}

// actors 88
TEST_F(SupervisorTest, a_temporary_one_never_and_is_forgotten) {
  auto root = supervise({}, {{.id = "a", .restart = Restart::temporary}, {"b"}});
  fail("a");
  const auto left = root.ask(Supervisor::Children{});
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left.front().id, "b");
  root.kill();
}

// actors 85, 88
TEST_F(SupervisorTest, a_temporary_sibling_is_shut_down_and_does_not_come_back) {
  auto root = supervise({.strategy = Strategy::one_for_all},
                        {{"a"}, {.id = "b", .restart = Restart::temporary}, {"c"}});
  log_.clear();
  fail("c");
  EXPECT_EQ(log_, (Log{"c ends: std::runtime_error: oops", "b ends: shut down", "a ends: shut down",
                       "a starts", "c starts"}));
  EXPECT_EQ(root.ask(Supervisor::Children{}).size(), 2U);
  root.kill();
}

// -- what survives -------------------------------------------------------------------------------

// actors 98
TEST_F(SupervisorTest, reference_and_inbox_survive_and_only_the_message_in_work_is_lost) {
  auto root = supervise({}, {{"a"}});
  const auto a = child("a");
  a.tell(Fail{"oops"});
  auto answer = spawn([&] { return a.ask(Ask{7}); }); // behind it
  for (int i = 0; i < 3; ++i)
    a.tell(Note{std::to_string(i)});
  EXPECT_EQ(answer.get(), 7);
  (void)a.ask(Ask{0});
  EXPECT_EQ(log_, (Log{"a starts", "a ends: std::runtime_error: oops", "a starts", "a: 0", "a: 1",
                       "a: 2"}));
  EXPECT_EQ(child("a"), a);
  root.kill();
}

// actors 98
TEST_F(SupervisorTest, a_child_that_is_not_to_keep_its_inbox_begins_with_an_empty_one) {
  const Simulation simulation(Simulation::Options{.shuffle = false});
  auto root =
      supervise({.backoff = {.first = 1s, .longest = 1s}}, {{.id = "a", .keep_inbox = false}});
  const auto a = child("a");
  const auto letters = Hub::current().stats().dead_letters;
  a.tell(Fail{"oops"});
  a.tell(Note{"dropped"});
  const auto question = a.ask_async(Ask{1});
  EXPECT_THROW((void)question.get(), ActorDown);
  EXPECT_EQ(Hub::current().stats().dead_letters, letters + 2) << "the note and the question";
  a.tell(Note{"in the pause"});
  EXPECT_EQ(a.ask(Ask{2}), 2);
  EXPECT_EQ(log_,
            (Log{"a starts", "a ends: std::runtime_error: oops", "a starts", "a: in the pause"}));
  root.kill();
}

TEST_F(SupervisorTest, the_asker_of_the_message_that_failed_gets_the_error_at_once) {
  auto root = supervise({}, {{"a"}});
  EXPECT_THROW(child("a").ask(Fail{"oops"}), std::runtime_error);
  EXPECT_EQ(child("a").ask(Ask{1}), 1);
  root.kill();
}

TEST_F(SupervisorTest, a_child_begins_anew_from_copies_of_its_arguments) {
  auto root = supervise({}, {{"a"}});
  child("a").ask(Rename{"changed"});
  EXPECT_EQ(child("a").ask(Name{}), "changed");
  fail("a");
  EXPECT_EQ(child("a").ask(Name{}), "a");
  root.kill();
}

// actors 68
TEST_F(SupervisorTest, a_restart_is_no_down_and_the_end_for_good_is_one) {
  auto root = supervise({.intensity = 5}, {{"a"}});
  auto down = when_down(child("a"));
  fail("a");
  fail("a");
  EXPECT_FALSE(down.ready());
  root.stop();
  EXPECT_EQ(down.get().reason.kind, ExitReason::Kind::shutdown);
}

TEST_F(SupervisorTest, children_of_a_child_end_before_it_is_started_again) {
  auto root = supervise({}, {{"a"}});
  child("a").ask(Breed{"kid"});
  log_.clear();
  fail("a");
  EXPECT_EQ(log_, (Log{"kid ends: shut down", "a ends: std::runtime_error: oops", "a starts"}));
  root.kill();
}

TEST_F(SupervisorTest, killing_a_child_waits_for_what_runs_and_not_for_ever) {
  auto root = supervise({}, {{"a"}});
  const auto a = child("a");
  a.tell(Sleep{3600s});
  settle();
  EXPECT_TRUE(a.kill());
  EXPECT_EQ(a.ask(Ask{2}), 2);
  root.kill();
  EXPECT_TRUE(a.kill());
  EXPECT_TRUE(a.join());
}

} // namespace
} // namespace grove::test
