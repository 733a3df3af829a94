// SPDX-License-Identifier: MIT
// tell(): order, turns, and what becomes of messages that nobody handles.
#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <grove/actors.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class TellTest : public HubTest {
protected:
  static std::uint64_t dead_letters() { return Hub::current().stats().dead_letters; }
};

struct Say {
  std::string what;
};
struct Number {
  int from = 0;
  int n = 0;
};
struct Go {
  int n = 0;
};
struct Halt {};

struct Listener : Actor {
  explicit Listener(Log& l, std::string n = "") : log(l), name(std::move(n)) {}
  void receive(const Say& m) { log.push_back(name + m.what); }
  void receive(const Halt&) { stop(); }
  Log& log;
  std::string name;
};

// -- order ---------------------------------------------------------------------------------------

struct Collector : Actor {
  explicit Collector(std::vector<Number>& a) : all(a) {}
  void receive(const Number& m) { all.push_back(m); }
  void receive(const Halt&) {}
  std::vector<Number>& all;
};

// actors 1
TEST_F(TellTest, messages_of_one_sender_arrive_in_their_order) {
  std::vector<Number> all;
  auto a = spawn<Collector>(all);
  for (int i = 0; i < 1000; ++i) {
    a.tell(Number{0, i});
    if (i % 100 == 0)
      yield();
  }
  a.ask(Halt{});
  ASSERT_EQ(all.size(), 1000u);
  for (int i = 0; i < 1000; ++i)
    ASSERT_EQ(all[static_cast<std::size_t>(i)].n, i);
  EXPECT_TRUE(a.kill());
}

struct Sender : Actor {
  Sender(ActorRef<Collector> t, int n) : to(t), number(n) {}
  void receive(const Go& m) {
    for (int i = 0; i < m.n; ++i) {
      to.tell(Number{number, i});
      if (i % (number + 2) == 0)
        yield();
    }
  }
  ActorRef<Collector> to;
  int number;
};

// Nothing is promised between senders but that each keeps its own order and none is lost.
// actors 1
TEST_F(TellTest, many_senders_each_keep_their_order) {
  constexpr int senders = 10, each = 200;
  std::vector<Number> all;
  auto a = spawn<Collector>(all);
  std::vector<ActorRef<Sender>> from;
  for (int i = 0; i < senders; ++i)
    from.push_back(spawn<Sender>(a, i));
  for (const auto& sender : from)
    sender.tell(Go{each});
  for (const auto& sender : from)
    sender.stop();
  EXPECT_TRUE(join_all(from));
  a.ask(Halt{});
  ASSERT_EQ(all.size(), static_cast<std::size_t>(senders * each));
  std::vector<int> next(senders);
  bool mixed = false;
  for (std::size_t i = 0; i < all.size(); ++i) {
    ASSERT_EQ(all[i].n, next.at(static_cast<std::size_t>(all[i].from))++);
    mixed = mixed || (i >= each && all[i].from == 0);
  }
  EXPECT_TRUE(mixed) << "the senders did take turns";
  EXPECT_TRUE(a.kill());
}

TEST_F(TellTest, messages_of_senders_that_do_not_wait_arrive_in_the_order_of_telling) {
  Log log;
  auto a = spawn<Listener>(log);
  std::vector<GreenletRef<>> all;
  for (int i = 0; i < 5; ++i) {
    all.push_back(spawn([&, i] {
      a.tell(Say{std::to_string(i)});
      yield();
      a.tell(Say{std::to_string(10 + i)});
    }));
  }
  EXPECT_TRUE(join_all(all));
  settle();
  EXPECT_EQ(log, (Log{"0", "1", "2", "3", "4", "10", "11", "12", "13", "14"}));
  EXPECT_TRUE(a.kill());
}

// -- switching -----------------------------------------------------------------------------------

TEST_F(TellTest, tell_never_switches) {
  Log log;
  auto a = spawn<Listener>(log);
  spawn([&] { log.push_back("another greenlet"); });
  for (int i = 0; i < 5000; ++i)
    a.tell(Say{"message"});
  EXPECT_EQ(log, Log{});
  settle(200);
  EXPECT_EQ(log.size(), 5001u);
  EXPECT_EQ(log.front(), "another greenlet") << "it was runnable before the actor";
  EXPECT_TRUE(a.kill());
}

struct Forwarder : Actor {
  Forwarder(Log& l, ActorRef<Listener> t) : log(l), to(t) {}
  void receive(const Go&) {
    to.tell(Say{"told"});
    self(*this).tell(Say{"told myself"});
    log.push_back("handler ends");
  }
  void receive(const Say& m) { log.push_back(m.what); }
  Log& log;
  ActorRef<Listener> to;
};

TEST_F(TellTest, tell_in_a_handler_runs_nobody_before_the_handler_ends) {
  Log log;
  auto a = spawn<Listener>(log);
  auto b = spawn<Forwarder>(log, a);
  b.tell(Go{});
  settle();
  ASSERT_EQ(log.size(), 3u);
  EXPECT_EQ(log[0], "handler ends");
  EXPECT_TRUE(kill_all({a, b}));
}

// Architecture: an actor handles at most 64 messages before the next has its turn.
// actors 28
TEST_F(TellTest, a_full_inbox_lets_the_next_actor_have_its_turn_after_64_messages) {
  const Simulation simulation({.seed = 1, .shuffle = false}); // where no turn takes long
  Log log;
  auto a = spawn<Listener>(log, "a");
  auto b = spawn<Listener>(log, "b");
  for (int i = 0; i < 200; ++i)
    a.tell(Say{"."});
  b.tell(Say{"!"});
  settle();
  ASSERT_EQ(log.size(), 201u);
  EXPECT_EQ(log[64], "b!");
  for (std::size_t i = 0; i < log.size(); ++i)
    EXPECT_EQ(log[i], i == 64 ? "b!" : "a.") << i;
  EXPECT_TRUE(kill_all({a, b}));
}

struct Slow : Actor {
  explicit Slow(Log& l) : log(l) {}
  void receive(const Go&) {
    spin(50us); // a turn of four is longer than 100 us
    log.push_back("slow");
  }
  Log& log;
};

TEST_F(TellTest, a_turn_that_takes_long_ends_sooner_and_lets_timers_fire) {
  Log log;
  auto a = spawn<Slow>(log);
  auto b = spawn<Listener>(log, "b");
  spawn_later(1ns, [&] { log.push_back("timer"); });
  for (int i = 0; i < 10; ++i)
    a.tell(Go{});
  b.tell(Say{"!"});
  a.ask(Go{});
  EXPECT_EQ(log[4], "b!") << "the clock is looked at after the fourth";
  EXPECT_LT(std::find(log.begin(), log.end(), "timer") - log.begin(), 10);
  EXPECT_EQ(std::count(log.begin(), log.end(), "slow"), 11);
  EXPECT_TRUE(kill_all({a, b}));
}

struct Endless : Actor {
  explicit Endless(long& c) : count(c) {}
  void receive(const Go&) {
    ++count;
    self(*this).tell(Go{});
  }
  long& count;
};

TEST_F(TellTest, an_actor_that_feeds_itself_starves_neither_actors_nor_timers) {
  long first = 0, second = 0;
  auto a = spawn<Endless>(first);
  auto b = spawn<Endless>(second);
  a.tell(Go{});
  b.tell(Go{});
  sleep(2ms); // ends only if timers are looked at
  EXPECT_GT(first, 64);
  EXPECT_GT(second, 64);
  EXPECT_TRUE(kill_all({a, b}));
}

// -- dead letters --------------------------------------------------------------------------------

TEST_F(TellTest, a_message_to_one_that_has_ended_is_a_dead_letter) {
  Log log;
  auto a = spawn<Listener>(log);
  EXPECT_TRUE(a.kill());
  const auto before = dead_letters();
  a.tell(Say{"1"});
  a.tell(Say{"2"});
  EXPECT_EQ(dead_letters(), before + 2);
  settle();
  EXPECT_EQ(log, Log{});
}

TEST_F(TellTest, mail_in_the_inbox_of_one_that_ends_is_counted_too) {
  Log log;
  auto a = spawn<Listener>(log);
  const auto before = dead_letters();
  a.tell(Say{"1"});
  a.tell(Halt{});
  a.tell(Say{"2"});
  a.tell(Say{"3"});
  EXPECT_TRUE(a.join());
  EXPECT_EQ(log, (Log{"1"}));
  EXPECT_EQ(dead_letters(), before + 2);
}

TEST_F(TellTest, stopping_what_ends_or_has_ended_is_no_dead_letter) {
  Log log;
  auto a = spawn<Listener>(log);
  const auto before = dead_letters();
  a.stop();
  a.stop();
  EXPECT_TRUE(a.join());
  a.stop();
  EXPECT_EQ(dead_letters(), before) << "stop is no message";
}

// actors 116
TEST_F(TellTest, a_default_reference_names_nobody) {
  const ActorRef<Listener> nobody;
  EXPECT_EQ(nobody, ActorRef<Listener>());
  const auto before = dead_letters();
  nobody.tell(Say{"1"});
  EXPECT_EQ(dead_letters(), before + 1);
  EXPECT_TRUE(nobody.join());
  EXPECT_TRUE(nobody.kill());
  nobody.stop();
  EXPECT_TRUE(join_all({nobody}));
  EXPECT_TRUE(kill_all({nobody}));
}

// Decisions 22: found out by its generation.
TEST_F(TellTest, a_stale_reference_reaches_nobody_when_its_slot_is_used_again) {
  Log log;
  auto a = spawn<Listener>(log, "a");
  EXPECT_TRUE(a.kill());
  auto b = spawn<Listener>(log, "b");
  ASSERT_EQ(a.joinable().identity, b.joinable().identity) << "the slot was not used again";
  EXPECT_NE(a, b);
  const auto before = dead_letters();
  a.tell(Say{"stale"});
  a.stop();
  EXPECT_TRUE(a.kill()) << "it has ended already";
  EXPECT_TRUE(a.join());
  EXPECT_THROW(a.ask(Say{"stale"}), ActorDown);
  b.ask(Say{"fresh"});
  EXPECT_EQ(log, (Log{"bfresh"}));
  EXPECT_EQ(dead_letters(), before + 1);
  EXPECT_TRUE(b.kill());
}

TEST_F(TellTest, a_stale_reference_does_not_reach_an_actor_of_another_class) {
  Log log;
  auto a = spawn<Listener>(log, "a");
  EXPECT_TRUE(a.kill());
  struct Impostor : Actor {
    explicit Impostor(Log& l) : log(l) {}
    void receive(const Say&) { log.push_back("impostor"); }
    Log& log;
    std::string same_size_as_listener;
  };
  static_assert(sizeof(Impostor) == sizeof(Listener));
  auto b = spawn<Impostor>(log);
  ASSERT_EQ(a.joinable().identity, b.joinable().identity) << "the slot was not used again";
  a.tell(Say{"stale"});
  settle();
  EXPECT_EQ(log, Log{});
  EXPECT_TRUE(b.kill());
}

// -- messages as objects -------------------------------------------------------------------------

struct Copied {
  explicit Copied(std::vector<char>& h) : history(&h) {}
  Copied(const Copied& other) : history(other.history) { history->push_back('c'); }
  Copied(Copied&& other) noexcept : history(other.history) { history->push_back('m'); }
  Copied& operator=(const Copied&) = delete;
  std::vector<char>* history;
};
struct Taker : Actor {
  void receive(const Copied&) {}
};

TEST_F(TellTest, a_message_is_put_into_its_envelope_with_one_move_or_one_copy) {
  std::vector<char> history;
  auto a = spawn<Taker>();
  a.tell(Copied(history));
  EXPECT_EQ(history, (std::vector<char>{'m'}));
  history.clear();
  const Copied lvalue(history);
  a.tell(lvalue);
  EXPECT_EQ(history, (std::vector<char>{'c'}));
  a.stop();
  EXPECT_TRUE(a.join());
  EXPECT_EQ(history, (std::vector<char>{'c'})) << "a handler that takes const M& copies nothing";
}

struct BadCopy {
  BadCopy() = default;
  BadCopy(const BadCopy&) { throw TestError(9); }
};
struct Unlucky : Actor {
  explicit Unlucky(int& n) : handled(n) {}
  void receive(const BadCopy&) { ++handled; }
  void receive(const Go&) { ++handled; }
  int& handled;
};

TEST_F(TellTest, a_message_whose_copying_throws_is_not_sent_and_the_teller_hears_of_it) {
  int handled = 0;
  auto a = spawn<Unlucky>(handled);
  const BadCopy bad;
  EXPECT_THROW(a.tell(bad), TestError);
  EXPECT_THROW(a.ask(bad), TestError);
  a.ask(Go{});
  EXPECT_EQ(handled, 1);
  EXPECT_TRUE(a.kill());
}

// A message may say more when it is dropped: to whom it was sent, or to somebody else.
struct LastWords {
  ActorRef<Listener> to;
  bool armed = true;
  explicit LastWords(ActorRef<Listener> t) : to(t) {}
  LastWords(LastWords&& other) noexcept : to(other.to), armed(std::exchange(other.armed, false)) {}
  ~LastWords() {
    if (armed)
      to.tell(Say{"dropped"});
  }
};
struct Grave : Actor {
  void receive(const Go&) { yield(); }
  void receive(const LastWords&) {}
};

TEST_F(TellTest, a_message_may_tell_in_its_destructor) {
  Log log;
  auto listener = spawn<Listener>(log);
  auto a = spawn<Grave>();
  a.tell(Go{});
  a.tell(LastWords(listener));
  EXPECT_TRUE(a.kill());
  a.tell(LastWords(listener));
  settle();
  EXPECT_EQ(log, (Log{"dropped", "dropped"}));
  EXPECT_TRUE(listener.kill());
}

// -- long inboxes --------------------------------------------------------------------------------

// Decisions 18: unbounded, with one report at 100,000.
TEST_F(TellTest, an_inbox_that_grows_very_long_is_reported_once) {
  long count = 0;
  struct Sink : Actor {
    explicit Sink(long& c) : count(c) {}
    void receive(const Go&) { ++count; }
    long& count;
  };
  auto a = spawn<Sink>(count);
  ::testing::internal::CaptureStderr();
  for (int i = 0; i < 99'999; ++i)
    a.tell(Go{});
  const std::string quiet = ::testing::internal::GetCapturedStderr();
  ::testing::internal::CaptureStderr();
  for (int i = 0; i < 10'000; ++i)
    a.tell(Go{});
  const std::string report = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(quiet, "");
  EXPECT_NE(report.find("Sink-"), std::string::npos) << report;
  EXPECT_NE(report.find("100000"), std::string::npos) << report;
  EXPECT_EQ(std::count(report.begin(), report.end(), '\n'), 1) << report;
  a.stop();
  EXPECT_TRUE(a.join());
  EXPECT_EQ(count, 109'999) << "a report changes nothing";
}

} // namespace
} // namespace grove::test
