// SPDX-License-Identifier: MIT
// When the receiver of a stream lets its messages gather.
#include "gather.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace grove::zmq::detail {
namespace {

// Waits that come one after the other, as a receiver's do.
class GatherTest : public ::testing::Test {
public:
  // The wait before this one took so long, and brought so much.
  bool wait(std::int64_t nanoseconds, std::uint64_t messages, std::uint64_t replies = 0) {
    now_ += nanoseconds;
    received_ += messages;
    sent_ += replies;
    return gather_.before_wait(now_, received_, sent_);
  }
  // How many of so many waits paused; with a pause they take and bring what `paused` says.
  struct Turn {
    std::int64_t nanoseconds;
    std::uint64_t messages, replies = 0;
  };
  int paused(int waits, Turn usual, Turn paused) {
    int pauses = 0;
    bool last = false;
    for (int i = 0; i < waits; ++i) {
      const Turn& turn = last ? paused : usual;
      last = wait(turn.nanoseconds, turn.messages, turn.replies);
      pauses += last;
    }
    return pauses;
  }

private:
  Gather gather_;
  std::int64_t now_ = 1'000'000;
  std::uint64_t received_ = 0, sent_ = 0;
};

TEST_F(GatherTest, a_stream_that_gains_by_it_gathers_nearly_always) {
  EXPECT_GT(paused(10'000, {2'000, 4}, {90'000, 500}), 9'000);
}

TEST_F(GatherTest, a_writer_that_waits_for_answers_on_another_socket_is_seldom_kept_waiting) {
  EXPECT_LT(paused(10'000, {20'000, 100}, {70'000, 100}), 100); // a window of 100
}

TEST_F(GatherTest, one_message_at_a_time_is_hardly_ever_kept_waiting) {
  EXPECT_LT(paused(10'000, {7'000, 1}, {57'000, 1}), 15);
}

TEST_F(GatherTest, a_slow_stream_never_gathers) {
  EXPECT_EQ(paused(10'000, {20'000, 1}, {50'000, 2}), 0);
}

TEST_F(GatherTest, nobody_gathers_who_answers) {
  EXPECT_EQ(paused(10'000, {2'000, 4, 1}, {60'000, 500, 1}), 0);
}

TEST_F(GatherTest, a_stream_that_dries_up_is_left_at_once) {
  while (!wait(2'000, 4)) {
  }
  while (wait(90'000, 500)) {
  }
  while (!wait(2'000, 4)) {
  }
  EXPECT_TRUE(wait(90'000, 500));
  EXPECT_FALSE(wait(50'000, 1));
}

} // namespace
} // namespace grove::zmq::detail
