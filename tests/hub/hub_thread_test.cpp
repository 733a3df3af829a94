// SPDX-License-Identifier: MIT
// HubThread: hubs on further threads, calls and kills across them, their ordered end.
#include <atomic>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <pthread.h>

#include <grove/hub/async_result.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/hub_thread.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/timeout.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class HubThreadTest : public HubTest {};

TEST_F(HubThreadTest, a_call_returns_the_value_or_throws_the_error) {
  HubThread other("other");
  EXPECT_EQ(other.call([] { return 42; }), 42);
  EXPECT_EQ(*other.call([] { return std::make_unique<int>(1); }), 1);
  EXPECT_THROW(other.call([] { throw TestError(); }), TestError);
  bool ran = false;
  other.call([&] { ran = true; });
  EXPECT_TRUE(ran);
}

TEST_F(HubThreadTest, it_runs_on_a_thread_of_its_own_with_a_hub_of_its_own) {
  HubThread other;
  EXPECT_NE(other.call([] { return std::this_thread::get_id(); }), std::this_thread::get_id());
  EXPECT_EQ(other.call([] { return &Hub::current(); }), &other.hub());
  EXPECT_NE(&other.hub(), &Hub::current());
  EXPECT_NE(other.hub().index(), Hub::current().index());
}

// pitfall 8, 9
TEST_F(HubThreadTest, its_greenlets_stay_on_its_thread) {
  HubThread other;
  const int moved = other.call([] {
    const auto home = std::this_thread::get_id();
    int count = 0;
    std::vector<GreenletRef<>> all;
    for (int i = 0; i < 20; ++i) {
      all.push_back(spawn([&] {
        for (int k = 0; k < 10; ++k) {
          if (k % 3 == 0)
            sleep(10us);
          else
            yield();
          if (std::this_thread::get_id() != home)
            ++count;
        }
      }));
    }
    join_all(all);
    return count;
  });
  EXPECT_EQ(moved, 0);
}

TEST_F(HubThreadTest, a_call_from_a_hub_parks_only_the_greenlet) {
  HubThread other;
  AsyncResult<void> go_on;
  int turns = 0;
  auto caller = spawn([&] {
    other.call([go_on] {
      AsyncResult<void> local;
      spawn_later(2ms, [local] { local.set(); });
      local.get();
    });
  });
  while (!caller.ready()) {
    ++turns;
    yield();
  }
  EXPECT_GT(turns, 1);
  caller.get();
}

TEST_F(HubThreadTest, a_call_from_a_thread_without_a_hub_blocks_that_thread) {
  HubThread other;
  int result = 0;
  bool threw = false;
  std::thread thread([&] {
    result = other.call([] {
      sleep(1ms);
      return 5;
    });
    try {
      other.call([] { throw TestError(); });
    } catch (const TestError&) {
      threw = true;
    }
  });
  thread.join();
  EXPECT_EQ(result, 5);
  EXPECT_TRUE(threw);
}

TEST_F(HubThreadTest, a_call_on_ones_own_hub_works_too) {
  HubThread other;
  EXPECT_EQ(other.call([&] { return other.call([] { return 3; }); }), 3);
}

TEST_F(HubThreadTest, several_calls_are_under_way_at_once) {
  HubThread other;
  std::vector<GreenletRef<int>> all;
  for (int i = 0; i < 20; ++i) {
    all.push_back(spawn([&, i] {
      return other.call([i] {
        sleep(100us * (20 - i));
        return i;
      });
    }));
  }
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(all[static_cast<std::size_t>(i)].get(), i);
}

TEST_F(HubThreadTest, a_spawn_may_name_another_hub) {
  HubThread other;
  const auto here = std::this_thread::get_id();
  auto g = spawn(
      SpawnOptions{.name = "there", .hub = &other.hub()},
      [here](int n) {
        return std::this_thread::get_id() != here ? current_name() + std::to_string(n) : "here";
      },
      4);
  EXPECT_EQ(g.get(), "there4");
}

TEST_F(HubThreadTest, an_error_of_a_greenlet_elsewhere_comes_back) {
  HubThread other;
  ErrorLog errors;
  other.call([] { Hub::current().on_error([](const UnhandledError&) {}); });
  auto g = spawn(SpawnOptions{.hub = &other.hub()}, []() -> int { throw TestError(2); });
  EXPECT_THROW(g.get(), TestError);
}

TEST_F(HubThreadTest, killing_the_handle_kills_the_greenlet_elsewhere) {
  HubThread other;
  std::atomic<int> unwound{0};
  AsyncResult<void> begun;
  auto g = spawn(SpawnOptions{.hub = &other.hub()}, [&unwound, begun] {
    AtExit count([&] { ++unwound; });
    begun.set();
    sleep(Deadline());
  });
  begun.get();
  EXPECT_TRUE(g.kill());
  EXPECT_TRUE(g.killed());
  other.call([] { settle(); });
  EXPECT_EQ(unwound.load(), 1);
}

TEST_F(HubThreadTest, a_kill_that_comes_before_the_greenlet_elsewhere_has_begun_is_not_lost) {
  HubThread other;
  for (int i = 0; i < 50; ++i) {
    auto g = spawn(SpawnOptions{.hub = &other.hub()}, [] { sleep(Deadline()); });
    for (int k = 0; k < i % 4; ++k)
      yield();
    EXPECT_TRUE(g.kill());
  }
  other.call([] { settle(20); });
  // Only the call that asks is left.
  EXPECT_LE(other.call([] { return Hub::current().stats().living; }),
            HubThread().call([] { return Hub::current().stats().living; }));
}

// -- its end -------------------------------------------------------------------------------------

TEST_F(HubThreadTest, its_end_unwinds_what_still_runs_there) {
  std::atomic<int> unwound{0};
  {
    HubThread other;
    other.call([&] {
      for (int i = 0; i < 10; ++i) {
        spawn([&] {
          AtExit count([&] {
            yield(); // unwinding may wait
            ++unwound;
          });
          sleep(Deadline());
        });
      }
      yield();
    });
  }
  EXPECT_EQ(unwound.load(), 10);
}

TEST_F(HubThreadTest, its_end_drops_what_never_began) {
  std::atomic<bool> ran{false};
  {
    HubThread other;
    other.call([&] { spawn_later(10s, [&] { ran = true; }); });
  }
  EXPECT_FALSE(ran);
}

TEST_F(HubThreadTest, a_greenlet_that_declines_its_kill_once_still_ends_with_the_hub) {
  std::atomic<bool> ended_well{false};
  {
    HubThread other;
    other.call([&] {
      spawn([&] {
        try {
          sleep(Deadline());
        } catch (const GreenletExit&) {
        }
        ended_well = true;
        sleep(Deadline());
      });
      yield();
    });
  }
  EXPECT_TRUE(ended_well);
}

TEST_F(HubThreadTest, a_post_to_a_hub_that_has_ended_is_refused_and_dropped) {
  int alive = 0;
  auto other = std::make_unique<HubThread>();
  Hub& hub = other->hub();
  other.reset();
  EXPECT_FALSE(hub.post([c = Counted(alive)] {}));
  EXPECT_EQ(alive, 0);
  EXPECT_THROW(spawn(SpawnOptions{.hub = &hub}, [] { return 1; }).get(), Closed);
}

TEST_F(HubThreadTest, a_call_under_way_ends_with_closed_when_the_hub_goes) {
  auto other = std::make_unique<HubThread>();
  AsyncResult<void> begun;
  auto caller = spawn([&, hub = &other->hub()] {
    spawn(SpawnOptions{.hub = hub}, [begun] {
      begun.set();
      sleep(Deadline());
    }).get();
  });
  ErrorLog errors;
  begun.get();
  other.reset();
  EXPECT_TRUE(caller.join(10s)) << "the caller waits for ever";
  caller.kill();
  EXPECT_THROW(caller.get(), Closed);
}

TEST_F(HubThreadTest, waiting_for_its_end_leaves_other_greenlets_running) {
  auto other = std::make_unique<HubThread>();
  std::atomic<bool> go_on{false};
  other->call([&] {
    spawn([&] {
      Shield shield;
      while (!go_on)
        sleep(100us);
    });
    yield();
  });
  bool ending = false;
  auto busy = spawn([&] {
    while (!ending)
      yield();
    for (int i = 0; i < 5; ++i)
      sleep(100us);
    go_on = true; // only now can the other hub end
  });
  ending = true;
  other.reset();
  EXPECT_TRUE(go_on);
  busy.join();
}

// gevent H9, H10
// pitfall 12
TEST_F(HubThreadTest, hubs_come_and_go_ten_times) {
  for (int i = 0; i < 10; ++i) {
    HubThread other("number " + std::to_string(i));
    const int sum = other.call([] {
      int total = 0;
      std::vector<GreenletRef<int>> all;
      for (int k = 0; k < 5; ++k) {
        all.push_back(spawn([k] {
          sleep(10us);
          return k;
        }));
      }
      for (const auto& g : all)
        total += g.get();
      return total;
    });
    EXPECT_EQ(sum, 10);
  }
}

// gevent H10
TEST_F(HubThreadTest, one_may_be_made_on_one_thread_and_destroyed_on_another) {
  std::unique_ptr<HubThread> other;
  std::thread maker([&] { other = std::make_unique<HubThread>(); });
  maker.join();
  EXPECT_EQ(other->call([] { return 1; }), 1);
  std::thread breaker([&] { other.reset(); });
  breaker.join();
  EXPECT_EQ(other, nullptr);
}

TEST_F(HubThreadTest, hubs_may_nest) {
  HubThread outer;
  const int result = outer.call([] {
    HubThread inner;
    return inner.call([] {
      sleep(100us);
      return 6;
    });
  });
  EXPECT_EQ(result, 6);
}

// pitfall 12
TEST_F(HubThreadTest, the_threads_own_variables_are_destroyed_after_its_greenlets) {
  static std::atomic<int> greenlets{0};
  static std::atomic<int> at_thread_end{-1};
  struct Local {
    ~Local() { at_thread_end = greenlets.load(); }
  };
  {
    HubThread other;
    other.call([] {
      static thread_local Local local;
      (void)local;
      spawn([] {
        ++greenlets;
        AtExit gone([] { --greenlets; });
        sleep(Deadline());
      });
      yield();
    });
    EXPECT_EQ(greenlets, 1);
  }
  EXPECT_EQ(at_thread_end.load(), 0);
}

// On a hub the wait is green, with a thread's help. Where none is to be had it is green all the
// same.
TEST_F(HubThreadTest, it_ends_in_order_though_no_thread_can_be_started) {
  auto other = std::make_unique<HubThread>();
  bool unwound = false;
  other->call([&] {
    spawn([&] {
      AtExit unwind([&] {
        sleep(2ms);
        unwound = true;
      });
      sleep(Deadline());
    });
    yield();
  });
  pthread_attr_t before;
  pthread_attr_t huge;
  ASSERT_EQ(pthread_getattr_default_np(&before), 0);
  ASSERT_EQ(pthread_getattr_default_np(&huge), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&huge, std::size_t{1} << 60), 0);
  ASSERT_EQ(pthread_setattr_default_np(&huge), 0);
  EXPECT_THROW(std::thread([] {}).join(), std::system_error);
  EXPECT_THROW(HubThread(), std::system_error);
  int turns = 0;
  auto ticker = spawn([&] {
    for (;;) {
      ++turns;
      yield();
    }
  });
  other.reset();
  EXPECT_TRUE(unwound);
  EXPECT_GT(turns, 0);
  ticker.kill();
  ASSERT_EQ(pthread_setattr_default_np(&before), 0);
  pthread_attr_destroy(&huge);
  pthread_attr_destroy(&before);
}

// -- many threads --------------------------------------------------------------------------------

// pitfall 54, 58
TEST_F(HubThreadTest, two_hubs_play_ping_pong) {
  HubThread other;
  const int rounds = sanitized ? 200 : 2000;
  int sum = 0;
  for (int i = 0; i < rounds; ++i)
    sum += other.call([i] { return i % 2; });
  EXPECT_EQ(sum, rounds / 2);
}

// pitfall 55
TEST_F(HubThreadTest, a_hub_may_end_while_threads_post_to_it) {
  for (int round = 0; round < 10; ++round) {
    auto other = std::make_unique<HubThread>();
    Hub& hub = other->hub();
    const auto token = std::make_shared<int>(0);
    std::atomic<int> accepted{0};
    std::atomic<int> ran{0};
    std::atomic<bool> refused{false};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 2000 && !refused; ++i) {
          if (hub.post([&ran, token] { ++ran; }))
            ++accepted;
          else
            refused = true;
        }
      });
    }
    while (accepted < 100)
      yield();
    other.reset();
    for (auto& thread : threads)
      thread.join();
    EXPECT_LE(ran.load(), accepted.load());
    EXPECT_EQ(token.use_count(), 1) << "what was not run was dropped";
  }
}

// pitfall 59
TEST_F(HubThreadTest, hubs_that_call_each_other_in_a_ring_come_to_an_end) {
  HubThread a;
  HubThread b;
  constexpr int rounds = sanitized ? 50 : 300;
  const auto play = [&](HubThread& from, HubThread& to) {
    return spawn([&] {
      return from.call([&to] {
        int sum = 0;
        for (int i = 0; i < rounds; ++i)
          sum += to.call([] { return 1; });
        return sum;
      });
    });
  };
  auto one = play(a, b);
  auto two = play(b, a);
  EXPECT_EQ(one.get(), rounds);
  EXPECT_EQ(two.get(), rounds);
}

} // namespace
} // namespace grove::test
