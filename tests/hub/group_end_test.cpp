// SPDX-License-Identifier: MIT
// Group: kills, and the end of a group.
#include <memory>
#include <string>
#include <vector>

#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/group.hpp>
#include <grove/hub/timeout.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class GroupEndTest : public HubTest {};

// -- kill -----------------------------------------------------------------------------------------

TEST_F(GroupEndTest, kill_ends_members_in_every_state) {
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

TEST_F(GroupEndTest, one_that_is_killed_before_it_begins_leaves_at_once) {
  Group group;
  auto unbegun = group.spawn([] {});
  unbegun.kill_nowait();
  EXPECT_TRUE(group.empty());
  EXPECT_TRUE(group.join(0s));
}

// gevent P4
TEST_F(GroupEndTest, a_kill_reaches_each_member_once_and_gives_up_at_its_deadline) {
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

TEST_F(GroupEndTest, what_is_spawned_while_the_group_is_killed_never_begins) {
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

TEST_F(GroupEndTest, a_member_may_kill_its_group) {
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

TEST_F(GroupEndTest, kill_nowait_does_not_switch) {
  Group group;
  auto member = group.spawn([] { sleep(Deadline()); });
  yield();
  group.kill_nowait();
  EXPECT_FALSE(member.ready());
  EXPECT_TRUE(group.join());
  EXPECT_TRUE(member.killed());
}

// -- the end of a group ---------------------------------------------------------------------------

// pitfall 62
TEST_F(GroupEndTest, a_group_that_goes_kills_its_members_and_waits_for_them) {
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

TEST_F(GroupEndTest, its_destructor_is_not_interrupted) {
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

TEST_F(GroupEndTest, errors_of_members_do_not_leave_the_destructor) {
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

using GroupDeathTest = GroupEndTest;
TEST_F(GroupDeathTest, a_member_that_destroys_its_group_ends_the_process) {
  in_fresh_processes();
  EXPECT_DEATH(
      {
        auto group = std::make_unique<Group>();
        group->spawn([&] { group.reset(); }).join();
      },
      "destroys the group that it is a member of");
}

} // namespace
} // namespace grove::test
