// SPDX-License-Identifier: MIT
// Topics: subscriptions, restarts, several hubs, threads.
#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <grove/actors.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

struct Said {
  std::string text;
};
struct Fail {};
struct Flush {};

// Keeps a list of members as it hears of them.
class Usher : public Actor {
public:
  void receive(const MemberJoined& event) {
    if (std::find(present.begin(), present.end(), event.member) != present.end())
      ++doubled;
    present.push_back(event.member);
    ++events;
  }
  void receive(const MemberLeft& event) {
    missing += std::erase(present, event.member) == 0 ? 1 : 0;
    ++events;
  }
  std::vector<ActorRef<Actor>> receive(const Flush&) { return present; }
  void receive(const Fail&) { throw std::runtime_error("oops"); }

  std::vector<ActorRef<Actor>> present;
  int doubled = 0;
  int missing = 0;
  int events = 0;
};
struct Counts {
  int events, doubled, missing;
};
struct CountingUsher : Usher {
  using Usher::receive;
  struct Get {};
  Counts receive(const Get&) { return {events, doubled, missing}; }
};

struct Guest : Actor {
  void receive(const Said&) { ++heard; }
  void receive(const Fail&) { throw std::runtime_error("oops"); }
  int receive(const Flush&) { return heard; }
  int heard = 0;
};

class TopicEventsTest : public HubTest {};

using Present = std::vector<ActorRef<Actor>>;

// actors 127
TEST_F(TopicEventsTest, a_subscriber_hears_who_is_there_and_then_of_every_change) {
  const Topic<Said> lobby("lobby");
  auto a = spawn<Guest>();
  auto b = spawn<Guest>();
  auto c = spawn<Guest>();
  auto usher = spawn<CountingUsher>();
  lobby.join(a);
  lobby.join(b);
  lobby.subscribe(usher);
  EXPECT_EQ(usher.ask(Flush{}), (Present{a, b}));
  lobby.join(c);
  lobby.join(c);
  lobby.leave(a);
  lobby.leave(a);
  EXPECT_EQ(usher.ask(Flush{}), (Present{b, c}));
  b.kill();
  EXPECT_EQ(usher.ask(Flush{}), (Present{c}));
  const Counts counts = usher.ask(CountingUsher::Get{});
  EXPECT_EQ(counts.events, 5);
  kill_all({a, c, usher});
  EXPECT_EQ(lobby.size(), 0u);
}

TEST_F(TopicEventsTest, nothing_is_heard_after_unsubscribe_not_even_what_lies_in_the_inbox) {
  const Topic<Said> lobby("lobby");
  auto a = spawn<Guest>();
  auto usher = spawn<CountingUsher>();
  EXPECT_FALSE(lobby.unsubscribe(usher));
  lobby.subscribe(usher);
  lobby.join(a);
  EXPECT_TRUE(lobby.unsubscribe(usher));
  EXPECT_FALSE(lobby.unsubscribe(usher));
  lobby.leave(a);
  EXPECT_EQ(usher.ask(CountingUsher::Get{}).events, 0);
  kill_all({a, usher});
}

TEST_F(TopicEventsTest, to_subscribe_again_is_to_begin_anew) {
  const Topic<Said> lobby("lobby");
  auto a = spawn<Guest>();
  auto usher = spawn<CountingUsher>();
  lobby.join(a);
  lobby.subscribe(usher);
  lobby.subscribe(usher);
  lobby.leave(a);
  const Counts counts = usher.ask(CountingUsher::Get{});
  EXPECT_EQ(counts.events, 2);
  EXPECT_EQ(counts.doubled + counts.missing, 0);
  kill_all({a, usher});
}

TEST_F(TopicEventsTest, events_pass_the_bound_of_an_inbox) {
  const Topic<Said> lobby("lobby");
  auto usher =
      spawn<CountingUsher>(ActorOptions{.inbox = {.capacity = 1, .policy = Overflow::drop_new}});
  std::vector<ActorRef<Guest>> guests;
  lobby.subscribe(usher);
  for (int i = 0; i < 10; ++i) {
    guests.push_back(spawn<Guest>());
    lobby.join(guests.back());
  }
  settle();
  EXPECT_EQ(usher.ask(CountingUsher::Get{}).events, 10);
  for (const auto& guest : guests)
    guest.kill();
  usher.kill();
}

TEST_F(TopicEventsTest, a_member_may_subscribe_and_hears_of_itself) {
  struct Both : CountingUsher {
    using CountingUsher::receive;
    void on_start() override {
      const Topic<Said> lobby("lobby");
      lobby.subscribe(self(*this));
      lobby.join(self(*this));
    }
    void receive(const Said&) {}
  };
  const Topic<Said> lobby("lobby");
  auto both = spawn<Both>();
  EXPECT_EQ(both.ask(Flush{}), Present{both});
  EXPECT_TRUE(lobby.leave(both));
  EXPECT_TRUE(both.ask(Flush{}).empty()) << "it is a subscriber still";
  both.kill();
}

// -- restarts ------------------------------------------------------------------------------------

struct Steward : Supervisor {
  Steward() : Supervisor({.intensity = 10}) {}
};

// actors 98
TEST_F(TopicEventsTest, a_restart_keeps_a_member) {
  const Topic<Said> lobby("lobby");
  ErrorLog errors;
  auto root = spawn<Steward>();
  auto usher = spawn<CountingUsher>();
  auto a = add_child<Guest>(root, {.id = "a"});
  lobby.join(a);
  lobby.subscribe(usher);
  a.tell(Fail{});
  lobby.publish({"hello"});
  settle();
  lobby.publish({"again"});
  EXPECT_EQ(a.ask(Flush{}), 2) << "to the inbox while it was down, and after that";
  EXPECT_EQ(errors.size(), 1u);
  EXPECT_EQ(usher.ask(CountingUsher::Get{}).events, 1) << "a restart is no coming and going";
  root.ask(Supervisor::Terminate{"a"});
  EXPECT_EQ(lobby.size(), 0u);
  EXPECT_EQ(usher.ask(CountingUsher::Get{}).events, 2);
  kill_all({root, usher});
}

TEST_F(TopicEventsTest, a_subscription_ends_with_the_object_and_may_begin_anew) {
  struct Faithful : CountingUsher {
    using CountingUsher::receive;
    void on_start() override { Topic<Said>("lobby").subscribe(self(*this)); }
  };
  const Topic<Said> lobby("lobby");
  ErrorLog errors;
  auto root = spawn<Steward>();
  auto a = spawn<Guest>();
  auto b = spawn<Guest>();
  auto faithful = add_child<Faithful>(root, {});
  auto forgetful = add_child<CountingUsher>(root, {});
  lobby.subscribe(forgetful);
  lobby.join(a);
  faithful.tell(Fail{});
  forgetful.tell(Fail{});
  lobby.join(b); // is in the inbox when the object ends
  settle();
  EXPECT_EQ(faithful.ask(Flush{}), (Present{a, b}));
  EXPECT_EQ(faithful.ask(CountingUsher::Get{}).doubled, 0);
  EXPECT_TRUE(forgetful.ask(Flush{}).empty());
  EXPECT_EQ(errors.size(), 2u);
  kill_all({root, a, b});
}

// -- hubs and threads ----------------------------------------------------------------------------

TEST_F(TopicEventsTest, members_may_be_of_any_hub) {
  const Topic<Said> lobby("lobby");
  HubThread other;
  auto here = spawn<Guest>();
  auto there = other.call([] { return spawn<Guest>(); });
  EXPECT_TRUE(lobby.join(there));
  EXPECT_FALSE(lobby.join(there));
  EXPECT_TRUE(lobby.join(here));
  EXPECT_EQ(lobby.publish({"1"}), 2u);
  EXPECT_EQ(other.call([&] { return lobby.publish({"2"}); }), 2u);
  EXPECT_EQ(there.ask(Flush{}), 2);
  EXPECT_EQ(other.call([&] { return here.ask(Flush{}); }), 2);
  EXPECT_TRUE(lobby.leave(there));
  EXPECT_TRUE(lobby.join(there));
  there.kill();
  EXPECT_THROW(lobby.join(there), ActorDown);
  EXPECT_FALSE(lobby.leave(there));
  EXPECT_EQ(lobby.members(), Present{here});
  here.kill();
}

TEST_F(TopicEventsTest, a_hub_that_ends_takes_its_members_along) {
  const Topic<Said> lobby("lobby");
  auto usher = spawn<CountingUsher>();
  lobby.subscribe(usher);
  ActorRef<Guest> there;
  {
    HubThread other;
    there = other.call([] { return spawn<Guest>(); });
    lobby.join(there);
    EXPECT_EQ(lobby.size(), 1u);
  }
  EXPECT_EQ(lobby.size(), 0u);
  settle();
  EXPECT_EQ(usher.ask(CountingUsher::Get{}).events, 2);
  EXPECT_THROW(lobby.join(there), ActorDown);
  usher.kill();
}

TEST_F(TopicEventsTest, a_thread_without_a_hub_may_use_a_topic) {
  const Topic<Said> lobby("lobby");
  HubThread other;
  auto there = other.call([] { return spawn<Guest>(); });
  auto usher = other.call([] { return spawn<CountingUsher>(); });
  std::thread([&] {
    lobby.subscribe(usher);
    EXPECT_TRUE(lobby.join(there));
    EXPECT_EQ(lobby.publish({"hello"}), 1u);
    EXPECT_EQ(there.ask(Flush{}), 1);
    EXPECT_EQ(usher.ask(Flush{}), Present{there});
    EXPECT_TRUE(lobby.leave(there));
    EXPECT_TRUE(lobby.unsubscribe(usher));
    there.kill();
    EXPECT_THROW(lobby.join(there), ActorDown);
  }).join();
}

TEST_F(TopicEventsTest, a_kill_ends_the_wait_for_another_hub) {
  const Topic<Said> lobby("lobby");
  HubThread other;
  auto there = other.call([] { return spawn<Guest>(); });
  std::atomic<bool> begun{false};
  std::atomic<bool> go{false};
  other.hub().post([&] { // that hub does not look at what comes
    begun = true;
    while (!go)
      std::this_thread::yield();
  });
  while (!begun)
    yield();
  auto joiner = spawn([&] { lobby.join(there); });
  yield();
  joiner.kill();
  EXPECT_TRUE(joiner.killed());
  EXPECT_FALSE(with_timeout(1ms, [&] { return lobby.leave(there); }));
  go = true;
  EXPECT_FALSE(lobby.leave(there)) << "both had been sent there";
}

// Members of two hubs come, go, and end at random while subscribers begin to look: what each has
// heard adds up to who is there in the end.
// actors 127
TEST_F(TopicEventsTest, no_change_is_lost_or_doubled_whatever_the_hubs_do) {
  const Topic<Said> lobby("lobby");
  constexpr int rounds = sanitized ? 200 : 1000;
  HubThread other;
  const auto churn = [lobby](unsigned seed) {
    std::vector<ActorRef<Guest>> mine;
    for (int i = 0; i < rounds; ++i) {
      seed = seed * 1664525 + 1013904223;
      const unsigned what = seed >> 24;
      if (mine.size() < 3 || what < 90) {
        mine.push_back(spawn<Guest>());
        lobby.join(mine.back());
      } else if (what < 130) {
        mine[what % mine.size()].stop();
      } else if (what < 200) {
        lobby.leave(mine[what % mine.size()]);
      } else {
        lobby.join(mine[mine.size() - 1]) ? void() : yield();
      }
      std::erase_if(mine, [](const auto& one) { return one.join(0s); });
    }
    return mine;
  };
  std::vector<ActorRef<CountingUsher>> ushers;
  auto there = spawn([&] { return other.call([&] { return churn(7); }); });
  auto here = spawn([&] { return churn(8); });
  for (int i = 0; i < 10; ++i) {
    ushers.push_back(i % 2 == 0 ? spawn<CountingUsher>()
                                : other.call([] { return spawn<CountingUsher>(); }));
    lobby.subscribe(ushers.back());
    settle(20);
  }
  auto mine = here.get();
  auto theirs = there.get();
  settle();
  const auto sorted = [](Present all) {
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
      return a.joinable().identity < b.joinable().identity;
    });
    return all;
  };
  const Present present = sorted(lobby.members());
  EXPECT_FALSE(present.empty());
  for (const auto& usher : ushers) {
    EXPECT_EQ(sorted(usher.ask(Flush{})), present);
    const Counts counts = usher.ask(CountingUsher::Get{});
    EXPECT_EQ(counts.doubled + counts.missing, 0);
    usher.kill();
  }
  for (const auto& guest : mine)
    guest.kill();
  for (const auto& guest : theirs)
    guest.kill();
  EXPECT_EQ(lobby.size(), 0u);
}

} // namespace
} // namespace grove::test
