// SPDX-License-Identifier: MIT
// Random interleavings with fixed seeds: no item is lost or doubled, each producer's order is kept.
#include <algorithm>
#include <map>
#include <random>
#include <utility>
#include <vector>

#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/queue.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/hub/wait_any.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

struct Item {
  int producer;
  int number;
  friend auto operator<=>(const Item&, const Item&) = default;
};

// Producers and consumers over one queue, with kills, scopes and deadlines at random points.
class Interleaving {
public:
  Interleaving(unsigned seed, std::size_t maxsize, int producers, int consumers)
      : random_(seed), queue_(maxsize), producers_(producers), consumers_(consumers) {}

  void play(int turns) {
    std::vector<GreenletRef<>> all;
    for (int p = 0; p < producers_; ++p)
      all.push_back(producer(p));
    for (int c = 0; c < consumers_; ++c)
      all.push_back(consumer(generation_++));
    for (int turn = 0; turn < turns; ++turn) {
      for (int n = pick(3); n >= 0; --n)
        yield();
      if (pick(4) == 0) {
        const int index = pick(static_cast<int>(all.size()));
        auto& victim = all[static_cast<std::size_t>(index)];
        victim.kill_nowait();
        if (pick(2) == 0)
          victim.join();
        ended_.push_back(
            std::exchange(victim, index < producers_ ? producer(index) : consumer(generation_++)));
      }
    }
    kill_all(all);
    join_all(ended_);
    while (auto item = queue_.try_get())
      received_.push_back(*item);
  }

  // What put() came back from, and what get() gave, in the order of either.
  std::vector<Item> sent() const { return sent_; }
  std::vector<Item> received() const { return received_; }
  const std::map<int, std::vector<Item>>& by_consumer() const { return by_consumer_; }
  std::size_t waiting() const { return queue_.waiting_getters() + queue_.waiting_putters(); }

private:
  int pick(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

  // Runs one operation in one of the ways in which it may be ended early.
  template <class F>
  void limited(F f) {
    try {
      switch (pick(6)) {
      case 0:
        f(Deadline(0ms));
        break;
      case 1:
        f(Deadline(std::chrono::microseconds(pick(200))));
        break;
      case 2: {
        Timeout scope(std::chrono::microseconds(pick(200)));
        f(Deadline());
        break;
      }
      default:
        f(Deadline());
      }
    } catch (const TimeoutError&) {
    } catch (const TimeoutExpired&) {
    }
  }

  GreenletRef<> producer(int p) {
    return spawn([this, p] {
      for (;;) {
        const Item item{p, next_[p]++};
        limited([&](Deadline deadline) {
          if (pick(3) == 0) {
            if (wait_any(queue_.put_op(item), after(deadline)).index() == 0)
              sent_.push_back(item);
          } else {
            queue_.put(item, deadline);
            sent_.push_back(item);
          }
        });
        if (queue_.size() > 50 || pick(3) == 0)
          yield();
      }
    });
  }
  GreenletRef<> consumer(int c) {
    return spawn([this, c] {
      for (;;) {
        limited([&](Deadline deadline) {
          if (pick(3) == 0) {
            auto got = wait_any(queue_.get_op(), after(deadline));
            if (got.index() == 0)
              took(c, std::get<0>(got));
          } else {
            took(c, queue_.get(deadline));
          }
        });
        if (pick(3) == 0)
          yield();
      }
    });
  }
  void took(int c, Item item) {
    received_.push_back(item);
    by_consumer_[c].push_back(item);
  }

  std::mt19937 random_;
  Queue<Item> queue_;
  int producers_;
  int consumers_;
  int generation_ = 0; // consumers are told apart, also those that came for a killed one
  std::map<int, int> next_;
  std::vector<Item> sent_;
  std::vector<Item> received_;
  std::map<int, std::vector<Item>> by_consumer_;
  std::vector<GreenletRef<>> ended_;
};

class InterleavingTest : public HubTest, public ::testing::WithParamInterface<unsigned> {};

// pitfall 57, 58
TEST_P(InterleavingTest, no_item_is_lost_or_doubled_and_each_producer_is_in_order) {
  const unsigned seed = GetParam();
  for (const std::size_t maxsize : {0u, 1u, 3u}) {
    Interleaving game(seed * 10 + static_cast<unsigned>(maxsize), maxsize, 3, 3);
    game.play(sanitized ? 150 : 600);
    auto sent = game.sent();
    auto received = game.received();
    ASSERT_GT(sent.size(), 50u) << "the game went nowhere";
    for (const auto& [consumer, items] : game.by_consumer()) {
      std::map<int, int> last;
      for (const Item& item : items) {
        const auto before = last.find(item.producer);
        if (before != last.end()) {
          ASSERT_GT(item.number, before->second) << "out of order at consumer " << consumer;
        }
        last[item.producer] = item.number;
      }
    }
    std::sort(sent.begin(), sent.end());
    std::sort(received.begin(), received.end());
    EXPECT_EQ(std::adjacent_find(received.begin(), received.end()), received.end()) << "doubled";
    EXPECT_TRUE(sent == received) << "sent " << sent.size() << ", received " << received.size();
    EXPECT_EQ(game.waiting(), 0u);
  }
}
INSTANTIATE_TEST_SUITE_P(Seeds, InterleavingTest, ::testing::Range(1u, 13u));

// With one consumer the whole order is that of the puts.
TEST_P(InterleavingTest, without_kills_one_consumer_sees_the_order_of_the_puts) {
  std::mt19937 random(GetParam());
  Queue<int> queue(random() % 4);
  std::vector<int> sent;
  int next = 0;
  std::vector<GreenletRef<>> producers;
  for (int p = 0; p < 4; ++p) {
    producers.push_back(spawn([&] {
      for (int i = 0; i < 50; ++i) {
        const int mine = next++;
        sent.push_back(mine); // in line from here on: nothing is run between this and the put
        queue.put(mine);
        if (random() % 2 == 0)
          yield();
      }
    }));
  }
  std::vector<int> got;
  auto consumer = spawn([&] {
    while (got.size() < 200) {
      got.push_back(queue.get());
      if (random() % 3 == 0)
        yield();
    }
  });
  join_all(producers);
  consumer.join();
  EXPECT_EQ(got, sent);
}

} // namespace
} // namespace grove::test
