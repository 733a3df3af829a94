// SPDX-License-Identifier: MIT
// Group and scope: who is a member and how long, join, kill, errors, the end of a group.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <grove/hub/async_result.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/group.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/hub_thread.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/hub/wait_any.hpp>

#include "../support/blocking_call.hpp"
#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

// A group whose one member ends when it is told to, and not when it is killed.
class AboutGroup : public BlockingCall {
public:
  AboutGroup() { again(); }
  ~AboutGroup() override { end_.set(); }
  void release() override { end_.set(); }
  bool direct() const override { return false; }
  void again() override {
    end_.set();
    group_.join();
    end_.clear();
    group_.spawn([this] {
      const Shield shield;
      end_.wait();
    });
    yield();
  }

protected:
  Event end_;
  Group group_;
};
class GroupJoin : public AboutGroup {
  bool call(Deadline deadline) override { return group_.join(deadline); }
};
class GroupJoinOrThrow : public AboutGroup {
  bool call(Deadline deadline) override { return group_.join_or_throw(deadline); }
};
class GroupKill : public AboutGroup {
  bool call(Deadline deadline) override { return group_.kill(deadline); }
};
class WaitAnyGroup : public AboutGroup {
  bool call(Deadline deadline) override {
    return wait_any(group_.join_op(), after(deadline)).index() == 0;
  }
};

[[maybe_unused]] const bool rows_added = add_blocking_calls({
    blocking_row<GroupJoin>("group_join"),
    blocking_row<GroupJoinOrThrow>("group_join_or_throw"),
    blocking_row<GroupKill>("group_kill"),
    blocking_row<WaitAnyGroup>("wait_any_group"),
});

class GroupTest : public HubTest {};

// -- members
// ---------------------------------------------------------------------------------------

// gevent P1
TEST_F(GroupTest, members_leave_when_they_end) {
  Event first;
  Event second;
  Group group;
  EXPECT_TRUE(group.empty());
  group.spawn([&] { first.wait(); });
  group.spawn([&] { second.wait(); });
  EXPECT_EQ(group.size(), 2u);
  yield();
  first.set();
  yield();
  EXPECT_EQ(group.size(), 1u);
  EXPECT_FALSE(group.empty());
  second.set();
  yield();
  EXPECT_EQ(group.size(), 0u);
  EXPECT_TRUE(group.empty());
}

TEST_F(GroupTest, spawn_gives_a_handle_and_passes_arguments) {
  Group group;
  auto sum = group.spawn([](int a, std::unique_ptr<int> b) { return a + *b; }, 1,
                         std::make_unique<int>(2));
  EXPECT_TRUE(group.contains(sum));
  EXPECT_EQ(sum.get(), 3);
  EXPECT_FALSE(group.contains(sum));
}

TEST_F(GroupTest, a_member_has_left_when_its_joiner_runs) {
  Group group;
  auto member = group.spawn([] {});
  member.join();
  EXPECT_TRUE(group.empty());
}

TEST_F(GroupTest, a_member_leaves_after_its_function_and_arguments_are_gone) {
  Group group;
  int alive = 0;
  std::optional<std::size_t> size_at_end;
  struct Argument {
    Counted counted;
    Group* group;
    std::optional<std::size_t>* size;
    Argument(int& n, Group& g, std::optional<std::size_t>& s) : counted(n), group(&g), size(&s) {}
    Argument(const Argument&) = default;
    Argument& operator=(const Argument&) = delete;
    ~Argument() { *size = group->size(); }
  };
  group.spawn([argument = Argument(alive, group, size_at_end)] {});
  EXPECT_EQ(alive, 1);
  group.join();
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(size_at_end, 1u);
}

TEST_F(GroupTest, a_group_keeps_nothing_of_members_that_have_ended) {
  Group group;
  const auto none = Hub::current().stats().living;
  for (int i = 0; i < many_turns; ++i) {
    group.spawn([] {});
    if (i % 50 == 0)
      group.join();
  }
  group.join();
  EXPECT_EQ(Hub::current().stats().living, none);
}

TEST_F(GroupTest, spawn_takes_options) {
  Group group;
  std::string name;
  group.spawn(SpawnOptions{.name = "worker"}, [&] { name = current_name(); });
  group.join();
  EXPECT_EQ(name, "worker");
}

TEST_F(GroupTest, a_member_on_another_hub_is_joined_and_killed_from_here) {
  HubThread other;
  Group group;
  auto index =
      group.spawn(SpawnOptions{.hub = &other.hub()}, [] { return Hub::current().index(); });
  EXPECT_EQ(index.get(), other.hub().index());
  auto sleeper = group.spawn(SpawnOptions{.hub = &other.hub()}, [] { sleep(Deadline()); });
  yield();
  EXPECT_TRUE(group.kill());
  EXPECT_TRUE(sleeper.killed());
}

// seed 17
TEST_F(GroupTest, added_greenlets_are_joined_and_a_group_can_be_used_again) {
  Log log;
  const auto talk = [&](std::string text) {
    for (int i = 0; i < 2; ++i)
      log.push_back(text);
  };
  auto bar = spawn(talk, "bar");
  auto foo = spawn(talk, "foo");
  auto fizz = spawn(talk, "fizz");
  Group group;
  group.add(bar);
  group.add(foo);
  group.join();
  group.add(fizz);
  group.join();
  EXPECT_EQ(log, (Log{"bar", "bar", "foo", "foo", "fizz", "fizz"}));
  EXPECT_TRUE(group.empty());
}

TEST_F(GroupTest, an_added_greenlet_leaves_soon_after_its_end) {
  Group group;
  Event end;
  auto g = spawn([&] { end.wait(); });
  EXPECT_TRUE(group.add(g));
  EXPECT_TRUE(group.add(g)) << "a second time";
  EXPECT_EQ(group.size(), 1u);
  EXPECT_TRUE(group.contains(g));
  EXPECT_EQ(g.links(), 1u);
  yield();
  end.set();
  g.join();
  EXPECT_FALSE(group.contains(g));
  yield();
  EXPECT_EQ(group.size(), 0u);
}

TEST_F(GroupTest, one_that_has_ended_is_not_added) {
  Group group;
  auto g = spawn([] {});
  g.join();
  EXPECT_TRUE(group.add(g));
  EXPECT_TRUE(group.empty());
  EXPECT_THROW(group.add({}), std::logic_error);
}

TEST_F(GroupTest, a_greenlet_may_be_in_two_groups) {
  Group one;
  Group two;
  auto g = one.spawn([] { sleep(Deadline()); });
  two.add(g);
  yield();
  EXPECT_TRUE(one.contains(g));
  EXPECT_TRUE(two.contains(g));
  EXPECT_TRUE(two.kill());
  EXPECT_TRUE(one.empty());
}

TEST_F(GroupTest, what_was_discarded_goes_on_without_the_group) {
  Event end;
  auto added = spawn([&] { end.wait(); });
  GreenletRef<> born;
  {
    Group group;
    born = group.spawn([&] { end.wait(); });
    group.add(added);
    yield();
    EXPECT_TRUE(group.discard(born));
    EXPECT_TRUE(group.discard(added));
    EXPECT_FALSE(group.discard(born));
    EXPECT_FALSE(group.discard(added));
    EXPECT_FALSE(group.discard({}));
    EXPECT_EQ(added.links(), 0u);
    EXPECT_TRUE(group.join(0s));
  }
  EXPECT_FALSE(born.ready());
  end.set();
  EXPECT_TRUE(join_all({born, added}));
  EXPECT_TRUE(born.successful());
  EXPECT_TRUE(added.successful());
}

// -- join
// ------------------------------------------------------------------------------------------

// gevent P27
TEST_F(GroupTest, to_join_an_empty_group_does_not_switch) {
  Group group;
  bool other = false;
  auto o = spawn([&] { other = true; });
  EXPECT_TRUE(group.join());
  EXPECT_TRUE(group.join_or_throw());
  EXPECT_FALSE(other);
  o.join();
}

// gevent P2
TEST_F(GroupTest, join_or_throw_waits_for_the_last_and_throws_the_first_error) {
  ErrorLog errors;
  Group group;
  bool last = false;
  group.spawn([] {
    yield();
    throw TestError(2);
  });
  group.spawn([] { throw TestError(1); });
  group.spawn([&] {
    sleep(2ms);
    last = true;
  });
  try {
    group.join_or_throw();
    ADD_FAILURE();
  } catch (const TestError& error) {
    EXPECT_EQ(error.number, 1);
  }
  EXPECT_TRUE(last);
  EXPECT_TRUE(group.empty());
  EXPECT_TRUE(group.join_or_throw()) << "an error is thrown once";
  EXPECT_EQ(errors.size(), 2u);
}

TEST_F(GroupTest, an_error_from_before_the_join_is_not_lost) {
  ErrorLog errors;
  Group group;
  group.spawn([] { throw TestError(); });
  settle();
  EXPECT_TRUE(group.join());
  EXPECT_THROW(group.join_or_throw(), TestError);
}

TEST_F(GroupTest, an_added_one_that_fails_counts_too) {
  ErrorLog errors;
  Group group;
  group.add(spawn([] { throw TestError(); }));
  EXPECT_THROW(group.join_or_throw(), TestError);
}

TEST_F(GroupTest, a_member_that_was_killed_is_no_error) {
  Group group;
  auto member = group.spawn([] { sleep(Deadline()); });
  yield();
  member.kill();
  EXPECT_TRUE(group.join_or_throw());
}

TEST_F(GroupTest, join_of_a_group_that_never_ends_is_a_deadlock_in_main) {
  Group group;
  Event never;
  group.spawn([&] { never.wait(); });
  EXPECT_THROW(group.join(), Deadlock);
  never.set();
}

// pitfall 62
TEST_F(GroupTest, a_member_that_waits_for_its_own_group_is_told) {
  Group group;
  auto born = group.spawn([&] { group.join(); });
  auto finisher = group.spawn([&] { group.finish(); });
  auto added = spawn([&] { group.join(); });
  group.add(added);
  ErrorLog errors;
  group.join();
  EXPECT_THROW(born.get(), std::logic_error);
  EXPECT_THROW(finisher.get(), std::logic_error);
  EXPECT_THROW(added.get(), std::logic_error);
  EXPECT_NE(errors[0].what.find("waits for a group that it is a member of"), std::string::npos);
}

TEST_F(GroupTest, all_joiners_are_woken_in_their_order) {
  Group group;
  Event end;
  group.spawn([&] { end.wait(); });
  Log log;
  std::vector<GreenletRef<>> joiners;
  for (const char* name : {"a", "b", "c"}) {
    joiners.push_back(spawn([&, name] {
      group.join();
      log.emplace_back(name);
    }));
  }
  yield();
  end.set();
  join_all(joiners);
  EXPECT_EQ(log, (Log{"a", "b", "c"}));
}

// -- kill
// ------------------------------------------------------------------------------------------

TEST_F(GroupTest, kill_ends_members_in_every_state) {
  Group group;
  Log log;
  auto parked = group.spawn([&] {
    AtExit exit([&] { log.emplace_back("parked"); });
    sleep(Deadline());
  });
  auto added = spawn([&] {
    AtExit exit([&] { log.emplace_back("added"); });
    sleep(Deadline());
  });
  group.add(added);
  auto runnable = group.spawn([&] {
    AtExit exit([&] { log.emplace_back("runnable"); });
    for (;;)
      yield();
  });
  yield();
  auto fresh = make_greenlet([&] { log.emplace_back("fresh ran"); });
  group.add(fresh);
  auto unbegun = group.spawn([&] { log.emplace_back("unbegun ran"); });
  EXPECT_TRUE(group.kill());
  EXPECT_TRUE(group.empty());
  EXPECT_EQ(log.size(), 3u);
  for (const GreenletRef<>& each :
       std::vector<GreenletRef<>>{parked, added, runnable, fresh, unbegun})
    EXPECT_TRUE(each.killed());
}

TEST_F(GroupTest, one_that_is_killed_before_it_begins_leaves_at_once) {
  Group group;
  auto unbegun = group.spawn([] {});
  unbegun.kill_nowait();
  EXPECT_TRUE(group.empty());
  EXPECT_TRUE(group.join(0s));
}

// gevent P4
TEST_F(GroupTest, a_kill_reaches_each_member_once_and_gives_up_at_its_deadline) {
  Group group;
  Event end;
  int shots = 0;
  for (int i = 0; i < 2; ++i) {
    group.spawn([&] {
      while (!end.is_set()) {
        try {
          end.wait();
        } catch (const GreenletExit&) {
          ++shots;
        }
      }
    });
  }
  yield();
  EXPECT_FALSE(group.kill(2ms));
  EXPECT_EQ(shots, 2);
  {
    Timeout limit(1ms);
    EXPECT_THROW(group.kill(), TimeoutExpired);
  }
  EXPECT_EQ(shots, 4) << "another kill is another shot: see decision 1";
  EXPECT_EQ(group.size(), 2u);
  end.set();
  EXPECT_TRUE(group.join());
}

TEST_F(GroupTest, what_is_spawned_while_the_group_is_killed_never_begins) {
  Group group;
  bool began = false;
  group.spawn([&] {
    AtExit exit([&] { group.spawn([&] { began = true; }); });
    sleep(Deadline());
  });
  yield();
  EXPECT_TRUE(group.kill());
  EXPECT_FALSE(began);
  group.spawn([&] { began = true; });
  group.join();
  EXPECT_TRUE(began) << "the kill is over";
}

TEST_F(GroupTest, a_member_may_kill_its_group) {
  Group group;
  auto other = group.spawn([] { sleep(Deadline()); });
  auto killer = group.spawn([&] {
    group.kill();
    ADD_FAILURE() << "it outlived its group";
  });
  group.join();
  EXPECT_TRUE(other.killed());
  EXPECT_TRUE(killer.killed());
}

TEST_F(GroupTest, kill_nowait_does_not_switch) {
  Group group;
  auto member = group.spawn([] { sleep(Deadline()); });
  yield();
  group.kill_nowait();
  EXPECT_FALSE(member.ready());
  EXPECT_TRUE(group.join());
  EXPECT_TRUE(member.killed());
}

// -- the end of a group
// ----------------------------------------------------------------------------

// pitfall 62
TEST_F(GroupTest, a_group_that_goes_kills_its_members_and_waits_for_them) {
  Log log;
  {
    Group group;
    group.spawn([&] {
      AtExit exit([&] {
        sleep(1ms);
        log.emplace_back("born");
      });
      sleep(Deadline());
    });
    group.add(spawn([&] {
      AtExit exit([&] { log.emplace_back("added"); });
      sleep(Deadline());
    }));
    yield();
  }
  EXPECT_EQ(log, (Log{"added", "born"}));
}

TEST_F(GroupTest, its_destructor_is_not_interrupted) {
  bool cleaned = false;
  auto owner = spawn([&] {
    Group group;
    group.spawn([&] {
      AtExit exit([&] {
        sleep(2ms);
        cleaned = true;
      });
      sleep(Deadline());
    });
    sleep(Deadline());
  });
  settle();
  owner.kill_nowait();
  settle();
  owner.kill_nowait();
  owner.join();
  EXPECT_TRUE(cleaned);
  EXPECT_TRUE(owner.killed());
}

TEST_F(GroupTest, errors_of_members_do_not_leave_the_destructor) {
  ErrorLog errors;
  {
    Group group;
    group.spawn([] { throw TestError(); });
    group.spawn([] {
      try {
        sleep(Deadline());
      } catch (const GreenletExit&) {
        throw TestError(2);
      }
    });
    yield();
  }
  EXPECT_EQ(errors.size(), 2u);
}

using GroupDeathTest = GroupTest;
TEST_F(GroupDeathTest, a_member_that_destroys_its_group_ends_the_process) {
  in_fresh_processes();
  EXPECT_DEATH(
      {
        auto group = std::make_unique<Group>();
        group->spawn([&] { group.reset(); }).join();
      },
      "destroys the group that it is a member of");
}

// -- apply
// -----------------------------------------------------------------------------------------

// gevent P7
TEST_F(GroupTest, apply_returns_the_result_or_throws_the_error) {
  ErrorLog errors;
  Group group;
  EXPECT_EQ(group.apply([](int a, int b) { return a - b; }, 5, 3), 2);
  EXPECT_THROW(group.apply([] { throw TestError(); }), TestError);
  EXPECT_TRUE(group.empty());
}

TEST_F(GroupTest, an_interrupted_apply_ends_its_greenlet) {
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

TEST_F(GroupTest, apply_of_a_member_that_is_killed_throws_killed) {
  Group group;
  auto killer = spawn([&] { group.kill(); });
  EXPECT_THROW(group.apply([] { sleep(Deadline()); }), Killed);
  killer.join();
}

// gevent P25
TEST_F(GroupTest, apply_async_gives_a_handle_whose_link_is_the_callback) {
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

// -- scope
// -----------------------------------------------------------------------------------------

TEST_F(GroupTest, a_scope_joins_and_returns) {
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

TEST_F(GroupTest, a_scope_throws_the_first_error_and_kills_the_rest) {
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

TEST_F(GroupTest, of_several_errors_in_a_scope_the_first_in_time_is_thrown) {
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
TEST_F(GroupTest, an_error_of_the_scopes_own_function_kills_the_members) {
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

TEST_F(GroupTest, a_scope_that_is_killed_or_times_out_takes_its_members_along) {
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

TEST_F(GroupTest, scopes_nest) {
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

TEST_F(GroupTest, finish_waits_for_what_members_spawn_meanwhile) {
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

// -- other hubs
// ------------------------------------------------------------------------------------

TEST_F(GroupTest, a_group_is_for_its_own_hub) {
  if (!detail::debug_checks)
    GTEST_SKIP() << "the checks are in debug builds";
  Group group;
  HubThread other;
  EXPECT_THROW(other.call([&] { group.spawn([] {}); }), std::logic_error);
  EXPECT_THROW(other.call([&] { group.join(); }), std::logic_error);
}

} // namespace
} // namespace grove::test
