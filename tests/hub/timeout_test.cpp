// SPDX-License-Identifier: MIT
// Timeout scopes: expiry, identity, nesting, cancelling.
#include <algorithm>
#include <memory>
#include <random>
#include <vector>

#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/queue.hpp>
#include <grove/hub/timeout.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class TimeoutTest : public HubTest {};

// gevent T2
TEST_F(TimeoutTest, it_expires_with_its_own_identity_and_not_before_its_time) {
  const auto start = Clock::now();
  Timeout limit(3ms);
  EXPECT_TRUE(limit.pending());
  try {
    sleep(10s);
    ADD_FAILURE() << "the sleep came back";
  } catch (const TimeoutExpired& expired) {
    EXPECT_TRUE(limit.is(expired));
  }
  EXPECT_GE(Clock::now() - start, 3ms);
  EXPECT_FALSE(limit.pending());
}

// gevent T2
TEST_F(TimeoutTest, one_that_was_thrown_is_not_thrown_again) {
  Timeout limit(1ms);
  EXPECT_THROW(sleep(10s), TimeoutExpired);
  EXPECT_NO_THROW(sleep(2ms));
  EXPECT_NO_THROW(yield());
}

// gevent T7, T10
TEST_F(TimeoutTest, a_cancelled_one_lets_the_body_outlive_it) {
  Timeout limit(1ms);
  limit.cancel();
  EXPECT_FALSE(limit.pending());
  EXPECT_NO_THROW(sleep(4ms));
  limit.cancel();
}

// gevent T9, T21
TEST_F(TimeoutTest, nothing_comes_after_its_scope) {
  {
    Timeout limit(2ms);
    yield();
  }
  EXPECT_NO_THROW(sleep(5ms));
}

// gevent T21
TEST_F(TimeoutTest, one_that_ran_out_between_suspension_points_dies_with_its_scope) {
  auto g = spawn([] {
    {
      Timeout limit(1ms);
      spin(3ms);
    }
    yield();
    sleep(2ms);
    return 1;
  });
  EXPECT_EQ(g.get(), 1);
}

TEST_F(TimeoutTest, one_that_ran_out_is_thrown_at_the_next_suspension_point) {
  Event never;
  Timeout limit(1ms);
  spin(3ms);
  EXPECT_THROW(never.wait(), TimeoutExpired);
}

// gevent T12
TEST_F(TimeoutTest, one_without_a_deadline_never_expires) {
  Timeout limit{Deadline()};
  EXPECT_FALSE(limit.pending());
  EXPECT_NO_THROW(sleep(3ms));
}

TEST_F(TimeoutTest, of_no_time_it_is_thrown_by_the_first_wait) {
  Event never;
  Timeout limit(0ms);
  EXPECT_THROW(never.wait(), TimeoutExpired);
}

TEST_F(TimeoutTest, a_negative_time_is_refused) {
  EXPECT_THROW(Timeout(-1ms), std::invalid_argument);
}

// gevent T14
TEST_F(TimeoutTest, the_outer_of_two_may_be_the_shorter) {
  Timeout outer(2ms);
  bool inner_was_pending = false;
  try {
    Timeout inner(10s);
    try {
      sleep(10s);
    } catch (const TimeoutExpired& expired) {
      inner_was_pending = inner.pending();
      EXPECT_FALSE(inner.is(expired));
      EXPECT_TRUE(outer.is(expired));
      throw;
    }
  } catch (const TimeoutExpired& expired) {
    EXPECT_TRUE(outer.is(expired));
  }
  EXPECT_TRUE(inner_was_pending);
}

// gevent T15
TEST_F(TimeoutTest, the_inner_of_two_may_be_the_shorter) {
  Timeout outer(10s);
  {
    Timeout inner(2ms);
    try {
      sleep(10s);
    } catch (const TimeoutExpired& expired) {
      EXPECT_TRUE(inner.is(expired));
      EXPECT_FALSE(outer.is(expired));
    }
  }
  EXPECT_TRUE(outer.pending());
}

// gevent T16
TEST_F(TimeoutTest, an_inner_handler_does_not_answer_for_the_outer_scope) {
  bool inner_answered = false;
  Timeout outer(2ms);
  try {
    Timeout inner(10s);
    try {
      sleep(10s);
    } catch (const TimeoutExpired& expired) {
      if (!inner.is(expired))
        throw;
      inner_answered = true;
    }
    ADD_FAILURE() << "the sleep came back";
  } catch (const TimeoutExpired& expired) {
    EXPECT_TRUE(outer.is(expired));
  }
  EXPECT_FALSE(inner_answered);
}

TEST_F(TimeoutTest, two_that_ran_out_together_are_thrown_one_after_the_other) {
  Event never;
  Timeout outer(1ms);
  Timeout inner(1ms);
  spin(3ms);
  int outers = 0;
  int inners = 0;
  for (int i = 0; i < 2; ++i) {
    try {
      never.wait();
    } catch (const TimeoutExpired& expired) {
      outers += outer.is(expired) ? 1 : 0;
      inners += inner.is(expired) ? 1 : 0;
    }
  }
  EXPECT_EQ(outers, 1);
  EXPECT_EQ(inners, 1);
  EXPECT_NO_THROW(yield());
}

TEST_F(TimeoutTest, when_the_outer_is_thrown_an_inner_that_ran_out_too_is_gone_with_its_scope) {
  Event never;
  int caught = 0;
  Timeout outer(1ms);
  try {
    Timeout inner(2ms);
    spin(4ms);
    never.wait();
  } catch (const TimeoutExpired&) {
    ++caught;
  }
  // Whichever was thrown first, at most the outer one is left.
  try {
    yield();
  } catch (const TimeoutExpired& expired) {
    EXPECT_TRUE(outer.is(expired));
    ++caught;
  }
  EXPECT_GE(caught, 1);
  EXPECT_NO_THROW(yield());
}

// gevent T17
// pitfall 44
TEST_F(TimeoutTest, it_counts_from_its_construction_even_after_a_long_computation) {
  spin(15ms);
  const auto start = Clock::now();
  Timeout limit(5ms);
  EXPECT_THROW(sleep(10s), TimeoutExpired);
  EXPECT_GE(Clock::now() - start, 5ms);
}

TEST_F(TimeoutTest, it_interrupts_only_its_own_greenlet) {
  auto other = spawn([] { sleep(5ms); });
  {
    Timeout limit(1ms);
    EXPECT_THROW(sleep(10s), TimeoutExpired);
  }
  EXPECT_NO_THROW(other.get());
  EXPECT_TRUE(other.successful());
}

TEST_F(TimeoutTest, a_kill_that_comes_first_wins) {
  bool killed = false;
  auto g = spawn([&] {
    Timeout limit(5ms);
    try {
      sleep(10s);
    } catch (const GreenletExit&) {
      killed = true;
      throw;
    }
  });
  yield();
  g.kill();
  EXPECT_TRUE(killed);
  EXPECT_TRUE(g.killed());
}

TEST_F(TimeoutTest, one_that_is_not_caught_is_the_greenlets_error) {
  ErrorLog errors;
  auto g = spawn([] {
    Timeout limit(1ms);
    sleep(10s);
  });
  EXPECT_THROW(g.get(), TimeoutExpired);
  EXPECT_FALSE(g.killed());
  EXPECT_EQ(errors.size(), 1u);
}

// gevent Q11
// pitfall 57
TEST_F(TimeoutTest, what_was_handed_over_before_it_ran_out_is_returned) {
  Queue<int> queue;
  auto g = spawn([&] {
    Timeout limit(2ms);
    return queue.get();
  });
  yield();
  queue.put(5);
  spin(4ms); // the limit runs out while the getter is only runnable
  EXPECT_EQ(g.get(), 5);
}

// pitfall 5
TEST_F(TimeoutTest, it_is_held_back_while_its_greenlet_unwinds) {
  Log log;
  auto g = spawn([&] {
    Timeout limit(2ms);
    try {
      AtExit cleanup([&] {
        log.push_back("cleaning");
        sleep(5ms);
        log.push_back("clean");
      });
      throw TestError();
    } catch (const TestError&) {
      log.push_back("caught");
    }
    EXPECT_THROW(yield(), TimeoutExpired);
  });
  g.get();
  EXPECT_EQ(log, (Log{"cleaning", "clean", "caught"}));
}

// pitfall 63
TEST_F(TimeoutTest, many_are_made_and_cancelled) {
  std::mt19937 random(1);
  std::uniform_int_distribution<int> when(1, 1000000);
  std::vector<std::unique_ptr<Timeout>> window(64);
  for (int i = 0; i < many_turns; ++i) {
    window[static_cast<std::size_t>(i) % window.size()] =
        std::make_unique<Timeout>(10s + std::chrono::microseconds(when(random)));
  }
  for (const auto& limit : window)
    EXPECT_TRUE(limit->pending());
  window.clear();
  EXPECT_NO_THROW(sleep(1ms));
}

// pitfall 63
TEST_F(TimeoutTest, timers_fire_by_due_time_then_by_arming_whatever_was_cancelled) {
  struct Noted : detail::Timer {
    int number = 0;
    std::vector<int>* fired = nullptr;
  };
  for (unsigned seed = 1; seed <= 10; ++seed) {
    std::mt19937 random(seed);
    std::vector<int> fired;
    std::vector<Noted> timers(500);
    const std::int64_t past = Deadline(Clock::now() - 1s).nanoseconds();
    for (int n = 0; n < 500; ++n) {
      auto& timer = timers[static_cast<std::size_t>(n)];
      timer.number = n;
      timer.fired = &fired;
      timer.fire = [](detail::Timer& t) noexcept {
        static_cast<Noted&>(t).fired->push_back(static_cast<Noted&>(t).number);
      };
      detail::arm(timer, past + static_cast<std::int64_t>(random() % 50));
      if (random() % 3 == 0) { // armed anew: it comes behind its equals
        detail::disarm(timer);
        detail::arm(timer, past + static_cast<std::int64_t>(random() % 50));
      }
    }
    std::vector<int> expected;
    for (auto& timer : timers) {
      if (random() % 2 == 0)
        detail::disarm(timer);
      else
        expected.push_back(timer.number);
    }
    std::stable_sort(expected.begin(), expected.end(), [&](int a, int b) {
      return timers[static_cast<std::size_t>(a)].due < timers[static_cast<std::size_t>(b)].due;
    });
    sleep(1ms); // all of them are due before that
    EXPECT_EQ(fired, expected) << "seed " << seed;
  }
}

// gevent T11, G4
TEST_F(TimeoutTest, an_error_of_ones_own_is_thrown_instead) {
  Event never;
  {
    const Timeout scope(1ms, TestError(5));
    try {
      never.wait();
      ADD_FAILURE() << "it came back";
    } catch (const TestError& e) {
      EXPECT_EQ(e.number, 5);
    }
  }
  EXPECT_EQ(never.waiters(), 0u);
  const auto shared = std::make_exception_ptr(TestError(6));
  for (int i = 0; i < 2; ++i) {
    try {
      const Timeout scope(0ms, shared);
      sleep(10s);
      ADD_FAILURE() << "it came back";
    } catch (const TestError&) {
      EXPECT_EQ(std::current_exception(), shared) << "that very object";
    }
  }
}

// gevent T14, T15
TEST_F(TimeoutTest, errors_of_ones_own_nest_with_scopes_that_have_none) {
  const Timeout outer(10s);
  const Timeout inner(1ms, TestError(7));
  EXPECT_THROW(sleep(10s), TestError);
  EXPECT_TRUE(outer.pending());
  EXPECT_FALSE(inner.pending());
  EXPECT_FALSE(with_timeout(1ms, [] {
    const Timeout late(10s, TestError(8));
    sleep(10s);
  })) << "the outer one came first";
}

TEST_F(TimeoutTest, a_scope_that_is_left_after_a_failed_child_throws_nothing_of_its_own) {
  ErrorLog errors;
  auto failed = spawn([] { throw TestError(9); });
  {
    const Timeout scope(10s, TestError(10));
    failed.join();
  }
  EXPECT_THROW(failed.get(), TestError);
}

// pitfall 5
TEST_F(TimeoutTest, a_wait_in_a_destructor_leaves_no_trace_in_those_that_come_after) {
  try {
    AtExit waits([] { spawn([] {}).join(); });
    throw TestError();
  } catch (const TestError&) {
  }
  const Timeout scope(1ms);
  EXPECT_THROW(sleep(60s), TimeoutExpired) << "nothing unwinds any more";
}

// pitfall 5
TEST_F(TimeoutTest, one_that_runs_out_while_its_greenlet_sleeps_and_unwinds_waits) {
  const auto start = Clock::now();
  try {
    const Timeout scope(1ms);
    AtExit waits([] { sleep(20ms); });
    throw TestError();
  } catch (const TestError&) {
  }
  EXPECT_GE(Clock::now() - start, 20ms);
}

} // namespace
} // namespace grove::test
