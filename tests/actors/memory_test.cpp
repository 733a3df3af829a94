// SPDX-License-Identifier: MIT
// Memory: envelopes, slots and stacks are used again; every message is destroyed.
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <set>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include <grove/actors.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class MemoryTest : public HubTest {};

constexpr int many = sanitized ? 100'000 : 1'000'000;

// Resident bytes of this process. Sanitizers keep what was freed: there it tells nothing.
std::size_t resident() {
  if (sanitized)
    return 0;
  std::ifstream file("/proc/self/statm");
  std::size_t total = 0, pages = 0;
  file >> total >> pages;
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

// What `count` leaked envelopes or slots would take is 64 bytes each and more: allow a quarter.
void expect_no_growth(std::size_t before, int count) {
  const std::size_t now = resident();
  EXPECT_LE(now, before + static_cast<std::size_t>(count) * 16)
      << (now - before) / 1024 << " KiB more";
}

struct Number {
  std::uint64_t n = 0;
};
struct Wide { // its envelopes' free list is used by the tests across hubs alone
  std::uint64_t n = 0;
  char filler[150] = {};
};
struct Large {
  char bytes[2000] = {};
};
struct Done {};

struct Sink : Actor {
  void receive(const Number& m) {
    seen.insert(&m);
    sum += m.n;
  }
  void receive(const Wide& m) {
    seen.insert(&m);
    sum += m.n;
  }
  void receive(const Large& m) { sum += static_cast<unsigned char>(m.bytes[0]); }
  std::uint64_t receive(const Done&) { return sum; }
  std::size_t receive(const std::string&) { return seen.size(); }
  std::unordered_set<const void*> seen; // where the envelopes lie
  std::uint64_t sum = 0;
};

TEST_F(MemoryTest, envelopes_are_used_again) {
  auto a = spawn<Sink>();
  const auto play = [&](int count) {
    for (int i = 0; i < count; ++i) {
      a.tell(Number{1});
      if (i % 100 == 99)
        a.ask(Done{});
    }
  };
  play(1000);
  const auto before = resident();
  play(many);
  expect_no_growth(before, many);
  EXPECT_EQ(a.ask(Done{}), static_cast<std::uint64_t>(many) + 1000);
  EXPECT_LE(a.ask(std::string()), 101u + 1024u) << "more envelopes than were ever under way";
  EXPECT_TRUE(a.kill());
}

TEST_F(MemoryTest, a_burst_of_messages_is_room_for_the_next_burst) {
  auto a = spawn<Sink>();
  for (int burst = 0; burst < 10; ++burst) {
    for (int i = 0; i < 10'000; ++i)
      a.tell(Number{1});
    EXPECT_EQ(a.ask(Done{}), 10'000u * static_cast<unsigned>(burst + 1));
  }
  EXPECT_LE(a.ask(std::string()), 10'000u + 2048u);
  EXPECT_TRUE(a.kill());
}

TEST_F(MemoryTest, large_messages_are_freed) {
  auto a = spawn<Sink>();
  const int count = many / 10;
  const auto before = resident();
  for (int i = 0; i < count; ++i) {
    a.tell(Large{});
    if (i % 100 == 99)
      a.ask(Done{});
  }
  expect_no_growth(before, count);
  EXPECT_TRUE(a.kill());
}

TEST_F(MemoryTest, envelopes_of_dead_letters_are_used_again) {
  auto a = spawn<Sink>();
  EXPECT_TRUE(a.kill());
  const auto letters = Hub::current().stats().dead_letters;
  const auto before = resident();
  for (int i = 0; i < many; ++i)
    a.tell(Number{});
  expect_no_growth(before, many);
  EXPECT_EQ(Hub::current().stats().dead_letters, letters + static_cast<std::uint64_t>(many));
}

TEST_F(MemoryTest, slots_and_hosts_are_used_again) {
  std::set<const void*> slots;
  const auto before_stats = Hub::current().stats();
  std::size_t before = 0;
  for (int i = 0; i < many; ++i) {
    auto a = spawn<Sink>();
    a.tell(Number{});
    a.stop();
    slots.insert(a.joinable().identity);
    if (i % 50 == 0) {
      EXPECT_TRUE(a.join());
    }
    if (i == 1000)
      before = resident();
  }
  settle();
  expect_no_growth(before, many);
  const auto stats = Hub::current().stats();
  EXPECT_EQ(stats.living, before_stats.living);
  EXPECT_LE(slots.size(), 200u) << "at most 64 live at once";
  EXPECT_LE(stats.stacks, before_stats.stacks + 2);
}

struct Short : Actor {
  void on_start() override { stop(); }
  void receive(const Done&) {}
};

TEST_F(MemoryTest, actors_that_end_in_on_start_leave_nothing) {
  const int count = many / 4;
  std::set<const void*> slots;
  const auto living = Hub::current().stats().living;
  const auto stacks = Hub::current().stats().stacks;
  for (int i = 0; i < count; ++i)
    slots.insert(spawn<Short>().joinable().identity);
  settle();
  EXPECT_EQ(Hub::current().stats().living, living);
  EXPECT_LE(slots.size(), 200u);
  EXPECT_LE(Hub::current().stats().stacks, stacks + 2);
}

struct Failing : Actor {
  explicit Failing(int& a) : member(a) {}
  void on_start() override { throw TestError(); }
  void receive(const Done&) {}
  Counted member;
};

TEST_F(MemoryTest, births_that_fail_leave_nothing) {
  int alive = 0;
  int failed = 0;
  const auto living = Hub::current().stats().living;
  const auto stacks = Hub::current().stats().stacks;
  for (int i = 0; i < many / 100; ++i) {
    try {
      spawn<Failing>(alive);
    } catch (const TestError&) {
      ++failed;
    }
  }
  settle();
  EXPECT_EQ(failed, many / 100);
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(Hub::current().stats().living, living);
  EXPECT_LE(Hub::current().stats().stacks, stacks + 2);
}

struct Sleeper : Actor {
  void receive(const Done&) { yield(); }
  void receive(const Number&) {
    Event never;
    never.wait();
  }
};

TEST_F(MemoryTest, killing_actors_that_wait_leaves_nothing) {
  const int rounds = many / 100;
  std::set<const void*> slots;
  const auto before_stats = Hub::current().stats();
  for (int i = 0; i < rounds; ++i) {
    auto a = spawn<Sleeper>();
    slots.insert(a.joinable().identity);
    a.tell(Done{});
    a.tell(Number{});
    yield();
    yield();
    EXPECT_TRUE(a.kill());
  }
  const auto stats = Hub::current().stats();
  EXPECT_LE(slots.size(), 10u);
  EXPECT_EQ(stats.living, before_stats.living);
  EXPECT_LE(stats.stacks, before_stats.stacks + 3);
}

// -- across hubs ---------------------------------------------------------------------------------

TEST_F(MemoryTest, envelopes_come_home_from_other_hubs) {
  HubThread other;
  auto a = other.call([] { return spawn<Sink>(); });
  const auto play = [&](int count) {
    for (int i = 0; i < count; ++i) {
      a.tell(Wide{1});
      if (i % 500 == 499)
        a.ask(Done{});
    }
  };
  play(10'000);
  const auto before = resident();
  const int count = many / 2;
  play(count);
  expect_no_growth(before, count);
  EXPECT_EQ(a.ask(Done{}), static_cast<std::uint64_t>(count) + 10'000);
  EXPECT_LE(a.ask(std::string()), 2000u);
}

TEST_F(MemoryTest, envelopes_of_questions_and_answers_come_home) {
  HubThread other;
  auto here = spawn<Sink>();
  auto there = other.call([] { return spawn<Sink>(); });
  const auto play = [&](int count) {
    auto back = spawn([&] {
      other.call([&] {
        for (int i = 0; i < count; ++i)
          here.ask(Wide{1});
      });
    });
    for (int i = 0; i < count; ++i)
      there.ask(Wide{1});
    EXPECT_TRUE(back.join());
  };
  play(1000);
  const auto before = resident();
  const int count = many / 50;
  play(count);
  expect_no_growth(before, count);
  EXPECT_LE(here.ask(std::string()), 2000u);
  EXPECT_LE(there.ask(std::string()), 2000u);
  EXPECT_TRUE(here.kill());
}

TEST_F(MemoryTest, hubs_that_come_and_go_leave_nothing) {
  const auto play = [](int count) {
    for (int i = 0; i < count; ++i) {
      HubThread other;
      auto a = other.call([] { return spawn<Sink>(); });
      for (int k = 0; k < 100; ++k)
        a.tell(Number{1});
      EXPECT_EQ(a.ask(Done{}), 100u);
    }
  };
  play(10);
  const auto before = resident();
  const int rounds = sanitized ? 20 : 200;
  play(rounds);
  // A hub's slabs are 256 KiB each: none may be left behind by each round.
  EXPECT_LE(resident(), before + static_cast<std::size_t>(rounds) * 32 * 1024);
}

// -- messages as objects -------------------------------------------------------------------------

struct Ask {
  explicit Ask(int& a) : member(a) {}
  Counted member;
};
struct Owner : Actor {
  explicit Owner(int& a) : alive(a), member(a) {}
  void receive(const Counted&) {}
  Counted receive(const Done&) { return Counted(alive); }
  void receive(const Number& m) {
    const Counted local(alive);
    for (std::uint64_t i = 0; i < m.n; ++i)
      yield();
  }
  int& alive;
  Counted member;
};

TEST_F(MemoryTest, every_message_and_answer_is_destroyed_whatever_happens) {
  ErrorLog errors;
  int alive = 0;
  {
    auto a = spawn<Owner>(alive);
    EXPECT_EQ(alive, 1);
    a.tell(Counted(alive)); // handled
    a.ask(Counted(alive));
    a.tell(Done{}); // the answer is dropped
    settle();
    EXPECT_EQ(alive, 1);
    auto asker = spawn([&] { a.ask(Done{}); });
    a.tell(Number{10});
    a.tell(Counted(alive)); // stays in the inbox
    yield();
    EXPECT_TRUE(asker.kill()); // with its question in the inbox
    EXPECT_GT(alive, 1);
    EXPECT_TRUE(a.kill()); // with a handler at work
    EXPECT_EQ(alive, 0);
    a.tell(Counted(alive)); // nobody
    EXPECT_THROW(a.ask(Counted(alive)), ActorDown);
    EXPECT_EQ(alive, 0);
  }
  {
    auto a = spawn<Owner>(alive);
    a.tell(Number{100});
    a.tell(Counted(alive));
    a.stop();
    a.tell(Counted(alive)); // behind the stop
    EXPECT_TRUE(a.join());
    EXPECT_EQ(alive, 0);
  }
  EXPECT_EQ(errors.size(), 0u);
}

struct Thrower : Actor {
  void receive(const Counted&) { throw TestError(); }
  void receive(Ask m) {
    const Ask mine = std::move(m);
    throw TestError();
  }
};

TEST_F(MemoryTest, a_message_whose_handler_throws_is_destroyed) {
  ErrorLog errors;
  int alive = 0;
  auto a = spawn<Thrower>();
  auto b = spawn<Thrower>();
  a.tell(Counted(alive));
  a.tell(Counted(alive));
  EXPECT_THROW(b.ask(Ask(alive)), TestError);
  EXPECT_TRUE(join_all({a, b}));
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(errors.size(), 2u);
}

TEST_F(MemoryTest, an_actor_is_destroyed_once_however_it_ends) {
  ErrorLog errors;
  int alive = 0;
  struct Mortal : Actor {
    explicit Mortal(int& a) : member(a) {}
    void receive(const Done&) { throw TestError(); }
    void receive(const Number&) { stop(); }
    Counted member;
  };
  for (int way = 0; way < 5; ++way) {
    auto a = spawn<Mortal>(alive);
    EXPECT_EQ(alive, 1);
    switch (way) {
    case 0:
      a.stop();
      break;
    case 1:
      a.tell(Number{});
      break;
    case 2:
      a.tell(Done{});
      break;
    case 3:
      a.kill();
      break;
    default:
      a.stop();
      a.tell(Done{});
      a.kill();
    }
    EXPECT_TRUE(a.join());
    EXPECT_EQ(alive, 0) << way;
  }
  EXPECT_EQ(errors.size(), 1u);
}

} // namespace
} // namespace grove::test
