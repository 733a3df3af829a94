// SPDX-License-Identifier: MIT
// The other ways to answer and to ask: Rejected, try_ask, ask_async, deferred replies, forward.
#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <grove/actors.hpp>
#include <grove/hub/hub_thread.hpp>
#include <grove/hub/simulation.hpp>
#include <grove/hub/thread_pool.hpp>
#include <grove/hub/wait_any.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class ReplyTest : public HubTest {
protected:
  static Hub::Stats stats() { return Hub::current().stats(); }
};

struct Get {
  int n = 0;
};
struct Wait {
  Event* on;
  int n = 0;
};
struct Refuse {
  std::string why;
};
struct Boom {};
struct Text {
  std::string text;
};

struct Refused : Rejected {
  Refused() : Rejected("refused"), code(42) {}
  int code;
};

struct Server : Actor {
  int receive(const Get& m) { return m.n + 1; }
  int receive(const Wait& m) {
    m.on->wait();
    return m.n;
  }
  void receive(const Text&) {}
  int receive(const Refuse& m) { throw Rejected(m.why); }
  int receive(const Boom&) { throw TestError(3); }
  std::unique_ptr<int> receive(std::unique_ptr<int> m) { return m; }
};

// -- Rejected ------------------------------------------------------------------------------------

// Semantics' table, "Exception in an ask handler": throw Rejected answers without failing.
// actors 41, 42
TEST_F(ReplyTest, a_handler_that_rejects_answers_and_lives_on) {
  ErrorLog errors;
  auto a = spawn<Server>();
  try {
    a.ask(Refuse{"not today"});
    ADD_FAILURE() << "answered";
  } catch (const Rejected& e) {
    EXPECT_STREQ(e.what(), "not today");
  }
  EXPECT_EQ(a.ask(Get{1}), 2);
  a.tell(Refuse{"nobody hears"});
  a.tell(Get{});
  EXPECT_EQ(a.ask(Get{2}), 3);
  EXPECT_EQ(errors.size(), 0u);
  EXPECT_TRUE(a.kill());
}

TEST_F(ReplyTest, what_derives_from_rejected_arrives_as_itself_and_passes_through_others) {
  struct Picky : Actor {
    void receive(const Get&) { throw Refused(); }
  };
  struct Middle : Actor {
    explicit Middle(ActorRef<Picky> t) : to(t) {}
    void receive(const Get& m) { to.ask(m); }
    ActorRef<Picky> to;
  };
  ErrorLog errors;
  auto a = spawn<Picky>();
  auto b = spawn<Middle>(a);
  try {
    b.ask(Get{});
    ADD_FAILURE() << "answered";
  } catch (const Refused& e) {
    EXPECT_EQ(e.code, 42);
  }
  EXPECT_EQ(errors.size(), 0u);
  EXPECT_TRUE(kill_all({a}));
  EXPECT_TRUE(b.kill());
}

TEST_F(ReplyTest, mail_behind_a_rejected_tell_is_handled) {
  auto a = spawn<Server>();
  a.tell(Refuse{"x"});
  auto answer = a.ask_async(Get{1});
  a.tell(Refuse{"y"});
  EXPECT_EQ(answer.get(), 2);
  EXPECT_TRUE(a.kill());
}

// -- try_ask -------------------------------------------------------------------------------------

TEST_F(ReplyTest, try_ask_gives_the_answer) {
  auto a = spawn<Server>();
  const Result<int> answer = a.try_ask(Get{1});
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(*answer, 2);
  EXPECT_EQ(answer.value(), 2);
  EXPECT_EQ(answer.value_or(9), 2);
  EXPECT_EQ(answer.what(), "");
  EXPECT_EQ(answer.exception(), nullptr);
  EXPECT_THROW(answer.error(), std::logic_error);
  const Result<void> done = a.try_ask(Text{});
  EXPECT_TRUE(done);
  done.value();
  EXPECT_EQ(**a.try_ask(std::make_unique<int>(5)), 5);
  EXPECT_EQ(*a.try_ask(std::make_unique<int>(6)).value(), 6);
  EXPECT_TRUE(a.kill());
}

TEST_F(ReplyTest, try_ask_names_each_kind_of_failure) {
  const Simulation simulation(Simulation::Options{.shuffle = false}); // no time passes unseen
  ErrorLog errors;
  Event never;
  auto a = spawn<Server>();
  EXPECT_EQ(a.try_ask(Refuse{"no"}).error(), AskError::rejected);
  const auto late = a.try_ask(Wait{&never}, 1ms);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error(), AskError::timeout);
  EXPECT_NE(late.what().find("in time"), std::string::npos) << late.what();
  EXPECT_THROW(late.value(), AskTimeout);
  EXPECT_EQ(late.value_or(7), 7);
  never.set();
  const auto failed = a.try_ask(Boom{});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error(), AskError::failed);
  EXPECT_THROW(failed.value(), TestError);
  EXPECT_TRUE(a.join());
  const auto down = a.try_ask(Get{});
  EXPECT_EQ(down.error(), AskError::down);
  EXPECT_THROW(down.value(), ActorDown);
  EXPECT_EQ(a.try_ask(Text{}).error(), AskError::down);
  EXPECT_STREQ(to_string(AskError::down), "down");
  EXPECT_EQ(ActorRef<Server>().try_ask(Get{}).error(), AskError::down);
}

TEST_F(ReplyTest, try_ask_lets_kills_and_mistakes_pass) {
  Event never;
  auto a = spawn<Server>();
  EXPECT_THROW((void)a.try_ask(Get{}, -1ms), std::invalid_argument);
  auto asker = spawn([&] { (void)a.try_ask(Wait{&never}); });
  settle();
  EXPECT_TRUE(asker.kill());
  EXPECT_TRUE(asker.killed());
  never.set();
  EXPECT_TRUE(a.kill());
}

TEST_F(ReplyTest, try_ask_from_a_thread_without_a_hub) {
  auto a = spawn<Server>();
  ErrorLog errors;
  ThreadPool pool(1);
  pool.run([&] {
    EXPECT_EQ(*a.try_ask(Get{1}), 2);
    EXPECT_EQ(a.try_ask(Refuse{"no"}).error(), AskError::rejected);
    EXPECT_TRUE(a.try_ask(Text{}));
  });
  EXPECT_TRUE(a.kill());
  pool.run([&] { EXPECT_EQ(a.try_ask(Get{}).error(), AskError::down); });
}

// -- ask_async -----------------------------------------------------------------------------------

TEST_F(ReplyTest, ask_async_does_not_wait) {
  Event on;
  auto a = spawn<Server>();
  auto answer = a.ask_async(Wait{&on, 5});
  auto next = a.ask_async(Get{1});
  EXPECT_FALSE(answer.ready());
  settle();
  EXPECT_FALSE(next.ready());
  on.set();
  EXPECT_EQ(answer.get(), 5);
  EXPECT_EQ(next.get(), 2);
  a.ask_async(Text{}).get();
  EXPECT_EQ(*a.ask_async(std::make_unique<int>(4)).get(), 4);
  EXPECT_TRUE(a.kill());
}

TEST_F(ReplyTest, ask_async_brings_each_kind_of_failure) {
  const Simulation simulation(Simulation::Options{.shuffle = false}); // no time passes unseen
  ErrorLog errors;
  Event on;
  auto a = spawn<Server>();
  EXPECT_THROW(a.ask_async(Refuse{"no"}).get(), Rejected);
  EXPECT_THROW(a.ask_async(Wait{&on}, 1ms).get(), AskTimeout);
  EXPECT_THROW(a.ask_async(Get{}, Clock::now() - 1s).get(), AskTimeout);
  auto behind = a.ask_async(Get{});
  spawn([&] { a.kill(); });
  EXPECT_THROW(behind.get(), ActorDown);
  EXPECT_TRUE(a.join());
  EXPECT_THROW(a.ask_async(Get{}).get(), ActorDown);
  EXPECT_THROW(ActorRef<Server>().ask_async(Get{}).get(), ActorDown);
}

TEST_F(ReplyTest, an_answer_in_time_ends_the_time_limit) {
  const Simulation simulation(Simulation::Options{.shuffle = false}); // no time passes unseen
  auto a = spawn<Server>();
  auto answer = a.ask_async(Get{1}, 5ms);
  EXPECT_EQ(answer.get(), 2);
  sleep(10ms);
  EXPECT_EQ(answer.get(), 2);
  EXPECT_TRUE(a.kill());
}

TEST_F(ReplyTest, an_abandoned_result_does_no_harm) {
  Event on;
  auto a = spawn<Server>();
  (void)a.ask_async(Wait{&on, 1}, 1s);
  (void)a.ask_async(Get{}, 1ms);
  sleep(3ms);
  on.set();
  EXPECT_EQ(a.ask(Get{1}), 2);
  EXPECT_TRUE(a.kill());
}

TEST_F(ReplyTest, the_first_of_several_by_wait_any) {
  Event slow, quick;
  auto a = spawn<Server>();
  auto b = spawn<Server>();
  auto one = a.ask_async(Wait{&slow, 1});
  auto two = b.ask_async(Wait{&quick, 2});
  spawn([&] { quick.set(); });
  EXPECT_EQ(wait_any(one.wait_op(), two.wait_op()).index(), 1u);
  EXPECT_EQ(two.get(), 2);
  EXPECT_FALSE(one.ready());
  slow.set();
  EXPECT_EQ(one.get(), 1);
  EXPECT_TRUE(kill_all({a, b}));
}

TEST_F(ReplyTest, ask_async_of_another_hub) {
  HubThread other;
  other.call([] { Hub::current().on_error([](const UnhandledError&) {}); });
  auto a = other.call([] { return spawn<Server>(); });
  std::vector<AsyncResult<int>> answers;
  for (int i = 0; i < 100; ++i)
    answers.push_back(a.ask_async(Get{i}, 20s));
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(answers[static_cast<std::size_t>(i)].get(), i + 1);
  EXPECT_THROW(a.ask_async(Refuse{"no"}).get(), Rejected);
  EXPECT_THROW(a.ask_async(Boom{}).get(), TestError);
  EXPECT_TRUE(a.join());
  EXPECT_THROW(a.ask_async(Get{}).get(), ActorDown);
  other.call([] { Hub::current().on_error({}); });
}

// -- ask_all -------------------------------------------------------------------------------------

TEST_F(ReplyTest, ask_all_waits_for_every_answer) {
  Event on;
  auto a = spawn<Server>();
  auto b = spawn<Server>();
  spawn([&] { on.set(); });
  auto [one, two, three] =
      ask_all(5s, question(a, Wait{&on, 1}), question(b, Get{1}), question(b, Text{}));
  static_assert(std::is_same_v<decltype(three), std::monostate>);
  EXPECT_EQ(one, 1);
  EXPECT_EQ(two, 2);
  EXPECT_EQ(ask_all(5s, std::vector{a, b, a}, Get{5}), (std::vector{6, 6, 6}));
  ask_all(5s, std::vector{a, b}, Text{});
  EXPECT_TRUE(ask_all(5s, std::vector<ActorRef<Server>>(), Get{}).empty());
  EXPECT_TRUE(kill_all({a, b}));
}

TEST_F(ReplyTest, ask_all_throws_the_first_failure_in_the_order_given) {
  const Simulation simulation(Simulation::Options{.shuffle = false}); // no time passes unseen
  Event never;
  auto a = spawn<Server>();
  auto b = spawn<Server>();
  EXPECT_THROW(ask_all(5s, question(a, Get{}), question(b, Refuse{"no"})), Rejected);
  EXPECT_THROW(ask_all(1ms, question(a, Wait{&never}), question(b, Refuse{"no"})), AskTimeout);
  EXPECT_TRUE(b.kill());
  EXPECT_THROW(ask_all(5s, std::vector{b, b}, Get{}), ActorDown);
  EXPECT_TRUE(a.kill());
}

// -- deferred replies ----------------------------------------------------------------------------

struct Desk : Actor { // answers when it is told what
  AsyncResult<int> receive(const Get&) {
    waiting.emplace_back();
    return waiting.back();
  }
  AsyncResult<void> receive(const Text&) {
    AsyncResult<void> done;
    done.set();
    return done;
  }
  AsyncResult<std::unique_ptr<int>> receive(const Boom&) {
    AsyncResult<std::unique_ptr<int>> made;
    spawn([made] { made.set(std::make_unique<int>(8)); });
    return made;
  }
  void receive(const Refuse& m) {
    waiting.front().set_exception(std::make_exception_ptr(Rejected(m.why)));
    waiting.pop_front();
  }
  void receive(const int& n) {
    waiting.front().set(n);
    waiting.pop_front();
  }
  void receive(const std::string&) { waiting.clear(); }
  std::deque<AsyncResult<int>> waiting;
};

TEST_F(ReplyTest, a_deferred_reply_comes_when_it_is_set) {
  auto a = spawn<Desk>();
  static_assert(std::is_same_v<decltype(a.ask(Get{})), int>);
  auto one = spawn([&] { return a.ask(Get{}); });
  auto two = spawn([&] { return a.ask(Get{}); });
  settle();
  EXPECT_FALSE(one.ready());
  a.tell(1); // the actor goes on meanwhile
  EXPECT_EQ(one.get(), 1);
  EXPECT_FALSE(two.ready());
  a.tell(2);
  EXPECT_EQ(two.get(), 2);
  a.ask(Text{});
  EXPECT_EQ(*a.ask(Boom{}), 8);
  auto third = a.ask_async(Get{});
  a.tell(Refuse{"no"});
  EXPECT_THROW(third.get(), Rejected);
  a.tell(Get{}); // nobody asks
  a.tell(3);
  EXPECT_EQ(a.try_ask(Get{}, 1ms).error(), AskError::timeout);
  EXPECT_TRUE(a.kill());
}

// actors 43
TEST_F(ReplyTest, a_deferred_reply_that_is_dropped_breaks) {
  auto a = spawn<Desk>();
  auto answer = a.ask_async(Get{});
  auto asker = spawn([&] { EXPECT_THROW(a.ask(Get{}), BrokenReply); });
  settle();
  a.tell(std::string());
  EXPECT_THROW(answer.get(), BrokenReply);
  EXPECT_TRUE(asker.join());
  EXPECT_TRUE(a.kill());
}

// actors 36
TEST_F(ReplyTest, an_actor_that_ends_breaks_the_replies_it_owes) {
  auto a = spawn<Desk>();
  auto answer = a.ask_async(Get{});
  settle();
  EXPECT_TRUE(a.kill());
  EXPECT_THROW(answer.get(), BrokenReply);
}

// actors 44, 50
TEST_F(ReplyTest, what_is_set_first_is_the_answer) {
  auto a = spawn<Desk>();
  auto kept = std::make_shared<std::optional<AsyncResult<int>>>();
  struct Twice : Actor {
    AsyncResult<int> receive(const Get&) {
      AsyncResult<int> both;
      both.set(1);
      both.set(2);
      return both;
    }
  };
  auto b = spawn<Twice>();
  EXPECT_EQ(b.ask(Get{}), 1);
  EXPECT_TRUE(a.kill());
  EXPECT_TRUE(b.kill());
}

TEST_F(ReplyTest, one_promise_may_answer_several_askers_in_their_order) {
  struct Shared : Actor {
    AsyncResult<std::string> receive(const Get&) { return answer; }
    void receive(const Text& m) { answer.set(m.text); }
    AsyncResult<std::string> answer;
  };
  auto a = spawn<Shared>();
  Log log;
  std::vector<GreenletRef<>> all;
  for (int i = 0; i < 3; ++i)
    all.push_back(spawn([&, i] { log.push_back(std::to_string(i) + a.ask(Get{})); }));
  settle();
  a.tell(Text{"x"});
  EXPECT_TRUE(join_all(all));
  EXPECT_EQ(log, (Log{"0x", "1x", "2x"}));
  EXPECT_EQ(a.ask(Get{}), "x");
  EXPECT_TRUE(a.kill());
}

TEST_F(ReplyTest, a_deferred_reply_from_a_thread_and_to_a_thread) {
  struct Offline : Actor {
    AsyncResult<int> receive(const Get& m) {
      AsyncResult<int> answer;
      threads.emplace_back([answer, n = m.n] { answer.set(n + 1); });
      return answer;
    }
    ~Offline() {
      for (auto& thread : threads)
        thread.join();
    }
    std::vector<std::thread> threads;
  };
  const auto attached = Hub::current().attach();
  auto a = spawn<Offline>();
  EXPECT_EQ(a.ask(Get{1}), 2);
  ThreadPool pool(1);
  pool.run([&] { EXPECT_EQ(a.ask(Get{2}), 3); });
  HubThread other;
  EXPECT_EQ(other.call([a] { return a.ask(Get{3}); }), 4);
  EXPECT_TRUE(a.kill());
}

TEST_F(ReplyTest, asking_back_one_whose_reply_was_deferred_is_no_cycle) {
  struct Asker;
  struct Later : Actor {
    AsyncResult<int> receive(const Get&) {
      promised = AsyncResult<int>();
      return promised;
    }
    void receive(const ActorRef<Server>& to) { promised.set(to.ask(Get{4})); }
    AsyncResult<int> promised;
  };
  auto server = spawn<Server>();
  auto a = spawn<Later>();
  auto answer = a.ask_async(Get{});
  a.tell(server);
  EXPECT_EQ(answer.get(), 5);
  EXPECT_TRUE(a.kill());
  EXPECT_TRUE(server.kill());
}

// -- forward -------------------------------------------------------------------------------------

struct Front : Actor {
  explicit Front(ActorRef<Server> t) : to(t) {}
  Forward<int> receive(const Get& m) { return forward(to, Get{m.n * 10}); }
  Forward<int> receive(const Wait& m) { return forward(to, m); }
  Forward<int> receive(const Refuse& m) { return forward(to, m); }
  Forward<void> receive(const Text& m) { return forward(to, m); }
  int receive(const Boom&) {
    (void)forward(to, Boom{}); // not returned: not sent
    return 1;
  }
  ActorRef<Server> to;
};

// actors 45
TEST_F(ReplyTest, a_forwarded_question_is_answered_by_the_other) {
  Event on;
  auto a = spawn<Server>();
  auto b = spawn<Front>(a);
  static_assert(std::is_same_v<decltype(b.ask(Get{})), int>);
  EXPECT_EQ(b.ask(Get{2}), 21);
  EXPECT_EQ(b.ask_async(Get{3}).get(), 31);
  b.ask(Text{});
  EXPECT_EQ(b.try_ask(Refuse{"no"}).error(), AskError::rejected);
  auto waiting = spawn([&] { return b.ask(Wait{&on, 6}); });
  settle();
  EXPECT_EQ(b.ask(Boom{}), 1) << "who has forwarded goes on";
  on.set();
  EXPECT_EQ(waiting.get(), 6);
  b.tell(Get{1});
  EXPECT_EQ(a.ask(Get{1}), 2);
  EXPECT_TRUE(kill_all({a}));
  EXPECT_THROW(b.ask(Get{}), ActorDown);
  EXPECT_TRUE(b.kill());
}

TEST_F(ReplyTest, a_forwarded_question_crosses_hubs) {
  HubThread other;
  auto there = other.call([] { return spawn<Server>(); });
  auto front = spawn<Front>(there);
  EXPECT_EQ(front.ask(Get{2}), 21);
  EXPECT_EQ(other.call([front] { return front.ask(Get{3}); }), 31);
  ThreadPool pool(1);
  pool.run([&] { EXPECT_EQ(front.ask(Get{4}), 41); });
  EXPECT_TRUE(there.kill());
  EXPECT_THROW(front.ask(Get{}), ActorDown);
  EXPECT_TRUE(front.kill());
}

TEST_F(ReplyTest, a_deadline_holds_for_the_one_it_is_forwarded_to) {
  const Simulation simulation(Simulation::Options{.shuffle = false}); // no time passes unseen
  const auto before = stats();
  Event busy;
  auto a = spawn<Server>();
  auto b = spawn<Front>(a);
  a.tell(Wait{&busy});
  EXPECT_THROW(b.ask(Get{}, 1ms), AskTimeout);
  busy.set();
  a.ask(Get{});
  EXPECT_EQ(stats().expired_requests, before.expired_requests + 1);
  EXPECT_TRUE(a.kill());
  EXPECT_TRUE(b.kill());
}

struct Pass {};
struct Ring : Actor {
  Forward<int> receive(const Pass&) { return forward(to, Pass{}); }
  int receive(const Get&) { return to.ask(Pass{}); }
  void receive(const ActorRef<Ring>& next) { to = next; }
  ActorRef<Ring> to;
};

TEST_F(ReplyTest, a_question_forwarded_to_its_asker_is_a_cycle) {
  ErrorLog errors;
  auto a = spawn<Ring>();
  auto b = spawn<Ring>();
  a.tell(b);
  b.tell(a);
  EXPECT_THROW(a.ask(Get{}, 5s), AskCycle);
  EXPECT_TRUE(a.join());
  EXPECT_TRUE(b.kill());
}

} // namespace
} // namespace grove::test
