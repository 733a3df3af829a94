// SPDX-License-Identifier: MIT
// Messages held on their way from one actor to another: which, in what order, and what is not.
#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <grove/actors.hpp>
#include <grove/actors/testing.hpp>
#include <grove/hub/hub_thread.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

using namespace grove::testing;

struct Note {
  std::string text;
};
struct Count {};
struct Relay { // tells it on
  std::string text;
};
struct RelayUrgent {
  std::string text;
};
struct RelayAsk {};
struct Boom {};

class Target : public Actor {
public:
  explicit Target(Log& log) : log_(&log) {}
  void receive(const Note& note) { log_->push_back(note.text); }
  int receive(const Count&) {
    log_->push_back("asked");
    return static_cast<int>(log_->size());
  }

private:
  Log* log_;
};

class Sender : public Actor {
public:
  explicit Sender(const ActorRef<Target>& to) : to_(to) {}
  void receive(const Relay& m) { to_.tell(Note{m.text}); }
  void receive(const RelayUrgent& m) { to_.tell(Note{m.text}, urgent); }
  int receive(const RelayAsk&) { return to_.ask(Count{}, 10s); }
  Forward<int> receive(const Count& m) { return forward(to_, m); }
  void receive(const Boom&) {
    TellTimer timer = to_.tell_after(1ms, Note{"by a timer"});
    timer.release();
  }

private:
  ActorRef<Target> to_;
};

class HeldMessagesTest : public HubTest {
protected:
  void SetUp() override {
    HubTest::SetUp();
    kit_ = std::make_unique<TestKit>(3);
    target_ = kit_->spawn<Target>(log_);
    a_ = kit_->spawn<Sender>(target_);
    b_ = kit_->spawn<Sender>(target_);
  }
  void TearDown() override {
    kit_.reset();
    HubTest::TearDown();
  }
  void relay(const ActorRef<Sender>& by, const std::string& text) {
    by.tell(Relay{text});
    kit_->settle();
  }

  Log log_;
  std::unique_ptr<TestKit> kit_;
  ActorRef<Target> target_;
  ActorRef<Sender> a_;
  ActorRef<Sender> b_;
};

TEST_F(HeldMessagesTest, one_pair_is_held_and_keeps_its_order_while_others_pass) {
  HeldMessages held(a_, target_);
  relay(a_, "a1");
  relay(b_, "b1");
  relay(a_, "a2");
  target_.tell(Note{"test"});
  relay(b_, "b2");
  EXPECT_EQ(log_, (Log{"b1", "test", "b2"}));
  EXPECT_EQ(held.size(), 2u);
  held.release();
  kit_->settle();
  EXPECT_EQ(log_, (Log{"b1", "test", "b2", "a1", "a2"}));
  relay(a_, "a3");
  EXPECT_EQ(log_.back(), "a3");
}

TEST_F(HeldMessagesTest, they_are_let_in_one_by_one_or_lost) {
  HeldMessages held(a_, target_);
  EXPECT_FALSE(held.deliver_next());
  EXPECT_FALSE(held.drop_next());
  for (const char* text : {"1", "2", "3", "4"})
    relay(a_, text);
  EXPECT_TRUE(held.deliver_next());
  kit_->settle();
  EXPECT_EQ(log_, Log{"1"});
  const auto lost = Hub::current().stats().dropped_messages;
  EXPECT_TRUE(held.drop_next());
  EXPECT_EQ(Hub::current().stats().dropped_messages, lost + 1);
  relay(a_, "5"); // behind what is held still
  EXPECT_TRUE(held.deliver_next());
  kit_->settle();
  EXPECT_EQ(log_, (Log{"1", "3"}));
  EXPECT_EQ(held.size(), 2u);
  held.release();
  kit_->settle();
  EXPECT_EQ(log_, (Log{"1", "3", "4", "5"}));
}

TEST_F(HeldMessagesTest, what_came_before_is_not_held_and_the_end_of_a_scope_releases) {
  target_.tell(Note{"before"});
  {
    const HeldMessages held(target_);
    target_.tell(Note{"held"});
    target_.tell(Note{"urgent"}, urgent);
    kit_->settle();
    EXPECT_EQ(log_, Log{"before"});
    EXPECT_EQ(held.size(), 2u);
  }
  kit_->settle();
  EXPECT_EQ(log_.size(), 3u);
}

TEST_F(HeldMessagesTest, questions_are_held_too_and_keep_their_place) {
  HeldMessages held(a_, target_);
  relay(a_, "first");
  const auto answer = a_.ask_async(RelayAsk{});
  const auto forwarded = b_.ask_async(Count{});
  kit_->settle();
  EXPECT_EQ(log_, Log{"asked"}); // by b
  EXPECT_EQ(forwarded.get(), 1);
  EXPECT_EQ(held.size(), 2u);
  held.release();
  EXPECT_EQ(answer.get(), 3);
  EXPECT_EQ(log_, (Log{"asked", "first", "asked"}));
}

TEST_F(HeldMessagesTest, a_forwarded_question_is_held) {
  HeldMessages held(a_, target_);
  const auto answer = a_.ask_async(Count{});
  kit_->settle();
  EXPECT_EQ(held.size(), 1u);
  EXPECT_TRUE(held.deliver_next());
  EXPECT_EQ(answer.get(), 1);
}

TEST_F(HeldMessagesTest, the_askers_time_runs_on) {
  const ErrorLog errors;
  HeldMessages held(a_, target_);
  const auto late = a_.ask_async(RelayAsk{});
  kit_->advance(11s);
  EXPECT_THROW(late.get(), AskTimeout);
  const auto expired = Hub::current().stats().expired_requests;
  held.release();
  kit_->settle();
  EXPECT_EQ(Hub::current().stats().expired_requests, expired + 1);
  EXPECT_TRUE(log_.empty());
}

TEST_F(HeldMessagesTest, who_asks_with_a_lost_one_gets_inbox_full) {
  HeldMessages held(target_);
  const auto lost = target_.ask_async(Count{});
  EXPECT_TRUE(held.drop_next());
  EXPECT_THROW(lost.get(), InboxFull);
}

TEST_F(HeldMessagesTest, timers_and_signals_pass) {
  const HeldMessages held(a_, target_);
  relay(a_, "held");
  a_.tell(Boom{});
  kit_->advance(2ms);
  EXPECT_EQ(log_, Log{"by a timer"});
  target_.stop();
  kit_->settle();
  EXPECT_TRUE(target_.join(0s));
}

TEST_F(HeldMessagesTest, the_end_of_the_target_drops_what_is_held) {
  const ErrorLog errors;
  HeldMessages held(a_, target_);
  relay(a_, "held");
  const auto answer = a_.ask_async(RelayAsk{});
  kit_->settle();
  const auto letters = Hub::current().stats().dead_letters;
  target_.kill();
  EXPECT_EQ(Hub::current().stats().dead_letters, letters + 2);
  EXPECT_THROW(answer.get(), ActorDown);
  EXPECT_EQ(held.size(), 0u);
  EXPECT_FALSE(held.deliver_next());
  held.release();
  EXPECT_THROW(HeldMessages again(b_, target_), ActorDown);
}

// Its inbox is kept, and so is what is held of it.
TEST_F(HeldMessagesTest, a_restart_of_the_target_changes_nothing) {
  class Fragile : public Target {
  public:
    using Target::receive;
    using Target::Target;
    void receive(const Boom&) { throw TestError(1); }
  };
  class Root : public Supervisor {
  public:
    explicit Root(Log& log) : log_(&log) {}
    void on_start() override { child = add<Fragile>(ChildSpec{}, std::ref(*log_)); }
    ActorRef<Fragile> receive(const Count&) { return child; }
    ActorRef<Fragile> child;

  private:
    Log* log_;
  };
  const ErrorLog errors;
  const auto root = kit_->spawn<Root>(log_);
  const auto child = root.ask(Count{});
  HeldMessages held(child);
  child.tell(Note{"held"});
  const auto by_another = grove::spawn([&] { child.tell(Boom{}); });
  kit_->settle();
  EXPECT_EQ(errors.size(), 1u);
  EXPECT_EQ(held.size(), 1u);
  held.release();
  child.tell(Note{"and after"});
  kit_->settle();
  EXPECT_EQ(log_, (Log{"held", "and after"}));
}

TEST_F(HeldMessagesTest, the_end_of_the_sender_leaves_what_is_held) {
  HeldMessages held(a_, target_);
  relay(a_, "its last words");
  a_.kill();
  EXPECT_EQ(held.size(), 1u);
  EXPECT_TRUE(held.deliver_next());
  kit_->settle();
  EXPECT_EQ(log_, Log{"its last words"});
}

TEST_F(HeldMessagesTest, several_pairs_are_held_apart) {
  HeldMessages from_a(a_, target_);
  HeldMessages from_b(b_, target_);
  EXPECT_THROW(HeldMessages again(a_, target_), std::logic_error);
  relay(a_, "a");
  relay(b_, "b");
  EXPECT_TRUE(from_b.deliver_next());
  kit_->settle();
  HeldMessages moved = std::move(from_a);
  EXPECT_EQ(from_a.size(), 0u); // NOLINT: nothing is held by it
  moved.release();
  kit_->settle();
  EXPECT_EQ(log_, (Log{"b", "a"}));
  relay(b_, "still held");
  EXPECT_EQ(from_b.size(), 1u);
}

TEST_F(HeldMessagesTest, a_bounded_inbox_counts_what_has_come) {
  const auto small =
      spawn<Target>(ActorOptions{.inbox = {.capacity = 2, .policy = Overflow::reject}}, log_);
  const auto sender = kit_->spawn<Sender>(small);
  {
    HeldMessages held(sender, small);
    for (const char* text : {"1", "2", "3"})
      relay(sender, text);
    EXPECT_EQ(held.size(), 3u);
    small.tell(Note{"x"});
    small.tell(Note{"y"});
    EXPECT_THROW(small.tell(Note{"z"}), InboxFull);
    kit_->settle();
  }
  kit_->settle();
  EXPECT_EQ(log_, (Log{"x", "y", "1", "2", "3"}));
  small.kill();
}

// Who waits for room is let in though a held message has left the inbox by then.
TEST_F(HeldMessagesTest, senders_that_wait_for_room_are_let_in) {
  const auto small = spawn<Target>(ActorOptions{.inbox = {.capacity = 2}}, log_);
  const HeldMessages held(a_, small);
  Log sent;
  auto producer = grove::spawn([&] {
    for (int i = 0; i < 20; ++i)
      small.tell(Note{std::to_string(i)});
    sent.push_back("all");
  });
  auto other = grove::spawn([&] {
    for (int i = 0; i < 20; ++i)
      small.tell(Note{"o" + std::to_string(i)});
    sent.push_back("all");
  });
  kit_->settle();
  EXPECT_EQ(sent.size(), 2u);
  EXPECT_EQ(log_.size(), 40u);
  small.kill();
}

TEST_F(HeldMessagesTest, both_are_of_this_hub) {
  HubThread other;
  Log log;
  const auto there = other.call([&] { return spawn<Target>(log); });
  EXPECT_THROW(HeldMessages elsewhere(a_, there), std::logic_error);
  EXPECT_THROW(HeldMessages nobody(a_, ActorRef<Actor>()), std::logic_error);
  there.kill();
}

} // namespace
} // namespace grove::test
