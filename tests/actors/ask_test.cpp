// SPDX-License-Identifier: MIT
// ask(): answers, exceptions, timeouts, and every way in which no answer comes.
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <grove/actors.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class AskTest : public HubTest {};

struct Get {
  int n = 0;
};
struct Note {
  std::string what;
};
struct Boom {
  int n = 0;
};
struct Halt {};
struct Slow { // waits, then answers with n
  Event* on;
  int n = 0;
};

struct Oracle : Actor {
  explicit Oracle(Log* l = nullptr) : log(l) {}
  int receive(const Get& m) { return m.n + 1; }
  void receive(const Note& m) {
    if (log != nullptr)
      log->push_back(m.what);
  }
  int receive(const Boom& m) { throw TestError(m.n); }
  int receive(const Slow& m) {
    m.on->wait();
    if (log != nullptr)
      log->push_back("answers " + std::to_string(m.n));
    return m.n;
  }
  void receive(const Halt&) { stop(); }
  std::string receive(const std::string& m) { return m + m; }
  std::unique_ptr<int> receive(const std::unique_ptr<int>& m) {
    return std::make_unique<int>(*m + 1);
  }
  Log* log;
};

// -- answers -------------------------------------------------------------------------------------

TEST_F(AskTest, an_answer_is_a_value) {
  auto a = spawn<Oracle>();
  static_assert(std::is_same_v<decltype(a.ask(Get{})), int>);
  static_assert(std::is_same_v<decltype(a.ask(std::string())), std::string>);
  static_assert(std::is_void_v<decltype(a.ask(Halt{}))>);
  EXPECT_EQ(a.ask(Get{41}), 42);
  EXPECT_EQ(a.ask(std::string("longer than fits in place ")),
            "longer than fits in place longer than fits in place ");
  EXPECT_EQ(*a.ask(std::make_unique<int>(1)), 2);
  EXPECT_TRUE(a.kill());
}

TEST_F(AskTest, asking_a_void_handler_returns_when_it_has_handled_the_message) {
  Log log;
  auto a = spawn<Oracle>(&log);
  a.tell(Note{"1"});
  a.ask(Note{"2"});
  log.push_back("asked");
  EXPECT_EQ(log, (Log{"1", "2", "asked"}));
  EXPECT_TRUE(a.kill());
}

TEST_F(AskTest, telling_a_handler_that_answers_drops_the_answer) {
  struct Source : Actor {
    explicit Source(int& a) : alive(a) {}
    Counted receive(const Get&) { return Counted(alive); }
    int& alive;
  };
  int alive = 0;
  auto a = spawn<Source>(alive);
  a.tell(Get{});
  settle();
  EXPECT_EQ(alive, 0);
  {
    const Counted answer = a.ask(Get{});
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(alive, 0);
  EXPECT_TRUE(a.kill());
}

TEST_F(AskTest, main_greenlets_and_actors_may_ask) {
  struct Middle : Actor {
    explicit Middle(ActorRef<Oracle> t) : to(t) {}
    int receive(const Get& m) { return 10 * to.ask(m); }
    ActorRef<Oracle> to;
  };
  auto a = spawn<Oracle>();
  auto b = spawn<Middle>(a);
  EXPECT_EQ(a.ask(Get{1}), 2);
  EXPECT_EQ(b.ask(Get{1}), 20);
  auto g = spawn([&] { return b.ask(Get{2}); });
  EXPECT_EQ(g.get(), 30);
  EXPECT_TRUE(kill_all({a, b}));
}

struct Deeper : Actor {
  explicit Deeper(ActorRef<Deeper> n) : next(n) {}
  int receive(const Get& m) { return next == ActorRef<Deeper>() ? m.n : 1 + next.ask(Get{m.n}); }
  int receive(const Boom& m) {
    if (next == ActorRef<Deeper>())
      throw TestError(m.n);
    return next.ask(m);
  }
  ActorRef<Deeper> next;
};

TEST_F(AskTest, asks_nest) {
  const std::size_t depth = under_tsan ? 50 : 300;
  ActorRef<Deeper> last;
  std::vector<ActorRef<Deeper>> all;
  for (std::size_t i = 0; i < depth; ++i)
    all.push_back(last = spawn<Deeper>(last));
  EXPECT_EQ(last.ask(Get{7}), 7 + static_cast<int>(depth) - 1);
  EXPECT_EQ(last.ask(Get{8}), 8 + static_cast<int>(depth) - 1);
  EXPECT_TRUE(kill_all(all));
}

TEST_F(AskTest, answers_find_their_askers_in_whatever_order_they_come) {
  Event first, second;
  auto a = spawn<Oracle>();
  auto b = spawn<Oracle>();
  Log log;
  auto one = spawn([&] { log.push_back("one " + std::to_string(a.ask(Slow{&first, 1}))); });
  auto two = spawn([&] { log.push_back("two " + std::to_string(b.ask(Slow{&second, 2}))); });
  settle();
  second.set();
  settle();
  first.set();
  EXPECT_TRUE(join_all({one, two}));
  EXPECT_EQ(log, (Log{"two 2", "one 1"}));
  EXPECT_TRUE(kill_all({a, b}));
}

TEST_F(AskTest, questions_of_several_askers_are_answered_in_the_order_of_asking) {
  auto a = spawn<Oracle>();
  Log log;
  std::vector<GreenletRef<>> all;
  for (int i = 0; i < 5; ++i)
    all.push_back(spawn([&, i] { log.push_back(std::to_string(a.ask(Get{i}))); }));
  EXPECT_TRUE(join_all(all));
  EXPECT_EQ(log, (Log{"1", "2", "3", "4", "5"}));
  EXPECT_TRUE(a.kill());
}

// -- exceptions ----------------------------------------------------------------------------------

// Semantics' table, "Exception in an ask handler": to the asker, and a failure of the actor.
// actors 41, 42
TEST_F(AskTest, an_exception_reaches_the_asker_and_ends_the_actor_and_is_reported_once) {
  ErrorLog errors;
  Log log;
  auto a = spawn<Oracle>(&log);
  a.tell(Note{"before"});
  int caught = 0;
  auto asker = spawn([&] {
    try {
      a.ask(Boom{5});
    } catch (const TestError& e) {
      caught = e.number;
    }
  });
  a.tell(Note{"in its turn"});
  EXPECT_TRUE(asker.join());
  EXPECT_EQ(caught, 5);
  EXPECT_TRUE(a.join());
  EXPECT_THROW(a.ask(Get{}), ActorDown);
  EXPECT_EQ(errors.size(), 1u);
  EXPECT_EQ(log, (Log{"before", "in its turn"}));
}

TEST_F(AskTest, an_exception_passes_through_nested_asks_and_ends_each_actor_on_its_way) {
  ErrorLog errors;
  auto a = spawn<Deeper>(ActorRef<Deeper>());
  auto b = spawn<Deeper>(a);
  auto c = spawn<Deeper>(b);
  try {
    c.ask(Boom{6});
    ADD_FAILURE() << "answered";
  } catch (const TestError& e) {
    EXPECT_EQ(e.number, 6);
  }
  EXPECT_TRUE(join_all({a, b, c}));
  EXPECT_EQ(errors.size(), 3u) << "one for each actor that it ended";
}

TEST_F(AskTest, what_reaches_the_asker_need_not_be_a_std_exception) {
  struct Thrower : Actor {
    void receive(const Get&) { throw 7; }
  };
  ErrorLog errors;
  auto a = spawn<Thrower>();
  EXPECT_THROW(a.ask(Get{}), int);
  EXPECT_TRUE(a.join());
  EXPECT_EQ(errors.size(), 1u);
}

// pitfall 1
TEST_F(AskTest, asking_in_a_catch_block_keeps_the_exception_in_flight) {
  Event first, second;
  auto a = spawn<Oracle>();
  auto b = spawn<Oracle>();
  Log log;
  const auto body = [&log](ActorRef<Oracle> to, Event& on, int n) {
    return [&log, to, &on, n] {
      try {
        throw TestError(n);
      } catch (const TestError&) {
        const int answer = to.ask(Slow{&on, n});
        try {
          throw;
        } catch (const TestError& e) {
          log.push_back(std::to_string(e.number) + " " + std::to_string(answer));
        }
      }
    };
  };
  auto one = spawn(body(a, first, 1));
  auto two = spawn(body(b, second, 2));
  settle();
  first.set();
  settle();
  second.set();
  EXPECT_TRUE(join_all({one, two}));
  EXPECT_EQ(log, (Log{"1 1", "2 2"}));
  EXPECT_TRUE(kill_all({a, b}));
}

// pitfall 1
TEST_F(AskTest, a_handler_may_ask_in_a_catch_block_and_rethrow) {
  struct Retrier : Actor {
    explicit Retrier(ActorRef<Oracle> t) : to(t) {}
    int receive(const Get& m) {
      try {
        throw TestError(m.n);
      } catch (const TestError&) {
        EXPECT_EQ(to.ask(Get{1}), 2);
        throw;
      }
    }
    ActorRef<Oracle> to;
  };
  ErrorLog errors;
  auto a = spawn<Oracle>();
  auto b = spawn<Retrier>(a);
  try {
    b.ask(Get{8});
    ADD_FAILURE() << "answered";
  } catch (const TestError& e) {
    EXPECT_EQ(e.number, 8);
  }
  EXPECT_TRUE(b.join());
  EXPECT_TRUE(a.kill());
}

struct BadMove {
  BadMove() = default;
  BadMove(BadMove&& other) : armed(other.armed) {
    if (armed)
      throw TestError(11);
  }
  bool armed = false;
};
struct BadAnswerer : Actor {
  BadMove receive(const Get&) {
    BadMove answer; // returned in place: only its way to the asker moves it
    answer.armed = true;
    return answer;
  }
};

TEST_F(AskTest, an_answer_that_cannot_be_moved_to_the_asker_does_not_leave_it_waiting) {
  ErrorLog errors;
  auto a = spawn<BadAnswerer>();
  try {
    a.ask(Get{}, 2s);
    ADD_FAILURE() << "answered";
  } catch (const AskTimeout&) {
    ADD_FAILURE() << "the asker was forgotten";
  } catch (const TestError& e) {
    EXPECT_EQ(e.number, 11);
  } catch (const ActorDown&) { // as good: no answer will come
  }
  EXPECT_TRUE(a.kill());
}

// -- timeouts ------------------------------------------------------------------------------------

// actors 31, 52
TEST_F(AskTest, ask_timeout_when_no_answer_comes_in_time_and_the_actor_goes_on) {
  Event on;
  Log log;
  auto a = spawn<Oracle>(&log);
  const auto start = Clock::now();
  try {
    a.ask(Slow{&on, 1}, 5ms);
    ADD_FAILURE() << "answered";
  } catch (const AskTimeout& e) {
    EXPECT_NE(std::string(e.what()).find("Oracle-"), std::string::npos) << e.what();
  }
  EXPECT_GE(Clock::now() - start, 5ms);
  EXPECT_EQ(log, Log{});
  on.set();
  EXPECT_EQ(a.ask(Get{1}), 2) << "the actor is untouched";
  EXPECT_EQ(log, (Log{"answers 1"})) << "and still handles what timed out";
  EXPECT_TRUE(a.kill());
}

TEST_F(AskTest, ask_timeout_is_a_timeout_error) {
  Event never;
  auto a = spawn<Oracle>();
  EXPECT_THROW(a.ask(Slow{&never, 1}, 1ms), TimeoutError);
  EXPECT_TRUE(a.kill());
}

// actors 32, 58
TEST_F(AskTest, late_reply_is_dropped) {
  Event first, second;
  auto a = spawn<Oracle>();
  auto b = spawn<Oracle>();
  EXPECT_THROW(a.ask(Slow{&first, 1}, 1ms), AskTimeout);
  // The late answer comes while the same asker waits for another one.
  auto late = spawn([&] {
    first.set();
    settle();
    second.set();
  });
  EXPECT_EQ(b.ask(Slow{&second, 2}), 2);
  EXPECT_TRUE(late.join());
  EXPECT_EQ(a.ask(Get{2}), 3);
  EXPECT_TRUE(kill_all({a, b}));
}

// actors 32
TEST_F(AskTest, a_late_reply_does_not_disturb_another_kind_of_wait) {
  Event first, second;
  auto a = spawn<Oracle>();
  EXPECT_THROW(a.ask(Slow{&first, 1}, 1ms), AskTimeout);
  first.set();
  EXPECT_FALSE(second.wait(5ms)) << "woken by an answer to what it asked before";
  EXPECT_EQ(a.ask(Get{1}), 2);
  EXPECT_TRUE(a.kill());
}

// actors 32
TEST_F(AskTest, a_late_exception_is_dropped_too) {
  struct Late : Actor {
    int receive(const Slow& m) {
      m.on->wait();
      throw TestError();
    }
  };
  ErrorLog errors;
  Event first, second;
  auto a = spawn<Late>();
  auto b = spawn<Oracle>();
  EXPECT_THROW(a.ask(Slow{&first, 1}, 1ms), AskTimeout);
  auto late = spawn([&] {
    first.set();
    settle();
    second.set();
  });
  EXPECT_EQ(b.ask(Slow{&second, 2}), 2);
  EXPECT_TRUE(a.join());
  EXPECT_EQ(errors.size(), 1u);
  EXPECT_TRUE(b.kill());
}

// actors 32
TEST_F(AskTest, a_late_reply_to_one_that_has_ended_finds_nobody) {
  struct Source : Actor {
    explicit Source(int& a) : alive(a) {}
    Counted receive(const Slow& m) {
      m.on->wait();
      return Counted(alive);
    }
    int& alive;
  };
  Event on;
  int alive = 0;
  auto a = spawn<Source>(alive);
  auto asker = spawn([&] { a.ask(Slow{&on}); });
  settle();
  EXPECT_TRUE(asker.kill());
  asker = {}; // its slot, and its stack, may be used again
  auto other = spawn([&] { sleep(2ms); });
  settle();
  on.set();
  EXPECT_TRUE(other.join());
  EXPECT_EQ(alive, 0);
  EXPECT_TRUE(a.kill());
}

TEST_F(AskTest, a_negative_timeout_is_refused_and_nothing_is_sent) {
  Log log;
  auto a = spawn<Oracle>(&log);
  EXPECT_THROW(a.ask(Note{"never"}, -1ms), std::invalid_argument);
  a.ask(Note{"then"});
  EXPECT_EQ(log, (Log{"then"}));
  EXPECT_TRUE(a.kill());
}

TEST_F(AskTest, a_deadline_that_has_passed_ends_an_ask_that_gets_no_answer) {
  Event never;
  auto a = spawn<Oracle>();
  EXPECT_THROW(a.ask(Slow{&never}, 0ms), AskTimeout);
  EXPECT_THROW(a.ask(Slow{&never}, Clock::now() - 1s), AskTimeout);
  EXPECT_TRUE(a.kill());
}

TEST_F(AskTest, a_deadline_that_is_far_away_does_not_matter) {
  auto a = spawn<Oracle>();
  EXPECT_EQ(a.ask(Get{1}, std::chrono::hours(1000)), 2);
  EXPECT_EQ(a.ask(Get{1}, Deadline()), 2);
  EXPECT_TRUE(a.kill());
}

TEST_F(AskTest, a_timeout_scope_of_the_asker_ends_the_ask) {
  Event on;
  Log log;
  auto a = spawn<Oracle>(&log);
  bool expired = false;
  {
    const Timeout limit(1ms);
    try {
      a.ask(Slow{&on, 1});
    } catch (const TimeoutExpired& e) {
      expired = limit.is(e);
    }
  }
  EXPECT_TRUE(expired);
  on.set();
  EXPECT_EQ(a.ask(Get{1}), 2);
  EXPECT_EQ(log, (Log{"answers 1"}));
  EXPECT_TRUE(a.kill());
}

TEST_F(AskTest, a_timeout_scope_of_the_asker_does_not_limit_the_handler) {
  struct Sleeper : Actor {
    explicit Sleeper(Log& l) : log(l) {}
    void receive(const Slow& m) {
      m.on->wait();
      log.push_back("done");
    }
    Log& log;
  };
  Event on;
  Log log;
  auto a = spawn<Sleeper>(log);
  {
    const Timeout limit(1ms);
    EXPECT_THROW(a.ask(Slow{&on}), TimeoutExpired);
  }
  settle();
  EXPECT_EQ(log, Log{});
  on.set();
  a.stop();
  EXPECT_TRUE(a.join());
  EXPECT_EQ(log, (Log{"done"}));
}

// -- no answer -----------------------------------------------------------------------------------

// actors 33
TEST_F(AskTest, actor_down_at_once_when_it_has_ended) {
  auto a = spawn<Oracle>();
  EXPECT_TRUE(a.kill());
  try {
    a.ask(Get{});
    ADD_FAILURE() << "answered";
  } catch (const ActorDown& e) {
    EXPECT_NE(std::string(e.what()).find("Oracle-"), std::string::npos) << e.what();
  }
}

// actors 37, 116
TEST_F(AskTest, actor_down_when_the_reference_names_nobody) {
  try {
    ActorRef<Oracle>().ask(Get{});
    ADD_FAILURE() << "answered";
  } catch (const ActorDown& e) {
    EXPECT_NE(std::string(e.what()).find("nobody"), std::string::npos) << e.what();
  }
}

// Each case: how the actor comes to its end while somebody waits for its answer.
struct End {
  const char* name;
  void (*end)(ActorRef<Oracle>);
  bool begun; // the handler is at work on the question
};
class AskOfDying : public AskTest, public ::testing::WithParamInterface<End> {};

// actors 33, 36
TEST_P(AskOfDying, actor_down) {
  ErrorLog errors;
  Event busy, on;
  auto a = spawn<Oracle>();
  if (!GetParam().begun)
    a.tell(Slow{&busy, 0}); // the question stays in the inbox
  bool down = false;
  auto asker = spawn([&] {
    try {
      a.ask(Slow{&on, 1});
    } catch (const ActorDown&) {
      down = true;
    }
  });
  settle();
  ASSERT_FALSE(asker.ready());
  GetParam().end(a);
  busy.set();
  EXPECT_TRUE(asker.join());
  EXPECT_TRUE(down);
  EXPECT_TRUE(a.join());
}

INSTANTIATE_TEST_SUITE_P(
    All, AskOfDying,
    ::testing::Values(
        End{"killed_at_work", [](ActorRef<Oracle> a) { spawn([a] { a.kill(); }); }, true},
        End{"killed_with_mail", [](ActorRef<Oracle> a) { spawn([a] { a.kill(); }); }, false},
        End{"kill_all_at_work", [](ActorRef<Oracle> a) { kill_all({a}); }, true}),
    [](const auto& row) { return std::string(row.param.name); });

// actors 36, 177
TEST_F(AskTest, questions_behind_a_stop_get_actor_down) {
  Event busy;
  auto a = spawn<Oracle>();
  a.tell(Slow{&busy, 0});
  int answer = 0, down = 0;
  auto before = spawn([&] { answer = a.ask(Get{1}); });
  auto stopper = spawn([&] { a.stop(); });
  auto after = spawn([&] {
    try {
      a.ask(Get{2});
    } catch (const ActorDown&) {
      ++down;
    }
  });
  settle();
  busy.set();
  EXPECT_TRUE(join_all({before, stopper, after}));
  EXPECT_EQ(answer, 2) << "what was sent before is handled";
  EXPECT_EQ(down, 1);
  EXPECT_TRUE(a.join());
}

// actors 36
TEST_F(AskTest, questions_behind_a_failure_get_actor_down_and_not_that_exception) {
  ErrorLog errors;
  Event busy;
  auto a = spawn<Oracle>();
  a.tell(Slow{&busy, 0});
  a.tell(Boom{});
  bool down = false;
  auto asker = spawn([&] {
    try {
      a.ask(Get{});
    } catch (const ActorDown&) {
      down = true;
    }
  });
  settle();
  busy.set();
  EXPECT_TRUE(asker.join());
  EXPECT_TRUE(down);
  EXPECT_EQ(errors.size(), 1u);
}

TEST_F(AskTest, asking_for_the_stop_itself_is_answered) {
  auto a = spawn<Oracle>();
  a.ask(Halt{});
  EXPECT_TRUE(a.join());
  EXPECT_THROW(a.ask(Halt{}), ActorDown);
}

// Questions that arrive while on_stop or the destructor waits.
struct Lingering : Actor {
  Lingering(Event& s, Event& d) : stopping(s), dying(d) {}
  ~Lingering() { dying.wait(); }
  void on_stop(const ExitReason&) override { stopping.wait(); }
  int receive(const Get&) { return 1; }
  Event& stopping;
  Event& dying;
};

// actors 33, 36
TEST_F(AskTest, questions_to_one_that_is_ending_get_actor_down) {
  Event stopping, dying;
  auto a = spawn<Lingering>(stopping, dying);
  a.stop();
  settle();
  ASSERT_EQ(stopping.waiters(), 1u);
  int down = 0;
  const auto ask = [&] {
    try {
      a.ask(Get{});
    } catch (const ActorDown&) {
      ++down;
    }
  };
  auto first = spawn(ask);
  settle();
  stopping.set();
  settle();
  ASSERT_EQ(dying.waiters(), 1u);
  auto second = spawn(ask);
  settle();
  dying.set();
  EXPECT_TRUE(join_all({first, second}));
  EXPECT_EQ(down, 2);
  EXPECT_TRUE(a.join());
}

TEST_F(AskTest, a_handler_that_swallows_a_kill_still_answers) {
  struct Stubborn : Actor {
    int receive(const Slow& m) {
      try {
        m.on->wait();
      } catch (const GreenletExit&) {
        return -1;
      }
      return 1;
    }
  };
  Event never;
  auto a = spawn<Stubborn>();
  auto asker = spawn([&] { return a.ask(Slow{&never}); });
  settle();
  EXPECT_FALSE(a.kill(0ms)) << "declined";
  EXPECT_EQ(asker.get(), -1);
  EXPECT_TRUE(a.kill()) << "another one may be sent";
}

// -- the asker is interrupted --------------------------------------------------------------------

TEST_F(AskTest, an_asker_killed_while_the_callee_works_is_unwound_and_the_answer_dropped) {
  Event on;
  Log log;
  auto a = spawn<Oracle>(&log);
  int got = 0;
  auto asker = spawn([&] {
    const AtExit unwound([&] { log.push_back("unwound"); });
    got = a.ask(Slow{&on, 7});
  });
  settle();
  EXPECT_TRUE(asker.kill());
  EXPECT_EQ(log, (Log{"unwound"}));
  on.set();
  EXPECT_EQ(a.ask(Get{1}), 2);
  EXPECT_EQ(got, 0);
  EXPECT_EQ(log, (Log{"unwound", "answers 7"}));
  EXPECT_TRUE(a.kill());
}

TEST_F(AskTest, an_asking_actor_may_be_killed) {
  struct Middle : Actor {
    explicit Middle(ActorRef<Oracle> t) : to(t) {}
    int receive(const Slow& m) { return to.ask(m); }
    ActorRef<Oracle> to;
  };
  Event on;
  auto a = spawn<Oracle>();
  auto b = spawn<Middle>(a);
  bool down = false;
  auto asker = spawn([&] {
    try {
      b.ask(Slow{&on, 1});
    } catch (const ActorDown&) {
      down = true;
    }
  });
  settle();
  EXPECT_TRUE(b.kill());
  EXPECT_TRUE(asker.join());
  EXPECT_TRUE(down);
  on.set();
  EXPECT_EQ(a.ask(Get{3}), 4) << "the callee knows nothing of it";
  EXPECT_TRUE(a.kill());
}

// Decisions 3: first waker wins.
TEST_F(AskTest, an_answer_that_came_before_the_kill_is_returned) {
  Event on;
  auto a = spawn<Oracle>();
  int got = 0;
  bool next_wait_threw = false;
  auto asker = spawn([&] {
    got = a.ask(Slow{&on, 7});
    try {
      yield();
    } catch (const GreenletExit&) {
      next_wait_threw = true;
      throw;
    }
  });
  settle();
  on.set();
  yield(); // the callee answers; the asker is runnable, and has not run
  asker.kill_nowait();
  EXPECT_TRUE(asker.join());
  EXPECT_EQ(got, 7);
  EXPECT_TRUE(next_wait_threw);
  EXPECT_TRUE(asker.killed());
  EXPECT_TRUE(a.kill());
}

TEST_F(AskTest, a_kill_that_came_before_the_answer_wins) {
  Event on;
  Log log;
  auto a = spawn<Oracle>(&log);
  int got = 0;
  auto asker = spawn([&] { got = a.ask(Slow{&on, 7}); });
  settle();
  on.set();
  asker.kill_nowait(); // both are under way
  EXPECT_TRUE(asker.join());
  EXPECT_EQ(got, 0);
  EXPECT_TRUE(asker.killed());
  settle();
  EXPECT_EQ(log, (Log{"answers 7"}));
  EXPECT_TRUE(a.kill());
}

TEST_F(AskTest, a_kill_that_is_due_is_thrown_before_anything_is_sent) {
  Log log;
  auto a = spawn<Oracle>(&log);
  Event go;
  auto asker = spawn([&] {
    go.wait();
    a.ask(Note{"never"});
  });
  settle();
  go.set();
  asker.kill_nowait();
  EXPECT_TRUE(asker.join());
  a.ask(Note{"then"});
  EXPECT_EQ(log, (Log{"then"}));
  EXPECT_TRUE(a.kill());
}

TEST_F(AskTest, a_shielded_ask_gets_its_answer_and_the_kill_comes_after) {
  Event on;
  auto a = spawn<Oracle>();
  int got = 0;
  bool after = false;
  auto asker = spawn([&] {
    {
      const Shield shield;
      got = a.ask(Slow{&on, 7});
    }
    yield();
    after = true;
  });
  settle();
  asker.kill_nowait();
  settle();
  EXPECT_FALSE(asker.ready());
  on.set();
  EXPECT_TRUE(asker.join());
  EXPECT_EQ(got, 7);
  EXPECT_FALSE(after);
  EXPECT_TRUE(a.kill());
}

// pitfall 5
TEST_F(AskTest, a_destructor_that_runs_because_of_a_kill_may_ask) {
  Event never;
  auto a = spawn<Oracle>();
  int got = 0;
  auto g = spawn([&] {
    const AtExit farewell([&] { got = a.ask(Get{1}); });
    never.wait();
  });
  settle();
  EXPECT_TRUE(g.kill());
  EXPECT_EQ(got, 2);
  EXPECT_TRUE(a.kill());
}

// -- cycles --------------------------------------------------------------------------------------

// actors 55
TEST_F(AskTest, of_actors_that_ask_each_other_one_is_refused) {
  struct Player : Actor {
    explicit Player(Log& l) : log(l) {}
    void receive(const ActorRef<Player>& o) { other = o; }
    int receive(const Get&) { return 1; }
    int receive(const Halt&) {
      try {
        yield(); // both have begun
        return other.ask(Get{});
      } catch (const AskCycle&) {
        log.push_back("cycle");
        return -1;
      }
    }
    ActorRef<Player> other;
    Log& log;
  };
  Log log;
  auto a = spawn<Player>(log);
  auto b = spawn<Player>(log);
  a.tell(b);
  b.tell(a);
  a.tell(Halt{});
  b.tell(Halt{});
  EXPECT_EQ(a.ask(Get{}), 1);
  EXPECT_EQ(b.ask(Get{}), 1);
  EXPECT_EQ(log, (Log{"cycle"})) << "the other one has its answer";
  EXPECT_TRUE(kill_all({a, b}));
}

TEST_F(AskTest, asking_back_a_greenlet_s_actor_is_no_cycle) {
  struct Calls : Actor {
    int receive(const Slow& m) {
      m.on->set();
      yield();
      return m.n;
    }
    int receive(const Get& m) { return m.n; }
  };
  auto a = spawn<Calls>();
  Event on;
  auto g = spawn([&] {
    on.wait();
    return a.ask(Get{5});
  });
  EXPECT_EQ(a.ask(Slow{&on, 4}), 4);
  EXPECT_EQ(g.get(), 5);
  EXPECT_TRUE(a.kill());
}

} // namespace
} // namespace grove::test
