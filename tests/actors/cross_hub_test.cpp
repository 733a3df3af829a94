// SPDX-License-Identifier: MIT
// Actors of several hubs, and threads without one: messages, answers and ends that cross.
#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <grove/actors.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class CrossHubTest : public HubTest {};

// A limit for waits that must end by themselves: a test that would hang fails instead.
constexpr auto long_wait = 20s;

struct Number {
  int from = 0;
  int n = 0;
};
struct Get {
  int n = 0;
};
struct Boom {
  int n = 0;
};
struct Done {};
struct Block {}; // waits until it is killed, or until Release
struct Release {};
struct Call { // runs f in the handler
  std::function<void()> f;
};

struct Worker : Actor {
  int receive(const Get& m) { return m.n + 1; }
  void receive(const Number& m) { all.push_back(m); }
  std::vector<Number> receive(const Done&) { return std::move(all); }
  int receive(const Boom& m) { throw TestError(m.n); }
  std::unique_ptr<int> receive(std::unique_ptr<int> m) {
    ++*m;
    return m;
  }
  std::string receive(const std::array<char, 4096>& m) { return {m.begin(), m.end()}; }
  void receive(const Call& m) { m.f(); }
  std::vector<Number> all;
};

// Waits in a handler until another actor of its hub, or a kill, frees it.
struct Waiting : Actor {
  Waiting(Event& e, std::atomic<int>& u) : on(e), unwound(u) {}
  int receive(const Block&) {
    const AtExit mark([this] { ++unwound; });
    on.wait();
    return 7;
  }
  Event& on;
  std::atomic<int>& unwound;
};
struct Opener : Actor {
  explicit Opener(Event& e) : on(e) {}
  void receive(const Release&) { on.set(); }
  Event& on;
};

// A hub with an actor that waits.
struct Waitroom {
  HubThread hub;
  Event* on = nullptr;
  std::atomic<int> unwound{0};
  ActorRef<Waiting> waiting;
  ActorRef<Opener> opener;
  Waitroom() {
    hub.call([this] {
      on = new Event;
      waiting = spawn<Waiting>(*on, unwound);
      opener = spawn<Opener>(*on);
    });
  }
  Waitroom(const Waitroom&) = delete;
  Waitroom& operator=(const Waitroom&) = delete;
  ~Waitroom() {
    hub.call([this] {
      kill_all({waiting, opener});
      delete on;
    });
  }
  std::size_t waiters() {
    return hub.call([this] {
      settle();
      return on->waiters();
    });
  }
};

// Runs f on a thread that has no hub, while this hub goes on.
template <class F>
void on_foreign_thread(F f) {
  const auto attachment = Hub::current().attach();
  AsyncResult<void> done;
  std::thread thread([&] {
    try {
      f();
    } catch (const std::exception& e) {
      ADD_FAILURE() << "an exception left the thread: " << e.what();
    }
    done.set();
  });
  const Shield shield;
  done.wait();
  thread.join();
}

template <class A, class... Args>
ActorRef<A> spawn_on(HubThread& hub, Args... args) {
  return hub.call([&] { return spawn<A>(args...); });
}

void expect_in_order(const std::vector<Number>& all, int senders, int each) {
  ASSERT_EQ(all.size(), static_cast<std::size_t>(senders * each));
  std::vector<int> next(static_cast<std::size_t>(senders));
  for (const Number& m : all)
    ASSERT_EQ(m.n, next.at(static_cast<std::size_t>(m.from))++) << "from " << m.from;
}

// -- tell and ask --------------------------------------------------------------------------------

// actors 1
TEST_F(CrossHubTest, messages_to_another_hub_arrive_in_their_order) {
  HubThread other;
  auto a = spawn_on<Worker>(other);
  for (int i = 0; i < 1000; ++i)
    a.tell(Number{0, i});
  expect_in_order(a.ask(Done{}), 1, 1000);
}

TEST_F(CrossHubTest, messages_from_another_hub_arrive_in_their_order) {
  HubThread other;
  auto a = spawn<Worker>();
  other.call([a] {
    for (int i = 0; i < 1000; ++i)
      a.tell(Number{0, i});
  });
  expect_in_order(a.ask(Done{}), 1, 1000);
  EXPECT_TRUE(a.kill());
}

// actors 1
TEST_F(CrossHubTest, senders_of_several_hubs_and_threads_each_keep_their_order) {
  constexpr int hubs = 3, threads = 2, each = 3000;
  auto a = spawn<Worker>();
  {
    std::vector<std::unique_ptr<HubThread>> others;
    std::vector<GreenletRef<>> calls;
    const auto send = [a](int from) {
      for (int i = 0; i < each; ++i)
        a.tell(Number{from, i});
    };
    for (int i = 0; i < hubs; ++i) {
      others.push_back(std::make_unique<HubThread>());
      calls.push_back(
          spawn([&, i] { others[static_cast<std::size_t>(i)]->call([&] { send(i); }); }));
    }
    for (int i = 0; i < threads; ++i)
      calls.push_back(spawn([&, i] { on_foreign_thread([&] { send(hubs + i); }); }));
    EXPECT_TRUE(join_all(calls));
  }
  expect_in_order(a.ask(Done{}), hubs + threads, each);
  EXPECT_TRUE(a.kill());
}

struct Echo : Actor {
  explicit Echo(ActorRef<Worker> b) : back(b) {}
  void receive(const Number& m) { back.tell(m); }
  ActorRef<Worker> back;
};

// actors 1
TEST_F(CrossHubTest, a_hundred_thousand_messages_go_there_and_come_back) {
  constexpr int count = 100'000;
  HubThread other;
  auto home = spawn<Worker>();
  auto echo = spawn_on<Echo>(other, home);
  for (int i = 0; i < count; ++i)
    echo.tell(Number{0, i});
  echo.stop();
  EXPECT_TRUE(echo.join());
  expect_in_order(home.ask(Done{}), 1, count);
  EXPECT_TRUE(home.kill());
}

struct Player : Actor {
  explicit Player(AsyncResult<int>& d) : done(d) {}
  void receive(const ActorRef<Player>& p) { peer = p; }
  void receive(const Number& m) {
    ++count;
    if (m.n == 0)
      done.set(count);
    else
      peer.tell(Number{0, m.n - 1});
  }
  AsyncResult<int>& done;
  ActorRef<Player> peer;
  int count = 0;
};

// Each message finds the other hub asleep, or about to fall asleep.
// pitfall 54, 56
TEST_F(CrossHubTest, a_message_wakes_a_hub_that_sleeps) {
  const auto sleeps = Hub::current().stats().sleeps;
  constexpr int rounds = 5000;
  HubThread other;
  other.call([] { Hub::current().look_out_for(0ns); });
  Hub::current().look_out_for(0ns);
  const AtExit as_before([] { Hub::current().look_out_for(20us); });
  AsyncResult<int> done;
  auto a = spawn<Player>(done);
  auto b = other.call([&] { return spawn<Player>(done); });
  a.tell(b);
  b.ask(a);
  b.tell(Number{0, 2 * rounds - 1});
  ASSERT_TRUE(done.wait(2 * long_wait)) << "a wake-up was lost";
  EXPECT_EQ(done.get(), rounds);
  EXPECT_GT(Hub::current().stats().sleeps, sleeps) << "nobody slept: nothing was tried";
  EXPECT_TRUE(a.kill());
  EXPECT_TRUE(b.kill());
}

TEST_F(CrossHubTest, answers_come_back_as_values_whatever_their_kind) {
  HubThread other;
  auto a = spawn_on<Worker>(other);
  EXPECT_EQ(a.ask(Get{41}), 42);
  EXPECT_EQ(*a.ask(std::make_unique<int>(1)), 2);
  std::array<char, 4096> large;
  large.fill('x');
  EXPECT_EQ(a.ask(large), std::string(4096, 'x'));
  a.ask(Number{0, 0});
  EXPECT_EQ(a.ask(Done{}).size(), 1u) << "a void one is answered when it was handled";
}

TEST_F(CrossHubTest, an_exception_reaches_the_asker_and_is_reported_on_the_actor_s_hub) {
  ErrorLog here;
  HubThread other;
  std::atomic<int> there{0};
  other.call([&] { Hub::current().on_error([&](const UnhandledError&) { ++there; }); });
  auto a = spawn_on<Worker>(other);
  try {
    a.ask(Boom{5});
    ADD_FAILURE() << "answered";
  } catch (const TestError& e) {
    EXPECT_EQ(e.number, 5);
  }
  EXPECT_TRUE(a.join());
  EXPECT_EQ(there, 1);
  EXPECT_EQ(here.size(), 0u);
  EXPECT_THROW(a.ask(Get{}), ActorDown);
  other.call([] { Hub::current().on_error({}); });
}

TEST_F(CrossHubTest, askers_of_both_hubs_may_ask_each_other_s_actors_at_once) {
  HubThread other;
  auto here = spawn<Worker>();
  auto there = spawn_on<Worker>(other);
  constexpr int rounds = 500;
  std::atomic<long> sum{0};
  std::vector<GreenletRef<>> all;
  all.reserve(4);
  for (int i = 0; i < 4; ++i) {
    all.push_back(spawn([&] {
      for (int k = 0; k < rounds; ++k)
        sum += there.ask(Get{k}) - k;
    }));
    all.push_back(spawn([&] {
      other.call([&] {
        for (int k = 0; k < rounds; ++k)
          sum += here.ask(Get{k}) - k;
      });
    }));
  }
  EXPECT_TRUE(join_all(all));
  EXPECT_EQ(sum, 8 * rounds);
  EXPECT_TRUE(here.kill());
}

struct Relay : Actor {
  void receive(const ActorRef<Relay>& n) { next = n; }
  int receive(const Get& m) {
    return next == ActorRef<Relay>() || m.n == 0 ? 0 : 1 + next.ask(Get{m.n - 1});
  }
  ActorRef<Relay> next;
};

TEST_F(CrossHubTest, nested_asks_go_to_and_fro) {
  HubThread other;
  std::vector<ActorRef<Relay>> all;
  all.reserve(20);
  for (int i = 0; i < 20; ++i)
    all.push_back(i % 2 == 0 ? spawn<Relay>() : spawn_on<Relay>(other));
  for (std::size_t i = 0; i + 1 < all.size(); ++i)
    all[i].ask(all[i + 1]);
  EXPECT_EQ(all[0].ask(Get{100}), 19);
  for (const auto& a : all)
    EXPECT_TRUE(a.kill());
}

// -- no answer -----------------------------------------------------------------------------------

// actors 32
TEST_F(CrossHubTest, ask_timeout_and_the_late_reply_is_dropped) {
  Waitroom room;
  EXPECT_THROW(room.waiting.ask(Block{}, 5ms), AskTimeout);
  HubThread third;
  auto a = spawn_on<Worker>(third);
  room.opener.ask(Release{});
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(a.ask(Get{i}), i + 1) << "the late answer was taken for this one";
  EXPECT_EQ(room.waiting.ask(Block{}), 7) << "it lives on";
}

// actors 33, 36
TEST_F(CrossHubTest, actor_down_in_every_case) {
  Waitroom room;
  int down = 0;
  const auto ask = [&](const auto& ref, const auto& message) {
    try {
      ref.ask(message, long_wait);
      ADD_FAILURE() << "answered";
    } catch (const ActorDown&) {
      ++down;
    } catch (const AskTimeout&) {
      ADD_FAILURE() << "the asker was forgotten";
    }
  };
  // Two that wait: one whose question is being handled, and one in the inbox.
  auto first = spawn([&] { ask(room.waiting, Block{}); });
  auto second = spawn([&] { ask(room.waiting, Block{}); });
  while (room.waiters() == 0)
    yield();
  EXPECT_TRUE(room.waiting.kill());
  EXPECT_TRUE(join_all({first, second}));
  EXPECT_EQ(down, 2);
  ask(room.waiting, Block{});
  EXPECT_EQ(down, 3) << "it has ended";
  room.opener.stop();
  EXPECT_TRUE(room.opener.join());
  ask(room.opener, Release{});
  EXPECT_EQ(down, 4);
}

// actors 37
TEST_F(CrossHubTest, a_default_reference_names_nobody_on_any_hub) {
  HubThread other;
  other.call([] {
    const ActorRef<Worker> nobody;
    const auto letters = Hub::current().stats().dead_letters;
    nobody.tell(Get{});
    EXPECT_EQ(Hub::current().stats().dead_letters, letters + 1);
    EXPECT_TRUE(nobody.join());
    EXPECT_TRUE(nobody.kill());
    nobody.stop();
    EXPECT_THROW(nobody.ask(Get{}, 2s), ActorDown);
    EXPECT_NO_THROW(EXPECT_TRUE(join_all({nobody})));
    EXPECT_NO_THROW(EXPECT_TRUE(kill_all({nobody})));
  });
}

TEST_F(CrossHubTest, a_dead_letter_from_another_hub_is_counted_once) {
  HubThread other;
  auto a = spawn_on<Worker>(other);
  EXPECT_TRUE(a.kill());
  const auto letters = [&] {
    return other.call([] { return Hub::current().stats().dead_letters; });
  };
  const auto here = Hub::current().stats().dead_letters;
  const auto before = letters();
  a.tell(Get{});
  a.tell(Get{});
  a.stop();
  EXPECT_EQ(letters() + Hub::current().stats().dead_letters - here, before + 2);
}

TEST_F(CrossHubTest, a_stale_reference_reaches_nobody_when_its_slot_is_used_again) {
  HubThread other;
  ActorRef<Worker> a, b;
  other.call([&] {
    a = spawn<Worker>();
    EXPECT_TRUE(a.kill());
    b = spawn<Worker>();
  });
  ASSERT_EQ(a.joinable().identity, b.joinable().identity) << "the slot was not used again";
  a.tell(Number{9, 9});
  a.stop();
  EXPECT_TRUE(a.kill());
  EXPECT_TRUE(a.join());
  EXPECT_THROW(a.ask(Get{}), ActorDown);
  EXPECT_EQ(b.ask(Done{}).size(), 0u);
}

// -- the asker ends ------------------------------------------------------------------------------

// pitfall 58
TEST_F(CrossHubTest, an_asker_that_is_killed_leaves_the_callee_at_work) {
  Waitroom room;
  int got = 0;
  auto asker = spawn([&] { got = room.waiting.ask(Block{}); });
  while (room.waiters() == 0)
    yield();
  EXPECT_TRUE(asker.kill());
  asker = {}; // its slot and stack may be used again
  int answers = 0;
  std::vector<GreenletRef<>> others;
  others.reserve(10);
  for (int i = 0; i < 10; ++i)
    others.push_back(spawn([&] { answers += room.waiting.ask(Block{}); }));
  settle();
  EXPECT_EQ(room.unwound, 0);
  room.opener.tell(Release{});
  EXPECT_TRUE(join_all(others));
  EXPECT_EQ(answers, 70);
  EXPECT_EQ(got, 0);
  EXPECT_EQ(room.unwound, 11);
}

// pitfall 58
TEST_F(CrossHubTest, an_asker_s_hub_may_shut_down_while_the_callee_works) {
  Event on;
  std::atomic<int> unwound{0};
  auto a = spawn<Waiting>(on, unwound);
  std::atomic<bool> killed{false};
  {
    HubThread other;
    other.hub().post([&, a] {
      try {
        a.ask(Block{});
      } catch (const GreenletExit&) {
        killed = true;
        throw;
      }
    });
    while (on.waiters() == 0)
      sleep(100us); // lets this hub look at its mail
  }
  EXPECT_TRUE(killed);
  on.set();
  EXPECT_EQ(a.ask(Block{}), 7) << "the answer to nobody harmed nobody";
  EXPECT_EQ(unwound, 2);
  EXPECT_TRUE(a.kill());
}

// -- life ----------------------------------------------------------------------------------------

TEST_F(CrossHubTest, stop_keeps_its_place_and_join_waits) {
  HubThread other;
  auto home = spawn<Worker>();
  auto echo = spawn_on<Echo>(other, home);
  for (int i = 0; i < 100; ++i)
    echo.tell(Number{0, i});
  EXPECT_FALSE(echo.join(1ms));
  echo.stop();
  echo.tell(Number{0, 100});
  EXPECT_TRUE(echo.join());
  EXPECT_TRUE(echo.join()) << "it has ended";
  expect_in_order(home.ask(Done{}), 1, 100);
  EXPECT_TRUE(home.kill());
}

TEST_F(CrossHubTest, kill_unwinds_the_handler_on_its_own_hub) {
  Waitroom room;
  room.waiting.tell(Block{});
  while (room.waiters() == 0)
    yield();
  EXPECT_TRUE(room.waiting.kill());
  EXPECT_EQ(room.unwound, 1);
  EXPECT_EQ(room.waiters(), 0u);
  EXPECT_TRUE(room.waiting.kill()) << "a second time: nothing";
}

TEST_F(CrossHubTest, a_killed_joiner_leaves_the_actor_as_it_was) {
  HubThread other;
  auto a = spawn_on<Worker>(other);
  auto g = spawn([&] { a.join(); });
  settle();
  EXPECT_TRUE(g.kill());
  EXPECT_EQ(a.ask(Get{1}), 2);
  a.stop();
  EXPECT_TRUE(a.join());
}

TEST_F(CrossHubTest, actors_of_two_hubs_may_end_each_other) {
  HubThread other;
  auto here = spawn<Worker>();
  auto there = spawn_on<Worker>(other);
  // The caller of kill() waits for the end, so one of the two is ended while it waits.
  here.tell(Call{[there] { there.kill(); }});
  there.tell(Call{[here] { here.kill(); }});
  EXPECT_TRUE(there.join(long_wait));
  EXPECT_TRUE(here.kill());
}

TEST_F(CrossHubTest, join_all_is_for_the_actor_s_own_hub) {
  HubThread other;
  auto a = spawn_on<Worker>(other);
  EXPECT_THROW(join_all({a}), std::logic_error);
  EXPECT_THROW(kill_all({a}), std::logic_error);
  EXPECT_EQ(a.ask(Get{1}), 2);
  EXPECT_TRUE(other.call([a] { return kill_all({a}); }));
}

// -- shutdown ------------------------------------------------------------------------------------

TEST_F(CrossHubTest, a_hub_that_shuts_down_destroys_its_actors) {
  std::atomic<int> destroyed{0}, unwound{0};
  struct Marked : Actor {
    Marked(std::atomic<int>& d, std::atomic<int>& u) : destroyed(d), unwound(u) {}
    ~Marked() { ++destroyed; }
    void receive(const Block&) {
      const AtExit mark([this] { ++unwound; });
      Event never;
      never.wait();
    }
    std::atomic<int>& destroyed;
    std::atomic<int>& unwound;
  };
  {
    HubThread other;
    other.call([&] {
      for (int i = 0; i < 10; ++i) {
        auto a = spawn<Marked>(destroyed, unwound);
        if (i % 2 == 0)
          a.tell(Block{});
      }
      settle();
    });
  }
  EXPECT_EQ(destroyed, 10);
  EXPECT_EQ(unwound, 5);
}

TEST_F(CrossHubTest, references_to_actors_of_a_hub_that_is_gone_name_nobody) {
  ActorRef<Worker> a;
  {
    HubThread other;
    a = spawn_on<Worker>(other);
  }
  const auto letters = Hub::current().stats().dead_letters;
  a.tell(Get{});
  a.tell(Number{});
  EXPECT_EQ(Hub::current().stats().dead_letters, letters + 2);
  a.stop();
  EXPECT_TRUE(a.join());
  EXPECT_TRUE(a.kill());
  EXPECT_THROW(a.ask(Get{}, 2s), ActorDown);
  on_foreign_thread([a] {
    a.tell(Get{});
    a.stop();
    EXPECT_THROW(a.ask(Get{}), ActorDown);
    EXPECT_TRUE(a.join());
    EXPECT_TRUE(a.kill());
  });
  { // its place is taken by another hub
    HubThread other;
    auto b = spawn_on<Worker>(other);
    a.tell(Number{});
    EXPECT_THROW(a.ask(Get{}, 2s), ActorDown);
    EXPECT_TRUE(a.join());
    EXPECT_EQ(b.ask(Done{}).size(), 0u);
  }
}

struct Stuck : Actor {
  explicit Stuck(std::atomic<int>& b) : begun(b) {}
  int receive(const Block&) {
    ++begun;
    Event never;
    never.wait();
    return 1;
  }
  std::atomic<int>& begun;
};

// actors 36
TEST_F(CrossHubTest, an_asker_hears_of_the_end_of_the_actor_s_hub) {
  int down = 0;
  std::atomic<int> begun{0};
  std::vector<GreenletRef<>> askers;
  {
    HubThread other;
    auto a = other.call([&] { return spawn<Stuck>(begun); });
    for (int i = 0; i < 3; ++i) {
      askers.push_back(spawn([&down, a] {
        try {
          a.ask(Block{}, long_wait);
        } catch (const ActorDown&) {
          ++down;
        }
      }));
    }
    while (begun == 0)
      yield();
  }
  EXPECT_TRUE(join_all(askers));
  EXPECT_EQ(down, 3) << "one at work, two in the inbox";
  EXPECT_EQ(begun, 1);
}

TEST_F(CrossHubTest, who_joins_an_actor_of_a_hub_that_shuts_down_goes_on) {
  auto other = std::make_unique<HubThread>();
  auto a = spawn_on<Worker>(*other);
  bool joined = false;
  auto g = spawn([&] { joined = a.join(long_wait); });
  auto h = spawn([&] { on_foreign_thread([&] { EXPECT_TRUE(a.join()); }); });
  settle();
  EXPECT_EQ(other->call([] {
    settle();
    return 1;
  }),
            1);
  other.reset();
  EXPECT_TRUE(g.join());
  EXPECT_TRUE(joined) << "it ended with its hub";
  EXPECT_TRUE(h.join());
}

// Senders and askers of all kinds are at work while the hub goes away under their hands.
TEST_F(CrossHubTest, nobody_hangs_when_a_hub_shuts_down_under_load) {
  for (int round = 0; round < (sanitized ? 5 : 20) && !HasFailure(); ++round) {
    std::atomic<int> told{0}, answered{0}, down{0}, forgotten{0};
    std::atomic<bool> end{false};
    auto other = std::make_unique<HubThread>();
    auto a = spawn_on<Worker>(*other);
    HubThread third;
    const auto load = [&, a](auto pause) {
      while (!end) {
        pause(); // an ask that is refused at once does not wait
        a.tell(Get{1});
        ++told;
        try {
          if (a.ask(Get{1}, long_wait) == 2)
            ++answered;
        } catch (const ActorDown&) {
          ++down;
        } catch (const AskTimeout&) {
          ++forgotten;
          return;
        }
      }
    };
    std::vector<GreenletRef<>> all;
    all.reserve(3);
    for (int i = 0; i < 3; ++i)
      all.push_back(spawn([&] { load(yield); }));
    all.push_back(spawn([&] { third.call([&] { load(yield); }); }));
    all.push_back(spawn([&] { on_foreign_thread([&] { load(std::this_thread::yield); }); }));
    while (answered < 100)
      yield();
    other.reset();
    while (down < 100 && forgotten == 0)
      yield();
    end = true;
    EXPECT_TRUE(join_all(all));
    EXPECT_EQ(forgotten, 0);
    EXPECT_EQ(answered + down, told);
  }
}

// -- threads without a hub -----------------------------------------------------------------------

TEST_F(CrossHubTest, a_foreign_thread_may_tell_and_ask) {
  auto a = spawn<Worker>();
  on_foreign_thread([a] {
    for (int i = 0; i < 1000; ++i)
      a.tell(Number{0, i});
    EXPECT_EQ(a.ask(Get{41}), 42);
    EXPECT_EQ(a.ask(Get{41}, long_wait), 42);
    EXPECT_EQ(*a.ask(std::make_unique<int>(1)), 2);
    a.ask(Number{0, 1000});
  });
  expect_in_order(a.ask(Done{}), 1, 1001);
  EXPECT_TRUE(a.kill());
}

TEST_F(CrossHubTest, a_foreign_asker_gets_exceptions_timeouts_and_actor_down) {
  ErrorLog errors;
  Event on;
  std::atomic<int> unwound{0};
  auto a = spawn<Worker>();
  auto b = spawn<Waiting>(on, unwound);
  on_foreign_thread([=] {
    EXPECT_THROW(b.ask(Block{}, 5ms), AskTimeout);
    try {
      a.ask(Boom{6});
      ADD_FAILURE() << "answered";
    } catch (const TestError& e) {
      EXPECT_EQ(e.number, 6);
    }
    EXPECT_THROW(a.ask(Get{}), ActorDown);
    EXPECT_THROW(ActorRef<Worker>().ask(Get{}), ActorDown);
  });
  EXPECT_EQ(errors.size(), 1u);
  EXPECT_TRUE(a.join());
  on.set();
  EXPECT_EQ(b.ask(Block{}), 7) << "the late answer found nobody";
  bool down = false;
  on.clear();
  auto asker = spawn([&] {
    on_foreign_thread([&] {
      try {
        b.ask(Block{});
      } catch (const ActorDown&) {
        down = true;
      }
    });
  });
  while (on.waiters() == 0)
    sleep(100us); // lets this hub look at its mail
  EXPECT_TRUE(b.kill());
  EXPECT_TRUE(asker.join());
  EXPECT_TRUE(down) << "killed at work";
}

TEST_F(CrossHubTest, a_foreign_thread_may_stop_join_and_kill) {
  Event never;
  std::atomic<int> unwound{0};
  auto a = spawn<Worker>();
  auto b = spawn<Waiting>(never, unwound);
  auto c = spawn<Worker>();
  b.tell(Block{});
  settle();
  on_foreign_thread([=] {
    EXPECT_FALSE(a.join(1ms));
    a.tell(Number{0, 0});
    a.stop();
    a.tell(Number{0, 1});
    EXPECT_TRUE(a.join());
    EXPECT_TRUE(b.kill());
    EXPECT_TRUE(b.kill()) << "a second time: nothing";
    EXPECT_TRUE(c.kill());
    c.tell(Number{}); // dropped
  });
  EXPECT_EQ(unwound, 1);
  EXPECT_TRUE(a.join(0ms));
  EXPECT_TRUE(c.join(0ms));
}

TEST_F(CrossHubTest, many_foreign_threads_ask_at_once) {
  auto a = spawn<Worker>();
  std::atomic<int> sum{0};
  std::vector<GreenletRef<>> all;
  all.reserve(4);
  for (int i = 0; i < 4; ++i) {
    all.push_back(spawn([&] {
      on_foreign_thread([&] {
        for (int k = 0; k < 300; ++k)
          sum += a.ask(Get{k}) - k;
      });
    }));
  }
  EXPECT_TRUE(join_all(all));
  EXPECT_EQ(sum, 1200);
  EXPECT_TRUE(a.kill());
}

// -- messages as objects -------------------------------------------------------------------------

struct Instance {
  explicit Instance(std::atomic<int>& a) : alive(&a) { ++*alive; }
  Instance(const Instance& other) : alive(other.alive) { ++*alive; }
  Instance& operator=(const Instance&) = delete;
  ~Instance() { --*alive; }
  std::atomic<int>* alive;
};
struct Mirror : Actor {
  Instance receive(const Instance& m) { return m; }
};

TEST_F(CrossHubTest, every_message_and_answer_is_destroyed_wherever_it_ends) {
  std::atomic<int> alive{0};
  auto other = std::make_unique<HubThread>();
  auto a = spawn_on<Mirror>(*other);
  const auto use = [&alive, a] {
    const Instance message(alive);
    for (int i = 0; i < 200; ++i) {
      a.tell(message);
      if (i % 20 == 0) {
        EXPECT_GE(*a.ask(message).alive, 1);
      }
    }
  };
  use();
  on_foreign_thread(use);
  try {
    a.ask(Instance(alive), 0ms);
  } catch (const AskTimeout&) { // whichever is first; perhaps the answer comes late
  }
  a.tell(Instance(alive));
  EXPECT_TRUE(a.kill());
  a.tell(Instance(alive));
  other->call([] {});
  EXPECT_EQ(alive, 0);
  other.reset();
  a.tell(Instance(alive));
  EXPECT_THROW(a.ask(Instance(alive), 2s), ActorDown);
  on_foreign_thread([&] { a.tell(Instance(alive)); });
  EXPECT_EQ(alive, 0);
}

struct BadMove {
  BadMove() = default;
  BadMove(BadMove&& other) : armed(other.armed) { // NOLINT(performance-noexcept-move-constructor)
    if (armed)
      throw TestError(11);
  }
  bool armed = false;
};
struct BadAnswerer : Actor {
  BadMove receive(const Get&) {
    BadMove answer;
    answer.armed = true;
    return answer;
  }
};

TEST_F(CrossHubTest, an_answer_that_cannot_be_moved_does_not_leave_the_asker_waiting) {
  HubThread other;
  other.call([] { Hub::current().on_error([](const UnhandledError&) {}); });
  const auto ask = [&] {
    auto a = spawn_on<BadAnswerer>(other);
    try {
      a.ask(Get{}, 5s);
      ADD_FAILURE() << "answered";
    } catch (const AskTimeout&) {
      ADD_FAILURE() << "the asker was forgotten";
    } catch (const TestError&) {
    } catch (const ActorDown&) { // as good: no answer will come
    }
  };
  ask();
  if (!under_tsan) // its pthread_once(), in std::promise, never comes back from an exception
    on_foreign_thread(ask);
  other.call([] { Hub::current().on_error({}); });
}

} // namespace
} // namespace grove::test
