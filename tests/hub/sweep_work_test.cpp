// SPDX-License-Identifier: MIT
// Scenarios of the sweep about groups, pools, thread pools, pipes and processes.
#include <array>
#include <string>
#include <vector>

#include <grove/hub/greenlet.hpp>
#include <grove/hub/group.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/pipe.hpp>
#include <grove/hub/pool.hpp>
#include <grove/hub/process.hpp>
#include <grove/hub/thread_pool.hpp>

#include "../support/hub_test.hpp"
#include "../support/scenario.hpp"

namespace grove::test {
namespace {

int doubled(int item) {
  settle(item % 3);
  return 2 * item;
}

class Groups : public Scenario {
  void victim() override {
    for (int i = 0; i < 3; ++i)
      group_.spawn(doubled, i);
    EXPECT_TRUE(group_.join());
    EXPECT_EQ(group_.apply(doubled, 4), 8);
    EXPECT_EQ(group_.map(doubled, std::vector{1, 2, 3}), (std::vector{2, 4, 6}));
    group_.spawn([] { sleep(Deadline()); });
    EXPECT_TRUE(group_.kill());
  }
  void check() override {
    EXPECT_TRUE(group_.kill());
    EXPECT_TRUE(group_.empty());
    EXPECT_EQ(group_.map(doubled, std::vector{5}), std::vector{10});
  }
  Group group_;
};

// Members end with the scope, however it is left.
class GroupScopes : public Scenario {
  void victim() override {
    scope([this](Group& group) {
      for (int i = 0; i < 2; ++i) {
        group.spawn([this] {
          ++alive_;
          AtExit end([this] { --alive_; });
          settle(4);
        });
      }
      yield();
    });
  }
  void check() override { EXPECT_EQ(alive_, 0); }
  int alive_ = 0;
};

class Pools : public Scenario {
  void victim() override {
    for (int i = 0; i < 5; ++i)
      pool_.spawn(doubled, i);
    EXPECT_TRUE(pool_.wait_available());
    EXPECT_EQ(pool_.map(doubled, std::vector{1, 2, 3, 4}), (std::vector{2, 4, 6, 8}));
    EXPECT_EQ(pool_.apply(doubled, 3), 6);
  }
  void check() override {
    EXPECT_TRUE(pool_.join());
    EXPECT_EQ(pool_.free_count(), 2u);
    EXPECT_EQ(pool_.map(doubled, std::vector{1, 2, 3}), (std::vector{2, 4, 6}));
  }
  Pool pool_{2};
};

class Imaps : public Scenario {
  void victim() override {
    std::vector<int> results;
    for (const int result : pool_.imap(doubled, std::vector{3, 2, 1}, 1))
      results.push_back(result);
    EXPECT_EQ(results, (std::vector{6, 4, 2}));
    int sum = 0;
    for (const int result : pool_.imap_unordered(doubled, std::vector{3, 2, 1}))
      sum += result;
    EXPECT_EQ(sum, 12);
  }
  void check() override {
    EXPECT_TRUE(pool_.join());
    EXPECT_EQ(pool_.free_count(), 2u);
  }
  Pool pool_{2};
};

class Threads : public Scenario {
  void victim() override {
    EXPECT_EQ(threads_.run([] { return 1; }), 1);
    auto second = threads_.submit([] { return 2; });
    EXPECT_EQ(second.get(), 2);
    EXPECT_EQ(threads_.run([text = std::string("three")] { return text.size(); }), 5u);
  }
  void check() override {
    EXPECT_TRUE(threads_.join());
    EXPECT_EQ(threads_.pending(), 0u);
    EXPECT_EQ(threads_.run([] { return 4; }), 4);
  }
  ThreadPool threads_{1};
};

// What the victim has read, and what is left, is what was written.
class PipeReads : public Scenario {
  void begin() override {
    writer_ = spawn([this] {
      for (const char* part : {"ab", "cd", "ef"}) {
        settle(3);
        pipe_.writer.write_all(part);
      }
      pipe_.writer.close();
    });
  }
  void victim() override {
    std::array<char, 2> bytes;
    while (const std::size_t count = pipe_.reader.read(bytes))
      read_.append(bytes.data(), count);
  }
  void check() override {
    EXPECT_EQ(read_ + pipe_.reader.read_all(), "abcdef");
    writer_.get();
  }
  Pipe pipe_;
  std::string read_;
  GreenletRef<> writer_;
};

class Processes : public Scenario {
  void victim() override {
    Process shell({"/bin/sh", "-c", "read line; echo got $line"},
                  {.in = Stdio::pipe(), .out = Stdio::pipe()});
    EXPECT_EQ(shell.communicate("this\n").out, "got this\n");
    Process falls({"/bin/false"});
    EXPECT_EQ(falls.wait().code().value_or(-1), 1);
  }
  void check() override {
    Process works({"/bin/true"});
    EXPECT_EQ(works.wait(60s).code().value_or(-1), 0);
  }
};

[[maybe_unused]] const bool added = add_scenarios({
    scenario_row<Groups>("groups"),
    scenario_row<GroupScopes>("group_scopes"),
    scenario_row<Pools>("pools"),
    scenario_row<Imaps>("imaps"),
    scenario_row<Threads>("threads"),
    scenario_row<PipeReads>("pipe_reads"),
    scenario_row<Processes>("processes"),
});

} // namespace
} // namespace grove::test
