// SPDX-License-Identifier: MIT
// snapshot(): what is seen of actors, and that it is true.
#include <grove/actors.hpp>

#include <algorithm>
#include <optional>
#include <sstream>
#include <string_view>
#include <thread>

#include <gmock/gmock.h>

#include "support/hub_test.hpp"

namespace grove::test {
namespace {

using namespace std::chrono_literals;
using State = ActorInfo::State;

struct Note {
  int number = 0;
};
struct Pause {
  Event* until = nullptr;
};
struct Fail {};

class CountedClerk : public Actor {
public:
  void receive(const Note&) {}
  void receive(const Pause& pause) { pause.until->wait(); }
  void receive(const Fail&) { throw std::runtime_error("as told"); }
};

class SnapshotTest : public HubTest {
protected:
  static std::optional<ActorInfo> of(const ActorRef<Actor>& actor) { return of(snapshot(), actor); }
  static std::optional<ActorInfo> of(const ActorSnapshot& all, const ActorRef<Actor>& actor) {
    for (const ActorInfo& info : all.actors) {
      if (info.actor == actor)
        return info;
    }
    return std::nullopt;
  }
  static std::uint32_t number_of(const ActorRef<Actor>& actor) {
    return actor.joinable().identity->id;
  }
  static ActorClassInfo of_class(std::string_view type) {
    for (const ActorClassInfo& info : snapshot().classes) {
      if (std::string_view(info.type) == type)
        return info;
    }
    return {};
  }
};

TEST_F(SnapshotTest, an_idle_actor_is_there_with_what_it_has_handled) {
  const auto clerk = spawn<CountedClerk>();
  for (int i = 0; i < 70; ++i)
    clerk.tell(Note{i});
  EXPECT_EQ(of(clerk)->inbox, 70);
  EXPECT_EQ(of(clerk)->state, State::runnable);
  clerk.ask(Note{});
  const auto seen = of(clerk);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->state, State::idle);
  EXPECT_EQ(seen->messages, 71);
  EXPECT_EQ(seen->inbox, 0);
  EXPECT_EQ(seen->high_water, 71);
  EXPECT_EQ(seen->capacity, 0);
  EXPECT_EQ(seen->activity, "");
  EXPECT_STREQ(seen->type, "CountedClerk");
  EXPECT_THAT(seen->name, testing::StartsWith("CountedClerk-"));
  EXPECT_EQ(seen->hub, Hub::current().index());
  EXPECT_EQ(seen->parent, ActorRef<Actor>());
  clerk.kill();
}

TEST_F(SnapshotTest, one_that_waits_is_seen_in_its_handler) {
  Event done;
  const auto clerk = spawn<CountedClerk>();
  clerk.tell(Pause{&done});
  clerk.tell(Note{});
  yield();
  const auto seen = of(clerk);
  EXPECT_EQ(seen->state, State::waiting);
  EXPECT_EQ(seen->activity, "CountedClerk.receive(Pause) waits in Event.wait");
  EXPECT_EQ(seen->inbox, 1);
  EXPECT_EQ(seen->messages, 1);
  std::ostringstream text;
  dump(text);
  EXPECT_THAT(text.str(),
              testing::HasSubstr("handling CountedClerk.receive(Pause); 1 message in its"));
  done.set();
  clerk.ask(Note{});
  EXPECT_EQ(of(clerk)->messages, 3);
  clerk.kill();
}

TEST_F(SnapshotTest, one_that_has_ended_is_no_actor_any_more_but_its_class_remembers) {
  const ActorClassInfo before = of_class("CountedClerk");
  const auto one = spawn<CountedClerk>();
  const auto other = spawn<CountedClerk>();
  for (int i = 0; i < 5; ++i)
    one.tell(Note{i});
  one.ask(Note{});
  other.ask(Note{});
  one.kill();
  EXPECT_FALSE(of(one));
  const ActorClassInfo after = of_class("CountedClerk");
  EXPECT_EQ(after.living, before.living + 1);
  EXPECT_EQ(after.ended, before.ended + 1);
  EXPECT_EQ(after.messages, before.messages + 7);
  EXPECT_GE(after.high_water, 6);
  other.kill();
  EXPECT_EQ(of_class("CountedClerk").messages, after.messages);
}

namespace one {
class Namesake : public Actor {
public:
  void receive(const Note&) {}
};
} // namespace one
namespace other {
class Namesake : public Actor {
public:
  void receive(const Note&) {}
};
} // namespace other

TEST_F(SnapshotTest, classes_of_one_name_are_counted_apart_also_over_several_hubs) {
  const auto first = spawn<one::Namesake>();
  first.ask(Note{});
  HubThread elsewhere;
  elsewhere.call([] {
    spawn<one::Namesake>().ask(Note{});
    for (int i = 0; i < 2; ++i)
      spawn<other::Namesake>().kill();
  });
  ActorSnapshot all = snapshot();
  all += elsewhere.call([] { return snapshot(); });
  std::vector<std::string> seen;
  for (const ActorClassInfo& info : all.classes) {
    if (std::string_view(info.type) != "Namesake")
      continue;
    const std::string_view name = info.qualified_type;
    seen.push_back(
        std::string(name.substr(name.find("one::") != name.npos ? name.find("one::")
                                                                : name.find("other::"))) +
        ": " + std::to_string(info.living) + " live, " + std::to_string(info.ended) + " ended, " +
        std::to_string(info.messages) + " messages");
    for (const ActorInfo& actor : all.actors)
      EXPECT_EQ(actor.type == info.type,
                std::string_view(actor.type) == "Namesake" && name.find("one::") != name.npos);
  }
  EXPECT_THAT(seen, testing::UnorderedElementsAre("one::Namesake: 2 live, 0 ended, 2 messages",
                                                  "other::Namesake: 0 live, 2 ended, 0 messages"));
  first.kill();
}

TEST_F(SnapshotTest, a_handler_that_throws_has_handled_its_message) {
  const ActorClassInfo before = of_class("CountedClerk");
  Hub::current().on_error([](const UnhandledError&) {});
  const auto clerk = spawn<CountedClerk>();
  clerk.tell(Note{});
  clerk.tell(Fail{});
  clerk.join();
  EXPECT_EQ(of_class("CountedClerk").messages, before.messages + 2);
}

TEST_F(SnapshotTest, bounds_senders_and_names_are_told) {
  Event done;
  const auto clerk = spawn<CountedClerk>(ActorOptions{.inbox = {.capacity = 2}});
  register_actor("the clerk", clerk);
  clerk.tell(Pause{&done});
  yield();
  const auto sender = spawn([&] {
    for (int i = 0; i < 3; ++i)
      clerk.tell(Note{i});
  });
  yield();
  const auto seen = of(clerk);
  EXPECT_EQ(seen->name, "the clerk");
  EXPECT_EQ(seen->capacity, 2);
  EXPECT_EQ(seen->inbox, 2);
  EXPECT_EQ(seen->senders, 1);
  done.set();
  sender.join();
  clerk.kill();
}

class Parent : public Actor {
public:
  void on_start() override {
    first_ = spawn_child<CountedClerk>();
    second_ = spawn_child<CountedClerk>();
  }
  struct Which {};
  std::pair<ActorRef<CountedClerk>, ActorRef<CountedClerk>> receive(const Which&) {
    return {first_, second_};
  }

private:
  ActorRef<CountedClerk> first_;
  ActorRef<CountedClerk> second_;
};

TEST_F(SnapshotTest, children_stand_behind_their_parent_in_the_order_of_birth) {
  const auto elder = spawn<Parent>();
  const auto younger = spawn<Parent>();
  const auto [first, second] = elder.ask(Parent::Which{});
  const auto [third, fourth] = younger.ask(Parent::Which{});
  std::vector<ActorRef<Actor>> order;
  for (const ActorInfo& info : snapshot().actors)
    order.push_back(info.actor);
  EXPECT_THAT(order, number_of(elder) < number_of(younger)
                         ? testing::ElementsAre(elder, first, second, younger, third, fourth)
                         : testing::ElementsAre(younger, third, fourth, elder, first, second));
  EXPECT_EQ(of(second)->parent, elder);
  elder.kill();
  younger.kill();
}

TEST_F(SnapshotTest, restarts_are_counted_and_the_counts_go_on_over_them) {
  Hub::current().on_error([](const UnhandledError&) {});
  const ActorClassInfo before = of_class("CountedClerk");
  const auto supervisor = spawn<Supervisor>(SupervisorOptions{.intensity = 5});
  const auto clerk = add_child<CountedClerk>(supervisor, {.id = "clerk"});
  clerk.tell(Note{});
  clerk.tell(Fail{});
  clerk.ask(Note{});
  const auto seen = of(clerk);
  EXPECT_EQ(seen->restarts, 1);
  EXPECT_EQ(seen->messages, 3);
  EXPECT_EQ(seen->parent, supervisor);
  EXPECT_EQ(of_class("CountedClerk").restarts, before.restarts + 1);
  supervisor.stop();
  supervisor.join();
}

// -- busy time -----------------------------------------------------------------------------------

class Burner : public Actor {
public:
  struct Burn {};
  // Until the sampling has found it often enough, however slow the machine is.
  void receive(const Burn&) {
    for (;;) {
      for (const ActorInfo& info : snapshot().actors) {
        if (info.actor == ActorRef<Actor>(self(*this)) && info.busy >= 20ms)
          return;
      }
    }
  }
};

TEST_F(SnapshotTest, the_one_that_uses_the_processor_is_found_by_sampling) {
  const auto idler = spawn<CountedClerk>();
  const auto burner = spawn<Burner>();
  {
    const BusySampling sampling(1ms);
    burner.ask(Burner::Burn{});
  }
  EXPECT_GE(of(burner)->busy, 20ms);
  EXPECT_EQ(of(idler)->busy, 0ns);
  idler.kill();
  const auto busy = of(burner)->busy;
  burner.kill();
  EXPECT_GE(of_class("Burner").busy, busy);
}

TEST_F(SnapshotTest, sampling_says_what_is_wrong) {
  EXPECT_THROW(BusySampling(10us), std::invalid_argument);
  const BusySampling one;
  EXPECT_THROW(BusySampling(), std::logic_error);
  std::thread([] { EXPECT_THROW(BusySampling(), std::logic_error); }).join(); // it has no hub
}

TEST_F(SnapshotTest, hubs_count_for_themselves) {
  HubThread other;
  const auto clerk = other.call([] { return spawn<CountedClerk>(); });
  clerk.ask(Note{});
  EXPECT_FALSE(of(clerk));
  const auto there = other.call([&] { return of(clerk); });
  ASSERT_TRUE(there);
  EXPECT_EQ(there->messages, 1);
  EXPECT_EQ(there->hub, other.hub().index());
  clerk.kill();
  EXPECT_EQ(other.call([] { return of_class("CountedClerk").ended; }), 1);
}

} // namespace
} // namespace grove::test
