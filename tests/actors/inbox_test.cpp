// SPDX-License-Identifier: MIT
// Inboxes that are more than a queue: urgent mail, the stash, bounds.
#include <string>
#include <vector>

#include <grove/actors.hpp>
#include <grove/hub/hub_thread.hpp>
#include <grove/hub/simulation.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class InboxTest : public HubTest {
protected:
  static Hub::Stats stats() { return Hub::current().stats(); }
};

struct Say {
  std::string what;
};
struct Wait {
  Event* on;
};
struct Sync {};
struct Go {
  int n = 0;
};

struct Listener : Actor {
  explicit Listener(Log& l) : log(l) {}
  void receive(const Say& m) { log.push_back(m.what); }
  void receive(const Wait& m) { m.on->wait(); }
  int receive(const Sync&) { return static_cast<int>(log.size()); }
  Log& log;
};

ActorOptions bound(std::size_t capacity, Overflow policy) {
  return {.inbox = {.capacity = capacity, .policy = policy}};
}

// One with a bounded inbox whose senders wait, and which itself waits in a handler for `on`.
ActorRef<Listener> busy_listener(std::size_t capacity, Log& log, Event& on) {
  auto a = spawn<Listener>(bound(capacity, Overflow::block), log);
  a.tell(Wait{&on});
  settle();
  return a;
}

// -- urgent --------------------------------------------------------------------------------------

// actors 7
TEST_F(InboxTest, urgent_mail_comes_first_and_in_its_order) {
  Log log;
  auto a = spawn<Listener>(log);
  a.tell(Say{"1"});
  a.tell(Say{"2"});
  a.tell(Say{"u1"}, urgent);
  a.tell(Say{"3"});
  a.tell(Say{"u2"}, urgent);
  EXPECT_EQ(a.ask(Sync{}), 5);
  EXPECT_EQ(log, (Log{"u1", "u2", "1", "2", "3"}));
  a.tell(Say{"4"});
  a.tell(Say{"u3"}, urgent);
  a.ask(Sync{});
  EXPECT_EQ(log, (Log{"u1", "u2", "1", "2", "3", "u3", "4"}));
  EXPECT_TRUE(a.kill());
}

// actors 7
TEST_F(InboxTest, urgent_mail_waits_for_the_message_in_work_only) {
  Log log;
  Event on;
  auto a = spawn<Listener>(log);
  a.tell(Wait{&on});
  a.tell(Say{"1"});
  settle();
  a.tell(Say{"u"}, urgent);
  settle();
  EXPECT_EQ(log, Log{});
  on.set();
  a.ask(Sync{});
  EXPECT_EQ(log, (Log{"u", "1"}));
  EXPECT_TRUE(a.kill());
}

TEST_F(InboxTest, an_actor_may_tell_itself_urgently) {
  struct Hasty : Actor {
    explicit Hasty(Log& l) : log(l) {}
    void receive(const Go&) { self(*this).tell(Say{"first"}, urgent); }
    void receive(const Say& m) { log.push_back(m.what); }
    Log& log;
  };
  Log log;
  auto a = spawn<Hasty>(log);
  a.tell(Go{});
  a.tell(Say{"then"});
  settle();
  EXPECT_EQ(log, (Log{"first", "then"}));
  EXPECT_TRUE(a.kill());
}

TEST_F(InboxTest, urgent_mail_to_nobody_is_a_dead_letter) {
  Log log;
  auto a = spawn<Listener>(log);
  Event on;
  a.tell(Wait{&on});
  settle();
  const auto before = stats();
  a.tell(Say{"x"}, urgent);
  EXPECT_TRUE(a.kill());
  a.tell(Say{"x"}, urgent);
  ActorRef<Listener>().tell(Say{"x"}, urgent);
  EXPECT_EQ(stats().dead_letters, before.dead_letters + 3);
}

TEST_F(InboxTest, urgent_mail_crosses_hubs_and_carries_its_trace) {
  HubThread other;
  Log log;
  Event* on = nullptr;
  struct Tracer : Actor {
    explicit Tracer(Log& l) : log(l) {}
    void receive(const Say& m) { log.push_back(m.what + std::to_string(current_trace())); }
    void receive(const Wait& m) { m.on->wait(); }
    void receive(const Sync&) {}
    Log& log;
  };
  auto a = other.call([&] {
    on = new Event;
    return spawn<Tracer>(log);
  });
  a.tell(Wait{on});
  const TraceScope trace(9);
  a.tell(Say{"1 "});
  a.tell(Say{"u "}, urgent);
  other.call([&] { on->set(); });
  a.ask(Sync{});
  EXPECT_TRUE(a.kill());
  EXPECT_EQ(log, (Log{"u 9", "1 9"}));
  a.tell(Say{"late"}, urgent);
  other.call([&] { delete on; });
}

// -- stash ---------------------------------------------------------------------------------------

struct Open {};
struct Get {
  int n = 0;
};
struct Shop : Actor {
  static constexpr std::size_t stash_capacity = 3;
  explicit Shop(Log& l) : log(l) {}
  void receive(const Say& m) {
    if (!open)
      return defer();
    log.push_back(m.what);
  }
  int receive(const Get& m) {
    if (!open) {
      defer();
      return -1;
    }
    log.push_back("get");
    return m.n;
  }
  std::size_t receive(const Open&) {
    open = true;
    return unstash_all();
  }
  void receive(std::string m) { // has taken it
    try {
      defer();
    } catch (const std::logic_error&) {
      log.push_back("cannot defer " + m);
    }
  }
  void receive(const Go&) { defer(); }
  void on_stop(const ExitReason&) override {
    try {
      defer();
    } catch (const std::logic_error&) {
      log.push_back("not in on_stop");
    }
  }
  Log& log;
  bool open = false;
};

// actors 12
TEST_F(InboxTest, deferred_messages_come_back_before_newer_mail_in_their_order) {
  Log log;
  auto a = spawn<Shop>(log);
  a.tell(Say{"1"});
  a.tell(Say{"2"});
  settle();
  EXPECT_EQ(log, Log{});
  auto opened = a.ask_async(Open{});
  a.tell(Say{"3"});
  EXPECT_EQ(opened.get(), 2u);
  settle();
  EXPECT_EQ(log, (Log{"1", "2", "3"}));
  EXPECT_EQ(a.ask(Open{}), 0u);
  EXPECT_TRUE(a.kill());
}

TEST_F(InboxTest, a_deferred_question_is_answered_later_and_keeps_its_deadline_and_trace) {
  const Simulation simulation(Simulation::Options{.shuffle = false}); // no time passes unseen
  const auto before = stats();
  Log log;
  auto a = spawn<Shop>(log);
  auto answer = a.ask_async(Get{5});
  EXPECT_THROW(a.ask(Get{6}, 1ms), AskTimeout);
  EXPECT_FALSE(answer.ready());
  EXPECT_EQ(a.ask(Open{}), 2u);
  EXPECT_EQ(answer.get(), 5);
  settle();
  EXPECT_EQ(log, (Log{"get"})) << "the other one has expired";
  EXPECT_EQ(stats().expired_requests, before.expired_requests + 1);
  EXPECT_TRUE(a.kill());
}

// actors 16
TEST_F(InboxTest, a_full_stash_is_an_error) {
  ErrorLog errors;
  Log log;
  auto a = spawn<Shop>(log);
  for (int i = 0; i < 3; ++i)
    a.tell(Say{"x"});
  EXPECT_THROW(a.ask(Get{}), StashFull);
  EXPECT_TRUE(a.join());
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_NE(errors[0].what.find("is full (3 messages)"), std::string::npos) << errors[0].what;
}

// actors 19
TEST_F(InboxTest, what_is_in_the_stash_of_one_that_ends_is_answered_and_counted) {
  Log log;
  auto a = spawn<Shop>(log);
  auto answer = a.ask_async(Get{});
  a.tell(Say{"x"});
  settle();
  const auto before = stats();
  a.stop();
  EXPECT_TRUE(a.join());
  EXPECT_THROW(answer.get(), ActorDown);
  EXPECT_EQ(stats().dead_letters, before.dead_letters + 2);
  EXPECT_EQ(log, (Log{"not in on_stop"}));
}

TEST_F(InboxTest, only_what_the_handler_leaves_as_it_is_can_be_deferred) {
  Log log;
  auto a = spawn<Shop>(log);
  a.tell(std::string("this"));
  settle();
  EXPECT_EQ(log, (Log{"cannot defer this"}));
  struct None : Actor {
    void receive(const Go&) { defer(); }
  };
  auto b = spawn<None>();
  ErrorLog errors;
  EXPECT_THROW(b.ask(Go{}), std::logic_error);
  EXPECT_TRUE(b.join());
  EXPECT_TRUE(a.kill());
}

// -- bounds --------------------------------------------------------------------------------------

// actors 26
TEST_F(InboxTest, reject_throws_at_the_sender) {
  Log log;
  auto a = spawn<Listener>(bound(2, Overflow::reject), log);
  a.tell(Say{"1"});
  a.tell(Say{"2"});
  try {
    a.tell(Say{"3"});
    ADD_FAILURE() << "taken in";
  } catch (const InboxFull& e) {
    EXPECT_NE(std::string(e.what()).find("is full (2 messages)"), std::string::npos) << e.what();
  }
  EXPECT_THROW(a.tell(Say{"3"}, urgent), InboxFull);
  EXPECT_THROW(a.ask(Sync{}), InboxFull);
  EXPECT_EQ(a.try_ask(Sync{}).error(), AskError::full);
  EXPECT_THROW(a.ask_async(Sync{}).get(), InboxFull);
  settle();
  EXPECT_EQ(log, (Log{"1", "2"}));
  EXPECT_EQ(a.ask(Sync{}), 2);
  EXPECT_TRUE(a.kill());
}

// actors 20, 21, 26
TEST_F(InboxTest, drop_new_drops_and_counts) {
  const auto before = stats();
  Log log;
  auto a = spawn<Listener>(bound(2, Overflow::drop_new), log);
  for (int i = 0; i < 5; ++i)
    a.tell(Say{std::to_string(i)});
  EXPECT_THROW(a.ask(Sync{}), InboxFull);
  settle();
  EXPECT_EQ(log, (Log{"0", "1"}));
  EXPECT_EQ(stats().dropped_messages, before.dropped_messages + 4);
  EXPECT_TRUE(a.kill());
}

TEST_F(InboxTest, drop_old_makes_room) {
  const auto before = stats();
  Log log;
  auto a = spawn<Listener>(bound(2, Overflow::drop_old), log);
  auto question = a.ask_async(Sync{});
  for (int i = 0; i < 5; ++i)
    a.tell(Say{std::to_string(i)});
  EXPECT_THROW(question.get(), InboxFull) << "it was the oldest";
  settle();
  EXPECT_EQ(log, (Log{"3", "4"}));
  EXPECT_EQ(stats().dropped_messages, before.dropped_messages + 4);
  EXPECT_TRUE(a.kill());
}

// actors 27
TEST_F(InboxTest, a_stop_is_no_message_and_is_never_dropped) {
  for (const Overflow policy :
       {Overflow::block, Overflow::reject, Overflow::drop_new, Overflow::drop_old}) {
    Log log;
    auto a = spawn<Listener>(bound(1, policy), log);
    a.tell(Say{"1"});
    a.stop();
    if (policy == Overflow::drop_old)
      a.tell(Say{"2"}); // instead of the 1, not of the stop
    EXPECT_TRUE(a.join(5s)) << static_cast<int>(policy);
    EXPECT_EQ(log, policy == Overflow::drop_old ? Log{} : Log{"1"});
  }
}

// actors 20, 25
TEST_F(InboxTest, block_makes_the_sender_wait_and_loses_nothing) {
  Log log;
  Event on;
  auto a = busy_listener(2, log, on);
  Log sent;
  auto sender = spawn([&] {
    for (int i = 0; i < 10; ++i) {
      a.tell(Say{std::to_string(i)});
      sent.push_back(std::to_string(i));
    }
  });
  settle();
  EXPECT_EQ(sent, (Log{"0", "1"}));
  on.set();
  EXPECT_TRUE(sender.join());
  EXPECT_EQ(a.ask(Sync{}), 10);
  EXPECT_EQ(log, sent);
  EXPECT_TRUE(a.kill());
}

TEST_F(InboxTest, senders_are_served_in_turn) {
  Log log;
  Event on;
  auto a = busy_listener(4, log, on);
  std::vector<GreenletRef<>> all;
  for (int i = 0; i < 6; ++i) {
    all.push_back(spawn([&, i] { a.tell(Say{std::to_string(i)}); }));
  }
  settle();
  on.set();
  EXPECT_TRUE(join_all(all));
  a.ask(Sync{});
  EXPECT_EQ(log, (Log{"0", "1", "2", "3", "4", "5"}));
  EXPECT_TRUE(a.kill());
}

TEST_F(InboxTest, who_fills_the_inbox_again_and_again_starves_nobody) {
  struct Counter : Actor {
    void receive(const Go& m) { ++from[m.n]; }
    std::vector<int> receive(const Sync&) { return {from[0], from[1], from[2]}; }
    int from[3] = {};
  };
  auto a = spawn<Counter>(bound(8, Overflow::block));
  std::vector<GreenletRef<>> all;
  for (int i = 0; i < 3; ++i)
    all.push_back(spawn([&, i] {
      for (;;)
        a.tell(Go{i});
    }));
  std::vector<int> from;
  do {
    yield();
    from = a.ask(Sync{});
  } while (from[0] + from[1] + from[2] < 3000);
  for (const int n : from)
    EXPECT_GT(n, 500);
  EXPECT_TRUE(kill_all(all));
  EXPECT_TRUE(a.kill());
}

TEST_F(InboxTest, a_kill_ends_the_wait_for_room_and_sends_nothing) {
  Log log;
  Event on;
  auto a = busy_listener(1, log, on);
  a.tell(Say{"1"});
  auto killed = spawn([&] { a.tell(Say{"killed"}); });
  auto next = spawn([&] { a.tell(Say{"next"}); });
  auto timed = spawn([&] { EXPECT_FALSE(with_timeout(1ms, [&] { a.tell(Say{"timed"}); })); });
  settle();
  EXPECT_TRUE(killed.kill());
  EXPECT_TRUE(timed.join());
  on.set();
  EXPECT_TRUE(next.join());
  a.ask(Sync{});
  EXPECT_EQ(log, (Log{"1", "next"}));
  EXPECT_TRUE(a.kill());
}

// actors 25
TEST_F(InboxTest, an_ask_waits_for_room_until_its_deadline) {
  const Simulation simulation(Simulation::Options{.shuffle = false}); // no time passes unseen
  Log log;
  Event on;
  auto a = busy_listener(1, log, on);
  a.tell(Say{"1"});
  EXPECT_THROW(a.ask(Sync{}, 1ms), AskTimeout);
  auto asker = spawn([&] { return a.ask(Sync{}); });
  settle();
  on.set();
  EXPECT_EQ(asker.get(), 1);
  EXPECT_TRUE(a.kill());
}

TEST_F(InboxTest, senders_hear_of_the_end_of_the_actor) {
  Log log;
  Event on;
  auto a = busy_listener(1, log, on);
  a.tell(Say{"1"});
  auto teller = spawn([&] { a.tell(Say{"2"}); });
  auto asker = spawn([&] { EXPECT_THROW(a.ask(Sync{}), ActorDown); });
  auto third = spawn([&] { a.tell(Say{"3"}); });
  settle();
  const auto before = stats();
  EXPECT_TRUE(a.kill());
  EXPECT_TRUE(join_all({teller, asker, third}));
  EXPECT_EQ(stats().dead_letters, before.dead_letters + 3);
}

TEST_F(InboxTest, an_actor_that_fills_its_own_inbox_is_told_so) {
  struct Loop : Actor {
    int receive(const Go& m) {
      for (int i = 0; i < m.n; ++i)
        self(*this).tell(Say{"x"});
      return m.n;
    }
    void receive(const Say&) {}
  };
  ErrorLog errors;
  auto a = spawn<Loop>(bound(3, Overflow::block));
  EXPECT_EQ(a.ask(Go{3}), 3);
  try {
    a.ask(Go{4});
    ADD_FAILURE() << "there was room";
  } catch (const AskCycle& e) {
    EXPECT_STREQ(e.what(), "tell: Loop.receive(Go) → Loop");
  }
  EXPECT_TRUE(a.join());
}

struct Flooder : Actor {
  void receive(const ActorRef<Flooder>& to) { other = to; }
  void receive(const Go& m) {
    for (int i = 0; i < m.n; ++i)
      other.tell(Say{"x"});
  }
  void receive(const Say&) {}
  ActorRef<Flooder> other;
};

TEST_F(InboxTest, two_that_fill_each_others_inbox_are_told_so) {
  ErrorLog errors;
  auto a = spawn<Flooder>(bound(2, Overflow::block));
  auto b = spawn<Flooder>(bound(2, Overflow::block));
  a.ask(b);
  b.ask(a);
  a.tell(Go{5});
  b.ask(Go{5}); // the other one ends of it, so that this one can go on
  EXPECT_TRUE(a.join());
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_NE(errors[0].what.find("tell: Flooder.receive(Go) → Flooder.receive(Go) → Flooder"),
            std::string::npos)
      << errors[0].what;
  EXPECT_TRUE(b.kill());
}

TEST_F(InboxTest, the_owner_keeps_the_bound_for_senders_on_other_hubs) {
  HubThread other;
  Log log;
  Event on;
  for (const Overflow policy :
       {Overflow::drop_new, Overflow::drop_old, Overflow::reject, Overflow::block}) {
    const auto before = stats();
    log.clear();
    on.clear();
    auto a = spawn<Listener>(bound(2, policy), log);
    a.tell(Wait{&on});
    settle();
    other.call([&] {
      for (int i = 0; i < 5; ++i)
        a.tell(Say{std::to_string(i)});
    });
    on.set();
    settle();
    if (policy == Overflow::block) {
      EXPECT_EQ(log.size(), 5u) << "taken in beyond the bound";
    } else {
      EXPECT_EQ(log, policy == Overflow::drop_old ? (Log{"3", "4"}) : (Log{"0", "1"}));
      EXPECT_EQ(stats().dropped_messages, before.dropped_messages + 3);
    }
    EXPECT_TRUE(a.kill());
  }
}

TEST_F(InboxTest, a_bound_of_zero_is_none) {
  Log log;
  auto a = spawn<Listener>(bound(0, Overflow::reject), log);
  for (int i = 0; i < 100; ++i)
    a.tell(Say{"x"});
  EXPECT_EQ(a.ask(Sync{}), 100);
  EXPECT_THROW(spawn<Listener>(bound(std::size_t{1} << 40, Overflow::reject), log),
               std::invalid_argument);
  EXPECT_TRUE(a.kill());
}

// -- restarts ------------------------------------------------------------------------------------

struct Fail {};
struct Phoenix : Actor {
  static constexpr std::size_t stash_capacity = 10;
  explicit Phoenix(Log* l) : log(l) {}
  void receive(const Go&) {}
  void receive(const Fail&) { throw TestError(); }
  void receive(const Say& m) {
    if (m.what == "later" && !log->empty())
      return log->push_back("later comes back");
    if (m.what == "later")
      return defer();
    log->push_back(m.what);
  }
  Log* log;
};

// actors 108
TEST_F(InboxTest, a_restart_keeps_urgent_and_deferred_mail_and_ends_timers) {
  ErrorLog errors;
  Log log;
  auto root = spawn<Supervisor>(SupervisorOptions{});
  auto a = add_child<Phoenix>(root, ChildSpec{.id = "a"}, &log);
  const TellTimer timer = a.tell_after(std::chrono::hours(1), Go{});
  a.tell(Say{"later"});
  settle();
  EXPECT_TRUE(timer.active());
  a.tell(Fail{});
  a.tell(Say{"2"});
  a.tell(Say{"1"}, urgent);
  while (log.size() < 3)
    sleep(1ms);
  EXPECT_EQ(log, (Log{"1", "later comes back", "2"}));
  EXPECT_EQ(errors.size(), 1u);
  EXPECT_FALSE(timer.active());
  root.stop();
  EXPECT_TRUE(root.join());
  EXPECT_TRUE(a.join());
}

} // namespace
} // namespace grove::test
