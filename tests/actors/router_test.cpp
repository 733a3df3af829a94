// SPDX-License-Identifier: MIT
// Routers: who gets which message, and what becomes of the group.
#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <grove/actors.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

struct Work {
  int n = 0;
};
struct Who {};
struct Wait {};
struct Refuse {};
struct Fail {};
struct Count {};

class Clerk : public Actor {
public:
  explicit Clerk(int number, Event* event = nullptr) : number_(number), event_(event) {}
  void receive(const Work&) { ++count_; }
  int receive(const Who&) { return number_; }
  int receive(const Wait&) {
    event_->wait();
    return number_;
  }
  std::unique_ptr<int> receive(const Count&) { return std::make_unique<int>(count_); }
  int receive(const Refuse&) {
    if (number_ < 3)
      throw Rejected("no, says " + std::to_string(number_));
    return number_;
  }
  void receive(const Fail&) { throw std::runtime_error("oops"); }

private:
  int number_;
  Event* event_;
  int count_ = 0;
};

class RouterTest : public HubTest {
protected:
  Router<Clerk> staffed(int count, Routing routing = Routing::round_robin) {
    Router<Clerk> router(routing);
    for (int i = 0; i < count; ++i) {
      clerks_.push_back(spawn<Clerk>(i, &event_));
      router.add(clerks_.back());
    }
    return router;
  }
  static std::vector<int> ask_in_turn(const Router<Clerk>& router, int times) {
    std::vector<int> all;
    all.reserve(static_cast<std::size_t>(times));
    for (int i = 0; i < times; ++i)
      all.push_back(router.ask(Who{}));
    return all;
  }
  void TearDown() override {
    for (const auto& one : clerks_)
      one.kill();
    HubTest::TearDown();
  }
  Event event_;
  std::vector<ActorRef<Clerk>> clerks_;
};

// actors 134
TEST_F(RouterTest, round_robin_gives_everybody_a_turn) {
  const auto router = staffed(3);
  EXPECT_EQ(ask_in_turn(router, 7), (std::vector{0, 1, 2, 0, 1, 2, 0}));
  EXPECT_EQ(*router.try_ask(Who{}), 1);
  EXPECT_EQ(router.ask_async(Who{}).get(), 2);
  for (int i = 0; i < 6; ++i)
    router.tell(Work{});
  for (const auto& one : clerks_)
    EXPECT_EQ(*one.ask(Count{}), 2);
}

TEST_F(RouterTest, turns_go_on_where_they_were_when_the_group_changes) {
  const auto router = staffed(4);
  EXPECT_EQ(ask_in_turn(router, 2), (std::vector{0, 1}));
  EXPECT_TRUE(router.remove(clerks_[0]));
  EXPECT_FALSE(router.remove(clerks_[0]));
  EXPECT_EQ(ask_in_turn(router, 2), (std::vector{2, 3}));
  EXPECT_TRUE(router.add(clerks_[0]));
  EXPECT_FALSE(router.add(clerks_[0]));
  EXPECT_EQ(ask_in_turn(router, 3), (std::vector{0, 1, 2}));
  EXPECT_TRUE(router.remove(clerks_[3]));
  EXPECT_EQ(ask_in_turn(router, 3), (std::vector{0, 1, 2}));
}

// actors 132
TEST_F(RouterTest, a_routee_that_ends_is_one_no_more) {
  const auto router = staffed(2);
  auto down = when_down(clerks_[0]);
  clerks_[0].stop();
  (void)down.get();
  EXPECT_EQ(router.routees(), (std::vector{clerks_[1]}));
  EXPECT_EQ(ask_in_turn(router, 2), (std::vector{1, 1}));
}

// actors 132, 133: there, the router stops, or waits for routees
TEST_F(RouterTest, after_the_last_routee_it_names_nobody) {
  const auto router = staffed(1);
  clerks_[0].kill();
  const auto letters = Hub::current().stats().dead_letters;
  router.tell(Work{});
  EXPECT_EQ(Hub::current().stats().dead_letters, letters + 1);
  EXPECT_THROW(router.ask(Who{}), ActorDown);
  EXPECT_EQ(router.try_ask(Who{}).error(), AskError::down);
  EXPECT_THROW(router.by_key(1).ask(Who{}), ActorDown);
  EXPECT_THROW(router.ask_first(Who{}), ActorDown);
  EXPECT_EQ(router.broadcast(Work{}), 0u);
  EXPECT_EQ(router.next(), ActorRef<Clerk>());
  EXPECT_EQ(text_of<ActorDown>([&] { router.add(clerks_[0]); }), "Router.add: the actor has ended");
  EXPECT_FALSE(router.remove(clerks_[0]));
}

TEST_F(RouterTest, random_is_drawn_from_the_seed_of_a_simulation) {
  const auto router = staffed(5, Routing::random);
  const auto draw = [&](std::uint64_t seed) {
    const Simulation simulation(seed);
    return ask_in_turn(router, 100);
  };
  const auto first = draw(1);
  EXPECT_EQ(first, draw(1));
  EXPECT_NE(first, draw(2));
  EXPECT_EQ(std::set<int>(first.begin(), first.end()).size(), 5u);
}

// -- the smallest inbox --------------------------------------------------------------------------

TEST_F(RouterTest, the_smallest_inbox_counts_what_waits_and_what_is_in_work) {
  const auto router = staffed(3, Routing::smallest_inbox);
  EXPECT_EQ(ask_in_turn(router, 4), (std::vector{0, 1, 2, 0})) << "of equals one after the other";
  auto busy = clerks_[1].ask_async(Wait{}); // it waits in its handler
  yield();
  clerks_[2].tell(Work{}); // one that waits
  EXPECT_EQ(router.next(), clerks_[0]);
  clerks_[0].tell(Work{});
  clerks_[0].tell(Work{});
  EXPECT_EQ(router.next(), clerks_[1]) << "one each: whose turn it is";
  EXPECT_EQ(router.next(), clerks_[2]);
  settle();
  EXPECT_EQ(router.next(), clerks_[0]);
  EXPECT_EQ(router.next(), clerks_[2]) << "1 is busy";
  event_.set();
  EXPECT_EQ(busy.get(), 1);
}

TEST_F(RouterTest, the_smallest_inbox_is_for_one_hub) {
  const auto router = staffed(1, Routing::smallest_inbox);
  HubThread other;
  auto there = other.call([] { return spawn<Clerk>(9); });
  EXPECT_EQ(text_of<std::invalid_argument>([&] { router.add(there); }),
            "grove: Router.add: a router by the smallest inbox has routees of its own hub only");
  EXPECT_EQ(other.call([&] { return text_of<std::logic_error>([&] { router.next(); }); }),
            "grove: Router: one by the smallest inbox is for the hub that made it");
  other.call([&] { EXPECT_THROW(router.add(there), std::invalid_argument); });
  EXPECT_THROW(router.add(ActorRef<Clerk>()), ActorDown);
  std::thread([] {
    EXPECT_THROW(Router<Clerk>{Routing::smallest_inbox}, std::logic_error);
  }).join();
}

// -- by key --------------------------------------------------------------------------------------

// actors 135
TEST_F(RouterTest, a_key_stays_with_its_routee_and_a_change_moves_few_keys) {
  const auto router = staffed(10);
  constexpr int keys = 2000;
  const auto owners = [&] {
    std::vector<ActorRef<Clerk>> all;
    all.reserve(keys);
    for (int key = 0; key < keys; ++key)
      all.push_back(router.by_key("user-" + std::to_string(key)));
    return all;
  };
  const auto before = owners();
  EXPECT_EQ(owners(), before);
  for (const auto& clerk : clerks_) {
    const auto share = std::count(before.begin(), before.end(), clerk);
    EXPECT_GT(share, keys / 20);
    EXPECT_LT(share, keys / 5);
  }
  router.remove(clerks_[3]);
  const auto without = owners();
  for (std::size_t key = 0; key < keys; ++key) {
    if (before[key] != clerks_[3]) {
      ASSERT_EQ(without[key], before[key]) << "it moved for nothing";
    } else {
      ASSERT_NE(without[key], clerks_[3]);
    }
  }
  clerks_.push_back(spawn<Clerk>(10));
  router.add(clerks_.back());
  const auto with = owners();
  for (std::size_t key = 0; key < keys; ++key) {
    if (with[key] != without[key]) {
      ASSERT_EQ(with[key], clerks_.back()) << "it moved to one who was there before";
    }
  }
  EXPECT_NE(with, without);
}

TEST_F(RouterTest, keys_that_are_numbers_are_spread_too) {
  const auto router = staffed(4);
  std::map<int, int> shares;
  for (int key = 0; key < 400; ++key)
    ++shares[router.by_key(key).ask(Who{})];
  EXPECT_EQ(shares.size(), 4u);
  for (const auto& [number, share] : shares)
    EXPECT_GT(share, 50);
}

// -- all -----------------------------------------------------------------------------------------

// actors 136
TEST_F(RouterTest, broadcast_tells_everybody) {
  const auto router = staffed(3);
  auto full = spawn<Clerk>(ActorOptions{.inbox = {.capacity = 1, .policy = Overflow::reject}}, 3);
  router.add(full);
  EXPECT_EQ(router.broadcast(Work{}), 4u);
  EXPECT_EQ(router.broadcast(Work{}), 3u) << "one was full";
  for (const auto& one : clerks_)
    EXPECT_EQ(*one.ask(Count{}), 2);
  EXPECT_EQ(*full.ask(Count{}), 1);
  full.kill();
}

// actors 46
TEST_F(RouterTest, ask_first_takes_the_first_good_answer) {
  const auto router = staffed(5);
  EXPECT_EQ(router.ask_first(Who{}), 0);
  EXPECT_EQ(router.ask_first(Refuse{}), 3) << "three refused, the fourth did not";
  EXPECT_EQ(*router.ask_first(Count{}), 0) << "an answer that is moved";
  router.ask_first(Work{});
  const auto late = Hub::current().stats().late_replies;
  settle();
  EXPECT_EQ(Hub::current().stats().late_replies, late) << "they were waited for by somebody";
  EXPECT_EQ(*clerks_[4].ask(Count{}), 1) << "all were asked";
}

// actors 46
TEST_F(RouterTest, ask_first_throws_the_last_error_when_all_have_failed) {
  const auto router = staffed(3);
  EXPECT_EQ(text_of<Rejected>([&] { router.ask_first(Refuse{}); }), "no, says 2");
  EXPECT_THROW(router.ask_first(Wait{}, 5ms), AskTimeout);
  event_.set();
  EXPECT_EQ(text_of<ActorDown>([] { ask_first({}, std::vector<ActorRef<Clerk>>(), Who{}); }),
            "ask_first: there is nobody to ask");
  EXPECT_THROW(ask_first({}, std::vector{ActorRef<Clerk>()}, Who{}), ActorDown);
}

TEST_F(RouterTest, a_kill_and_a_timeout_end_the_wait_of_ask_first) {
  const auto router = staffed(2);
  auto asker = spawn([&] { router.ask_first(Wait{}); });
  yield();
  asker.kill();
  EXPECT_TRUE(asker.killed());
  EXPECT_FALSE(with_timeout(1ms, [&] { return router.ask_first(Wait{}); }));
  event_.set();
  EXPECT_LT(router.ask_first(Wait{}), 2);
}

TEST_F(RouterTest, ask_first_hears_of_ends_while_it_waits) {
  const auto router = staffed(2);
  auto asker = spawn([&] { return text_of<ActorDown>([&] { router.ask_first(Wait{}); }); });
  yield();
  clerks_[0].kill();
  EXPECT_FALSE(asker.ready());
  clerks_[1].kill();
  EXPECT_EQ(asker.get(), "ask: the actor has ended");
}

// -- pools, hubs, threads ------------------------------------------------------------------------

TEST_F(RouterTest, a_pool_is_a_router_with_a_supervisor) {
  ErrorLog errors;
  const Router<Clerk> router;
  auto supervisor = spawn<Supervisor>(
      SupervisorOptions{.strategy = Strategy::simple_one_for_one, .intensity = 5});
  router.add_children(supervisor, 3, {}, 7);
  const auto before = router.routees();
  EXPECT_EQ(ask_in_turn(router, 3), (std::vector{7, 7, 7}));
  router.tell(Fail{});
  settle();
  EXPECT_EQ(errors.size(), 1u);
  EXPECT_EQ(router.routees(), before) << "it was started again in its place";
  EXPECT_EQ(ask_in_turn(router, 3), (std::vector{7, 7, 7}));
  router.add_children(supervisor, 2, {}, 8); // grows
  EXPECT_EQ(router.routees().size(), 5u);
  for (const ChildInfo& child : supervisor.ask(Supervisor::Children{})) {
    if (child.id != "child-5") // shrinks
      supervisor.ask(Supervisor::Terminate{child.id});
  }
  EXPECT_EQ(ask_in_turn(router, 2), (std::vector{8, 8}));
  supervisor.stop();
  supervisor.join();
  EXPECT_TRUE(router.routees().empty());
}

TEST_F(RouterTest, routees_may_be_of_any_hub_and_users_on_any_thread) {
  const auto router = staffed(2);
  HubThread other;
  auto there = other.call([] { return spawn<Clerk>(2); });
  EXPECT_TRUE(router.add(there));
  EXPECT_EQ(ask_in_turn(router, 3), (std::vector{0, 1, 2}));
  EXPECT_EQ(other.call([&] { return ask_in_turn(router, 3); }), (std::vector{0, 1, 2}));
  EXPECT_EQ(router.broadcast(Work{}), 3u);
  EXPECT_EQ(*there.ask(Count{}), 1);
  const auto attachment = Hub::current().attach();
  AsyncResult<std::vector<int>> answers;
  std::thread thread([&] { answers.set(ask_in_turn(router, 3)); });
  EXPECT_EQ(answers.get(), (std::vector{0, 1, 2}));
  thread.join();
  there.kill();
  EXPECT_EQ(router.routees(), clerks_);
}

} // namespace
} // namespace grove::test
