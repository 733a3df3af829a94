// SPDX-License-Identifier: MIT
// add_actor(): actors and greenlets that are joined, killed and watched together.
#include <grove/actors.hpp>

#include "relatives.hpp"

namespace grove::test {
namespace {

class AddActorTest : public HubTest {
protected:
  ActorRef<Relative> relative(std::string name) { return spawn<Relative>(log_, std::move(name)); }
  static void wait_for_ever(const ActorRef<Relative>& actor) {
    actor.tell(Do{[](Relative&) { Event().wait(); }});
    settle();
  }

  ErrorLog errors_;
  Log log_;
};

TEST_F(AddActorTest, a_group_waits_for_actors_and_greenlets) {
  Group group;
  Event go;
  const auto one = relative("one");
  const auto other = relative("other");
  const auto member = add_actor(group, one);
  add_actor(group, other);
  group.spawn([&] { go.wait(); });
  EXPECT_EQ(group.size(), 3u);
  EXPECT_TRUE(group.contains(member));
  one.stop();
  go.set();
  EXPECT_FALSE(group.join(1ms));
  EXPECT_EQ(group.size(), 1u);
  other.stop();
  EXPECT_TRUE(group.join_or_throw()) << "to stop is no error";
}

TEST_F(AddActorTest, a_group_kills_its_actors_whatever_they_do) {
  Group group;
  const auto waits = relative("waits");
  wait_for_ever(waits);
  const auto idle = relative("idle");
  for (const auto& one : {waits, idle})
    add_actor(group, one);
  const auto greenlet = group.spawn([] { Event().wait(); });
  EXPECT_TRUE(group.kill());
  EXPECT_TRUE(greenlet.killed());
  EXPECT_TRUE(waits.join(0ns));
  EXPECT_TRUE(idle.join(0ns));
  EXPECT_TRUE(group.join_or_throw()) << "nor is to be killed";
}

TEST_F(AddActorTest, its_destructor_leaves_nobody_behind) {
  const auto one = relative("one");
  {
    Group group;
    add_actor(group, one);
  }
  EXPECT_TRUE(one.join(0ns));
}

TEST_F(AddActorTest, the_first_failure_ends_the_rest_and_is_thrown) {
  const auto fails = relative("fails");
  const auto other = relative("other");
  bool unwound = false;
  EXPECT_EQ(text_of<std::runtime_error>([&] {
              scope([&](Group& group) {
                add_actor(group, fails);
                add_actor(group, other);
                group.spawn([&] {
                  const AtExit note([&] { unwound = true; });
                  Event().wait();
                });
                settle();
                fails.tell(Fail{"as told"});
              });
            }),
            "as told");
  EXPECT_TRUE(unwound);
  EXPECT_TRUE(other.join(0ns));
}

TEST_F(AddActorTest, one_that_has_ended_is_none_for_long) {
  Group group;
  const auto one = relative("one");
  one.kill();
  add_actor(group, one);
  EXPECT_TRUE(group.join_or_throw(10s));
}

TEST_F(AddActorTest, one_that_is_discarded_goes_on) {
  Group group;
  const auto one = relative("one");
  EXPECT_TRUE(group.discard(add_actor(group, one)));
  EXPECT_TRUE(group.kill());
  one.ask(Say{"alive"});
  EXPECT_EQ(log_, Log{"one: alive"});
  one.stop();
  one.join();
}

TEST_F(AddActorTest, who_comes_while_the_group_is_killed_is_killed_too) {
  Group group;
  const auto one = relative("one");
  group.spawn([&] {
    const AtExit last([&] { add_actor(group, one); });
    Event().wait();
  });
  settle();
  EXPECT_TRUE(group.kill());
  EXPECT_TRUE(one.join(0ns));
}

TEST_F(AddActorTest, in_a_pool_it_takes_a_slot_and_waits_for_one) {
  Pool pool(1);
  const auto one = relative("one");
  const auto other = relative("other");
  add_actor(pool, one);
  EXPECT_TRUE(pool.full());
  EXPECT_THROW(
      {
        const Timeout limit(1ms);
        add_actor(pool, other);
      },
      TimeoutExpired);
  other.ask(Say{"alive"});
  one.stop();
  add_actor(pool, other);
  EXPECT_TRUE(one.join(0ns)) << "else there were no room";
  pool.kill();
}

TEST_F(AddActorTest, actors_of_other_hubs_are_members_like_any) {
  HubThread elsewhere;
  Log far_log;
  const auto spawn_there = [&](const char* name) {
    return elsewhere.call([&] { return spawn<Relative>(far_log, name); });
  };
  const auto killed = spawn_there("killed");
  const auto fails = spawn_there("fails");
  elsewhere.call([] { Hub::current().on_error([](const UnhandledError&) {}); });
  Group group;
  add_actor(group, killed);
  add_actor(group, fails);
  fails.tell(Fail{"far away"});
  EXPECT_EQ(text_of<std::runtime_error>([&] { group.finish(); }), "far away");
  EXPECT_TRUE(killed.join(10s));
}

// A supervised group is one_for_all: its supervisor is the member.
TEST_F(AddActorTest, a_supervised_group_is_a_supervisor_in_a_group) {
  const auto root = spawn<Supervisor>(
      SupervisorOptions{.strategy = Strategy::one_for_all, .intensity = 1, .period = 3600s});
  const auto a = add_child<Relative>(root, {.id = "a"}, std::ref(log_), "a");
  const auto b = add_child<Relative>(root, {.id = "b"}, std::ref(log_), "b");
  Group group;
  add_actor(group, root);
  a.tell(Fail{"once"});
  settle();
  EXPECT_FALSE(group.finish(1ms)) << "both were started again";
  b.ask(Say{"alive"});
  b.tell(Fail{"twice"});
  EXPECT_THROW(group.finish(), TooManyRestarts);
  EXPECT_TRUE(a.join(0ns));
  EXPECT_TRUE(b.join(0ns));
}

} // namespace
} // namespace grove::test
