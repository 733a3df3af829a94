// SPDX-License-Identifier: MIT
// When a hub looks out for news before it sleeps.
#include "lookout.hpp"

#include <gtest/gtest.h>

namespace grove::detail {
namespace {

// A hub that has nothing to do, again and again.
class LookoutTest : public ::testing::Test {
protected:
  // How many lookouts so many waits took, where one pays (and nobody sleeps), or never does.
  int lookouts(int waits, bool pays, bool sleeps_are_short = true) {
    int count = 0;
    for (int i = 0; i < waits; ++i) {
      const bool due = lookout_.is_due();
      count += due ? 1 : 0;
      if (due && pays) {
        lookout_.paid();
        continue;
      }
      if (due)
        lookout_.in_vain();
      lookout_.slept(sleeps_are_short);
    }
    return count;
  }

private:
  Lookout lookout_;
};

TEST_F(LookoutTest, who_sleeps_for_long_never_looks_out) {
  EXPECT_EQ(lookouts(1000, true, false), 0);
}

TEST_F(LookoutTest, after_two_short_sleeps_it_is_tried_and_kept_up_while_it_pays) {
  EXPECT_EQ(lookouts(2, true), 0);
  EXPECT_EQ(lookouts(1000, true), 1000);
}

TEST_F(LookoutTest, in_vain_it_is_hardly_ever_tried) {
  EXPECT_EQ(lookouts(10, false), 3); // after two sleeps, after two more, after four more
  EXPECT_LE(lookouts(100'000, false), 40);
  EXPECT_GE(lookouts(100'000, false), 24) << "it may pay by now";
}

TEST_F(LookoutTest, one_that_pays_makes_up_for_many_in_vain) {
  lookouts(100'000, false);
  while (lookouts(1, true) == 0) {
  }
  EXPECT_EQ(lookouts(1000, true), 1000);
  EXPECT_EQ(lookouts(1, false), 1);
  EXPECT_EQ(lookouts(2, true), 1) << "one sleep between";
}

TEST_F(LookoutTest, after_a_long_sleep_it_takes_two_short_ones) {
  lookouts(2, true);
  EXPECT_EQ(lookouts(1, false, false), 1);
  EXPECT_EQ(lookouts(3, false, false), 0);
  EXPECT_EQ(lookouts(3, true), 0) << "two, and one after the one in vain";
  EXPECT_EQ(lookouts(1, true), 1);
}

} // namespace
} // namespace grove::detail
