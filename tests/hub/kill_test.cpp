// SPDX-License-Identifier: MIT
// Kill: in every state, in every way, once, held back, declined.
#include <functional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/queue.hpp>
#include <grove/hub/timeout.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

// -- the matrix: state × way × what is thrown ----------------------------------------------------

enum class State { fresh, started, start_later, sleeping };
enum class Way { kill, nowait, all };
enum class What { exit, error };

class KillMatrix : public HubTest,
                   public ::testing::WithParamInterface<std::tuple<State, Way, What>> {};

// gevent X1, X2, X4, X5, X7, X10, X11, X12
// pitfall 62
TEST_P(KillMatrix, ends_it_and_what_comes_after_never_runs) {
  const auto [state, way, what] = GetParam();
  ErrorLog errors;
  Log log;
  auto g = make_greenlet([&] {
    log.push_back("begun");
    AtExit unwound([&] { log.push_back("unwound"); });
    sleep(10s);
    log.push_back("after");
  });
  if (state == State::start_later)
    g.start_later(10s);
  if (state == State::started || state == State::sleeping)
    g.start();
  if (state == State::sleeping)
    yield();

  const auto error = what == What::error ? std::make_exception_ptr(TestError(4)) : nullptr;
  if (way == Way::kill) {
    EXPECT_TRUE(error ? g.kill(error) : g.kill());
  } else if (way == Way::nowait) {
    g.kill_nowait(error);
    EXPECT_TRUE(g.ready() || state != State::fresh) << "a fresh one needs no turn";
    settle();
  } else {
    EXPECT_TRUE(kill_all({g}));
  }

  EXPECT_TRUE(g.ready());
  EXPECT_FALSE(g.started());
  EXPECT_FALSE(g.successful());
  EXPECT_EQ(g.killed(), what == What::exit);
  EXPECT_EQ(g.exception(), error);
  if (what == What::exit)
    EXPECT_THROW(g.get(), Killed);
  else
    EXPECT_THROW(g.get(), TestError);
  EXPECT_EQ(log, state == State::sleeping ? (Log{"begun", "unwound"}) : Log{});
  if (what == What::exit) {
    EXPECT_EQ(errors.size(), 0u);
  } else if (state == State::sleeping) {
    EXPECT_EQ(errors.size(), 1u);
  }

  const auto links = g.links();
  EXPECT_TRUE(g.kill()) << "a second time: nothing";
  EXPECT_EQ(g.links(), links);
  EXPECT_FALSE(g.start());
  EXPECT_EQ(g.killed(), what == What::exit);
  settle();
}

std::string matrix_name(const ::testing::TestParamInfo<KillMatrix::ParamType>& row) {
  static const char* const states[] = {"fresh", "started", "start_later", "sleeping"};
  static const char* const ways[] = {"kill", "nowait", "all"};
  static const char* const whats[] = {"exit", "error"};
  const auto [state, way, what] = row.param;
  return std::string(states[static_cast<int>(state)]) + "_" + ways[static_cast<int>(way)] + "_" +
         whats[static_cast<int>(what)];
}
const auto every_state =
    ::testing::Values(State::fresh, State::started, State::start_later, State::sleeping);
INSTANTIATE_TEST_SUITE_P(One, KillMatrix,
                         ::testing::Combine(every_state, ::testing::Values(Way::kill, Way::nowait),
                                            ::testing::Values(What::exit, What::error)),
                         matrix_name);
// kill_all() throws GreenletExit only.
INSTANTIATE_TEST_SUITE_P(All, KillMatrix,
                         ::testing::Combine(every_state, ::testing::Values(Way::all),
                                            ::testing::Values(What::exit)),
                         matrix_name);

// -- declining, holding back ---------------------------------------------------------------------

class KillTest : public HubTest {};

// gevent X9
TEST_F(KillTest, a_target_that_catches_and_goes_on_is_waited_for) {
  Log log;
  const auto declined = Hub::current().stats().declined_kills;
  auto g = spawn([&] {
    log.push_back("start");
    try {
      sleep(10s);
    } catch (const GreenletExit&) {
      log.push_back("except");
    }
    yield();
    log.push_back("finished");
  });
  yield();
  EXPECT_TRUE(g.kill());
  log.push_back("main");
  EXPECT_EQ(log, (Log{"start", "except", "finished", "main"}));
  EXPECT_TRUE(g.successful());
  EXPECT_FALSE(g.killed());
  EXPECT_EQ(Hub::current().stats().declined_kills, declined + 1);
}

// pitfall 4
TEST_F(KillTest, it_is_delivered_once_and_another_may_be_sent) {
  int caught = 0;
  auto g = spawn([&] {
    for (int i = 0; i < 2; ++i) {
      try {
        for (;;)
          sleep(10s);
      } catch (const GreenletExit&) {
        ++caught;
      }
    }
  });
  yield();
  g.kill_nowait();
  g.kill_nowait();
  settle();
  EXPECT_EQ(caught, 1) << "two kills before its turn are one";
  EXPECT_FALSE(g.ready());
  EXPECT_TRUE(g.kill());
  EXPECT_EQ(caught, 2);
}

TEST_F(KillTest, of_two_kills_before_its_turn_the_first_counts) {
  ErrorLog errors;
  auto a = spawn([] { sleep(10s); });
  auto b = spawn([] { sleep(10s); });
  yield();
  a.kill_nowait(std::make_exception_ptr(TestError()));
  a.kill_nowait();
  b.kill_nowait();
  b.kill_nowait(std::make_exception_ptr(TestError()));
  join_all({a, b});
  EXPECT_THROW(a.get(), TestError);
  EXPECT_THROW(b.get(), Killed);
}

// pitfall 4
TEST_F(KillTest, a_catch_of_std_exception_does_not_swallow_it) {
  bool swallowed = false;
  auto g = spawn([&] {
    try {
      sleep(10s);
    } catch (const std::exception&) {
      swallowed = true;
    }
  });
  yield();
  g.kill();
  EXPECT_FALSE(swallowed);
  EXPECT_TRUE(g.killed());
}

// pitfall 5
TEST_F(KillTest, it_is_held_back_while_the_target_unwinds) {
  Log log;
  auto g = spawn([&] {
    AtExit outer([&] { log.push_back("outer"); });
    AtExit inner([&] {
      log.push_back("unwinding");
      yield();
      sleep(1ms);
      log.push_back("unwound");
    });
    sleep(10s);
  });
  yield();
  g.kill_nowait();
  yield();
  EXPECT_EQ(log, Log{"unwinding"});
  g.kill_nowait();
  g.kill_nowait(std::make_exception_ptr(TestError()));
  g.join();
  EXPECT_EQ(log, (Log{"unwinding", "unwound", "outer"}));
  EXPECT_TRUE(g.killed());
}

// pitfall 5
TEST_F(KillTest, a_destructor_may_join_children_while_its_greenlet_is_killed) {
  bool child_done = false;
  auto g = spawn([&] {
    auto child = spawn([&] {
      sleep(1ms);
      child_done = true;
    });
    AtExit join_child([&] { child.join(); });
    sleep(10s);
  });
  yield();
  EXPECT_TRUE(g.kill());
  EXPECT_TRUE(child_done);
}

TEST_F(KillTest, one_that_was_woken_before_it_finishes_that_call_first) {
  Queue<int> queue;
  int got = 0;
  bool after = false;
  auto g = spawn([&] {
    got = queue.get();
    yield();
    after = true;
  });
  yield();
  queue.put(5);
  g.kill();
  EXPECT_EQ(got, 5);
  EXPECT_FALSE(after);
  EXPECT_TRUE(g.killed());
}

// -- who kills whom ------------------------------------------------------------------------------

// gevent X19
TEST_F(KillTest, killing_oneself_throws_at_once) {
  bool after = false;
  auto g = spawn([&] {
    current_greenlet().kill();
    after = true;
  });
  g.join();
  EXPECT_FALSE(after);
  EXPECT_TRUE(g.killed());
}

// gevent X19
TEST_F(KillTest, killing_oneself_with_an_error_throws_that) {
  ErrorLog errors;
  auto g = spawn([] { current_greenlet().kill(std::make_exception_ptr(TestError(3))); });
  EXPECT_THROW(g.get(), TestError);
  EXPECT_EQ(errors.size(), 1u);
}

// gevent X19
TEST_F(KillTest, one_may_kill_who_waits_for_it) {
  Log log;
  GreenletRef<> waiter;
  auto g = spawn([&] {
    yield();
    waiter.kill();
    log.push_back("killed my waiter");
  });
  waiter = spawn([&] {
    AtExit unwound([&] { log.push_back("waiter unwound"); });
    g.join();
  });
  join_all({g, waiter});
  EXPECT_EQ(log, (Log{"waiter unwound", "killed my waiter"}));
  EXPECT_TRUE(waiter.killed());
  EXPECT_TRUE(g.successful());
}

TEST_F(KillTest, two_that_kill_each_other_both_end) {
  GreenletRef<> a;
  GreenletRef<> b;
  a = spawn([&] {
    try {
      sleep(10s);
    } catch (const GreenletExit&) {
      b.kill(); // which waits for our end
      throw;
    }
  });
  b = spawn([&] { a.kill(); });
  EXPECT_TRUE(join_all({a, b}));
  EXPECT_TRUE(a.killed());
  EXPECT_TRUE(b.killed());
}

TEST_F(KillTest, a_killer_that_is_killed_while_it_waits_has_killed_nonetheless) {
  Event go_on;
  auto target = spawn([&] {
    try {
      sleep(10s);
    } catch (const GreenletExit&) {
      go_on.wait();
      throw;
    }
  });
  yield();
  auto killer = spawn([&] { target.kill(); });
  settle();
  killer.kill();
  EXPECT_TRUE(killer.killed());
  EXPECT_FALSE(target.ready());
  go_on.set();
  target.join();
  EXPECT_TRUE(target.killed());
}

// gevent X11
TEST_F(KillTest, a_given_exception_arrives_as_that_very_object) {
  ErrorLog errors;
  const auto error = std::make_exception_ptr(TestError(11));
  std::exception_ptr arrived;
  auto g = spawn([&] {
    try {
      sleep(10s);
    } catch (...) {
      arrived = std::current_exception();
      throw;
    }
  });
  yield();
  g.kill(error);
  EXPECT_EQ(arrived, error);
  EXPECT_EQ(g.exception(), error);
}

// gevent X6
TEST_F(KillTest, any_type_may_be_given_as_the_error) {
  ErrorLog errors;
  auto g = spawn([] { sleep(10s); });
  yield();
  g.kill(std::make_exception_ptr(42));
  EXPECT_FALSE(g.successful());
  EXPECT_FALSE(g.killed());
  EXPECT_THROW(g.get(), int);
}

TEST_F(KillTest, a_kill_with_a_deadline_gives_up_and_leaves_the_target_alive) {
  Event go_on;
  auto g = spawn([&] {
    try {
      sleep(10s);
    } catch (const GreenletExit&) {
      go_on.wait();
      throw;
    }
  });
  yield();
  const auto start = Clock::now();
  EXPECT_FALSE(g.kill(3ms));
  EXPECT_GE(Clock::now() - start, 3ms);
  EXPECT_FALSE(g.ready());
  go_on.set();
  EXPECT_TRUE(g.join());
  EXPECT_TRUE(g.killed());
}

TEST_F(KillTest, one_that_is_only_runnable_is_killed_at_its_suspension_point) {
  int turns = 0;
  auto g = spawn([&] {
    for (;;) {
      ++turns;
      yield();
    }
  });
  settle(3);
  const int before = turns;
  EXPECT_TRUE(g.kill());
  EXPECT_TRUE(g.killed());
  EXPECT_LE(turns, before + 1);
}

TEST_F(KillTest, everybody_who_joins_sees_the_end) {
  auto g = spawn([] { sleep(10s); });
  int saw = 0;
  std::vector<GreenletRef<>> waiters;
  for (int i = 0; i < 5; ++i) {
    waiters.push_back(spawn([&] {
      g.join();
      ++saw;
    }));
  }
  yield();
  g.kill();
  join_all(waiters);
  EXPECT_EQ(saw, 5);
}

// -- kill_all ------------------------------------------------------------------------------------

// gevent X14
TEST_F(KillTest, kill_all_ends_those_that_never_began_without_asking_them) {
  bool ran = false;
  std::vector<GreenletRef<>> all;
  for (int i = 0; i < 3; ++i) {
    all.push_back(spawn([&] {
      try {
        ran = true;
        sleep(10s);
      } catch (const GreenletExit&) {
        sleep(10s);
      }
    }));
  }
  EXPECT_TRUE(kill_all(all, 10s));
  EXPECT_FALSE(ran);
  for (const auto& g : all)
    EXPECT_TRUE(g.killed());
}

// gevent X15
TEST_F(KillTest, kill_all_gives_up_at_its_deadline) {
  Event go_on;
  std::vector<GreenletRef<>> all;
  for (int i = 0; i < 3; ++i) {
    all.push_back(spawn([&] {
      try {
        sleep(10s);
      } catch (const GreenletExit&) {
        go_on.wait();
        throw;
      }
    }));
  }
  yield();
  EXPECT_FALSE(kill_all(all, 2ms));
  for (const auto& g : all)
    EXPECT_FALSE(g.ready());
  go_on.set();
  EXPECT_TRUE(join_all(all));
  for (const auto& g : all)
    EXPECT_TRUE(g.killed());
}

// gevent X16
TEST_F(KillTest, kill_nowait_returns_at_once) {
  std::vector<GreenletRef<>> all;
  for (int i = 0; i < 3; ++i)
    all.push_back(spawn([] { sleep(10s); }));
  yield();
  for (const auto& g : all)
    g.kill_nowait();
  for (const auto& g : all)
    EXPECT_FALSE(g.ready());
  settle();
  for (const auto& g : all)
    EXPECT_TRUE(g.killed());
}

// gevent X17
TEST_F(KillTest, kill_all_lets_no_error_of_its_targets_escape) {
  ErrorLog errors;
  auto failing = spawn([] { throw TestError(); });
  auto sleeping = spawn([] { sleep(10s); });
  yield();
  EXPECT_NO_THROW(EXPECT_TRUE(kill_all({failing, sleeping})));
  EXPECT_FALSE(failing.killed());
  EXPECT_TRUE(sleeping.killed());
}

TEST_F(KillTest, kill_all_of_nobody_returns_at_once) {
  EXPECT_TRUE(kill_all(std::vector<GreenletRef<>>{}));
  EXPECT_TRUE(kill_all({}));
}

TEST_F(KillTest, a_timeout_scope_of_the_killer_ends_its_wait_and_not_the_kill) {
  Event go_on;
  auto g = spawn([&] {
    try {
      sleep(10s);
    } catch (const GreenletExit&) {
      go_on.wait();
      throw;
    }
  });
  yield();
  Timeout limit(1ms);
  try {
    g.kill();
    ADD_FAILURE() << "the kill came back";
  } catch (const TimeoutExpired& expired) {
    EXPECT_TRUE(limit.is(expired));
  }
  go_on.set();
  g.join();
  EXPECT_TRUE(g.killed());
}

} // namespace
} // namespace grove::test
