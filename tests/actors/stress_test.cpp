// SPDX-License-Identifier: MIT
// Actors that tell, ask, spawn, stop and kill each other at random: everything is accounted for.
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <grove/actors.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

constexpr auto long_wait = 60s;

// -- the books -----------------------------------------------------------------------------------

struct Books {
  // messages
  std::atomic<long> told{0}, tells_handled{0}, tells_dropped{0};
  std::atomic<long> asked{0}, answered{0}, threw{0}, down{0}, interrupted{0}, forgotten{0};
  // actors
  std::atomic<long> born{0}, stillborn{0}, destroyed{0};
  std::atomic<long> kills{0}, unkilled{0};
  std::atomic<long> failures{0}, reported{0};
};

// A message that is told: counted when it is handled, or else when it is destroyed.
class Token {
public:
  Token(Books& b, int h) : hops(h), books_(&b) { ++b.told; }
  Token(Token&& other) noexcept : hops(other.hops), books_(std::exchange(other.books_, nullptr)) {}
  Token& operator=(Token&&) = delete;
  ~Token() {
    if (books_ != nullptr)
      ++books_->tells_dropped;
  }
  void handled() { ++std::exchange(books_, nullptr)->tells_handled; }
  int hops;

private:
  Books* books_;
};
struct Question {
  int hops;
};

// -- the actors ----------------------------------------------------------------------------------

class Node;
using NodeRef = ActorRef<Node>;

// What the nodes of all hubs share. The lock is never held over a switch.
struct World {
  explicit World(std::size_t size) : nodes(size) {}
  Books books;
  std::mutex mutex;
  struct Place {
    NodeRef ref;
    std::uint64_t rank = 0; // by age: only younger ones are asked, so that no cycle closes
  };
  std::vector<Place> nodes;
  // All that were ever made: one whose spawner was killed meanwhile stands nowhere else.
  std::vector<NodeRef> all;
  std::atomic<std::uint64_t> next_rank{1};
  std::atomic<long> budget{0}; // messages that may still be sent

  Place at(std::size_t i) {
    const std::lock_guard lock(mutex);
    return nodes[i % nodes.size()];
  }
  NodeRef replace(std::size_t i, NodeRef ref, std::uint64_t rank) {
    const std::lock_guard lock(mutex);
    Place& place = nodes[i % nodes.size()];
    place.rank = rank;
    return std::exchange(place.ref, ref);
  }
};

struct HubShare { // one per hub
  World& world;
  std::mt19937 random;
  std::vector<std::uint32_t>* trace = nullptr; // who did what, in order
  std::uint32_t roll(std::uint32_t sides) { return static_cast<std::uint32_t>(random()) % sides; }
  void note(std::uint64_t rank, std::uint32_t what) {
    if (trace != nullptr)
      trace->push_back(static_cast<std::uint32_t>(rank * 16 + what));
  }
};

void spawn_node(HubShare& share, std::size_t place);

class Node : public Actor {
public:
  Node(HubShare& s, std::uint64_t r) : share_(s), rank_(r) {
    ++books().born;
    {
      const std::lock_guard lock(share_.world.mutex);
      share_.world.all.push_back(self(*this));
    }
    if (share_.roll(100) == 0) {
      ++books().stillborn;
      throw TestError(1);
    }
  }
  ~Node() {
    ++books().destroyed;
    if (share_.roll(10) == 0)
      yield();
  }
  void on_start() override {
    if (share_.roll(8) == 0)
      yield();
    if (share_.roll(100) == 0)
      throw TestError(2);
    if (share_.roll(100) == 0)
      stop();
  }
  void on_stop(const ExitReason&) override {
    if (share_.roll(4) == 0)
      yield();
  }
  void receive(Token m) {
    share_.note(rank_, 1);
    m.handled();
    act(m.hops);
  }
  int receive(const Question& m) {
    share_.note(rank_, 2);
    act(m.hops);
    return m.hops + 1;
  }

private:
  Books& books() { return share_.world.books; }

  void act(int hops) {
    for (int i = 0; i < 2; ++i)
      act_once(hops - 1);
  }
  void act_once(int hops) {
    World& world = share_.world;
    const std::size_t place = share_.roll(static_cast<std::uint32_t>(world.nodes.size()));
    const World::Place other = world.at(place);
    const std::uint32_t what = share_.roll(100);
    share_.note(rank_, 3 + what / 10);
    if (what < 50) {
      if (hops > 0 && --world.budget > 0)
        other.ref.tell(Token(books(), hops));
    } else if (what < 80) {
      if (hops > 0 && other.rank > rank_ && --world.budget > 0)
        ask(other.ref, hops);
    } else if (what < 90) {
      yield();
    } else if (what < 93) {
      spawn_node(share_, place);
    } else if (what < 95) {
      other.ref.stop();
    } else if (what < 97) {
      ++books().kills;
      if (!other.ref.kill(long_wait))
        ++books().unkilled;
    } else if (what < 98) {
      stop();
    } else if (what < 99) {
      ++books().failures;
      throw TestError(3);
    }
  }
  void ask(NodeRef other, int hops) {
    ++books().asked;
    struct Interrupted { // neither answered nor refused
      Books& books;
      bool armed = true;
      ~Interrupted() {
        if (armed)
          ++books.interrupted;
      }
    } guard{books()};
    try {
      const int answer = other.ask(Question{hops}, long_wait);
      guard.armed = false;
      ++books().answered;
      if (answer != hops + 1)
        throw std::logic_error("the answer to another question");
    } catch (const TestError&) {
      guard.armed = false;
      ++books().threw;
    } catch (const ActorDown&) {
      guard.armed = false;
      ++books().down;
    } catch (const AskTimeout&) {
      guard.armed = false;
      ++books().forgotten;
    }
  }

  HubShare& share_;
  std::uint64_t rank_;
};

// The one who had the place is asked to stop.
void spawn_node(HubShare& share, std::size_t place) {
  const std::uint64_t rank = share.world.next_rank++;
  try {
    const NodeRef fresh = spawn<Node>(share, rank);
    share.world.replace(place, fresh, rank).stop();
  } catch (const TestError&) { // stillborn, or failed in on_start
  } catch (const ActorDown&) { // killed in on_start
  }
}

void expect_balanced(const Books& books) {
  EXPECT_EQ(books.told, books.tells_handled + books.tells_dropped);
  EXPECT_EQ(books.asked, books.answered + books.threw + books.down + books.interrupted);
  EXPECT_EQ(books.forgotten, 0);
  EXPECT_EQ(books.unkilled, 0);
  EXPECT_EQ(books.born, books.destroyed + books.stillborn);
  EXPECT_GT(books.born, 50);
  EXPECT_GT(books.tells_handled, 100);
  EXPECT_GT(books.answered, 0);
  EXPECT_GT(books.down, 0);
  EXPECT_GT(books.kills, 0);
}

// Told messages that are neither handled nor dropped yet.
long under_way(const Books& books) {
  return books.told - books.tells_handled - books.tells_dropped;
}

void kill_the_rest(World& world) {
  std::vector<NodeRef> all;
  {
    const std::lock_guard lock(world.mutex);
    all = world.all;
  }
  for (const NodeRef& ref : all)
    EXPECT_TRUE(ref.kill(long_wait));
}

class StressTest : public HubTest, public ::testing::WithParamInterface<unsigned> {};

// -- one hub -------------------------------------------------------------------------------------

// On a hub of its own, so that each run begins in the same state.
std::vector<std::uint32_t> run_on_one_hub(unsigned seed, long messages, bool simulated = false) {
  std::vector<std::uint32_t> trace;
  World world(16);
  HubThread hub;
  const auto letters = [&] { return hub.call([] { return Hub::current().stats().dead_letters; }); };
  const auto living = [&] { return hub.call([] { return Hub::current().stats().living; }); };
  const std::uint64_t letters_before = letters();
  const std::uint64_t living_before = living();
  hub.call([&] {
    std::optional<Simulation> simulation;
    if (simulated)
      simulation.emplace(Simulation::Options{.seed = 1, .shuffle = false});
    Hub::current().on_error([&](const UnhandledError&) { ++world.books.reported; });
    HubShare share{world, std::mt19937(seed), &trace};
    world.budget = messages;
    while (world.budget > 0) {
      for (std::size_t i = 0; i < world.nodes.size(); ++i) {
        if (share.roll(2) == 0)
          spawn_node(share, i);
        world.at(i).ref.tell(Token(world.books, 6));
      }
      while (under_way(world.books) != 0)
        yield();
      --world.budget; // ends even if nobody does anything
    }
    settle(100);
    kill_the_rest(world);
    settle(100);
    Hub::current().on_error({});
  });
  const Books& books = world.books;
  expect_balanced(books);
  EXPECT_EQ(living(), living_before);
  EXPECT_EQ(books.reported, books.failures) << "each failure once";
  // A question that was refused at once, or whose asker was killed, may count or not.
  const auto dead = static_cast<long>(letters() - letters_before);
  EXPECT_GE(dead, books.tells_dropped);
  EXPECT_LE(dead, books.tells_dropped + books.down + books.interrupted);
  return trace;
}

TEST_P(StressTest, everything_is_accounted_for_on_one_hub) {
  EXPECT_FALSE(run_on_one_hub(GetParam(), sanitized ? 3000 : 30'000).empty());
}

// Architecture: within a hub the same input gives the same order of events, if no turn takes so
// long that it ends sooner. A simulation, where none does, keeps the order of a hub.
TEST_P(StressTest, one_hub_does_the_same_again_in_the_same_order) {
  const auto first = run_on_one_hub(GetParam(), 2000, true);
  const auto second = run_on_one_hub(GetParam(), 2000, true);
  EXPECT_GT(first.size(), 1000u);
  EXPECT_TRUE(first == second);
}

// -- several hubs --------------------------------------------------------------------------------

struct Hubs {
  World world;
  std::vector<std::unique_ptr<HubThread>> hubs;
  std::vector<std::unique_ptr<HubShare>> shares;

  Hubs(std::size_t count, unsigned seed) : world(24) {
    for (std::size_t i = 0; i < count; ++i) {
      hubs.push_back(std::make_unique<HubThread>());
      shares.push_back(std::make_unique<HubShare>(
          HubShare{world, std::mt19937(seed + static_cast<unsigned>(i)), nullptr}));
      hubs[i]->call([&, i] {
        Hub::current().on_error([this](const UnhandledError&) { ++world.books.reported; });
        for (std::size_t k = i; k < world.nodes.size(); k += count)
          spawn_node(*shares[i], k);
      });
    }
  }
  // A wave of messages from each of the hubs that are left.
  void wave() {
    for (std::size_t i = 0; i < hubs.size(); ++i) {
      if (hubs[i] == nullptr)
        continue;
      hubs[i]->call([&, i] {
        for (std::size_t k = 0; k < world.nodes.size(); ++k) {
          if (shares[i]->roll(8) == 0)
            spawn_node(*shares[i], k);
          world.at(k).ref.tell(Token(world.books, 6));
        }
      });
    }
  }
};

TEST_P(StressTest, everything_is_accounted_for_on_three_hubs) {
  auto hubs = std::make_unique<Hubs>(3, GetParam());
  World& world = hubs->world;
  world.budget = sanitized ? 10'000 : 100'000;
  while (world.budget > 0) {
    hubs->wave();
    while (under_way(world.books) > 100)
      yield();
    --world.budget;
  }
  while (under_way(world.books) != 0)
    yield();
  kill_the_rest(world);
  for (auto& hub : hubs->hubs)
    hub.reset();
  expect_balanced(world.books);
  EXPECT_EQ(under_way(world.books), 0);
  EXPECT_EQ(world.books.reported, world.books.failures);
}

// A variable of the environment, or another number.
long number_of_environment(const char* name, long otherwise) {
  const char* const text = std::getenv(name); // NOLINT(concurrency-mt-unsafe): nobody sets any
  return text == nullptr ? otherwise : std::stol(text);
}

// GROVE_STRESS_MESSAGES=10000000 in the environment makes it a long one, GROVE_STRESS_SEED another.
TEST_F(HubTest, everything_is_accounted_for_on_two_hubs) {
  const long messages =
      number_of_environment("GROVE_STRESS_MESSAGES", sanitized ? 100'000 : 1'000'000);
  const long seed = number_of_environment("GROVE_STRESS_SEED", 20'261'124);
  std::printf("%ld messages, seed %ld\n", messages, seed);
  auto hubs = std::make_unique<Hubs>(2, static_cast<unsigned>(seed));
  World& world = hubs->world;
  const Books& books = world.books;
  world.budget = messages;
  while (books.told + books.asked < messages) {
    hubs->wave();
    while (under_way(books) > 100)
      yield();
    --world.budget;
  }
  while (under_way(books) != 0)
    yield();
  kill_the_rest(world);
  for (auto& hub : hubs->hubs)
    hub.reset();
  expect_balanced(books);
  EXPECT_EQ(under_way(books), 0);
  EXPECT_EQ(books.reported, books.failures);
  EXPECT_GE(books.told + books.asked, messages);
  std::printf("%ld told, %ld asked, %ld actors born, %ld kills, %ld failures\n", books.told.load(),
              books.asked.load(), books.born.load(), books.kills.load(), books.failures.load());
}

TEST_P(StressTest, everything_is_accounted_for_when_hubs_end_one_by_one) {
  auto hubs = std::make_unique<Hubs>(3, GetParam());
  World& world = hubs->world;
  for (auto& hub : hubs->hubs) {
    world.budget = sanitized ? 2000 : 20'000;
    while (world.budget > 1000) {
      hubs->wave();
      while (under_way(world.books) > 1000)
        yield();
      --world.budget;
    }
    hubs->wave();
    hub.reset(); // with its mail, its questions and its kills under way
  }
  expect_balanced(world.books);
  EXPECT_EQ(under_way(world.books), 0);
}

INSTANTIATE_TEST_SUITE_P(Seeds, StressTest, ::testing::Values(1u, 2u, 3u, 4u));

} // namespace
} // namespace grove::test
