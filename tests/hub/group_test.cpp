// SPDX-License-Identifier: MIT
// Group: who is a member and how long, join, and what members threw.
#include <memory>
#include <optional>
#include <string>
#include <vector>

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
class GroupFinish : public AboutGroup {
  bool call(Deadline deadline) override { return group_.finish(deadline); }
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
    blocking_row<GroupFinish>("group_finish"),
    blocking_row<GroupKill>("group_kill"),
    blocking_row<WaitAnyGroup>("wait_any_group"),
});

class GroupTest : public HubTest {};

// -- members --------------------------------------------------------------------------------------

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
  EXPECT_EQ(text_of<std::logic_error>([&] { group.add({}); }),
            "grove: Group.add: an empty GreenletRef");
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

// -- join -----------------------------------------------------------------------------------------

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

// -- other hubs -----------------------------------------------------------------------------------

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
