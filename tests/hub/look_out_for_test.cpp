// SPDX-License-Identifier: MIT
// A hub looks out for news, in place of short sleeps.
#include <chrono>
#include <cstdint>
#include <stdexcept>

#include <unistd.h>

#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/hub_thread.hpp>
#include <grove/hub/pipe.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class LookOutForTest : public HubTest {
protected:
  void TearDown() override {
    hub_.look_out_for(20us);
    HubTest::TearDown();
  }
  // How many more sleeps f took.
  template <class F>
  std::uint64_t sleeps_of(F f) {
    const auto before = hub_.stats().sleeps;
    f();
    return hub_.stats().sleeps - before;
  }

  // Whether f came to wait without a sleep: it takes some short ones first.
  template <class F>
  bool waits_awake(F f) {
    for (int i = 0; i < 100'000; ++i) {
      const auto lookouts = hub_.stats().lookouts;
      if (sleeps_of(f) == 0 && hub_.stats().lookouts != lookouts)
        return true;
    }
    return false;
  }

  Hub& hub_ = Hub::current();
};

TEST_F(LookOutForTest, a_message_is_news) {
  HubThread other;
  hub_.look_out_for(1s);
  EXPECT_TRUE(waits_awake([&] { other.call([] {}); }));
}

TEST_F(LookOutForTest, a_descriptor_that_is_ready_is_news) {
  HubThread other;
  Pipe pipe;
  const int fd = pipe.writer.descriptor();
  hub_.look_out_for(1s);
  EXPECT_TRUE(waits_awake([&] {
    other.hub().post([fd] { EXPECT_EQ(write(fd, "x", 1), 1); });
    EXPECT_EQ(pipe.reader.read_exactly(1), "x");
  }));
}

TEST_F(LookOutForTest, a_timer_is_no_news) {
  const auto before = hub_.stats().lookouts;
  for (int i = 0; i < 1000; ++i)
    sleep(10us);
  EXPECT_LE(hub_.stats().lookouts - before, 20u);
}

TEST_F(LookOutForTest, for_no_time_is_never) {
  hub_.look_out_for(0ns);
  const auto before = hub_.stats().lookouts;
  EXPECT_GE(sleeps_of([] {
              for (int i = 0; i < 10; ++i)
                sleep(50us);
            }),
            1u);
  EXPECT_EQ(hub_.stats().lookouts, before);
}

TEST_F(LookOutForTest, a_negative_time_is_refused) {
  EXPECT_EQ(text_of<std::invalid_argument>([&] { hub_.look_out_for(-1ns); }),
            "grove: Hub.look_out_for: a time of -1 ns is negative");
}

TEST_F(LookOutForTest, long_sleeps_are_begun_at_once) {
  sleep(10ms);
  const auto before = hub_.stats().lookouts;
  for (int i = 0; i < 5; ++i)
    sleep(10ms);
  EXPECT_EQ(hub_.stats().lookouts, before);
}

} // namespace
} // namespace grove::test
