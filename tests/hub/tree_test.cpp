// SPDX-License-Identifier: MIT
// Who spawned whom, and what children inherit: tree-locals, deadlines, ends; spawn hooks.
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/hub_thread.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/hub/tree_local.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class TreeTest : public HubTest {};

// gevent L15
TEST_F(TreeTest, a_greenlet_knows_who_made_it_while_that_lives) {
  Event end;
  GreenletRef<> child;
  auto parent = spawn([&] {
    child = spawn([&] { end.wait(); });
    yield();
  });
  EXPECT_FALSE(parent.parent()) << "main is no greenlet of a handle";
  yield();
  EXPECT_EQ(child.parent(), parent);
  parent.join();
  EXPECT_FALSE(child.parent());
  end.set();
  child.join();
}

// gevent L15
TEST_F(TreeTest, a_child_shares_the_value_of_its_parent) {
  TreeLocal<int> request;
  auto parent = spawn([&] {
    *request = 1;
    auto child = spawn([&] {
      EXPECT_EQ(*request, 1);
      *request = 2;
      return spawn([&] { return ++*request; }).get();
    });
    EXPECT_EQ(child.get(), 3);
    EXPECT_EQ(*request, 3);
  });
  auto other = spawn([&] { EXPECT_EQ(*request, 0) << "a tree of its own"; });
  parent.get();
  other.get();
  EXPECT_EQ(*request, 0) << "main's own";
  request.set(9);
  spawn([&] { EXPECT_EQ(*request, 0); }).get();
}

TEST_F(TreeTest, a_child_that_came_before_the_value_shares_it_too) {
  TreeLocal<int> request;
  Event set;
  spawn([&] {
    auto child = spawn([&] {
      auto grandchild = spawn([&] {
        set.wait();
        return *request;
      });
      return grandchild.get();
    });
    yield();
    *request = 5;
    set.set();
    EXPECT_EQ(child.get(), 5);
  }).get();
}

TEST_F(TreeTest, the_first_use_in_a_child_is_the_parents_too) {
  TreeLocal<int> request;
  spawn([&] {
    spawn([&] { *request = 7; }).get();
    EXPECT_EQ(*request, 7);
  }).get();
}

TEST_F(TreeTest, what_a_tree_shares_goes_with_its_last_greenlet) {
  struct Shared {
    std::optional<Counted> counted;
  };
  TreeLocal<Shared> shared;
  int alive = 0;
  Event end;
  GreenletRef<> child;
  spawn([&] {
    shared->counted.emplace(alive);
    child = spawn([&] {
      end.wait();
      EXPECT_TRUE(shared->counted.has_value());
    });
  }).get();
  EXPECT_EQ(alive, 1);
  end.set();
  child.get();
  child = {};
  EXPECT_EQ(alive, 0);
}

// -- bound to the parent -------------------------------------------------------------------------

TEST_F(TreeTest, one_that_inherits_has_its_parents_deadline) {
  ErrorLog errors;
  auto parent = spawn([&] {
    const Timeout outer(10s);
    Timeout inner(2ms);
    auto child = spawn(SpawnOptions{.inherit = true}, [] { sleep(Deadline()); });
    const Shield shield; // the child's scope is the one to see
    EXPECT_THROW(child.get(), TimeoutExpired);
    inner.cancel();
  });
  parent.get();
}

TEST_F(TreeTest, the_current_deadline_is_the_earliest_of_the_open_scopes) {
  EXPECT_TRUE(current_deadline().is_never());
  const Deadline far(10s);
  const Deadline near(5s);
  {
    const Timeout outer(near);
    EXPECT_EQ(current_deadline().nanoseconds(), near.nanoseconds());
    {
      const Timeout inner(far);
      EXPECT_EQ(current_deadline().nanoseconds(), near.nanoseconds());
      const Timeout none{Deadline()};
      EXPECT_EQ(current_deadline().nanoseconds(), near.nanoseconds());
    }
    spawn([] { EXPECT_TRUE(current_deadline().is_never()); }).get();
  }
  EXPECT_TRUE(current_deadline().is_never());
  std::optional<Timeout> first(std::in_place, near);
  std::optional<Timeout> second(std::in_place, far);
  first.reset(); // not the innermost
  EXPECT_EQ(current_deadline().nanoseconds(), far.nanoseconds());
  second->cancel();
  EXPECT_TRUE(current_deadline().is_never());
}

TEST_F(TreeTest, one_that_inherits_ends_with_its_parent_however_that_ends) {
  ErrorLog errors;
  enum class Way { returns, throws, killed };
  for (const Way way : {Way::returns, Way::throws, Way::killed}) {
    GreenletRef<> bound;
    GreenletRef<> free;
    auto parent = spawn([&] {
      bound = spawn(SpawnOptions{.name = "bound", .inherit = true}, [] { sleep(Deadline()); });
      free = spawn([] { sleep(Deadline()); });
      yield();
      if (way == Way::throws)
        throw TestError();
      if (way == Way::killed)
        sleep(Deadline());
    });
    yield();
    EXPECT_EQ(bound.name(), "bound");
    EXPECT_FALSE(bound.ready());
    settle(2);
    if (way == Way::killed)
      parent.kill_nowait();
    parent.join();
    settle();
    EXPECT_TRUE(bound.killed());
    EXPECT_FALSE(free.ready());
    free.kill();
  }
}

TEST_F(TreeTest, one_that_inherits_and_has_not_begun_never_does) {
  GreenletRef<> bound;
  spawn([&] {
    bound = spawn(SpawnOptions{.inherit = true}, [] { ADD_FAILURE() << "it ran"; });
  }).join();
  bound.join();
  EXPECT_TRUE(bound.killed());
}

TEST_F(TreeTest, inheriting_gives_the_result_and_takes_arguments) {
  auto sum = spawn(
      SpawnOptions{.inherit = true}, [](int a, std::vector<int> b) { return a + b[0]; }, 1,
      std::vector<int>{2});
  EXPECT_EQ(sum.get(), 3);
}

TEST_F(TreeTest, a_greenlet_of_another_hub_can_not_inherit) {
  HubThread other;
  EXPECT_THROW(spawn(SpawnOptions{.hub = &other.hub(), .inherit = true}, [] {}),
               std::invalid_argument);
}

// -- spawn hooks ---------------------------------------------------------------------------------

// gevent L16
TEST_F(TreeTest, a_hook_hears_once_of_each_start_and_not_when_it_is_gone) {
  std::vector<GreenletRef<>> heard;
  std::vector<GreenletRef<>> made;
  {
    const SpawnHook hook([&](const GreenletRef<>& g) {
      EXPECT_FALSE(g.ready());
      heard.push_back(g);
    });
    made.push_back(spawn([] {}));
    EXPECT_EQ(heard.size(), 1u) << "at the call";
    made.push_back(spawn_later(1ms, [] {}));
    EXPECT_EQ(heard.size(), 2u) << "at the call";
    made.push_back(make_greenlet([] {}));
    EXPECT_EQ(heard.size(), 2u);
    made.back().start();
    made.push_back(make_greenlet([] {}));
    made.back().start_later(10s);
    made.back().start(); // sooner
    join_all(made);
    made[2].start(); // it has ended: nothing starts
  }
  spawn([] {}).join();
  EXPECT_EQ(heard, made);
}

TEST_F(TreeTest, a_hook_that_throws_stops_that_start) {
  int ran = 0;
  {
    const SpawnHook hook([](const GreenletRef<>&) { throw TestError(4); });
    EXPECT_THROW(spawn([&] { ++ran; }), TestError);
  }
  settle();
  EXPECT_EQ(ran, 0);
}

TEST_F(TreeTest, hooks_may_come_and_go_in_a_hook) {
  int first = 0;
  int second = 0;
  std::optional<SpawnHook> late;
  std::optional<SpawnHook> early;
  early.emplace([&](const GreenletRef<>&) {
    ++first;
    if (!late)
      late.emplace([&](const GreenletRef<>&) { ++second; });
  });
  spawn([] {}).join();
  EXPECT_EQ(second, 0);
  spawn([] {}).join();
  early.reset();
  spawn([] {}).join();
  EXPECT_EQ(first, 2);
  EXPECT_EQ(second, 2);
}

TEST_F(TreeTest, what_is_posted_is_nobodys_child) {
  TreeLocal<int> request;
  int seen = -1;
  bool has_parent = true;
  spawn([&] {
    *request = 5;
    Hub& home = Hub::current();
    std::thread([&] {
      home.post([&] {
        has_parent = static_cast<bool>(current_greenlet().parent());
        seen = *request;
      });
    }).join();
    while (seen == -1)
      sleep(100us); // it is found while this one is parked
  }).get();
  EXPECT_EQ(seen, 0);
  EXPECT_FALSE(has_parent);
}

TEST_F(TreeTest, of_two_that_make_the_value_at_once_one_is_shared) {
  struct Slow {
    int number = 0;
    Slow() { yield(); }
  };
  TreeLocal<Slow> value;
  spawn([&] {
    const auto first = spawn([&] { return &value.get(); });
    const auto second = spawn([&] { return &value.get(); });
    EXPECT_EQ(first.get(), second.get());
  }).get();
}

} // namespace
} // namespace grove::test
