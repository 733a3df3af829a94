// SPDX-License-Identifier: MIT
// AssertSwitches and AssertNoSwitch.
#include <stdexcept>
#include <string>

#include <grove/hub/assert_switches.hpp>
#include <grove/hub/dump.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/queue.hpp>
#include <grove/hub/timeout.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {

[[gnu::noinline]] void call_that_waits() {
  sleep(1ms);
  asm volatile("" ::: "memory"); // no tail call: the frame stays
}

namespace {

class Asserts : public HubTest {
protected:
  // The text of the logic_error that f throws; empty if it throws none.
  template <class F>
  static std::string error_of(F f) {
    try {
      f();
      return {};
    } catch (const std::logic_error& e) {
      return e.what();
    }
  }
  static void block_for(std::chrono::nanoseconds time) {
    const auto until = Clock::now() + time;
    while (Clock::now() < until) {
    }
  }
};

// gevent M11
TEST_F(Asserts, a_body_that_never_lets_anybody_run_is_an_error) {
  const std::string what = error_of([] { const AssertSwitches scope; });
  EXPECT_NE(what.find("main did not let anybody run"), std::string::npos) << what;
  EXPECT_NE(what.find("assert_switches_test.cpp:"), std::string::npos) << what;
}

TEST_F(Asserts, a_wait_or_a_yield_is_enough) {
  EXPECT_EQ(error_of([] {
              const AssertSwitches scope;
              sleep(1us);
            }),
            "");
  EXPECT_EQ(error_of([] {
              const AssertSwitches scope;
              yield();
            }),
            "");
  EXPECT_EQ(error_of([] {
              const AssertSwitches scope;
              spawn([] {}).join();
            }),
            "");
}

TEST_F(Asserts, a_call_that_need_not_wait_is_not_enough) {
  Queue<int> queue;
  queue.put(1);
  EXPECT_NE(error_of([&] {
              const AssertSwitches scope;
              queue.get();
            }),
            "");
}

// gevent M11
TEST_F(Asserts, running_longer_than_allowed_is_an_error_wherever_it_was) {
  const auto blocks_first = [] {
    const AssertSwitches scope(2ms);
    block_for(5ms);
    sleep(1us);
  };
  const auto blocks_last = [] {
    const AssertSwitches scope(2ms);
    yield();
    block_for(5ms);
  };
  const auto blocks_between = [] {
    const AssertSwitches scope(2ms);
    sleep(1us);
    block_for(5ms);
    sleep(1us);
  };
  for (const auto& what :
       {error_of(blocks_first), error_of(blocks_last), error_of(blocks_between)}) {
    EXPECT_NE(what.find("without letting anybody run"), std::string::npos) << what;
    EXPECT_NE(what.find("which allows 2 ms"), std::string::npos) << what;
  }
}

TEST_F(Asserts, what_others_run_and_what_it_sleeps_is_not_its_own) {
  EXPECT_EQ(error_of([] {
              const AssertSwitches scope(10s);
              auto other = spawn([] { block_for(5ms); });
              sleep(1ms);
              other.join();
              auto again = spawn([] { block_for(5ms); });
              yield();
              again.join();
            }),
            "");
  // With a limit that only others break; a slow machine may break it too, but not always.
  bool clean = false;
  for (int i = 0; i < 100 && !clean; ++i) {
    clean = error_of([] {
              const AssertSwitches scope(20ms);
              auto other = spawn([] { block_for(30ms); });
              yield();
              other.join();
              sleep(30ms);
            }).empty();
  }
  EXPECT_TRUE(clean);
}

// gevent M11
TEST_F(Asserts, an_exception_of_the_body_passes) {
  EXPECT_THROW(
      {
        const AssertSwitches scope;
        throw TestError(1);
      },
      TestError);
  auto g = spawn([] {
    const AssertSwitches scope(1ms);
    block_for(2ms);
    sleep(10s);
  });
  yield();
  g.kill();
  EXPECT_TRUE(g.killed());
  EXPECT_THROW(
      {
        const Timeout timeout(1ms);
        const AssertSwitches scope(1ns);
        sleep(10s);
      },
      TimeoutExpired);
}

// gevent M11
TEST_F(Asserts, scopes_nest) {
  EXPECT_NE(error_of([] {
              const AssertSwitches outer;
              EXPECT_NE(error_of([] { const AssertSwitches inner; }), "");
            }),
            "");
  EXPECT_NE(error_of([] {
              const AssertSwitches outer;
              yield();
              { const AssertSwitches inner; }
            }),
            "");
  EXPECT_EQ(error_of([] {
              const AssertSwitches outer(10s);
              {
                const AssertSwitches inner(10s);
                yield();
              }
              yield();
            }),
            "");
}

TEST_F(Asserts, nonsense_is_refused) {
  EXPECT_THROW(AssertSwitches(0ms), std::invalid_argument);
  EXPECT_THROW(AssertSwitches(-1ms), std::invalid_argument);
  EXPECT_NO_THROW(yield());
}

// -- AssertNoSwitch ------------------------------------------------------------------------------

TEST_F(Asserts, every_call_that_may_wait_is_an_error_under_a_scope_against_it) {
  Event never;
  Queue<int> queue;
  auto g = spawn([&] { never.wait(); });
  settle();
  {
    const AssertNoSwitch scope;
    EXPECT_THROW(yield(), std::logic_error);
    EXPECT_THROW(sleep(0s), std::logic_error);
    EXPECT_THROW(sleep(1ms), std::logic_error);
    EXPECT_THROW(never.wait(), std::logic_error);
    EXPECT_THROW(never.wait(1ms), std::logic_error);
    EXPECT_THROW(queue.get(), std::logic_error);
    EXPECT_THROW(g.join(), std::logic_error);
    EXPECT_THROW(queue.put(1), std::logic_error);
    EXPECT_TRUE(queue.try_put(1)) << "what never waits is no error";
    EXPECT_EQ(queue.try_get(), 1);
    never.set();
  }
  EXPECT_EQ(never.waiters(), 0u);
  EXPECT_NO_THROW(EXPECT_TRUE(g.join()));
}

TEST_F(Asserts, even_if_it_need_not_wait) {
  Queue<int> queue;
  queue.put(1);
  const AssertNoSwitch scope;
  EXPECT_THROW(queue.get(), std::logic_error);
  EXPECT_EQ(queue.size(), 1u);
}

TEST_F(Asserts, the_error_tells_who_called_what_and_where_the_scope_began) {
  const std::string what = error_of([] {
    const AssertNoSwitch scope;
    call_that_waits();
  });
  EXPECT_NE(what.find("main made a call that may wait"), std::string::npos) << what;
  EXPECT_NE(what.find("AssertNoSwitch of assert_switches_test.cpp:"), std::string::npos) << what;
  EXPECT_NE(what.find("call_that_waits"), std::string::npos) << what;
}

TEST_F(Asserts, only_its_own_greenlet_is_meant) {
  bool ran = false;
  auto other = spawn([&] {
    yield();
    ran = true;
  });
  auto strict = spawn([] {
    const AssertNoSwitch scope;
    EXPECT_THROW(yield(), std::logic_error);
  });
  join_all({other, strict});
  EXPECT_TRUE(ran);
}

TEST_F(Asserts, scopes_against_switches_nest_too) {
  {
    const AssertNoSwitch outer;
    { const AssertNoSwitch inner; }
    EXPECT_THROW(yield(), std::logic_error);
  }
  EXPECT_NO_THROW(yield());
}

TEST_F(Asserts, a_kill_comes_after_the_scope) {
  std::string ended;
  GreenletRef<> self;
  auto g = spawn([&] {
    try {
      {
        const AssertNoSwitch scope;
        self.kill_nowait();
        ADD_FAILURE() << "a kill of oneself is a suspension point";
      }
    } catch (const std::logic_error&) {
      ended += "error ";
    }
    try {
      yield();
    } catch (const GreenletExit&) {
      ended += "killed";
    }
  });
  self = g;
  g.join();
  EXPECT_EQ(ended, "error killed");
}

TEST_F(Asserts, destructors_may_wait_while_it_unwinds) {
  bool waited = false;
  EXPECT_THROW(
      {
        const AssertNoSwitch scope;
        AtExit cleanup([&] {
          sleep(1ms);
          waited = true;
        });
        throw TestError(1);
      },
      TestError);
  EXPECT_TRUE(waited);
}

} // namespace
} // namespace grove::test
