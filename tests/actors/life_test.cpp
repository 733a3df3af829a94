// SPDX-License-Identifier: MIT
// How actors end: stop, kill, join, in every state and from everywhere.
#include <algorithm>
#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include <grove/actors.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class LifeTest : public HubTest {};

struct Say {
  std::string what;
};
struct Wait {
  Event* on;
};
struct Call { // runs f in the handler
  std::function<void()> f;
};
struct Yield {
  int times = 1;
};
struct ShieldedWait {
  Event* on;
};

struct Creature : Actor {
  explicit Creature(Log& l) : log(l) {}
  ~Creature() { log.push_back("destroyed"); }
  void on_stop(const ExitReason& reason) override { log.push_back("on_stop: " + reason.what()); }
  void receive(const Say& m) { log.push_back(m.what); }
  void receive(const Wait& m) {
    const AtExit unwound([this] { log.push_back("left"); });
    m.on->wait();
    log.push_back("woke");
  }
  void receive(const Call& m) {
    const AtExit unwound([this] { log.push_back("left"); });
    m.f();
    log.push_back("called");
  }
  void receive(const Yield& m) {
    const AtExit unwound([this] { log.push_back("left"); });
    for (int i = 0; i < m.times; ++i)
      yield();
    log.push_back("yielded");
  }
  void receive(const ShieldedWait& m) {
    {
      const Shield shield;
      m.on->wait();
      log.push_back("woke");
    }
    yield();
    log.push_back("after the shield");
  }
  Log& log;
};

// -- stop ----------------------------------------------------------------------------------------

TEST_F(LifeTest, stop_keeps_its_place_among_the_messages) {
  Log log;
  auto a = spawn<Creature>(log);
  a.tell(Say{"1"});
  a.tell(Say{"2"});
  a.stop();
  a.tell(Say{"3"});
  EXPECT_EQ(log, Log{}) << "stop does not wait";
  EXPECT_TRUE(a.join());
  EXPECT_EQ(log, (Log{"1", "2", "on_stop: stopped", "destroyed"}));
}

TEST_F(LifeTest, an_idle_actor_can_be_stopped) {
  Log log;
  auto a = spawn<Creature>(log);
  settle();
  a.stop();
  EXPECT_TRUE(a.join());
  EXPECT_EQ(log, (Log{"on_stop: stopped", "destroyed"}));
}

TEST_F(LifeTest, a_stop_waits_for_the_handler_that_waits) {
  Log log;
  Event on;
  auto a = spawn<Creature>(log);
  a.tell(Wait{&on});
  settle();
  a.stop();
  a.tell(Say{"never"});
  settle();
  EXPECT_EQ(log, Log{});
  on.set();
  EXPECT_TRUE(a.join());
  EXPECT_EQ(log, (Log{"woke", "left", "on_stop: stopped", "destroyed"}));
}

TEST_F(LifeTest, an_actor_may_stop_itself_by_its_reference) {
  Log log;
  auto a = spawn<Creature>(log);
  a.tell(Call{[a] { a.stop(); }});
  a.tell(Say{"before the stop"});
  EXPECT_TRUE(a.join());
  EXPECT_EQ(log, (Log{"called", "left", "before the stop", "on_stop: stopped", "destroyed"}));
}

// -- kill: in every state ------------------------------------------------------------------------

// pitfall 62
TEST_F(LifeTest, killed_while_idle) {
  Log log;
  auto a = spawn<Creature>(log);
  settle();
  EXPECT_TRUE(a.kill());
  EXPECT_EQ(log, (Log{"destroyed"})) << "no on_stop after a kill";
  EXPECT_TRUE(a.kill()) << "a second time: nothing";
  EXPECT_TRUE(a.join());
}

// pitfall 62
TEST_F(LifeTest, killed_with_mail_that_it_has_not_begun) {
  Log log;
  const auto letters = Hub::current().stats().dead_letters;
  auto a = spawn<Creature>(log);
  a.tell(Say{"never"});
  a.tell(Say{"never"});
  EXPECT_TRUE(a.kill());
  EXPECT_EQ(log, (Log{"destroyed"}));
  EXPECT_EQ(Hub::current().stats().dead_letters, letters + 2);
}

// pitfall 62
TEST_F(LifeTest, killed_while_a_handler_waits) {
  Log log;
  Event on;
  auto a = spawn<Creature>(log);
  a.tell(Wait{&on});
  a.tell(Say{"never"});
  settle();
  EXPECT_TRUE(a.kill());
  EXPECT_EQ(log, (Log{"left", "destroyed"})) << "unwound at its suspension point, the rest dropped";
  EXPECT_EQ(on.waiters(), 0u);
}

// pitfall 62
TEST_F(LifeTest, killed_while_runnable) {
  Log log;
  auto a = spawn<Creature>(log);
  a.tell(Yield{100});
  yield();
  EXPECT_TRUE(a.kill());
  EXPECT_EQ(log, (Log{"left", "destroyed"}));
}

TEST_F(LifeTest, killed_after_it_was_woken_and_before_it_ran) {
  Log log;
  Event on;
  auto a = spawn<Creature>(log);
  a.tell(Wait{&on});
  a.tell(Say{"never"});
  settle();
  on.set();
  EXPECT_TRUE(a.kill());
  // The first waker wins: the wait returns. The next suspension point is the end of the turn.
  EXPECT_EQ(log, (Log{"woke", "left", "destroyed"}));
}

// pitfall 62
TEST_F(LifeTest, killed_by_its_own_handler) {
  ErrorLog errors;
  Log log;
  auto a = spawn<Creature>(log);
  a.tell(Call{[a] { a.kill(); }});
  a.tell(Say{"never"});
  EXPECT_TRUE(a.join());
  EXPECT_EQ(log, (Log{"left", "destroyed"}));
  EXPECT_EQ(errors.size(), 0u);
}

TEST_F(LifeTest, killed_while_shielded) {
  Log log;
  Event on;
  auto a = spawn<Creature>(log);
  a.tell(ShieldedWait{&on});
  settle();
  EXPECT_FALSE(a.kill(1ms)) << "held back";
  EXPECT_EQ(log, Log{});
  on.set();
  EXPECT_TRUE(a.join());
  EXPECT_EQ(log, (Log{"woke", "destroyed"})) << "thrown at the first suspension point after it";
}

TEST_F(LifeTest, killed_while_on_stop_waits) {
  struct Careful : Actor {
    Careful(Log& l, Event& e) : log(l), on(e) {}
    ~Careful() { log.push_back("destroyed"); }
    void on_stop(const ExitReason&) override {
      log.push_back("on_stop begins");
      on.wait();
      log.push_back("on_stop ends");
    }
    void receive(const Say&) {}
    Log& log;
    Event& on;
  };
  Log log;
  Event on;
  auto a = spawn<Careful>(log, on);
  a.stop();
  settle();
  EXPECT_FALSE(a.kill(1ms)) << "held back: on_stop is shielded";
  EXPECT_EQ(log, (Log{"on_stop begins"}));
  on.set();
  EXPECT_TRUE(a.join());
  EXPECT_EQ(log, (Log{"on_stop begins", "on_stop ends", "destroyed"}));
}

struct KilledUnborn : Actor {
  explicit KilledUnborn(Log& l) : log(l) {
    const auto me = self(*this);
    grove::spawn([me] { me.kill(); });
    settle(); // the kill comes while the constructor waits
    log.push_back("constructed");
  }
  ~KilledUnborn() { log.push_back("destroyed"); }
  void receive(const Say&) { log.push_back("handled"); }
  Log& log;
};
struct KilledUnbornStarter : KilledUnborn {
  using KilledUnborn::KilledUnborn;
  void on_start() override { log.push_back("starts"); }
};

// pitfall 62
TEST_F(LifeTest, killed_while_it_is_constructed) {
  Log log;
  auto a = spawn<KilledUnborn>(log);
  a.tell(Say{});
  EXPECT_TRUE(a.join());
  EXPECT_EQ(log, (Log{"constructed", "destroyed"}));
  log.clear();
  EXPECT_THROW(spawn<KilledUnbornStarter>(log), ActorDown);
  settle();
  EXPECT_EQ(log, (Log{"constructed", "destroyed"}));
}

TEST_F(LifeTest, a_kill_beats_a_stop_that_is_behind_in_the_inbox) {
  Log log;
  auto a = spawn<Creature>(log);
  a.stop();
  EXPECT_TRUE(a.kill());
  EXPECT_EQ(log, (Log{"destroyed"}));
}

// -- kill: declined, repeated, unwinding ---------------------------------------------------------

// Decisions 1: delivered once; who catches it has declined it.
TEST_F(LifeTest, a_handler_that_catches_the_kill_has_declined_it) {
  Log log;
  Event on;
  auto a = spawn<Creature>(log);
  a.tell(Call{[&] {
    try {
      on.wait();
    } catch (const GreenletExit&) {
      log.push_back("declined");
    }
    yield();
  }});
  settle();
  EXPECT_FALSE(a.kill(1ms));
  a.ask(Say{"alive"});
  EXPECT_EQ(log, (Log{"declined", "called", "left", "alive"}));
  EXPECT_TRUE(a.kill()) << "another one may be sent";
}

TEST_F(LifeTest, kills_while_it_unwinds_are_held_back) {
  Log log;
  Event on, never;
  auto a = spawn<Creature>(log);
  a.tell(Call{[&] {
    const AtExit cleanup([&] {
      on.wait();
      log.push_back("cleaned up");
    });
    never.wait();
  }});
  settle();
  EXPECT_FALSE(a.kill(1ms)) << "its unwinding waits";
  EXPECT_FALSE(a.kill(1ms));
  EXPECT_EQ(log, Log{});
  on.set();
  EXPECT_TRUE(a.join());
  EXPECT_EQ(log, (Log{"cleaned up", "left", "destroyed"}));
}

TEST_F(LifeTest, several_may_kill_one_at_once) {
  Log log;
  Event never;
  auto a = spawn<Creature>(log);
  a.tell(Wait{&never});
  settle();
  int done = 0;
  std::vector<GreenletRef<>> all;
  for (int i = 0; i < 5; ++i)
    all.push_back(spawn([&] { done += a.kill() ? 1 : 0; }));
  EXPECT_TRUE(join_all(all));
  EXPECT_EQ(done, 5);
  EXPECT_EQ(log, (Log{"left", "destroyed"}));
}

TEST_F(LifeTest, actors_may_kill_each_other) {
  Log first, second;
  auto a = spawn<Creature>(first);
  auto b = spawn<Creature>(second);
  a.tell(Call{[b] { b.kill(); }});
  b.tell(Call{[a] { a.kill(); }});
  EXPECT_TRUE(join_all({b}));
  EXPECT_TRUE(a.kill());
  EXPECT_EQ(second.back(), "destroyed");
  EXPECT_EQ(first.back(), "destroyed");
}

// -- join ----------------------------------------------------------------------------------------

TEST_F(LifeTest, main_greenlets_and_actors_may_join) {
  Log log, unused;
  auto a = spawn<Creature>(log);
  auto b = spawn<Creature>(unused);
  auto g = spawn([&] {
    EXPECT_TRUE(a.join());
    log.push_back("greenlet");
  });
  b.tell(Call{[&, a] {
    EXPECT_TRUE(a.join());
    log.push_back("actor");
  }});
  settle();
  spawn([&] { a.stop(); });
  EXPECT_TRUE(a.join());
  log.push_back("main");
  EXPECT_TRUE(g.join());
  b.stop();
  EXPECT_TRUE(b.join());
  EXPECT_EQ(log, (Log{"on_stop: stopped", "destroyed", "greenlet", "actor", "main"}))
      << "in the order of joining";
}

TEST_F(LifeTest, join_returns_false_when_its_deadline_comes_first) {
  Log log;
  auto a = spawn<Creature>(log);
  EXPECT_FALSE(a.join(1ms));
  EXPECT_FALSE(a.join(0ms));
  EXPECT_TRUE(a.kill());
  EXPECT_TRUE(a.join(0ms));
  EXPECT_TRUE(a.join());
}

TEST_F(LifeTest, joining_oneself_is_an_error) {
  Log log;
  auto a = spawn<Creature>(log);
  int errors = 0;
  const auto count = [&](const std::function<void()>& f) {
    try {
      f();
    } catch (const std::logic_error& e) {
      ++errors;
      EXPECT_NE(std::string(e.what()).find("Creature-"), std::string::npos) << e.what();
    }
  };
  a.ask(Call{[&, a] {
    count([&] { a.join(); });
    count([&] { join_all({a}); });
    count([&] { a.join(1ms); });
  }});
  EXPECT_EQ(errors, 3);
  EXPECT_TRUE(a.kill());
}

TEST_F(LifeTest, a_joiner_that_is_killed_leaves_the_actor_as_it_was) {
  Log log;
  auto a = spawn<Creature>(log);
  auto g = spawn([&] { a.join(); });
  settle();
  EXPECT_TRUE(g.kill());
  a.ask(Say{"alive"});
  EXPECT_EQ(log, (Log{"alive"}));
  EXPECT_TRUE(a.kill());
}

TEST_F(LifeTest, join_all_waits_for_actors_and_greenlets_together) {
  Log ping_log, pong_log;
  auto ping = spawn<Creature>(ping_log);
  auto pong = spawn<Creature>(pong_log);
  Event on;
  auto g = spawn([&] { on.wait(); });
  EXPECT_FALSE(join_all({ping, pong}, 1ms));
  spawn([&] {
    pong.stop();
    ping.stop();
  });
  EXPECT_TRUE(join_all({ping, pong}));
  EXPECT_EQ(ping_log.back(), "destroyed");
  EXPECT_EQ(pong_log.back(), "destroyed");
  EXPECT_FALSE(join_all({ping, g}, 1ms));
  on.set();
  EXPECT_TRUE(join_all({ping, g, pong}));
  EXPECT_TRUE(join_all(std::vector<ActorRef<Creature>>{ping, pong}));
  EXPECT_TRUE(join_all(std::vector<ActorRef<Creature>>{}));
}

TEST_F(LifeTest, kill_all_kills_all_before_it_waits_for_any) {
  Log log;
  Event never;
  std::vector<ActorRef<Creature>> all;
  for (int i = 0; i < 3; ++i) {
    all.push_back(spawn<Creature>(log));
    all.back().tell(Wait{&never});
  }
  settle();
  auto g = spawn([&] { never.wait(); });
  settle();
  EXPECT_TRUE(kill_all({all[0], all[1], g}));
  EXPECT_EQ(log, (Log{"left", "destroyed", "left", "destroyed"}));
  EXPECT_TRUE(g.killed());
  EXPECT_TRUE(kill_all(all));
  EXPECT_EQ(log.size(), 6u);
}

TEST_F(LifeTest, wait_any_can_wait_for_the_end_of_an_actor) {
  Log log;
  auto a = spawn<Creature>(log);
  EXPECT_EQ(wait_any(ended(a), after(1ms)).index(), 1u);
  spawn([&] { a.stop(); });
  EXPECT_EQ(wait_any(ended(a), after(10s)).index(), 0u);
  EXPECT_EQ(log.back(), "destroyed");
  EXPECT_EQ(wait_any(ended(a), after(10s)).index(), 0u) << "it has ended before";
}

// -- the last acts -------------------------------------------------------------------------------

struct Testator : Actor {
  Testator(Log& l, ActorRef<Creature> h, Event& s, Event& d)
      : log(l), heir(h), stopping(s), dying(d) {}
  ~Testator() {
    dying.wait();
    heir.ask(Say{"asked in the destructor"});
    log.push_back("destroyed");
  }
  void on_stop(const ExitReason&) override {
    stopping.wait();
    heir.ask(Say{"asked in on_stop"});
    self(*this).tell(Say{"to myself"});
    auto other = grove::spawn<Creature>(log);
    other.stop();
    EXPECT_TRUE(other.join());
  }
  void receive(const Say& m) { log.push_back(m.what); }
  Log& log;
  ActorRef<Creature> heir;
  Event& stopping;
  Event& dying;
};

TEST_F(LifeTest, on_stop_and_the_destructor_may_wait_ask_and_spawn_and_joiners_wait_for_them) {
  Log log;
  Event stopping, dying;
  auto heir = spawn<Creature>(log);
  const auto letters = Hub::current().stats().dead_letters;
  auto a = spawn<Testator>(log, heir, stopping, dying);
  a.stop();
  EXPECT_FALSE(a.join(1ms));
  stopping.set();
  EXPECT_FALSE(a.join(1ms));
  EXPECT_EQ(log, (Log{"asked in on_stop", "on_stop: stopped", "destroyed"}));
  EXPECT_EQ(Hub::current().stats().dead_letters, letters + 1) << "what it told itself";
  log.clear();
  dying.set();
  EXPECT_TRUE(a.join());
  EXPECT_EQ(log, (Log{"asked in the destructor", "destroyed"}));
  EXPECT_TRUE(heir.kill());
}

TEST_F(LifeTest, mail_that_comes_while_it_ends_is_dropped) {
  Log log;
  Event stopping, dying;
  auto heir = spawn<Creature>(log);
  auto a = spawn<Testator>(log, heir, stopping, dying);
  const auto letters = Hub::current().stats().dead_letters;
  a.stop();
  settle();
  a.tell(Say{"while on_stop waits"});
  stopping.set();
  settle();
  a.tell(Say{"while the destructor waits"});
  dying.set();
  EXPECT_TRUE(a.join());
  EXPECT_EQ(Hub::current().stats().dead_letters, letters + 3) << "these, and one to itself";
  EXPECT_EQ(std::count(log.begin(), log.end(), "while on_stop waits"), 0);
  EXPECT_TRUE(heir.kill());
}

TEST_F(LifeTest, an_actor_whose_destructor_waits_after_a_kill_ends_all_the_same) {
  Log log;
  Event dying, unused;
  auto heir = spawn<Creature>(log);
  auto a = spawn<Testator>(log, heir, unused, dying);
  settle();
  EXPECT_FALSE(a.kill(1ms));
  dying.set();
  EXPECT_TRUE(a.join());
  EXPECT_EQ(log, (Log{"asked in the destructor", "destroyed"}));
  EXPECT_TRUE(heir.kill());
}

// actors 78, 170
TEST_F(LifeTest, dropping_references_stops_nothing) {
  Log log;
  const auto before = Hub::current().stats().living;
  ActorRef<Creature> kept;
  {
    auto a = spawn<Creature>(log);
    kept = a;
  }
  settle();
  EXPECT_EQ(Hub::current().stats().living, before + 1);
  kept.ask(Say{"alive"});
  EXPECT_EQ(log, (Log{"alive"}));
  EXPECT_TRUE(kept.kill());
  EXPECT_EQ(Hub::current().stats().living, before);
}

// Decisions 10: an ordered shutdown unwinds every stack and destroys every actor.
TEST_F(LifeTest, main_ends_the_actors_that_are_left) {
  in_fresh_processes();
  const auto play = [] {
    Log log;
    Event never;
    {
      const Main main;
      auto idle = spawn<Creature>(log);
      auto waiting = spawn<Creature>(log);
      auto queued = spawn<Creature>(log);
      waiting.tell(Wait{&never});
      settle();
      queued.tell(Say{"never"});
      idle = {};
    }
    std::sort(log.begin(), log.end());
    std::exit(log == Log{"destroyed", "destroyed", "destroyed", "left"} ? 0 : 1);
  };
  EXPECT_EXIT(play(), ::testing::ExitedWithCode(0), "");
}

} // namespace
} // namespace grove::test
