// SPDX-License-Identifier: MIT
// Hosts: whose stack handlers run on, who keeps one, and that idle actors have none.
#include <algorithm>
#include <cerrno>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <grove/actors.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class HostTest : public HubTest {
protected:
  static std::uint64_t stacks_made() { return Hub::current().stats().stacks; }
  static std::uint64_t stacks_in_use() {
    const auto stats = Hub::current().stats();
    return stats.stacks - stats.stacks_cached;
  }
};

struct Say {
  std::string what;
};
struct Wait {
  Event* on;
};
struct Touch {};

struct Guest : Actor {
  explicit Guest(Log& l, std::string n = "") : log(l), name(std::move(n)) {}
  ~Guest() { log.push_back(name + "end"); }
  void receive(const Say& m) { log.push_back(name + m.what); }
  void receive(const Wait& m) {
    const AtExit trace([this] { log.push_back(name + "~"); });
    m.on->wait();
    log.push_back(name + "woke");
  }
  Log& log;
  std::string name;
};

TEST_F(HostTest, a_handler_that_waits_keeps_its_host_and_another_goes_on) {
  Log log;
  Event on;
  auto a = spawn<Guest>(log, "a");
  auto b = spawn<Guest>(log, "b");
  const auto in_use = stacks_in_use();
  a.tell(Wait{&on});
  b.tell(Say{"1"});
  a.tell(Say{"2"});
  b.tell(Say{"3"});
  settle();
  EXPECT_EQ(log, (Log{"b1", "b3"})) << "a waits, and so does its mail";
  EXPECT_EQ(stacks_in_use(), in_use + 1);
  const auto made = stacks_made();
  log.clear();
  on.set();
  b.tell(Say{"4"});
  settle();
  EXPECT_EQ(log, (Log{"awoke", "a~", "a2", "b4"})) << "a in its order, then its inbox";
  EXPECT_EQ(stacks_in_use(), in_use);
  EXPECT_EQ(stacks_made(), made);
  log.clear();
  EXPECT_TRUE(kill_all({a, b}));
  EXPECT_EQ(log, (Log{"aend", "bend"}));
}

struct Framed : Actor {
  explicit Framed(std::set<void*>& f) : frames(f) {}
  void receive(const Touch&) { frames.insert(__builtin_frame_address(0)); }
  std::set<void*>& frames;
};

// Architecture: a host runs actor after actor on its own warm stack, as plain calls.
TEST_F(HostTest, handlers_that_do_not_wait_share_one_stack) {
  std::set<void*> frames;
  std::vector<ActorRef<Framed>> all;
  for (int i = 0; i < 50; ++i)
    all.push_back(spawn<Framed>(frames));
  settle();
  for (const auto& a : all)
    a.tell(Touch{});
  yield();
  EXPECT_EQ(frames.size(), 1u);
  EXPECT_TRUE(kill_all(all));
}

struct Idler : Actor {
  explicit Idler(int& c) : count(c) {}
  void receive(const Touch&) { ++count; }
  int& count;
};
struct StartingIdler : Idler {
  using Idler::Idler;
  void on_start() override { ++count; }
};

TEST_F(HostTest, idle_actors_own_no_stack) {
  int count = 0;
  const auto in_use = stacks_in_use();
  std::vector<ActorRef<Idler>> all;
  for (int i = 0; i < 1000; ++i)
    all.push_back(spawn<Idler>(count));
  EXPECT_EQ(stacks_in_use(), in_use) << "before their first message";
  for (const auto& a : all)
    a.tell(Touch{});
  settle(50);
  EXPECT_EQ(count, 1000);
  EXPECT_EQ(stacks_in_use(), in_use) << "after it";
  EXPECT_TRUE(kill_all(all));
  EXPECT_EQ(stacks_in_use(), in_use);
}

TEST_F(HostTest, actors_that_were_started_on_a_host_do_not_keep_it) {
  int count = 0;
  const auto in_use = stacks_in_use();
  std::vector<ActorRef<StartingIdler>> all;
  for (int i = 0; i < 100; ++i)
    all.push_back(spawn<StartingIdler>(count));
  settle();
  EXPECT_EQ(count, 100);
  EXPECT_EQ(stacks_in_use(), in_use);
  EXPECT_TRUE(kill_all(all));
}

struct Blocker : Actor {
  Blocker(Event& e, std::size_t& d) : on(e), done(d) {}
  void receive(const Touch&) {
    on.wait();
    ++done;
  }
  Event& on;
  std::size_t& done;
};

TEST_F(HostTest, many_actors_wait_at_once_and_their_stacks_are_used_again) {
  const std::size_t count = std::min<std::size_t>(crowd, 1000);
  Event on;
  std::size_t done = 0;
  std::vector<ActorRef<Blocker>> all;
  for (std::size_t i = 0; i < count; ++i)
    all.push_back(spawn<Blocker>(on, done));
  const auto in_use = stacks_in_use();
  std::uint64_t made = 0;
  for (int round = 0; round < 3; ++round) {
    on.clear();
    done = 0;
    for (const auto& a : all)
      a.tell(Touch{});
    settle(100);
    EXPECT_EQ(on.waiters(), count);
    EXPECT_EQ(done, 0u);
    EXPECT_EQ(stacks_in_use(), in_use + count);
    if (round == 0)
      made = stacks_made();
    on.set();
    settle(100);
    EXPECT_EQ(done, count);
    EXPECT_EQ(stacks_in_use(), in_use);
    EXPECT_EQ(stacks_made(), made);
  }
  EXPECT_TRUE(kill_all(all));
}

TEST_F(HostTest, killing_those_that_wait_gives_their_hosts_back) {
  const std::size_t count = std::min<std::size_t>(crowd, 200);
  Event never;
  std::size_t done = 0;
  const auto in_use = stacks_in_use();
  std::vector<ActorRef<Blocker>> all;
  for (std::size_t i = 0; i < count; ++i)
    all.push_back(spawn<Blocker>(never, done));
  for (const auto& a : all)
    a.tell(Touch{});
  settle(50);
  EXPECT_EQ(stacks_in_use(), in_use + count);
  EXPECT_TRUE(kill_all(all));
  EXPECT_EQ(never.waiters(), 0u);
  EXPECT_EQ(done, 0u);
  EXPECT_EQ(stacks_in_use(), in_use);
}

struct Wanderer : Actor {
  Wanderer(int n, int& w) : number(n), wrong(w) {}
  void receive(const Touch&) {
    volatile int locals[64];
    for (int i = 0; i < 64; ++i)
      locals[i] = number + i;
    errno = number;
    for (int i = 0; i < 20; ++i) {
      yield();
      if (errno != number)
        ++wrong;
    }
    for (int i = 0; i < 64; ++i) {
      if (locals[i] != number + i)
        ++wrong;
    }
    ++rounds;
  }
  int receive(const Say&) { return rounds; }
  int number;
  int& wrong;
  int rounds = 0;
};

// pitfall 10
TEST_F(HostTest, locals_and_errno_of_a_handler_survive_its_waits) {
  int wrong = 0;
  std::vector<ActorRef<Wanderer>> all;
  for (int i = 0; i < 50; ++i)
    all.push_back(spawn<Wanderer>(i + 1, wrong));
  for (int round = 0; round < 3; ++round) {
    for (const auto& a : all)
      a.tell(Touch{});
  }
  for (const auto& a : all)
    EXPECT_EQ(a.ask(Say{}), 3);
  EXPECT_EQ(wrong, 0);
  EXPECT_TRUE(kill_all(all));
}

struct Catcher : Actor {
  Catcher(Log& l, int n) : log(l), number(n) {}
  void receive(const Wait& m) {
    try {
      throw TestError(number);
    } catch (const TestError&) {
      m.on->wait();
      try {
        throw;
      } catch (const TestError& e) {
        log.push_back(std::to_string(e.number));
      }
    }
    EXPECT_EQ(std::uncaught_exceptions(), 0);
  }
  Log& log;
  int number;
};

// pitfall 1
TEST_F(HostTest, handlers_that_wait_in_catch_blocks_keep_their_exceptions_apart) {
  Log log;
  Event first, second;
  auto a = spawn<Catcher>(log, 1);
  auto b = spawn<Catcher>(log, 2);
  a.tell(Wait{&first});
  b.tell(Wait{&second});
  settle();
  first.set();
  settle();
  second.set();
  settle();
  EXPECT_EQ(log, (Log{"1", "2"}));
  EXPECT_TRUE(kill_all({a, b}));
}

struct Deep : Actor {
  int receive(const Touch&) { return down(100); }
  int down(int levels) { // about 64 KiB of frames, far below a stack's 128
    volatile char room[512];
    room[0] = static_cast<char>(levels);
    room[511] = 1;
    return levels == 0 ? 0 : room[511] + down(levels - 1);
  }
};

TEST_F(HostTest, a_handler_has_a_stack_to_call_deeply_on) {
  auto a = spawn<Deep>();
  EXPECT_EQ(a.ask(Touch{}), 100);
  EXPECT_TRUE(a.kill());
}

TEST_F(HostTest, greenlets_and_actors_take_turns_on_the_same_hosts) {
  Log log;
  Event on;
  auto a = spawn<Guest>(log, "a");
  a.tell(Say{"1"});
  auto g = spawn([&] {
    log.push_back("g1");
    on.wait();
    log.push_back("g2");
  });
  a.tell(Wait{&on});
  auto h = spawn([&] { log.push_back("h"); });
  settle();
  EXPECT_EQ(log, (Log{"a1", "g1", "h"}));
  on.set();
  EXPECT_TRUE(join_all({g, h}));
  settle();
  log.erase(log.begin(), log.begin() + 3);
  std::sort(log.begin(), log.end());
  EXPECT_EQ(log, (Log{"awoke", "a~", "g2"}));
  EXPECT_TRUE(a.kill());
}

TEST_F(HostTest, dump_shows_actors_beside_greenlets) {
  Log log;
  Event on;
  auto idle = spawn<Guest>(log);
  auto waiting = spawn<Guest>(log);
  waiting.tell(Wait{&on});
  auto g = spawn(SpawnOptions{.name = "sleeper"}, [&] { on.wait(); });
  settle();
  std::ostringstream out;
  Hub::current().dump(out);
  const std::string text = out.str();
  const auto has = [&](const std::string& part) { return text.find(part) != std::string::npos; };
  EXPECT_TRUE(has("(Guest): is idle")) << text;
  EXPECT_TRUE(has("(Guest): waits in Event.wait")) << text;
  EXPECT_TRUE(has("sleeper (greenlet): waits in Event.wait")) << text;
  on.set();
  EXPECT_TRUE(g.join());
  EXPECT_TRUE(kill_all({idle, waiting}));
}

} // namespace
} // namespace grove::test
