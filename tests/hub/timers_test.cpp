// SPDX-License-Identifier: MIT
// The timers of a hub, held against a sorted set of the same.
#include "timers.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace grove::test {
namespace {

using detail::Timer;
using detail::Timers;

// Both are told the same; the set is ordered by due time, then by order of arming.
class TimersTest : public testing::Test {
protected:
  struct Alarm : Timer {
    TimersTest* test = nullptr;
    std::size_t index = 0;
    std::uint64_t armed_as = 0;
  };

  void make(std::size_t count) {
    alarms_ = std::vector<Alarm>(count);
    for (std::size_t i = 0; i < count; ++i) {
      alarms_[i].test = this;
      alarms_[i].index = i;
      alarms_[i].fire = [](Timer& timer) noexcept {
        auto& alarm = static_cast<Alarm&>(timer);
        alarm.test->on_fire(alarm);
      };
    }
  }
  void arm(std::size_t i, std::int64_t due) {
    disarm_model(i);
    timers_.add(alarms_[i], due);
    alarms_[i].armed_as = ++armings_;
    model_.insert({{due, armings_}, i});
  }
  void disarm(std::size_t i) {
    disarm_model(i);
    timers_.remove(alarms_[i]);
  }
  void keep_even() {
    for (std::size_t i = 1; i < alarms_.size(); i += 2)
      disarm_model(i);
    timers_.keep_if(
        [](const Timer& timer) { return static_cast<const Alarm&>(timer).index % 2 == 0; });
  }
  // Fires what is due, and compares.
  void fire_due(std::int64_t now) {
    std::vector<std::size_t> expected;
    while (!model_.empty() && model_.begin()->first.first <= now) {
      expected.push_back(model_.begin()->second);
      model_.erase(model_.begin());
    }
    fired_.clear();
    timers_.fire_due(now);
    ASSERT_EQ(fired_, expected);
    ASSERT_EQ(timers_.size(), model_.size());
  }

  Timers timers_;
  std::vector<Alarm> alarms_;
  std::vector<std::size_t> fired_;
  std::int64_t rearm_at_ = -1; // whoever fires is armed anew for then

private:
  void disarm_model(std::size_t i) {
    if (alarms_[i].armed())
      model_.erase({{alarms_[i].due, alarms_[i].armed_as}, i});
  }
  void on_fire(Alarm& alarm) {
    fired_.push_back(alarm.index);
    if (rearm_at_ >= 0)
      arm(alarm.index, rearm_at_);
  }

  std::uint64_t armings_ = 0;
  std::set<std::pair<std::pair<std::int64_t, std::uint64_t>, std::size_t>> model_;
};

TEST_F(TimersTest, WhateverIsArmedAndDisarmedInBetweenTheRestFiresInOrder) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::mt19937 random(seed);
    make(200);
    const auto below = [&random](std::uint32_t bound) { return random() % bound; };
    std::int64_t now = 0;
    for (int step = 0; step < 5'000; ++step) {
      const std::size_t i = below(200);
      switch (below(8)) {
      case 0:
      case 1:
      case 2:
        arm(i, now + static_cast<std::int64_t>(below(50))); // few due times: many are equal
        break;
      case 3:
      case 4:
      case 5:
        if (alarms_[i].armed())
          disarm(i);
        break;
      case 6:
        if (!timers_.empty()) {
          const auto earliest =
              std::min_element(alarms_.begin(), alarms_.end(), [](const Alarm& a, const Alarm& b) {
                return std::pair(!a.armed(), a.due) < std::pair(!b.armed(), b.due);
              });
          ASSERT_EQ(timers_.earliest(), earliest->due);
        }
        break;
      default:
        now += below(10);
        ASSERT_NO_FATAL_FAILURE(fire_due(now)) << "seed " << seed << ", step " << step;
      }
    }
    ASSERT_NO_FATAL_FAILURE(fire_due(now + 100));
    ASSERT_TRUE(timers_.empty());
  }
}

TEST_F(TimersTest, WhatIsArmedByOneThatFiresWaitsForTheNextCallThoughItIsDue) {
  make(3);
  for (std::size_t i = 0; i < 3; ++i)
    arm(i, 10);
  rearm_at_ = 5;
  fired_.clear();
  timers_.fire_due(20);
  EXPECT_EQ(fired_, (std::vector<std::size_t>{0, 1, 2}));
  EXPECT_EQ(timers_.earliest(), 5);
  rearm_at_ = -1;
  fired_.clear();
  timers_.fire_due(20);
  EXPECT_EQ(fired_, (std::vector<std::size_t>{0, 1, 2}));
  EXPECT_TRUE(timers_.empty());
}

TEST_F(TimersTest, those_that_are_kept_keep_their_order) {
  make(100);
  for (std::size_t i = 0; i < 100; ++i)
    arm(99 - i, 10 - static_cast<std::int64_t>(i / 20)); // many of each due time
  fire_due(0);                                           // the heap is sorted
  keep_even();
  for (std::size_t i = 1; i < 100; i += 2)
    EXPECT_FALSE(alarms_[i].armed()) << i;
  fire_due(7);
  EXPECT_EQ(fired_.size(), 20U);
  fire_due(10);
  EXPECT_EQ(fired_.size(), 30U);
}

} // namespace
} // namespace grove::test
