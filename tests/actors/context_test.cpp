// SPDX-License-Identifier: MIT
// What travels with a message: trace ids and deadlines; what comes too late; cycles of asks.
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <grove/actors.hpp>
#include <grove/hub/dump.hpp>
#include <grove/hub/hub_thread.hpp>
#include <grove/hub/simulation.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class ContextTest : public HubTest {
protected:
  static Hub::Stats stats() { return Hub::current().stats(); }
};

struct Get {};
struct Wait {
  Event* on;
};
struct Tell {};

struct Recorder : Actor {
  std::uint64_t receive(const Get&) { return current_trace(); }
  void receive(const Tell&) { told = current_trace(); }
  std::uint64_t receive(const Wait& m) {
    m.on->wait();
    return current_trace();
  }
  std::uint64_t receive(const std::string&) { return told; }
  std::uint64_t told = 99;
};

// -- traces --------------------------------------------------------------------------------------

TEST_F(ContextTest, messages_carry_the_trace_of_their_sender) {
  auto a = spawn<Recorder>();
  EXPECT_EQ(a.ask(Get{}), 0u);
  {
    const TraceScope trace(7);
    EXPECT_EQ(current_trace(), 7u);
    EXPECT_EQ(a.ask(Get{}), 7u);
    a.tell(Tell{});
    EXPECT_EQ(a.ask_async(Get{}).get(), 7u);
    EXPECT_EQ(*a.try_ask(Get{}), 7u);
    {
      const TraceScope inner(8);
      EXPECT_EQ(a.ask(Get{}), 8u);
    }
    EXPECT_EQ(current_trace(), 7u);
  }
  EXPECT_EQ(current_trace(), 0u);
  EXPECT_EQ(a.ask(std::string()), 7u);
  EXPECT_EQ(a.ask(Get{}), 0u) << "the next message has none";
  EXPECT_TRUE(a.kill());
}

struct Relay : Actor {
  explicit Relay(ActorRef<Recorder> t) : to(t) {}
  std::uint64_t receive(const Get& m) {
    to.tell(Tell{});
    return to.ask(m);
  }
  ActorRef<Recorder> to;
};

TEST_F(ContextTest, a_handler_passes_its_trace_on_and_a_waiting_one_keeps_it) {
  auto a = spawn<Recorder>();
  auto b = spawn<Relay>(a);
  Event on;
  auto other = spawn<Recorder>();
  auto waiting = spawn([&] {
    const TraceScope trace(5);
    return other.ask(Wait{&on});
  });
  settle();
  {
    const TraceScope trace(6);
    EXPECT_EQ(b.ask(Get{}), 6u);
  }
  EXPECT_EQ(a.ask(std::string()), 6u);
  on.set();
  EXPECT_EQ(waiting.get(), 5u);
  EXPECT_TRUE(kill_all({a, other}));
  EXPECT_TRUE(b.kill());
}

TEST_F(ContextTest, a_greenlet_of_a_handler_begins_without_a_trace) {
  struct Spawner : Actor {
    std::uint64_t receive(const Get&) {
      return spawn([] { return current_trace(); }).get();
    }
  };
  auto a = spawn<Spawner>();
  const TraceScope trace(4);
  EXPECT_EQ(a.ask(Get{}), 0u);
  EXPECT_TRUE(a.kill());
}

TEST_F(ContextTest, a_trace_goes_to_another_hub_and_comes_back) {
  HubThread other;
  auto here = spawn<Recorder>();
  auto there = other.call([here] { return spawn<Relay>(here); });
  const TraceScope trace(11);
  EXPECT_EQ(there.ask(Get{}), 11u);
  EXPECT_EQ(here.ask(std::string()), 11u);
  EXPECT_TRUE(here.kill());
}

TEST_F(ContextTest, a_handler_that_throws_leaves_no_trace_behind) {
  struct Thrower : Actor {
    void receive(const Tell&) { throw TestError(); }
  };
  ErrorLog errors;
  auto a = spawn<Thrower>();
  {
    const TraceScope trace(3);
    EXPECT_THROW(a.ask(Tell{}), TestError);
  }
  EXPECT_EQ(current_trace(), 0u);
  auto b = spawn<Recorder>();
  EXPECT_EQ(b.ask(Get{}), 0u);
  EXPECT_TRUE(b.kill());
}

// -- deadlines -----------------------------------------------------------------------------------

struct Left {};
struct Deep : Actor {
  explicit Deep(ActorRef<Deep> n = {}) : next(n) {}
  std::int64_t receive(const Left&) {
    if (next != ActorRef<Deep>())
      return next.ask(Left{}, std::chrono::hours(1));
    return request_deadline().nanoseconds();
  }
  void receive(const Wait& m) {
    if (next != ActorRef<Deep>())
      return next.ask(m);
    m.on->wait();
  }
  std::int64_t receive(const Get&) { // told to the next
    next.tell(Tell{});
    return 0;
  }
  void receive(const Tell&) { told = request_deadline(); }
  bool receive(const std::string&) { return told.is_never(); }
  ActorRef<Deep> next;
  Deadline told = Clock::now();
};

// actors 52, 53
TEST_F(ContextTest, a_nested_ask_inherits_the_earlier_deadline) {
  auto a = spawn<Deep>();
  auto b = spawn<Deep>(a);
  auto c = spawn<Deep>(b);
  EXPECT_EQ(a.ask(Left{}), Deadline().nanoseconds());
  const Deadline soon(20s), late(std::chrono::hours(2));
  EXPECT_EQ(c.ask(Left{}, soon), soon.nanoseconds());
  EXPECT_LT(c.ask(Left{}, late), late.nanoseconds()) << "the nested one has an hour";
  EXPECT_TRUE(kill_all({a, b, c}));
}

TEST_F(ContextTest, a_nested_ask_ends_with_the_deadline_of_the_outer_one) {
  const Simulation simulation(Simulation::Options{.shuffle = false}); // no time passes unseen
  ErrorLog errors;
  Event never;
  auto a = spawn<Deep>();
  auto b = spawn<Deep>(a);
  auto c = spawn<Deep>(b);
  EXPECT_THROW(c.ask(Wait{&never}, 2ms), AskTimeout);
  EXPECT_TRUE(join_all({b, c})) << "their asks ended, and so did they";
  EXPECT_EQ(errors.size(), 2u);
  EXPECT_TRUE(a.kill());
}

TEST_F(ContextTest, what_is_told_has_no_deadline) {
  auto a = spawn<Deep>();
  auto b = spawn<Deep>(a);
  b.ask(Get{}, 10s);
  EXPECT_TRUE(a.ask(std::string()));
  EXPECT_TRUE(kill_all({a, b}));
}

struct Worker : Actor {
  explicit Worker(int& h) : handled(h) {}
  void receive(const Wait& m) { m.on->wait(); }
  int receive(const Get&) { return ++handled; }
  int& handled;
};

// Semantics' table, "Ask deadlines": expired is not run.
// actors 53
TEST_F(ContextTest, an_expired_request_is_not_run_and_is_counted) {
  const Simulation simulation(Simulation::Options{.shuffle = false}); // no time passes unseen
  const auto before = stats();
  int handled = 0;
  Event busy;
  auto a = spawn<Worker>(handled);
  a.tell(Wait{&busy});
  EXPECT_THROW(a.ask(Get{}, 1ms), AskTimeout);
  busy.set();
  EXPECT_EQ(a.ask(Get{}), 1) << "only this one was handled";
  EXPECT_EQ(stats().expired_requests, before.expired_requests + 1);
  EXPECT_EQ(stats().dead_letters, before.dead_letters);
  EXPECT_TRUE(a.kill());
}

// actors 49
TEST_F(ContextTest, an_ask_whose_time_has_passed_sends_nothing) {
  int handled = 0;
  auto a = spawn<Worker>(handled);
  const auto before = stats();
  EXPECT_THROW(a.ask(Get{}, Clock::now() - 1s), AskTimeout);
  EXPECT_EQ(a.ask(Get{}), 1);
  EXPECT_EQ(stats().expired_requests, before.expired_requests);
  EXPECT_TRUE(a.kill());
}

// actors 32, 58
TEST_F(ContextTest, late_replies_are_counted) {
  const Simulation simulation(Simulation::Options{.shuffle = false}); // no time passes unseen
  const auto before = stats();
  Event on;
  auto a = spawn<Recorder>();
  EXPECT_THROW(a.ask(Wait{&on}, 1ms), AskTimeout);
  on.set();
  a.ask(Get{});
  EXPECT_EQ(stats().late_replies, before.late_replies + 1);
  on.clear();
  auto answer = a.ask_async(Wait{&on}, 1ms);
  EXPECT_THROW(answer.get(), AskTimeout);
  on.set();
  a.ask(Get{});
  EXPECT_EQ(stats().late_replies, before.late_replies + 2);
  EXPECT_TRUE(a.kill());
}

TEST_F(ContextTest, a_request_expires_on_another_hub_too) {
  HubThread other;
  int handled = 0;
  auto busy = std::make_unique<Event>();
  ActorRef<Worker> a = other.call([&] {
    busy = std::make_unique<Event>();
    return spawn<Worker>(handled);
  });
  a.tell(Wait{busy.get()});
  for (int i = 0; i < 5; ++i) // one that is late here already is not sent
    EXPECT_THROW(a.ask(Get{}, 20ms), AskTimeout);
  other.call([&] { busy->set(); });
  EXPECT_EQ(a.ask(Get{}), 1) << "only this one was handled";
  EXPECT_GE(other.call([] { return Hub::current().stats().expired_requests; }), 1u);
  EXPECT_TRUE(a.kill());
  other.call([&] { busy.reset(); });
}

// -- cycles --------------------------------------------------------------------------------------

struct X {};
struct Y {};
struct Connect;
struct B;
struct A : Actor {
  void receive(const X&);
  void receive(const Connect&);
  ActorRef<B> to;
};
struct B : Actor {
  explicit B(ActorRef<A> t) : back(t) {}
  void receive(const Y&) { back.ask(X{}); }
  ActorRef<A> back;
};
struct Connect {
  ActorRef<B> to;
};
void A::receive(const X&) { to.ask(Y{}); }
void A::receive(const Connect& m) { to = m.to; }

// actors 55
TEST_F(ContextTest, a_mutual_ask_is_found_at_once_and_named) {
  ErrorLog errors;
  auto a = spawn<A>();
  auto b = spawn<B>(a);
  a.ask(Connect{b});
  try {
    b.ask(Y{}, 5s); // without a deadline it would hang if it were not found
    ADD_FAILURE() << "answered";
  } catch (const AskCycle& e) {
    EXPECT_EQ(std::string(e.what()), "ask: A.receive(X) → B.receive(Y) → A");
  }
  EXPECT_TRUE(a.join());
  EXPECT_TRUE(b.join());
  EXPECT_EQ(errors.size(), 2u);
}

struct Selfish : Actor {
  int receive(const X&) { return self(*this).ask(Y{}); }
  int receive(const Y&) { return 1; }
  int receive(const Get&) {
    try {
      return self(*this).ask(Y{});
    } catch (const AskCycle& e) {
      text = e.what();
      return 0;
    }
  }
  std::string receive(const Tell&) { return text; }
  std::string text;
};

// actors 56
TEST_F(ContextTest, an_actor_that_asks_itself_is_told_so_and_may_go_on) {
  auto a = spawn<Selfish>();
  EXPECT_EQ(a.ask(Get{}, 5s), 0);
  EXPECT_EQ(a.ask(Tell{}), "ask: Selfish.receive(Get) → Selfish");
  EXPECT_TRUE(a.kill());
}

TEST_F(ContextTest, an_actor_that_asks_itself_in_on_start_is_told_so) {
  struct Early : Actor {
    void on_start() override { self(*this).ask(Y{}); }
    void receive(const Y&) {}
  };
  EXPECT_THROW(spawn<Early>(), AskCycle);
}

TEST_F(ContextTest, asking_one_that_waits_for_somebody_else_is_no_cycle) {
  Event on;
  auto a = spawn<Recorder>();
  struct Middle : Actor {
    explicit Middle(ActorRef<Recorder> t) : to(t) {}
    std::uint64_t receive(const Wait& m) { return to.ask(m); }
    int receive(const Get&) { return 2; }
    ActorRef<Recorder> to;
  };
  struct Third : Actor {
    explicit Third(ActorRef<Middle> t) : to(t) {}
    int receive(const Get& m) { return to.ask(m); }
    ActorRef<Middle> to;
  };
  auto b = spawn<Middle>(a);
  auto c = spawn<Third>(b);
  auto one = spawn([&] { return b.ask(Wait{&on}); });
  settle();
  auto two = spawn([&] { return c.ask(Get{}); });
  settle();
  EXPECT_FALSE(two.ready());
  on.set();
  EXPECT_EQ(two.get(), 2);
  EXPECT_EQ(one.get(), 0u);
  EXPECT_TRUE(kill_all({a}));
  EXPECT_TRUE(b.kill());
  EXPECT_TRUE(c.kill());
}

TEST_F(ContextTest, dump_names_the_handler_at_work) {
  Event on;
  auto a = spawn<Recorder>();
  auto asker = spawn([&] { a.ask(Wait{&on}); });
  settle();
  std::ostringstream during;
  dump(during);
  EXPECT_NE(during.str().find("; handling Recorder.receive(Wait)"), std::string::npos)
      << during.str();
  on.set();
  EXPECT_TRUE(asker.join());
  std::ostringstream after;
  dump(after);
  EXPECT_EQ(after.str().find("handling"), std::string::npos) << after.str();
  EXPECT_TRUE(a.kill());
}

} // namespace
} // namespace grove::test
