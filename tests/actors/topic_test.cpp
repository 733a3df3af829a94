// SPDX-License-Identifier: MIT
// Topics: who gets what is published, and who hears of coming and going.
#include <algorithm>
#include <memory>
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
struct Call { // f in the handler
  std::function<void(Actor&)> f;
};
struct Heard {};

class Guest : public Actor {
public:
  Guest(Log* log, std::string name) : log_(log), name_(std::move(name)) {}
  void receive(const Said& said) { log_->push_back(name_ + ": " + said.text); }
  void receive(const MemberJoined& event) { log_->push_back(name_ + ": joined " + event.topic); }
  void receive(const MemberLeft& event) { log_->push_back(name_ + ": left " + event.topic); }
  void receive(const Call& call) { call.f(*this); }
  void receive(const Heard&) {}

private:
  Log* log_;
  std::string name_;
};

class TopicTest : public HubTest {
protected:
  ActorRef<Guest> guest(const std::string& name) {
    guests_.push_back(spawn<Guest>(&log_, name));
    return guests_.back();
  }
  void TearDown() override {
    for (const auto& one : guests_)
      one.kill();
    HubTest::TearDown();
  }
  Log log_;
  std::vector<ActorRef<Guest>> guests_;
};

TEST_F(TopicTest, members_get_what_is_published_in_the_order_in_which_they_joined) {
  const Topic<Said> lobby("lobby");
  auto a = guest("a");
  auto b = guest("b");
  EXPECT_TRUE(lobby.join(b));
  EXPECT_TRUE(lobby.join(a));
  EXPECT_EQ(lobby.publish({"hello"}), 2u);
  settle();
  EXPECT_EQ(log_, (Log{"b: hello", "a: hello"}));
  EXPECT_EQ(lobby.members(), (std::vector<ActorRef<Actor>>{b, a}));
  EXPECT_EQ(lobby.size(), 2u);
}

// actors 128
TEST_F(TopicTest, what_nobody_wants_is_dropped) {
  const Topic<Said> lobby("lobby");
  EXPECT_EQ(lobby.publish({"hello"}), 0u);
  auto late = guest("late");
  lobby.join(late);
  settle();
  EXPECT_TRUE(log_.empty()) << "it came after the message";
}

// actors 122
TEST_F(TopicTest, all_handles_of_a_name_are_to_one_topic) {
  auto a = guest("a");
  const Topic<Said> lobby("lobby");
  Topic<Said>("lobby").join(a);
  EXPECT_EQ(lobby.size(), 1u);
  EXPECT_EQ(lobby, Topic<Said>("lobby"));
  EXPECT_NE(lobby, Topic<Said>("bar"));
  EXPECT_EQ(lobby.name(), "lobby");
}

TEST_F(TopicTest, a_name_is_for_one_type_of_message_and_not_empty) {
  const Topic<Said> lobby("lobby");
  EXPECT_EQ(text_of<std::logic_error>([] { Topic<Heard>("lobby"); }),
            "grove: Topic: 'lobby' is a topic of Said, not of Heard");
  EXPECT_EQ(text_of<std::invalid_argument>([] { Topic<Said>(""); }), "grove: Topic: an empty name");
}

TEST_F(TopicTest, a_topic_that_nobody_has_goes_away) {
  auto a = guest("a");
  { Topic<Said>("lobby").join(a); }
  EXPECT_THROW(Topic<Heard>("lobby"), std::logic_error) << "it has a member";
  a.kill();
  const Topic<Heard> another("lobby");
  EXPECT_EQ(another.size(), 0u);
}

TEST_F(TopicTest, a_member_may_be_known_by_an_api_or_take_whatever_comes) {
  struct Logger : Actor {
    explicit Logger(Log* l) : log(l) {}
    void receive(Message& message) { log->push_back(std::string("got a ") + message.type_name()); }
    Log* log;
  };
  const Topic<Said> lobby("lobby");
  auto a = guest("a");
  auto logger = spawn<Logger>(&log_);
  EXPECT_TRUE(lobby.join(ActorRef<Api<void(Said)>>(a)));
  EXPECT_FALSE(lobby.join(a)) << "by whatever reference";
  EXPECT_TRUE(lobby.join(logger));
  EXPECT_EQ(lobby.publish({"hello"}), 2u);
  settle();
  EXPECT_EQ(log_, (Log{"a: hello", "got a Said"}));
  logger.kill();
}

// actors 124: there, joining twice counts twice
TEST_F(TopicTest, who_joins_twice_is_a_member_once) {
  const Topic<Said> lobby("lobby");
  auto a = guest("a");
  EXPECT_TRUE(lobby.join(a));
  EXPECT_FALSE(lobby.join(a));
  EXPECT_EQ(lobby.publish({"hello"}), 1u);
  EXPECT_TRUE(lobby.leave(a));
  EXPECT_FALSE(lobby.leave(a));
  EXPECT_EQ(lobby.publish({"hello?"}), 0u);
  settle();
  EXPECT_EQ(log_, (Log{"a: hello"}));
}

struct Noted {
  std::shared_ptr<int> note;
};
struct Scribe : Actor {
  void receive(Noted&& m) { mine = std::move(m.note); }
  long receive(const Heard&) { return mine.use_count(); }
  std::shared_ptr<int> mine;
};

// actors 129: there, all subscribers share one object
TEST_F(TopicTest, each_member_gets_a_copy_of_its_own) {
  const Topic<Noted> notes("notes");
  auto a = spawn<Scribe>();
  auto b = spawn<Scribe>();
  notes.join(a);
  notes.join(b);
  const Noted noted{std::make_shared<int>(1)};
  notes.publish(noted);
  EXPECT_EQ(b.ask(Heard{}), 3) << "moved from in a's handler";
  EXPECT_EQ(noted.note.use_count(), 3);
  a.kill();
  b.kill();
}

// actors 76
TEST_F(TopicTest, who_ends_has_left_before_anybody_hears_of_its_end) {
  const Topic<Said> lobby("lobby");
  auto a = guest("a");
  auto b = guest("b");
  lobby.join(a);
  lobby.join(b);
  auto down = when_down(a);
  a.stop();
  (void)down.get();
  EXPECT_EQ(lobby.members(), (std::vector<ActorRef<Actor>>{b}));
  EXPECT_FALSE(lobby.leave(a));
}

TEST_F(TopicTest, who_has_ended_cannot_join) {
  const Topic<Said> lobby("lobby");
  auto a = guest("a");
  a.kill();
  EXPECT_EQ(text_of<ActorDown>([&] { lobby.join(a); }), "Topic.join: the actor has ended");
  EXPECT_EQ(text_of<ActorDown>([&] { lobby.join(ActorRef<Guest>()); }),
            "Topic.join: the reference names nobody");
  EXPECT_THROW(lobby.subscribe(a), ActorDown);
  EXPECT_FALSE(lobby.leave(ActorRef<Guest>()));
}

struct Stillborn : Actor {
  explicit Stillborn(bool in_start) : fails_in_start(in_start) {
    Topic<Said>("lobby").join(self(*this));
    if (!fails_in_start)
      throw TestError(1);
  }
  void on_start() override { throw TestError(2); }
  void receive(const Said&) {}
  bool fails_in_start;
};

// actors 98
TEST_F(TopicTest, who_fails_to_start_is_no_member) {
  const Topic<Said> lobby("lobby");
  EXPECT_THROW(spawn<Stillborn>(false), TestError);
  EXPECT_EQ(lobby.size(), 0u);
  EXPECT_THROW(spawn<Stillborn>(true), TestError);
  EXPECT_EQ(lobby.size(), 0u);
}

TEST_F(TopicTest, the_order_stays_while_members_go) {
  const Topic<Said> lobby("lobby");
  std::vector<ActorRef<Actor>> left;
  for (int i = 0; i < 200; ++i) {
    auto one = guest(std::to_string(i));
    lobby.join(one);
    if (i % 10 == 7)
      left.emplace_back(one);
  }
  for (int i = 0; i < 200; ++i) {
    if (i % 10 != 7) {
      if (i % 2 == 0)
        guests_[static_cast<std::size_t>(i)].kill();
      else
        lobby.leave(guests_[static_cast<std::size_t>(i)]);
    }
  }
  EXPECT_EQ(lobby.members(), left);
  lobby.join(guests_[9]);
  left.emplace_back(guests_[9]);
  EXPECT_EQ(lobby.members(), left);
  EXPECT_EQ(lobby.publish({"."}), left.size());
}

// -- bounded inboxes -----------------------------------------------------------------------------

TEST_F(TopicTest, a_member_with_a_full_inbox_keeps_nobody_else_from_the_message) {
  const Topic<Said> lobby("lobby");
  auto full = spawn<Guest>(ActorOptions{.inbox = {.capacity = 1, .policy = Overflow::reject}},
                           &log_, "full");
  auto b = guest("b");
  lobby.join(full);
  lobby.join(b);
  const auto dropped = Hub::current().stats().dropped_messages;
  EXPECT_EQ(lobby.publish({"one"}), 2u);
  EXPECT_EQ(lobby.publish({"two"}), 1u);
  EXPECT_EQ(Hub::current().stats().dropped_messages, dropped + 1);
  settle();
  EXPECT_EQ(log_, (Log{"full: one", "b: one", "b: two"}));
  full.kill();
}

TEST_F(TopicTest, a_publisher_waits_for_room_while_members_come_and_go) {
  const Topic<Said> lobby("lobby");
  auto slow = spawn<Guest>(ActorOptions{.inbox = {.capacity = 1}}, &log_, "slow");
  Event go;
  slow.tell(Call{[&](Actor&) { go.wait(); }});
  yield();
  auto b = guest("b");
  auto late = guest("late");
  lobby.join(slow);
  lobby.join(b);
  slow.tell(Said{"filled"});
  auto publisher = spawn([&] { return lobby.publish({"waited"}); });
  settle();
  EXPECT_TRUE(log_.empty());
  lobby.join(late);
  lobby.leave(slow);
  go.set();
  EXPECT_EQ(publisher.get(), 2u);
  settle();
  EXPECT_EQ(log_, (Log{"slow: filled", "slow: waited", "b: waited"}))
      << "as it was when it was published";
  slow.kill();
}

TEST_F(TopicTest, a_kill_or_a_timeout_ends_the_wait_of_a_publisher) {
  const Topic<Said> lobby("lobby");
  auto slow = spawn<Guest>(ActorOptions{.inbox = {.capacity = 1}}, &log_, "slow");
  Event go;
  slow.tell(Call{[&](Actor&) { go.wait(); }});
  yield();
  lobby.join(slow);
  slow.tell(Said{"filled"});
  auto publisher = spawn([&] { lobby.publish({"never"}); });
  yield();
  publisher.kill();
  EXPECT_TRUE(publisher.killed());
  EXPECT_FALSE(with_timeout(1ms, [&] {
                 lobby.publish({"never"});
                 return true;
               }).value_or(false));
  EXPECT_EQ(lobby.size(), 1u);
  go.set();
  settle();
  EXPECT_EQ(log_, (Log{"slow: filled"}));
  slow.kill();
}

TEST_F(TopicTest, a_member_that_publishes_into_its_own_full_inbox_is_passed_over) {
  const Topic<Said> lobby("lobby");
  auto a = spawn<Guest>(ActorOptions{.inbox = {.capacity = 1}}, &log_, "a");
  lobby.join(a);
  std::size_t first = 9;
  std::size_t second = 9;
  a.ask(Call{[&](Actor&) {
    first = lobby.publish({"one"});
    second = lobby.publish({"two"});
  }});
  EXPECT_EQ(first, 1u);
  EXPECT_EQ(second, 0u);
  settle();
  EXPECT_EQ(log_, (Log{"a: one"}));
  a.kill();
}

} // namespace
} // namespace grove::test
