// SPDX-License-Identifier: MIT
// Probes: what they expect, answer and say when it is not so.
#include <algorithm>
#include <chrono>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <grove/actors.hpp>
#include <grove/actors/testing.hpp>
#include <grove/hub/timeout.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

using namespace grove::testing;

class ProbeTest : public HubTest {
protected:
  // What a probe says, without the seed that it names.
  template <class F>
  std::string failure(F f) const {
    const std::string text = text_of<ExpectationFailed>(f);
    const std::string seed = " (" + kit_.how_to_repeat() + ")";
    EXPECT_TRUE(text.ends_with(seed)) << text;
    return text.substr(0, text.size() - std::min(text.size(), seed.size()));
  }

  TestKit kit_{7};
};

struct Ping {
  int number = 0;
  friend std::ostream& operator<<(std::ostream& out, const Ping& ping) {
    return out << "number " << ping.number;
  }
};
struct Pong {
  int number = 0;
};
struct Note {
  std::string text;
};
struct Load {
  std::unique_ptr<int> what;
};

TEST_F(ProbeTest, messages_are_taken_in_their_order) {
  Probe<Note, Load> probe;
  const ActorRef<Api<void(Load), void(Note)>> ref = probe.ref();
  ref.tell(Note{"a"});
  ref.tell(Load{std::make_unique<int>(2)});
  ref.tell(Note{"c"});
  EXPECT_EQ(probe.expect<Note>().text, "a");
  EXPECT_EQ(*probe.expect<Load>().what, 2);
  EXPECT_EQ(probe.expect<Note>([](const Note& note) { return note.text == "c"; }).text, "c");
  probe.expect_no(1s);
}

TEST_F(ProbeTest, it_waits_for_what_comes_later) {
  Probe<Note> probe;
  auto timer = probe.ref().tell_after(2500ms, Note{"late"});
  const auto begin = now();
  EXPECT_EQ(probe.expect<Note>().text, "late");
  EXPECT_EQ(now() - begin, 2500ms);
}

TEST_F(ProbeTest, what_is_missing_or_wrong_is_said) {
  Probe<Pong(Ping), Note> probe("the store");
  EXPECT_EQ(failure([&] { probe.expect<Ping>(); }),
            "the store expected a Ping within 3 s: nothing came (after 3 s)");
  auto timer = probe.ref().tell_after(1500ms, Note{"n"});
  EXPECT_EQ(failure([&] { probe.expect<Ping>(2s); }),
            "the store expected a Ping within 2 s: Note came (after 1.5 s)");
  probe.ref().tell(Ping{3});
  EXPECT_EQ(failure([&] { probe.expect<Ping>([](const Ping& p) { return p.number > 3; }, 20ms); }),
            "the store expected a Ping that fulfils a condition within 20 ms: Ping (number 3) came "
            "(after 0 ns)");
  auto ping = probe.ref().tell_after(200us, Ping{4});
  EXPECT_EQ(failure([&] { probe.expect_no(1ms); }),
            "the store expected nothing for 1 ms: Ping (number 4) came (after 200 us)");
}

TEST_F(ProbeTest, expecting_nothing_looks_at_what_is_there_and_what_is_under_way) {
  Probe<Note> probe;
  probe.expect_no();
  probe.ref().tell(Note{"here"});
  EXPECT_THROW(probe.expect_no(), ExpectationFailed);
  auto timer = probe.ref().tell_after(1s, Note{"later"});
  probe.expect_no(999ms);
  EXPECT_THROW(probe.expect_no(1ms), ExpectationFailed);
}

TEST_F(ProbeTest, a_negative_time_is_a_mistake) {
  Probe<Note> probe;
  EXPECT_THROW(probe.expect<Note>(-1ns), std::invalid_argument);
  EXPECT_THROW(probe.fish_for<Note>(-1ns), std::invalid_argument);
  EXPECT_THROW(probe.expect_no(-1ns), std::invalid_argument);
}

TEST_F(ProbeTest, fishing_drops_the_others_and_lists_them) {
  Probe<Pong(Ping), Note> probe;
  for (int i = 1; i <= 4; ++i)
    probe.ref().tell(Ping{i});
  probe.ref().tell(Note{"x"});
  EXPECT_EQ(probe.fish_for<Ping>([](const Ping& p) { return p.number == 3; }).number, 3);
  EXPECT_EQ(failure([&] { probe.fish_for<Ping>([](const Ping& p) { return p.number == 3; }, 1s); }),
            "the probe expected a Ping that fulfils a condition within 1 s: only Ping (number 4), "
            "Note came (after 1 s)");
  EXPECT_THROW(probe.fish_for<Note>(), ExpectationFailed);
}

TEST_F(ProbeTest, what_is_ignored_is_not_kept) {
  Probe<Pong(Ping), Note> probe;
  probe.ignore<Note>();
  probe.ignore<Ping>([](const Ping& ping) { return ping.number < 3; });
  for (int i = 1; i <= 3; ++i) {
    probe.ref().tell(Note{});
    probe.ref().tell(Ping{i});
  }
  EXPECT_EQ(probe.expect<Ping>().number, 3);
  probe.expect_no();
}

TEST_F(ProbeTest, the_test_answers_what_was_asked) {
  Probe<Pong(Ping), Note> probe;
  const auto first = probe.ref().ask_async(Ping{1});
  const auto second = probe.ref().ask_async(Ping{2});
  probe.ref().ask(Note{"of no reply: answered at once"});
  EXPECT_EQ(probe.expect<Ping>().number, 1);
  kit_.settle();
  EXPECT_FALSE(first.ready());
  probe.reply<Ping>(Pong{10});
  EXPECT_EQ(first.get().number, 10);
  probe.expect<Ping>();
  probe.reply_error<Ping>(std::make_exception_ptr(TestError(5)));
  EXPECT_THROW(second.get(), TestError);
  EXPECT_EQ(text_of<std::logic_error>([&] { probe.reply<Ping>(Pong{1}); }),
            "grove: Probe.reply: the probe has taken no Ping that is to be answered");
}

TEST_F(ProbeTest, answers_that_are_given_before_come_at_once) {
  Probe<Pong(Ping)> probe;
  probe.answer<Ping>([](const Ping& ping) { return Pong{ping.number * 2}; });
  probe.answer_once<Ping>(Pong{-1});
  probe.answer_once<Ping>([](const Ping&) -> Pong { throw TestError(3); });
  EXPECT_EQ(probe.ref().ask(Ping{4}).number, -1);
  EXPECT_THROW(probe.ref().ask(Ping{5}), TestError);
  EXPECT_EQ(probe.ref().ask(Ping{6}).number, 12);
  probe.answer<Ping>(Pong{99});
  EXPECT_EQ(probe.ref().ask(Ping{7}).number, 99);
  for (int i = 4; i <= 7; ++i)
    EXPECT_EQ(probe.expect<Ping>().number, i);
  EXPECT_THROW(probe.reply<Ping>(Pong{}), std::logic_error); // they have had theirs
}

TEST_F(ProbeTest, who_is_not_answered_hears_of_it) {
  AsyncResult<Pong> dropped;
  AsyncResult<Pong> left;
  {
    Probe<Pong(Ping)> probe;
    dropped = probe.ref().ask_async(Ping{1});
    left = probe.ref().ask_async(Ping{2});
    probe.fish_for<Ping>([](const Ping& ping) { return ping.number == 2; });
    EXPECT_THROW(dropped.get(), BrokenReply);
    EXPECT_THROW(probe.ref().ask(Ping{3}, 1s), AskTimeout);
  }
  EXPECT_THROW(left.get(), BrokenReply);
}

TEST_F(ProbeTest, a_kill_or_a_timeout_ends_the_wait_and_takes_nothing) {
  Probe<Note> probe;
  auto reader = spawn([&] { probe.expect<Note>(3600s); });
  kit_.settle();
  reader.kill();
  EXPECT_TRUE(reader.killed());
  EXPECT_THROW(
      {
        const Timeout limit(1s);
        probe.expect<Note>();
      },
      TimeoutExpired);
  probe.ref().tell(Note{"still here"});
  EXPECT_EQ(probe.expect<Note>().text, "still here");
}

class Mortal : public Actor {
public:
  void receive(const Note& note) {
    if (note.text == "fail")
      throw TestError(1);
    stop();
  }
};

TEST_F(ProbeTest, it_hears_of_ends) {
  const ErrorLog errors;
  Probe<> probe;
  const auto first = spawn<Mortal>();
  const auto second = spawn<Mortal>();
  probe.watch(first);
  probe.watch(second);
  first.tell(Note{"fail"});
  second.tell(Note{"stop"});
  kit_.settle();
  EXPECT_EQ(probe.expect_down(second).reason.kind, ExitReason::Kind::stopped);
  EXPECT_EQ(probe.expect_down(first).reason.kind, ExitReason::Kind::failed);

  const auto third = spawn<Mortal>();
  const std::string text = failure([&] { probe.expect_down(third, 2s); });
  EXPECT_EQ(text, "the probe expected the end of " + to_string(third) +
                      " within 2 s: it lives (after 2 s)");
  auto timer = third.tell_after(1s, Note{"stop"});
  EXPECT_EQ(probe.expect_down(third).reason.kind, ExitReason::Kind::stopped);
  EXPECT_EQ(probe.expect_down(third).reason.kind, ExitReason::Kind::gone); // it was not watched
}

} // namespace
} // namespace grove::test
