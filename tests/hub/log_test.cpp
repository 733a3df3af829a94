// SPDX-License-Identifier: MIT
// The log sink, and the rate at which unhandled errors are reported.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <grove/hub/hub_thread.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/log.hpp>

#include "../support/hub_test.hpp"
#include "rate_limit.hpp"

namespace grove::test {
namespace {

class Logged : public HubTest {
protected:
  Logged() {
    before_ = set_log_sink([this](LogLevel level, std::string_view text) {
      levels_.push_back(level);
      texts_.emplace_back(text);
    });
  }
  ~Logged() override { set_log_sink(before_); }

  std::vector<LogLevel> levels_;
  Log texts_;
  LogSink before_;
};

TEST_F(Logged, an_unhandled_error_goes_to_the_sink) {
  spawn(SpawnOptions{.name = "loud"}, [] { throw TestError(); }).join();
  ASSERT_EQ(texts_.size(), 1u);
  EXPECT_EQ(texts_[0], "loud ended with grove::test::TestError: test error");
  EXPECT_EQ(levels_[0], LogLevel::error);
}

TEST_F(Logged, an_error_hook_comes_first) {
  ErrorLog errors;
  spawn([] { throw TestError(); }).join();
  EXPECT_EQ(errors.size(), 1u);
  EXPECT_EQ(texts_, Log{});
}

TEST_F(Logged, without_a_sink_it_is_stderr) {
  const LogSink mine = set_log_sink({});
  ::testing::internal::CaptureStderr();
  detail::log(LogLevel::info, "two\nlines");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "grove: two\nlines\n");
  EXPECT_FALSE(set_log_sink(mine)) << "the default is an empty one";
  detail::log(LogLevel::info, "again");
  EXPECT_EQ(texts_, Log{"again"});
}

TEST_F(Logged, what_a_sink_throws_is_dropped) {
  const LogSink mine = set_log_sink([](LogLevel, std::string_view) { throw TestError(); });
  EXPECT_NO_THROW(detail::log(LogLevel::error, "text"));
  EXPECT_NO_THROW(spawn([] { throw TestError(); }).join());
  set_log_sink(mine);
}

TEST_F(Logged, a_sink_may_be_replaced_while_other_threads_log) {
  std::atomic<int> seen{0};
  std::atomic<bool> stop{false};
  const auto count = [&](LogLevel, std::string_view) { ++seen; };
  const LogSink mine = set_log_sink(count);
  std::thread other([&] {
    while (!stop)
      detail::log(LogLevel::info, "text");
  });
  for (int i = 0; i < 200; ++i)
    set_log_sink(count);
  while (seen == 0)
    std::this_thread::yield();
  stop = true;
  other.join();
  set_log_sink(mine);
}

// -- rate ----------------------------------------------------------------------------------------

TEST_F(Logged, of_many_equal_errors_ten_are_shown_and_the_rest_counted) {
  for (int i = 0; i < 25; ++i)
    spawn([] { throw std::runtime_error("all the same, and many"); }).join();
  const auto shown = std::count_if(texts_.begin(), texts_.end(), [](const std::string& text) {
    return text.ends_with("ended with std::runtime_error: all the same, and many");
  });
  EXPECT_GE(shown, 10); // more on a machine so slow that a second went by
  if (shown == 10) {
    EXPECT_EQ(texts_.size(), 10u);
  }
  EXPECT_LT(shown, 25);
  spawn([] { throw std::runtime_error("another"); }).join();
  EXPECT_NE(texts_.back().find("another"), std::string::npos) << "others are shown";
}

TEST_F(Logged, what_was_counted_is_told_at_the_end_of_the_hub) {
  {
    HubThread other;
    other.call([] {
      for (int i = 0; i < 13; ++i)
        spawn([] { throw std::runtime_error("over there"); }).join();
    });
  }
  std::size_t shown = 0;
  std::size_t omitted = 0;
  for (const std::string& text : texts_) {
    if (text.find("ended with std::runtime_error: over there") != std::string::npos)
      ++shown;
    std::size_t more = 0;
    if (std::sscanf(text.c_str(), "... and %zu more like it: std::runtime_error: over there",
                    &more) == 1)
      omitted += more;
  }
  EXPECT_EQ(shown + omitted, 13u);
  EXPECT_GE(omitted, 1u);
}

TEST(Rate, ten_of_a_kind_per_second_are_admitted) {
  detail::RateLimit limit;
  constexpr std::int64_t second = detail::RateLimit::window;
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(limit.admit("a", i));
    EXPECT_TRUE(limit.admit("b", i));
  }
  EXPECT_FALSE(limit.admit("a", 10));
  EXPECT_FALSE(limit.admit("a", second - 1));
  EXPECT_TRUE(limit.take_omitted(second - 1).empty());
  const auto omitted = limit.take_omitted(second);
  ASSERT_EQ(omitted.size(), 1u);
  EXPECT_EQ(omitted[0].text, "a");
  EXPECT_EQ(omitted[0].count, 2u);
  EXPECT_TRUE(limit.take_omitted(2 * second, true).empty()) << "told once";
  EXPECT_TRUE(limit.admit("a", second));
}

TEST(Rate, kinds_beyond_count_are_not_limited) {
  detail::RateLimit limit;
  for (std::size_t i = 0; i < detail::RateLimit::most_kinds; ++i)
    EXPECT_TRUE(limit.admit(std::to_string(i), 0));
  for (int i = 0; i < 20; ++i)
    EXPECT_TRUE(limit.admit("one more", 0));
}

} // namespace
} // namespace grove::test
