// SPDX-License-Identifier: MIT
// Actor: birth, handlers of every form, exceptions at every place, the end as the actor sees it.
#include <array>
#include <future>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <grove/actors.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class ActorTest : public HubTest {};

struct Say {
  std::string what;
};
struct Get {};
struct Boom {};
struct Halt {};

// -- birth ---------------------------------------------------------------------------------------

struct Born : Actor {
  Born(Log& l, std::string n, std::unique_ptr<int> k)
      : log(l), name(std::move(n)), key(std::move(k)) {}
  int receive(const Get&) { return *key; }
  void receive(const Say& m) { log.push_back(name + m.what); }
  Log& log;
  std::string name;
  std::unique_ptr<int> key;
};

TEST_F(ActorTest, is_constructed_from_the_arguments_of_spawn) {
  Log log;
  std::string name = "n";
  auto a = spawn<Born>(log, name, std::make_unique<int>(7));
  EXPECT_EQ(a.ask(Get{}), 7);
  a.ask(Say{"1"});
  EXPECT_EQ(log, (Log{"n1"}));
  EXPECT_EQ(name, "n") << "an lvalue is copied";
  EXPECT_TRUE(a.kill());
}

struct Starter : Actor {
  explicit Starter(Log& l) : log(l) { log.push_back("constructed"); }
  ~Starter() { log.push_back("destroyed"); }
  void on_start() override {
    log.push_back("starts");
    yield();
    log.push_back("started");
  }
  void on_stop(const ExitReason& reason) override { log.push_back("on_stop: " + reason.what()); }
  void receive(const Say& m) { log.push_back(m.what); }
  Log& log;
};

// Decisions 19: child first, spawner next.
TEST_F(ActorTest, spawn_returns_after_on_start_even_if_that_waits) {
  Log log;
  auto a = spawn<Starter>(log);
  log.push_back("spawned");
  EXPECT_EQ(log, (Log{"constructed", "starts", "started", "spawned"}));
  EXPECT_TRUE(a.kill());
}

struct Nested : Actor {
  Nested(Log& l, int d) : log(l), depth(d) {}
  void on_start() override {
    log.push_back("in" + std::to_string(depth));
    if (depth > 0)
      spawn<Nested>(log, depth - 1);
    log.push_back("out" + std::to_string(depth));
    stop();
  }
  void receive(const Get&) {}
  Log& log;
  int depth;
};

TEST_F(ActorTest, actors_spawned_in_on_start_are_born_depth_first) {
  Log log;
  spawn<Nested>(log, 2);
  EXPECT_EQ(log, (Log{"in2", "in1", "in0", "out0", "out1", "out2"}));
}

struct Chain : Actor {
  Chain(int& c, int d) : count(c), depth(d) {}
  void on_start() override {
    ++count;
    if (depth > 0)
      spawn<Chain>(count, depth - 1);
    stop();
  }
  void receive(const Get&) {}
  int& count;
  int depth;
};

TEST_F(ActorTest, a_deep_chain_of_births_needs_no_deep_stack) {
  int count = 0;
  const int depth = static_cast<int>(crowd);
  spawn<Chain>(count, depth);
  EXPECT_EQ(count, depth + 1);
}

class QuietlyStarted : public Actor {
public:
  explicit QuietlyStarted(Log& l) : log(l) {}
  void receive(const Say& m) { log.push_back(m.what); }

protected:
  Log& log;

private:
  void on_start() override { log.push_back("private on_start"); }
};
struct Heir : QuietlyStarted {
  using QuietlyStarted::QuietlyStarted;
};

TEST_F(ActorTest, an_on_start_that_is_private_or_inherited_runs_too) {
  Log log;
  auto a = spawn<QuietlyStarted>(log);
  auto b = spawn<Heir>(log);
  EXPECT_EQ(log, (Log{"private on_start", "private on_start"}));
  b.ask(Say{"inherited"});
  EXPECT_EQ(log.back(), "inherited");
  EXPECT_TRUE(kill_all({a, b}));
}

struct BadConstructor : Actor {
  explicit BadConstructor(int& l) : member(l) { throw TestError(3); }
  void receive(const Get&) {}
  Counted member;
};

TEST_F(ActorTest, spawn_throws_what_the_constructor_throws_and_there_is_no_actor) {
  ErrorLog errors;
  const auto before = Hub::current().stats().living;
  int alive = 0;
  try {
    spawn<BadConstructor>(alive);
    ADD_FAILURE() << "spawned";
  } catch (const TestError& e) {
    EXPECT_EQ(e.number, 3);
  }
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(Hub::current().stats().living, before);
  EXPECT_EQ(errors.size(), 0u) << "the spawner was told; nobody else need hear";
}

struct BadStart : Actor {
  BadStart(Log& l, int& n) : log(l), member(n) {}
  ~BadStart() { log.push_back("destroyed"); }
  void on_start() override {
    yield();
    throw TestError(4);
  }
  void receive(const Get&) { log.push_back("handled"); }
  Log& log;
  Counted member;
};

TEST_F(ActorTest, spawn_throws_what_on_start_throws_and_there_is_no_actor) {
  ErrorLog errors;
  const auto before = Hub::current().stats().living;
  Log log;
  int alive = 0;
  try {
    spawn<BadStart>(log, alive);
    ADD_FAILURE() << "spawned";
  } catch (const TestError& e) {
    EXPECT_EQ(e.number, 4);
  }
  settle();
  EXPECT_EQ(log, (Log{"destroyed"}));
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(Hub::current().stats().living, before);
  EXPECT_EQ(errors.size(), 0u);
}

struct ThrowsInt : Actor {
  void on_start() override { throw 5; }
  void receive(const Get&) {}
};

TEST_F(ActorTest, what_on_start_throws_need_not_be_a_std_exception) {
  EXPECT_THROW(spawn<ThrowsInt>(), int);
  settle();
}

struct StopsInConstructor : Actor {
  explicit StopsInConstructor(Log& l) : log(l) {
    self(*this).tell(Get{});
    stop();
  }
  void on_stop(const ExitReason& reason) override { log.push_back(reason.what()); }
  void receive(const Get&) { log.push_back("handled"); }
  Log& log;
};

TEST_F(ActorTest, one_that_stops_in_its_constructor_is_born_and_ends_without_its_mail) {
  Log log;
  const auto letters = Hub::current().stats().dead_letters;
  auto a = spawn<StopsInConstructor>(log);
  EXPECT_TRUE(a.join());
  EXPECT_EQ(log, (Log{"stopped"}));
  EXPECT_EQ(Hub::current().stats().dead_letters, letters + 1);
}

struct StopsInStart : Actor {
  explicit StopsInStart(Log& l) : log(l) { self(*this).tell(Get{}); }
  void on_start() override {
    stop();
    log.push_back("on_start goes on");
  }
  void on_stop(const ExitReason& reason) override { log.push_back(reason.what()); }
  void receive(const Get&) { log.push_back("handled"); }
  Log& log;
};

TEST_F(ActorTest, one_that_stops_in_on_start_ends_before_its_first_message) {
  Log log;
  auto a = spawn<StopsInStart>(log);
  EXPECT_TRUE(a.join());
  EXPECT_EQ(log, (Log{"on_start goes on", "stopped"}));
}

struct MailsItself : Actor {
  explicit MailsItself(Log& l) : log(l) {
    self(*this).tell(Say{"from the constructor"});
    yield(); // under the spawner's identity: the mail must not run a half-built object
    log.push_back("constructed");
  }
  void receive(const Say& m) { log.push_back(m.what); }
  Log& log;
};
struct MailsItselfAndStarts : MailsItself {
  using MailsItself::MailsItself;
  void on_start() override {
    yield();
    log.push_back("started");
  }
};

TEST_F(ActorTest, mail_sent_in_the_constructor_comes_after_it_and_after_on_start) {
  Log log;
  auto a = spawn<MailsItself>(log);
  a.ask(Say{"asked"});
  EXPECT_EQ(log, (Log{"constructed", "from the constructor", "asked"}));
  log.clear();
  auto b = spawn<MailsItselfAndStarts>(log);
  b.ask(Say{"asked"});
  EXPECT_EQ(log, (Log{"constructed", "started", "from the constructor", "asked"}));
  EXPECT_TRUE(kill_all({a, b}));
}

struct MailsItselfAndFails : Actor {
  explicit MailsItselfAndFails(int& alive) {
    self(*this).tell(Counted(alive));
    throw TestError();
  }
  void receive(const Counted&) {}
};

TEST_F(ActorTest, mail_to_one_whose_constructor_throws_is_dropped) {
  int alive = 0;
  const auto letters = Hub::current().stats().dead_letters;
  EXPECT_THROW(spawn<MailsItselfAndFails>(alive), TestError);
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(Hub::current().stats().dead_letters, letters + 1);
}

struct JoinedUnborn : Actor {
  explicit JoinedUnborn(bool& joined) {
    const auto me = self(*this);
    grove::spawn([me, &joined] {
      me.join();
      joined = true;
    });
    settle();
    throw TestError();
  }
  void receive(const Get&) {}
};

TEST_F(ActorTest, who_joins_one_whose_constructor_then_throws_goes_on) {
  bool joined = false;
  EXPECT_THROW(spawn<JoinedUnborn>(joined), TestError);
  settle();
  EXPECT_TRUE(joined);
}

struct Other {
  virtual ~Other() = default;
  long filler = 0;
};
struct ActorSecond : Other, Actor {
  explicit ActorSecond(int& alive) : member(alive) {}
  void receive(const Get&) {}
  Counted member;
};

TEST_F(ActorTest, actor_must_be_the_first_of_the_base_classes) {
  int alive = 0;
  const auto before = Hub::current().stats().living;
  try {
    spawn<ActorSecond>(alive);
    ADD_FAILURE() << "spawned";
  } catch (const std::logic_error& e) {
    EXPECT_NE(std::string(e.what()).find("ActorSecond"), std::string::npos) << e.what();
  }
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(Hub::current().stats().living, before);
}

// -- births that are interrupted -----------------------------------------------------------------

struct WaitsInStart : Actor {
  WaitsInStart(Event& e, ActorRef<WaitsInStart>& ref) : on(e) { ref = self(*this); }
  void on_start() override { on.wait(); }
  int receive(const Get&) { return 1; }
  Event& on;
};

TEST_F(ActorTest, spawn_throws_actor_down_when_the_child_is_killed_in_on_start) {
  Event never;
  ActorRef<WaitsInStart> child;
  bool down = false;
  auto parent = spawn([&] {
    try {
      spawn<WaitsInStart>(never, child);
    } catch (const ActorDown&) {
      down = true;
    }
  });
  settle();
  ASSERT_EQ(never.waiters(), 1u);
  EXPECT_TRUE(child.kill());
  EXPECT_TRUE(parent.join());
  EXPECT_TRUE(down);
  EXPECT_EQ(never.waiters(), 0u);
}

TEST_F(ActorTest, killing_the_spawner_while_on_start_waits_leaves_the_child_alive) {
  Event on;
  ActorRef<WaitsInStart> child;
  bool went_on = false;
  auto parent = spawn([&] {
    spawn<WaitsInStart>(on, child);
    went_on = true;
  });
  settle();
  EXPECT_TRUE(parent.kill()) << "the spawner does not lie beneath its child";
  EXPECT_FALSE(went_on);
  EXPECT_TRUE(parent.killed());
  on.set();
  EXPECT_EQ(child.ask(Get{}), 1);
  EXPECT_TRUE(child.kill());
}

TEST_F(ActorTest, a_timeout_of_the_spawner_leaves_the_child_alive) {
  Event on;
  ActorRef<WaitsInStart> child;
  bool expired = false;
  {
    Timeout limit(1ms);
    try {
      spawn<WaitsInStart>(on, child);
    } catch (const TimeoutExpired& e) {
      expired = limit.is(e);
    }
  }
  EXPECT_TRUE(expired);
  on.set();
  EXPECT_EQ(child.ask(Get{}), 1);
  EXPECT_TRUE(child.kill());
}

struct FailsLate : Actor {
  FailsLate(Event& e, Log& l) : on(e), log(l) {}
  ~FailsLate() { log.push_back("destroyed"); }
  void on_start() override {
    on.wait();
    throw TestError();
  }
  void receive(const Get&) {}
  Event& on;
  Log& log;
};

TEST_F(ActorTest, a_failing_on_start_whose_spawner_is_gone_is_reported) {
  ErrorLog errors;
  Event on;
  Log log;
  auto parent = spawn([&] { spawn<FailsLate>(on, log); });
  settle();
  EXPECT_TRUE(parent.kill());
  on.set();
  settle();
  EXPECT_EQ(log, (Log{"destroyed"}));
  ASSERT_EQ(errors.size(), 1u) << "else nobody would ever hear of it";
  EXPECT_NE(errors[0].what.find("test error"), std::string::npos);
}

struct CountedStart : Actor {
  CountedStart(int& alive, ActorRef<CountedStart>& ref) : member(alive) { ref = self(*this); }
  void on_start() override {}
  void receive(const Get&) {}
  Counted member;
};

// Woken first, killed second: the kill arrives at the next suspension point, which is the spawn.
TEST_F(ActorTest, a_kill_that_is_due_at_spawn_leaves_no_actor_in_between) {
  Event go;
  int alive = 0;
  ActorRef<CountedStart> child;
  auto parent = spawn([&] {
    go.wait();
    spawn<CountedStart>(alive, child);
    sleep(10s);
  });
  settle();
  go.set();
  parent.kill_nowait();
  EXPECT_TRUE(parent.join());
  EXPECT_TRUE(parent.killed());
  settle();
  if (alive != 0) { // it was born all the same: then it is an actor like any other
    EXPECT_TRUE(child.kill(5s)) << "neither dead nor alive";
    EXPECT_EQ(alive, 0);
  }
}

struct SlowlyBuilt : Actor {
  SlowlyBuilt(int& alive, Event& e, ActorRef<SlowlyBuilt>& ref) : member(alive) {
    ref = self(*this);
    e.wait(); // under the spawner's identity
  }
  void on_start() override { started = true; }
  bool receive(const Get&) { return started; }
  Counted member;
  bool started = false;
};

TEST_F(ActorTest, a_kill_of_the_spawner_in_the_constructor_ends_the_birth) {
  Event on;
  int alive = 0;
  ActorRef<SlowlyBuilt> child;
  auto parent = spawn([&] { spawn<SlowlyBuilt>(alive, on, child); });
  settle();
  ASSERT_EQ(on.waiters(), 1u);
  EXPECT_TRUE(parent.kill());
  EXPECT_EQ(alive, 0);
  EXPECT_THROW(child.ask(Get{}), ActorDown);
}

TEST_F(ActorTest, a_kill_that_is_due_when_the_constructor_ends_leaves_the_child_alive) {
  Event on;
  int alive = 0;
  ActorRef<SlowlyBuilt> child;
  auto parent = spawn([&] {
    spawn<SlowlyBuilt>(alive, on, child);
    sleep(10s);
  });
  settle();
  on.set();
  parent.kill_nowait(); // the constructor was woken first
  EXPECT_TRUE(parent.join());
  EXPECT_TRUE(parent.killed());
  EXPECT_TRUE(child.ask(Get{}, 5s)) << "born, and started";
  EXPECT_TRUE(child.kill());
  EXPECT_EQ(alive, 0);
}

struct Friendly : Actor {
  void receive(const Get&) {}
};

TEST_F(ActorTest, a_spawner_of_many_gives_way_now_and_then) {
  bool other_ran = false;
  spawn([&] { other_ran = true; });
  std::vector<ActorRef<Friendly>> all;
  while (all.size() < 1000 && !other_ran)
    all.push_back(spawn<Friendly>());
  EXPECT_TRUE(other_ran);
  EXPECT_LE(all.size(), 64u);
  EXPECT_TRUE(kill_all(all));
}

// -- handlers ------------------------------------------------------------------------------------

struct ByConst {
  int n = 1;
};
struct ByValue {
  int n = 2;
};
struct ByMove {
  int n = 3;
};
struct InConst {
  int n = 4;
};
struct InNoexcept {
  int n = 5;
};
struct InBoth {
  int n = 6;
};
struct Forms : Actor {
  int receive(const ByConst& m) { return m.n; }
  int receive(ByValue m) { return m.n; }
  int receive(ByMove&& m) { return m.n; }
  int receive(const InConst& m) const { return m.n + base; }
  int receive(const InNoexcept& m) noexcept { return m.n; }
  int receive(InBoth m) const noexcept { return m.n + base; }
  int base = 10;
};

// Decisions 21.
TEST_F(ActorTest, handlers_take_messages_by_reference_value_and_move_and_may_be_const_or_noexcept) {
  auto a = spawn<Forms>();
  EXPECT_EQ(a.ask(ByConst{}), 1);
  EXPECT_EQ(a.ask(ByValue{}), 2);
  EXPECT_EQ(a.ask(ByMove{}), 3);
  EXPECT_EQ(a.ask(InConst{}), 14);
  EXPECT_EQ(a.ask(InNoexcept{}), 5);
  EXPECT_EQ(a.ask(InBoth{}), 16);
  const ByValue lvalue{20};
  EXPECT_EQ(a.ask(lvalue), 20);
  ByMove movable{30};
  EXPECT_EQ(a.ask(movable), 30) << "an lvalue is copied into the envelope";
  EXPECT_EQ(movable.n, 30);
  EXPECT_TRUE(a.kill());
}

// What Receives says is what tell() and ask() check.
struct Conv {
  operator ByConst() const { return {}; } // NOLINT: implicit on purpose
};
static_assert(Receives<Forms, ByConst> && Receives<Forms, ByMove> && Receives<Forms, InBoth>);
static_assert(!Receives<Forms, Conv> && !Receives<Forms, int> && !Receives<Forms, Get>);

struct MoveOnly {
  std::unique_ptr<int> key;
};
struct Keeper : Actor {
  int receive(MoveOnly m) {
    kept = std::move(m.key);
    return *kept;
  }
  int receive(std::unique_ptr<long>&& m) {
    const auto mine = std::move(m);
    return static_cast<int>(*mine);
  }
  int receive(const std::unique_ptr<char>& m) { return *m; }
  std::unique_ptr<int> receive(const Get&) { return std::move(kept); }
  std::unique_ptr<int> kept;
};

TEST_F(ActorTest, messages_and_replies_may_be_move_only) {
  auto a = spawn<Keeper>();
  EXPECT_EQ(a.ask(MoveOnly{std::make_unique<int>(1)}), 1);
  EXPECT_EQ(a.ask(std::make_unique<long>(2)), 2);
  EXPECT_EQ(a.ask(std::make_unique<char>('\3')), 3);
  a.tell(MoveOnly{std::make_unique<int>(4)});
  const auto key = a.ask(Get{});
  ASSERT_NE(key, nullptr);
  EXPECT_EQ(*key, 4);
  EXPECT_TRUE(a.kill());
}

// Around the sizes of the envelopes' free lists (64 to 512 bytes with a header), and beyond.
template <std::size_t N>
struct Block {
  std::array<unsigned char, N> bytes;
  Block() { std::iota(bytes.begin(), bytes.end(), static_cast<unsigned char>(N)); }
};
struct Scales : Actor {
  bool receive(const Block<1>& m) { return same(m); }
  bool receive(const Block<31>& m) { return same(m); }
  bool receive(const Block<32>& m) { return same(m); }
  bool receive(const Block<33>& m) { return same(m); }
  bool receive(const Block<96>& m) { return same(m); }
  bool receive(const Block<97>& m) { return same(m); }
  bool receive(const Block<480>& m) { return same(m); }
  bool receive(const Block<481>& m) { return same(m); }
  bool receive(const Block<4096>& m) { return same(m); }
  bool receive(const Block<60000>& m) { return same(m); }
  template <std::size_t N>
  bool same(const Block<N>& m) {
    const bool equal = m.bytes == Block<N>().bytes;
    ++(equal ? good : bad);
    return equal;
  }
  int receive(const Get&) { return bad == 0 ? good : -bad; }
  int good = 0;
  int bad = 0;
};

TEST_F(ActorTest, messages_of_every_size_arrive_whole) {
  auto a = spawn<Scales>();
  const auto send = [&](auto message) {
    a.tell(message);
    EXPECT_TRUE(a.ask(message)) << sizeof(message);
    a.tell(message);
  };
  send(Block<1>());
  send(Block<31>());
  send(Block<32>());
  send(Block<33>());
  send(Block<96>());
  send(Block<97>());
  send(Block<480>());
  send(Block<481>());
  send(Block<4096>());
  send(Block<60000>());
  EXPECT_EQ(a.ask(Get{}), 30);
  EXPECT_TRUE(a.kill());
}

struct alignas(16) Wide {
  long double number;
};
struct Empty {};
struct AlignmentChecker : Actor {
  static bool aligned(const void* p, std::size_t to) {
    return reinterpret_cast<std::uintptr_t>(p) % to == 0;
  }
  bool receive(const Wide& m) { return aligned(&m, 16) && aligned(this, 16) && m.number == 1.5L; }
  bool receive(const Empty&) { return true; }
  Wide member{};
};

TEST_F(ActorTest, messages_and_actors_are_aligned_to_16_bytes) {
  auto a = spawn<AlignmentChecker>();
  EXPECT_TRUE(a.ask(Wide{1.5L}));
  EXPECT_TRUE(a.ask(Empty{}));
  EXPECT_TRUE(a.kill());
}

struct Large : Actor {
  explicit Large(int fill) { room.fill(fill); }
  int receive(const Get&) { return std::accumulate(room.begin(), room.end(), 0); }
  std::array<int, 10000> room;
};

TEST_F(ActorTest, an_actor_may_be_large) {
  auto a = spawn<Large>(2);
  auto b = spawn<Large>(3);
  EXPECT_EQ(a.ask(Get{}), 20000);
  EXPECT_EQ(b.ask(Get{}), 30000);
  EXPECT_TRUE(kill_all({a, b}));
}

class Base : public Actor {
public:
  int receive(const Get&) { return 1; }
  virtual int receive(const Say& m) { return static_cast<int>(m.what.size()); }

protected:
  ~Base() = default;
};
class Derived final : public Base {
public:
  using Base::receive;
  int receive(const Say& m) override { return 10 * Base::receive(m); }
  int receive(const Boom&) { return 3; }
};

TEST_F(ActorTest, handlers_may_be_inherited_and_virtual) {
  auto a = spawn<Derived>();
  EXPECT_EQ(a.ask(Get{}), 1);
  EXPECT_EQ(a.ask(Say{"ab"}), 20);
  EXPECT_EQ(a.ask(Boom{}), 3);
  EXPECT_TRUE(a.kill());
}

struct Slow : Actor {
  Slow(Log& l, Event& e) : log(l), on(e) {}
  void receive(const Get&) {
    log.push_back("get begins");
    on.wait();
    log.push_back("get ends");
  }
  void receive(const Say& m) { log.push_back(m.what); }
  Log& log;
  Event& on;
};

TEST_F(ActorTest, handlers_of_one_actor_never_overlap) {
  Log log;
  Event on;
  auto a = spawn<Slow>(log, on);
  a.tell(Get{});
  a.tell(Say{"say"});
  settle();
  EXPECT_EQ(log, (Log{"get begins"}));
  on.set();
  settle();
  EXPECT_EQ(log, (Log{"get begins", "get ends", "say"}));
  EXPECT_TRUE(a.kill());
}

struct Who : Actor {
  std::string receive(const Get&) {
    in_greenlet = static_cast<bool>(current_greenlet());
    return current_name();
  }
  bool receive(const Empty&) { return in_greenlet; }
  bool in_greenlet = true;
};

TEST_F(ActorTest, a_handler_gives_blocking_work_away_in_one_line) {
  struct Reader : Actor {
    explicit Reader(std::future<int> f) : from(std::move(f)) {}
    int receive(const Get&) {
      return run_blocking([&] { return from.get(); });
    }
    std::future<int> from;
  };
  struct Writer : Actor {
    explicit Writer(std::promise<int>& p) : to(p) {}
    void receive(const Say&) { to.set_value(7); }
    std::promise<int>& to;
  };
  std::promise<int> promise;
  auto reader = spawn<Reader>(promise.get_future());
  auto writer = spawn<Writer>(promise);
  const auto answer = reader.ask_async(Get{});
  settle(); // a handler that blocked this thread would never come back
  writer.tell(Say{"go"});
  EXPECT_EQ(answer.get(), 7);
  EXPECT_TRUE(kill_all({reader, writer}));
}

TEST_F(ActorTest, a_handler_runs_under_the_name_of_its_actor) {
  auto a = spawn<Who>();
  auto b = spawn<Who>();
  const std::string name = a.ask(Get{});
  EXPECT_EQ(name.rfind("Who-", 0), 0u) << name;
  EXPECT_EQ(a.ask(Get{}), name) << "whichever host it runs on";
  EXPECT_NE(b.ask(Get{}), name);
  EXPECT_EQ(current_name(), "main");
  EXPECT_FALSE(a.ask(Empty{})) << "it is no greenlet";
  EXPECT_TRUE(kill_all({a, b}));
}

struct Selfish : Actor {
  ActorRef<Selfish> receive(const Get&) { return self(*this); }
  void receive(const Halt&) {
    self(*this).tell(Say{"to myself"});
    log.push_back("halt done");
  }
  void receive(const Say& m) { log.push_back(m.what); }
  Log receive(const Empty&) { return log; }
  Log log;
};

TEST_F(ActorTest, self_is_a_reference_like_that_of_spawn) {
  auto a = spawn<Selfish>();
  auto b = spawn<Selfish>();
  EXPECT_EQ(a.ask(Get{}), a);
  EXPECT_NE(a.ask(Get{}), b);
  a.ask(Halt{});
  EXPECT_EQ(a.ask(Empty{}), (Log{"halt done", "to myself"})) << "what it tells itself comes later";
  EXPECT_TRUE(kill_all({a, b}));
  EXPECT_NE(a, ActorRef<Selfish>());
}

TEST_F(ActorTest, references_can_be_hashed_and_compared) {
  auto a = spawn<Selfish>();
  auto b = spawn<Selfish>();
  const std::hash<ActorRef<Selfish>> hash;
  const auto copy = a;
  EXPECT_EQ(hash(a), hash(copy));
  EXPECT_EQ(a, copy);
  EXPECT_NE(a, b);
  EXPECT_NE(hash(a), hash(b));
  static_assert(std::is_trivially_copyable_v<ActorRef<Selfish>>);
  EXPECT_TRUE(kill_all({a, b}));
}

// -- the end -------------------------------------------------------------------------------------

struct Mortal : Actor {
  explicit Mortal(Log& l) : log(l) {}
  ~Mortal() { log.push_back("destroyed"); }
  void on_stop(const ExitReason& reason) override {
    kind = reason.kind;
    log.push_back("on_stop: " + reason.what());
    if (reason.kind == ExitReason::Kind::failed) {
      try {
        std::rethrow_exception(reason.error);
      } catch (const TestError& e) {
        log.push_back("error " + std::to_string(e.number));
      } catch (...) {
        log.push_back("another error");
      }
    }
  }
  void receive(const Say& m) { log.push_back(m.what); }
  void receive(const Boom&) { throw TestError(5); }
  void receive(const Empty&) { throw 6; }
  void receive(const Halt&) {
    stop();
    stop(); // a second time: nothing
    log.push_back("after stop");
  }
  Log& log;
  ExitReason::Kind kind = ExitReason::Kind::killed;
};

// actors 171
TEST_F(ActorTest, stop_in_a_handler_ends_the_actor_after_it_and_drops_the_rest) {
  Log log;
  const auto letters = Hub::current().stats().dead_letters;
  auto a = spawn<Mortal>(log);
  a.tell(Say{"1"});
  a.tell(Halt{});
  a.tell(Say{"2"});
  a.tell(Say{"3"});
  EXPECT_TRUE(a.join());
  EXPECT_EQ(log, (Log{"1", "after stop", "on_stop: stopped", "destroyed"}));
  EXPECT_EQ(Hub::current().stats().dead_letters, letters + 2);
}

// actors 111
TEST_F(ActorTest, an_exception_that_leaves_a_handler_ends_the_actor_and_is_reported_once) {
  ErrorLog errors;
  Log log;
  const auto counted = Hub::current().stats().errors;
  auto a = spawn<Mortal>(log);
  a.tell(Boom{});
  a.tell(Say{"never"});
  EXPECT_TRUE(a.join());
  ASSERT_EQ(log.size(), 3u);
  EXPECT_NE(log[0].find("test error"), std::string::npos) << log[0];
  EXPECT_EQ(log[1], "error 5");
  EXPECT_EQ(log[2], "destroyed");
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].where.rfind("Mortal-", 0), 0u) << errors[0].where;
  EXPECT_THROW(std::rethrow_exception(errors[0].error), TestError);
  EXPECT_EQ(Hub::current().stats().errors, counted + 1);
}

TEST_F(ActorTest, what_leaves_a_handler_need_not_be_a_std_exception) {
  ErrorLog errors;
  Log log;
  auto a = spawn<Mortal>(log);
  a.tell(Empty{});
  EXPECT_TRUE(a.join());
  EXPECT_EQ(log, (Log{"on_stop: int", "another error", "destroyed"}));
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_THROW(std::rethrow_exception(errors[0].error), int);
}

TEST_F(ActorTest, a_failing_actor_harms_no_other) {
  ErrorLog errors;
  Log first, second;
  auto a = spawn<Mortal>(first);
  auto b = spawn<Mortal>(second);
  a.tell(Boom{});
  b.tell(Say{"1"});
  b.ask(Say{"2"});
  EXPECT_EQ(second, (Log{"1", "2"}));
  EXPECT_TRUE(a.join());
  EXPECT_EQ(errors.size(), 1u);
  EXPECT_TRUE(b.kill());
}

struct BadEnd : Actor {
  explicit BadEnd(Log& l) : log(l) {}
  ~BadEnd() { log.push_back("destroyed"); }
  void on_stop(const ExitReason&) override { throw TestError(7); }
  void receive(const Boom&) { throw TestError(8); }
  Log& log;
};

TEST_F(ActorTest, an_on_stop_that_throws_is_reported_and_the_actor_ends_all_the_same) {
  ErrorLog errors;
  Log log;
  auto a = spawn<BadEnd>(log);
  a.stop();
  EXPECT_TRUE(a.join());
  EXPECT_EQ(log, (Log{"destroyed"}));
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_THROW(std::rethrow_exception(errors[0].error), TestError);

  auto b = spawn<BadEnd>(log);
  b.tell(Boom{});
  EXPECT_TRUE(b.join());
  EXPECT_EQ(errors.size(), 3u) << "the handler's and on_stop's";
}

struct Scoped : Actor {
  explicit Scoped(Log& l) : log(l) {}
  void receive(const Get&) {
    Event never;
    const Timeout limit(1ms);
    try {
      never.wait();
    } catch (const TimeoutExpired& e) {
      log.push_back(limit.is(e) ? "mine" : "another's");
    }
  }
  void receive(const Halt&) {
    Event never;
    const Timeout limit(1ms);
    never.wait();
  }
  void on_stop(const ExitReason& reason) override { log.push_back(reason.what()); }
  Log& log;
};

TEST_F(ActorTest, a_timeout_scope_limits_a_handler) {
  ErrorLog errors;
  Log log;
  auto a = spawn<Scoped>(log);
  a.ask(Get{});
  EXPECT_EQ(log, (Log{"mine"}));
  a.tell(Halt{});
  EXPECT_TRUE(a.join());
  EXPECT_EQ(log, (Log{"mine", "grove::TimeoutExpired"})) << "one that nobody catches is a failure";
  EXPECT_EQ(errors.size(), 1u);
}

} // namespace
} // namespace grove::test
