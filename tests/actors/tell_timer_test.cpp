// SPDX-License-Identifier: MIT
// tell_after(), tell_every(): ticks, and that a cancelled one is never seen.
#include <memory>
#include <string>
#include <utility>

#include <grove/actors.hpp>
#include <grove/hub/hub_thread.hpp>
#include <grove/hub/simulation.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class TellTimerTest : public HubTest {
protected:
  static Hub::Stats stats() { return Hub::current().stats(); }
};

struct Tick {
  int n = 0;
};
struct Wait {
  Event* on;
};
struct Sync {};
struct Clockwork : Actor {
  explicit Clockwork(std::vector<Clock::time_point>& t) : times(t) {}
  void receive(const Tick& m) {
    times.push_back(now());
    sum += m.n;
    trace = current_trace();
  }
  void receive(const Wait& m) { m.on->wait(); }
  int receive(const Sync&) { return sum; }
  std::uint64_t receive(const std::string&) { return trace; }
  std::vector<Clock::time_point>& times;
  int sum = 0;
  std::uint64_t trace = 0;
};

TEST_F(TellTimerTest, tell_after_tells_once_after_the_delay) {
  std::vector<Clock::time_point> times;
  auto a = spawn<Clockwork>(times);
  const auto start = now();
  const TellTimer timer = a.tell_after(3ms, Tick{1});
  EXPECT_TRUE(timer.active());
  sleep(10ms);
  ASSERT_EQ(times.size(), 1u);
  EXPECT_GE(times[0] - start, 3ms);
  EXPECT_FALSE(timer.active());
  EXPECT_TRUE(a.kill());
}

TEST_F(TellTimerTest, tell_every_tells_after_each_period_without_drift) {
  Simulation simulation({.seed = 1});
  std::vector<Clock::time_point> times;
  auto a = spawn<Clockwork>(times);
  const auto start = now();
  TellTimer timer = a.tell_every(10ms, Tick{1});
  sleep(55ms);
  ASSERT_EQ(times.size(), 5u);
  for (std::size_t i = 0; i < times.size(); ++i)
    EXPECT_EQ(times[i] - start, 10ms * static_cast<int>(i + 1));
  EXPECT_EQ(timer.cancel(), std::chrono::nanoseconds(5ms));
  sleep(50ms);
  EXPECT_EQ(times.size(), 5u);
  EXPECT_TRUE(a.kill());
}

// actors 140
TEST_F(TellTimerTest, cancel_tells_how_much_time_was_left) {
  Simulation simulation({.seed = 1});
  std::vector<Clock::time_point> times;
  auto a = spawn<Clockwork>(times);
  TellTimer timer = a.tell_after(10ms, Tick{});
  sleep(4ms);
  EXPECT_EQ(timer.cancel(), std::chrono::nanoseconds(6ms));
  EXPECT_EQ(timer.cancel(), std::nullopt) << "there is none any more";
  TellTimer fired = a.tell_after(1ms, Tick{});
  sleep(2ms);
  EXPECT_EQ(fired.cancel(), std::nullopt);
  EXPECT_EQ(times.size(), 1u);
  EXPECT_TRUE(a.kill());
}

// actors 141
TEST_F(TellTimerTest, a_tick_that_stands_in_the_inbox_is_not_seen_once_it_is_cancelled) {
  std::vector<Clock::time_point> times;
  Event on;
  auto a = spawn<Clockwork>(times);
  a.tell(Wait{&on});
  TellTimer once = a.tell_after(1ms, Tick{1});
  {
    const TellTimer often = a.tell_every(1ms, Tick{10});
    TellTimer replaced = a.tell_after(1ms, Tick{100});
    sleep(5ms);
    replaced = a.tell_after(0ms, Tick{1000});
    sleep(1ms);
    EXPECT_FALSE(once.active());
    replaced.release();
  }
  once.cancel();
  on.set();
  EXPECT_EQ(a.ask(Sync{}), 1000);
  EXPECT_TRUE(a.kill());
}

// actors 145
TEST_F(TellTimerTest, ticks_do_not_pile_up) {
  std::vector<Clock::time_point> times;
  Event on;
  auto a = spawn<Clockwork>(times);
  a.tell(Wait{&on});
  TellTimer timer = a.tell_every(1ms, Tick{1});
  sleep(20ms);
  timer.release(); // its tick stands in the inbox
  on.set();
  settle();
  EXPECT_LE(times.size(), 2u);
  EXPECT_GE(times.size(), 1u);
  EXPECT_TRUE(a.kill());
}

// actors 108, 139
TEST_F(TellTimerTest, a_timer_ends_with_its_actor) {
  std::vector<Clock::time_point> times;
  const auto before = stats();
  auto a = spawn<Clockwork>(times);
  const TellTimer kept = a.tell_every(1ms, Tick{});
  a.tell_every(1ms, Tick{}).release();
  a.tell_after(std::chrono::hours(1), Tick{}).release();
  EXPECT_TRUE(a.kill());
  EXPECT_FALSE(kept.active());
  sleep(3ms);
  EXPECT_EQ(stats().dead_letters, before.dead_letters);
  const TellTimer none = a.tell_after(1ms, Tick{});
  EXPECT_FALSE(none.active());
  EXPECT_EQ(stats().dead_letters, before.dead_letters + 1) << "like a tell() to who has ended";
}

TEST_F(TellTimerTest, an_actor_may_hold_its_own_timer) {
  struct Beat : Actor {
    explicit Beat(int& c) : count(c) {}
    void on_start() override { timer = self(*this).tell_every(1ms, Tick{}); }
    void receive(const Tick&) {
      if (++count == 3)
        stop();
    }
    int& count;
    TellTimer timer;
  };
  int count = 0;
  auto a = spawn<Beat>(count);
  EXPECT_TRUE(a.join(20s));
  EXPECT_EQ(count, 3);
}

TEST_F(TellTimerTest, a_tick_carries_the_trace_and_moves_what_cannot_be_copied) {
  struct Keeper : Actor {
    void receive(std::unique_ptr<int> m) { kept = *m + static_cast<int>(current_trace()); }
    int receive(const Sync&) { return kept; }
    int kept = 0;
  };
  auto a = spawn<Keeper>();
  {
    const TraceScope trace(100);
    a.tell_after(1ms, std::make_unique<int>(5)).release();
  }
  sleep(5ms);
  EXPECT_EQ(a.ask(Sync{}), 105);
  EXPECT_TRUE(a.kill());
}

TEST_F(TellTimerTest, wrong_times_are_refused) {
  std::vector<Clock::time_point> times;
  auto a = spawn<Clockwork>(times);
  EXPECT_THROW((void)a.tell_after(-1ms, Tick{}), std::invalid_argument);
  EXPECT_THROW((void)a.tell_every(0ms, Tick{}), std::invalid_argument);
  EXPECT_THROW((void)a.tell_every(-1ms, Tick{}), std::invalid_argument);
  EXPECT_TRUE(a.kill());
}

// actors 24
TEST_F(TellTimerTest, a_tick_for_a_full_inbox_is_dropped_and_the_timer_goes_on) {
  std::vector<Clock::time_point> times;
  const auto before = stats();
  Event on;
  auto a = spawn<Clockwork>(ActorOptions{.inbox = {.capacity = 1}}, times);
  a.tell(Wait{&on});
  settle();
  a.tell(Tick{1000});
  const TellTimer timer = a.tell_every(1ms, Tick{1});
  while (stats().dropped_messages == before.dropped_messages)
    sleep(1ms);
  on.set();
  while (a.ask(Sync{}) < 1002)
    sleep(1ms);
  EXPECT_TRUE(a.kill());
}

TEST_F(TellTimerTest, a_timer_for_an_actor_of_another_hub) {
  HubThread other;
  std::vector<Clock::time_point> times;
  auto a = other.call([&] { return spawn<Clockwork>(times); });
  TellTimer often = a.tell_every(1ms, Tick{1});
  TellTimer never = a.tell_after(std::chrono::hours(1), Tick{1000});
  while (a.ask(Sync{}) < 3)
    sleep(1ms);
  EXPECT_TRUE(never.cancel().has_value());
  EXPECT_TRUE(a.kill());
  while (often.active()) // a tick finds out
    sleep(1ms);
}

} // namespace
} // namespace grove::test
