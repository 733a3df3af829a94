// SPDX-License-Identifier: MIT
// on_dead_letter(): what is shown of messages that nobody will handle.
#include <grove/actors.hpp>

#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "support/hub_test.hpp"

namespace grove::test {
namespace {

using namespace std::chrono_literals;
using Why = DeadLetter::Why;

struct Note {
  int number = 0;
};
struct Pause {
  Event* until = nullptr;
};

class Clerk : public Actor {
public:
  void receive(const Note&) {}
  void receive(const Pause& pause) { pause.until->wait(); }
};

class DeadLetterTest : public HubTest {
protected:
  DeadLetterTest() {
    on_dead_letter([this](const DeadLetter& letter) {
      const Note* note = letter.get_if<Note>();
      seen_.push_back((letter.why() == Why::gone ? "gone " : "full ") +
                      std::string(letter.type_name()) +
                      (note != nullptr ? " " + std::to_string(note->number) : "") +
                      (letter.trace() != 0 ? " of " + std::to_string(letter.trace()) : ""));
    });
  }
  DeadLetterTest(const DeadLetterTest&) = delete;
  DeadLetterTest& operator=(const DeadLetterTest&) = delete;
  ~DeadLetterTest() override { on_dead_letter({}); }

  std::vector<std::string> seen_;
};

TEST_F(DeadLetterTest, what_is_told_to_one_that_has_ended_is_shown) {
  const auto clerk = spawn<Clerk>();
  clerk.tell(Note{1});
  clerk.stop();
  clerk.join();
  EXPECT_THAT(seen_, testing::IsEmpty());
  clerk.tell(Note{2});
  clerk.tell(Note{3}, urgent);
  clerk.tell(Pause{});
  ActorRef<Clerk>().tell(Note{4});
  EXPECT_THAT(seen_,
              testing::ElementsAre("gone Note 2", "gone Note 3", "gone Pause", "gone Note 4"));
}

TEST_F(DeadLetterTest, what_lies_in_the_inbox_of_one_that_ends_is_shown_with_its_trace) {
  Event never;
  const auto clerk = spawn<Clerk>();
  clerk.tell(Pause{&never});
  {
    const TraceScope trace(77);
    clerk.tell(Note{1});
  }
  clerk.tell(Note{2});
  yield();
  clerk.kill();
  EXPECT_THAT(seen_, testing::ElementsAre("gone Note 1 of 77", "gone Note 2"));
}

TEST_F(DeadLetterTest, what_a_full_inbox_drops_is_shown) {
  for (const Overflow policy : {Overflow::drop_new, Overflow::drop_old}) {
    const auto clerk = spawn<Clerk>(ActorOptions{.inbox = {.capacity = 2, .policy = policy}});
    for (int i = 1; i <= 3; ++i)
      clerk.tell(Note{i});
    clerk.kill();
  }
  EXPECT_THAT(seen_, testing::ElementsAre("full Note 3", "gone Note 1", "gone Note 2",
                                          "full Note 1", "gone Note 2", "gone Note 3"));
}

TEST_F(DeadLetterTest, a_timer_for_one_that_has_ended_and_a_tick_without_room_are_shown) {
  Event never;
  const auto clerk =
      spawn<Clerk>(ActorOptions{.inbox = {.capacity = 1, .policy = Overflow::drop_new}});
  clerk.tell(Pause{&never});
  yield();
  clerk.tell(Note{1});
  auto tick = clerk.tell_after(0ns, Note{2});
  while (tick.active())
    yield();
  EXPECT_THAT(seen_, testing::ElementsAre("full Note 2"));
  clerk.kill();
  clerk.tell_after(1s, Note{3}).release();
  EXPECT_THAT(seen_, testing::ElementsAre("full Note 2", "gone Note 1", "gone Note 3"));
}

TEST_F(DeadLetterTest, a_question_is_none_as_its_asker_hears_of_it) {
  const auto clerk = spawn<Clerk>();
  clerk.kill();
  EXPECT_THROW(clerk.ask(Note{1}), ActorDown);
  EXPECT_THAT(seen_, testing::IsEmpty());
}

TEST_F(DeadLetterTest, a_hook_that_loses_messages_itself_is_not_called_for_them) {
  const auto clerk = spawn<Clerk>();
  clerk.kill();
  int calls = 0;
  on_dead_letter([&](const DeadLetter&) {
    ++calls;
    clerk.tell(Note{2});
    throw std::runtime_error("nobody hears of it");
  });
  const auto before = Hub::current().stats().dead_letters;
  clerk.tell(Note{1});
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(Hub::current().stats().dead_letters, before + 2);
}

TEST_F(DeadLetterTest, between_hubs_the_receivers_hub_sees_it) {
  HubThread other;
  const auto clerk = other.call([] { return spawn<Clerk>(); });
  clerk.kill();
  AsyncResult<std::string> seen;
  other.call([seen] {
    on_dead_letter([seen](const DeadLetter& letter) { seen.set(letter.type_name()); });
  });
  clerk.tell(Note{1});
  EXPECT_EQ(seen.get(), "Note");
  EXPECT_THAT(seen_, testing::IsEmpty());
}

TEST_F(DeadLetterTest, another_hook_may_be_set_from_within) {
  ActorRef<Clerk> nobody;
  on_dead_letter([this](const DeadLetter&) {
    seen_.push_back("first");
    on_dead_letter([this](const DeadLetter&) { seen_.push_back("second"); });
  });
  nobody.tell(Note{1});
  nobody.tell(Note{2});
  EXPECT_THAT(seen_, testing::ElementsAre("first", "second"));
}

} // namespace
} // namespace grove::test
