// SPDX-License-Identifier: MIT
// TestKit: seeds, virtual time, and the end of what a test has spawned.
#include <chrono>
#include <cstdlib>
#include <exception>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <grove/actors.hpp>
#include <grove/actors/testing.hpp>

#include "../support/hub_test.hpp"
#include "seed_environment.hpp"

namespace grove::test {
namespace {

using namespace grove::testing;

class TestKitTest : public HubTest {
  SeedEnvironment environment_;
};

struct Tick {};
struct Note {
  int number;
};

class Collector : public Actor {
public:
  explicit Collector(std::vector<int>& seen) : seen_(&seen) {}
  void receive(const Note& note) { seen_->push_back(note.number); }

private:
  std::vector<int>* seen_;
};

TEST_F(TestKitTest, what_is_due_by_then_is_done_when_time_has_advanced) {
  TestKit kit;
  std::vector<int> seen;
  const auto collector = kit.spawn<Collector>(seen);
  auto at_one = collector.tell_after(1s, Note{1});
  auto at_two = collector.tell_after(2s, Note{2});
  const auto begin = now();
  kit.advance(999ms);
  EXPECT_TRUE(seen.empty());
  kit.advance(1ms);
  EXPECT_EQ(seen, std::vector<int>{1});
  kit.advance(3600s);
  EXPECT_EQ(seen, (std::vector<int>{1, 2}));
  EXPECT_EQ((now() - begin) / 1ms, 3601s / 1ms);
  EXPECT_THROW(kit.advance(-1ns), std::invalid_argument);
}

TEST_F(TestKitTest, settling_lets_everybody_run_and_no_time_pass) {
  TestKit kit;
  std::vector<int> seen;
  const auto collector = kit.spawn<Collector>(seen);
  auto chain = grove::spawn([&] {
    for (int i = 0; i < 100; ++i) {
      collector.ask(Note{i});
      yield();
    }
  });
  auto later = collector.tell_after(1us, Note{1000});
  kit.settle();
  EXPECT_EQ(seen.size(), 100u);
  EXPECT_TRUE(chain.successful());
}

TEST_F(TestKitTest, its_actors_end_with_it_in_reverse_order) {
  class Ends : public Actor {
  public:
    Ends(Log& log, std::string name) : log_(&log), name_(std::move(name)) {}
    ~Ends() { log_->push_back(name_); }
    void receive(const Tick&) { sleep(3600s); }

  private:
    Log* log_;
    std::string name_;
  };
  Log log;
  {
    TestKit kit;
    const auto first = kit.spawn<Ends>(log, "first");
    kit.spawn<Ends>(log, "second");
    first.tell(Tick{});
    kit.settle();
  }
  EXPECT_EQ(log, (Log{"second", "first"}));
}

TEST_F(TestKitTest, one_at_a_time) {
  const TestKit kit;
  EXPECT_THROW(TestKit(2), std::logic_error);
  Probe<Tick> probe; // the first is still the one
  EXPECT_NE(text_of<ExpectationFailed>([&] { probe.expect<Tick>(); }).find("GROVE_SEED=1"),
            std::string::npos);
}

TEST_F(TestKitTest, the_environment_gives_the_seed) {
  EXPECT_EQ(TestKit().seed(), 1u);
  EXPECT_EQ(TestKit(5).seed(), 5u);
  setenv("GROVE_SEED", "18446744073709551615", 1);
  EXPECT_EQ(TestKit(5).seed(), 18446744073709551615u);
  EXPECT_EQ(TestKit().how_to_repeat(), "GROVE_SEED=18446744073709551615");
  std::vector<std::uint64_t> seeds;
  for_each_seed(10, [&](TestKit& kit) { seeds.push_back(kit.seed()); });
  EXPECT_EQ(seeds, std::vector<std::uint64_t>{18446744073709551615u});
  for (const char* wrong : {"seven", "7x", "-1", "18446744073709551616"}) {
    setenv("GROVE_SEED", wrong, 1);
    EXPECT_EQ(text_of<std::invalid_argument>([] { TestKit kit; }),
              "grove: TestKit: GROVE_SEED is '" + std::string(wrong) + "', not a number");
  }
}

TEST_F(TestKitTest, each_seed_is_run_in_an_order_of_its_own_that_comes_again) {
  const auto orders = [] {
    std::vector<std::vector<int>> all;
    for_each_seed(20, [&](TestKit&) {
      std::vector<int> order;
      std::vector<GreenletRef<>> greenlets;
      greenlets.reserve(5);
      for (int i = 0; i < 5; ++i)
        greenlets.push_back(grove::spawn([&order, i] { order.push_back(i); }));
      for (const auto& one : greenlets)
        one.join();
      all.push_back(order);
    });
    return all;
  };
  const auto first = orders();
  EXPECT_GT(std::set(first.begin(), first.end()).size(), 5u);
  EXPECT_EQ(orders(), first);
}

TEST_F(TestKitTest, a_failure_names_the_seed_and_keeps_what_it_was) {
  const auto fails_at_three = [](TestKit& kit) {
    if (kit.seed() == 3)
      throw TestError(30);
  };
  try {
    for_each_seed(10, fails_at_three);
    FAIL() << "nothing was thrown";
  } catch (const FailedWithSeed& failed) {
    EXPECT_EQ(failed.seed(), 3u);
    EXPECT_STREQ(failed.what(), "seed 3 of 10: test error\nThe same again: GROVE_SEED=3");
    EXPECT_THROW(std::rethrow_if_nested(failed), TestError);
  }
  setenv("GROVE_SEED", "4", 1);
  for_each_seed(10, fails_at_three);
  setenv("GROVE_SEED", "3", 1);
  EXPECT_EQ(text_of<FailedWithSeed>([&] { for_each_seed(10, fails_at_three); }),
            "seed 3: test error\nThe same again: GROVE_SEED=3");
}

TEST_F(TestKitTest, a_kill_passes_for_each_seed) {
  auto runner = grove::spawn([] { for_each_seed(3, [](TestKit& kit) { kit.advance(3600s); }); });
  yield();
  yield();
  runner.kill();
  EXPECT_TRUE(runner.killed());
}

} // namespace
} // namespace grove::test
