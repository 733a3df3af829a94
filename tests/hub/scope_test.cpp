// SPDX-License-Identifier: MIT
// apply, finish and scope: who waits for the members, and what becomes of them.
#include <string>
#include <vector>

#include <grove/hub/async_result.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/group.hpp>
#include <grove/hub/timeout.hpp>

#include "../support/blocking_call.hpp"
#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

// Calls with members of their own, which wait for what they wait for.
class WithMembers : public BlockingCall {
  void release() override { event_.set(); }
  void again() override { event_.clear(); }
  bool direct() const override { return false; }
  std::size_t waiters() const override { return event_.waiters(); }

protected:
  Event event_;
};
class GroupApply : public WithMembers {
  bool call(Deadline deadline) override {
    return with_timeout(deadline,
                        [this] {
                          Group group;
                          return group.apply([this] { return event_.wait(); });
                        })
        .value_or(false);
  }
};
class ScopeCall : public WithMembers {
  bool get_like() const override { return true; }
  bool call(Deadline deadline) override {
    return scope(
        [this](Group& group) {
          group.spawn([this] { event_.wait(); });
          group.spawn([] {});
          return true;
        },
        deadline);
  }
};

[[maybe_unused]] const bool rows_added = add_blocking_calls({
    blocking_row<GroupApply>("group_apply"),
    blocking_row<ScopeCall>("scope"),
});

class ScopeTest : public HubTest {};

// -- apply ----------------------------------------------------------------------------------------

// gevent P7
TEST_F(ScopeTest, apply_returns_the_result_or_throws_the_error) {
  ErrorLog errors;
  Group group;
  EXPECT_EQ(group.apply([](int a, int b) { return a - b; }, 5, 3), 2);
  EXPECT_THROW(group.apply([] { throw TestError(); }), TestError);
  EXPECT_TRUE(group.empty());
}

TEST_F(ScopeTest, an_interrupted_apply_ends_its_greenlet) {
  Group group;
  bool unwound = false;
  Timeout limit(1ms);
  EXPECT_THROW(group.apply([&] {
    AtExit exit([&] { unwound = true; });
    sleep(Deadline());
  }),
               TimeoutExpired);
  EXPECT_TRUE(unwound);
  EXPECT_TRUE(group.empty());
}

TEST_F(ScopeTest, apply_of_a_member_that_is_killed_throws_killed) {
  Group group;
  auto killer = spawn([&] { group.kill(); });
  EXPECT_THROW(group.apply([] { sleep(Deadline()); }), Killed);
  killer.join();
}

// gevent P25
TEST_F(ScopeTest, apply_async_gives_a_handle_whose_link_is_the_callback) {
  Group group;
  AsyncResult<int> value;
  auto three = group.apply_async([](int a) { return a + 1; }, 2);
  three.link_value([&, three](const GreenletRef<>&) { value.set(*three.value()); });
  EXPECT_EQ(value.get(1s), 3);
  auto slow = group.apply_async([] {
    sleep(5ms);
    return 7;
  });
  EXPECT_THROW(slow.get(1ms), TimeoutError);
  EXPECT_EQ(slow.get(), 7);
}

// -- scope ----------------------------------------------------------------------------------------

TEST_F(ScopeTest, a_scope_joins_and_returns) {
  int done = 0;
  const int result = scope([&](Group& group) {
    for (int i = 0; i < 3; ++i) {
      group.spawn([&] {
        yield();
        ++done;
      });
    }
    return 5;
  });
  EXPECT_EQ(result, 5);
  EXPECT_EQ(done, 3);
}

TEST_F(ScopeTest, a_scope_throws_the_first_error_and_kills_the_rest) {
  ErrorLog errors;
  Log log;
  EXPECT_THROW(scope([&](Group& group) {
                 group.spawn([&] {
                   AtExit exit([&] { log.emplace_back("unwound"); });
                   sleep(Deadline());
                 });
                 group.spawn([&] {
                   yield();
                   throw TestError(1);
                 });
               }),
               TestError);
  EXPECT_EQ(log, Log{"unwound"});
}

TEST_F(ScopeTest, of_several_errors_in_a_scope_the_first_in_time_is_thrown) {
  ErrorLog errors;
  try {
    scope([](Group& group) {
      group.spawn([] {
        try {
          sleep(Deadline());
        } catch (const GreenletExit&) {
          throw TestError(2);
        }
      });
      group.spawn([] { throw TestError(1); });
    });
    ADD_FAILURE();
  } catch (const TestError& error) {
    EXPECT_EQ(error.number, 1);
  }
}

// gevent X20
TEST_F(ScopeTest, an_error_of_the_scopes_own_function_kills_the_members) {
  bool unwound = false;
  EXPECT_THROW(scope([&](Group& group) {
                 group.spawn([&] {
                   AtExit exit([&] { unwound = true; });
                   sleep(Deadline());
                 });
                 yield();
                 throw TestError(3);
               }),
               TestError);
  EXPECT_TRUE(unwound);
}

TEST_F(ScopeTest, a_scope_that_is_killed_or_times_out_takes_its_members_along) {
  int unwound = 0;
  const auto body = [&](Group& group) {
    group.spawn([&] {
      AtExit exit([&] { ++unwound; });
      sleep(Deadline());
    });
  };
  auto killed = spawn([&] { scope(body); });
  settle();
  EXPECT_TRUE(killed.kill());
  EXPECT_EQ(unwound, 1);
  Timeout limit(1ms);
  EXPECT_THROW(scope(body), TimeoutExpired);
  EXPECT_EQ(unwound, 2);
}

TEST_F(ScopeTest, scopes_nest) {
  ErrorLog errors;
  Log log;
  scope([&](Group& outer) {
    outer.spawn([&] {
      try {
        scope([&](Group& inner) {
          inner.spawn([] { throw TestError(); });
          inner.spawn([] { sleep(Deadline()); });
        });
      } catch (const TestError&) {
        log.emplace_back("caught");
      }
    });
    outer.spawn([&] {
      sleep(1ms);
      log.emplace_back("other");
    });
  });
  EXPECT_EQ(log, (Log{"caught", "other"}));
}

TEST_F(ScopeTest, a_scope_whose_deadline_comes_kills_its_members_and_waits_for_them) {
  bool unwound = false;
  EXPECT_EQ(text_of<TimeoutError>([&] {
              scope(
                  [&](Group& group) {
                    group.spawn([&] {
                      AtExit exit([&] {
                        sleep(1ms);
                        unwound = true;
                      });
                      sleep(Deadline());
                    });
                  },
                  1ms);
            }),
            "scope: its members have not ended in time");
  EXPECT_TRUE(unwound);
}

TEST_F(ScopeTest, an_error_of_a_member_comes_before_the_deadline_of_its_scope) {
  ErrorLog errors;
  EXPECT_THROW(scope(
                   [](Group& group) {
                     group.spawn([] { sleep(Deadline()); });
                     group.spawn([] { throw TestError(4); });
                   },
                   10s),
               TestError);
}

TEST_F(ScopeTest, a_finish_whose_deadline_comes_leaves_the_members_running) {
  Event end;
  Group group;
  group.spawn([&] { end.wait(); });
  EXPECT_FALSE(group.finish(1ms));
  EXPECT_EQ(group.size(), 1u);
  end.set();
  EXPECT_TRUE(group.finish(10s));
  EXPECT_TRUE(group.empty());
}

TEST_F(ScopeTest, finish_waits_for_what_members_spawn_meanwhile) {
  int done = 0;
  scope([&](Group& group) {
    group.spawn([&] {
      group.spawn([&] {
        group.spawn([&] { ++done; });
        ++done;
      });
      ++done;
    });
  });
  EXPECT_EQ(done, 3);
}

} // namespace
} // namespace grove::test
