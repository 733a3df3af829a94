// SPDX-License-Identifier: MIT
// What the thread keeps for running code is kept per greenlet: exceptions in flight, errno.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <exception>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <execinfo.h>

#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/join.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class ExceptionsTest : public HubTest {};

int number_in_flight() {
  try {
    throw;
  } catch (const TestError& e) {
    return e.number;
  } catch (...) {
    return -1;
  }
}

// pitfall 1
// reliability 7
TEST_F(ExceptionsTest, two_that_wait_in_a_catch_block_keep_their_own_exceptions) {
  const int turns = sanitized ? 5000 : 100000;
  int mixed = 0;
  const auto body = [&](int parity) {
    for (int i = 0; i < turns; ++i) {
      const int mine = 2 * i + parity;
      try {
        throw TestError(mine);
      } catch (const TestError& e) {
        yield();
        if (e.number != mine || number_in_flight() != mine)
          ++mixed;
      }
      if (std::current_exception() != nullptr)
        ++mixed;
    }
  };
  join_all({spawn(body, 0), spawn(body, 1)});
  EXPECT_EQ(mixed, 0);
}

// pitfall 1
TEST_F(ExceptionsTest, nested_catch_blocks_end_in_any_interleaving) {
  int mixed = 0;
  std::vector<GreenletRef<>> all;
  for (int g = 0; g < 4; ++g) {
    all.push_back(spawn([&, g] {
      for (int i = 0; i < 500; ++i) {
        try {
          throw TestError(100 + g);
        } catch (...) {
          for (int k = 0; k < g; ++k)
            yield();
          try {
            throw TestError(200 + g);
          } catch (...) {
            yield();
            if (number_in_flight() != 200 + g)
              ++mixed;
          }
          yield();
          if (number_in_flight() != 100 + g)
            ++mixed;
        }
      }
    }));
  }
  join_all(all);
  EXPECT_EQ(mixed, 0);
}

// pitfall 1
TEST_F(ExceptionsTest, rethrowing_after_a_wait_throws_ones_own) {
  ErrorLog errors;
  const auto body = [](int mine) {
    try {
      throw TestError(mine);
    } catch (...) {
      yield();
      throw;
    }
  };
  auto a = spawn(body, 1);
  auto b = spawn(body, 2);
  for (const auto& [g, mine] : {std::pair{a, 1}, std::pair{b, 2}}) {
    try {
      g.get();
      ADD_FAILURE() << "nothing was thrown";
    } catch (const TestError& e) {
      EXPECT_EQ(e.number, mine);
    }
  }
  EXPECT_EQ(errors.size(), 2u);
}

// gevent L19
TEST_F(ExceptionsTest, what_others_throw_and_catch_is_not_seen_by_one_that_waits) {
  auto g = spawn([] {
    sleep(1ms);
    return std::current_exception() == nullptr && std::uncaught_exceptions() == 0;
  });
  yield();
  auto other = spawn([] {
    try {
      throw TestError();
    } catch (const TestError&) {
      sleep(3ms);
    }
  });
  EXPECT_TRUE(g.get());
  other.join();
}

TEST_F(ExceptionsTest, a_greenlet_spawned_in_a_catch_block_starts_with_none) {
  try {
    throw TestError();
  } catch (const TestError&) {
    EXPECT_TRUE(spawn([] { return std::current_exception() == nullptr; }).get());
    EXPECT_EQ(number_in_flight(), 0);
  }
}

// pitfall 3
TEST_F(ExceptionsTest, the_count_of_uncaught_exceptions_is_each_ones_own) {
  int wrong = 0;
  auto unwinding = spawn([&] {
    try {
      AtExit cleanup([&] {
        for (int i = 0; i < 10; ++i) {
          if (std::uncaught_exceptions() != 1)
            ++wrong;
          yield();
        }
      });
      throw TestError();
    } catch (const TestError&) {
    }
    if (std::uncaught_exceptions() != 0)
      ++wrong;
  });
  auto plain = spawn([&] {
    for (int i = 0; i < 10; ++i) {
      if (std::uncaught_exceptions() != 0)
        ++wrong;
      yield();
    }
  });
  join_all({unwinding, plain});
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(std::uncaught_exceptions(), 0);
}

// pitfall 3
TEST_F(ExceptionsTest, kills_at_every_depth_leave_the_counts_right) {
  int seen = -1;
  auto g = spawn([&] {
    try {
      throw TestError();
    } catch (const TestError&) {
      AtExit look([&] { seen = std::uncaught_exceptions(); });
      sleep(10s);
    }
  });
  yield();
  g.kill();
  EXPECT_EQ(seen, 1);
  EXPECT_EQ(std::uncaught_exceptions(), 0);
  EXPECT_EQ(std::current_exception(), nullptr);
}

// pitfall 4
TEST_F(ExceptionsTest,
       a_stream_that_swallows_everything_declines_the_kill_and_the_next_one_ends_it) {
  // The buffer of a stream may wait; the stream's own catch (...) sets badbit.
  struct WaitingBuffer : std::streambuf {
    int_type overflow(int_type c) override {
      sleep(10s);
      return c;
    }
  };
  const auto declined = Hub::current().stats().declined_kills;
  bool went_on = false;
  auto g = spawn([&] {
    WaitingBuffer buffer;
    std::ostream out(&buffer);
    out << "text";
    went_on = true;
    sleep(10s);
  });
  yield();
  g.kill_nowait();
  settle();
  EXPECT_TRUE(went_on);
  EXPECT_TRUE(g.kill());
  EXPECT_TRUE(g.killed());
  EXPECT_EQ(Hub::current().stats().declined_kills, declined + 1);
}

TEST_F(ExceptionsTest, one_exception_object_may_be_shared_by_several) {
  ErrorLog errors;
  const auto shared = std::make_exception_ptr(TestError(5));
  std::vector<GreenletRef<>> all;
  for (int i = 0; i < 3; ++i) {
    all.push_back(spawn([&] {
      try {
        std::rethrow_exception(shared);
      } catch (const TestError&) {
        yield();
        throw;
      }
    }));
  }
  join_all(all);
  for (const auto& g : all)
    EXPECT_EQ(g.exception(), shared);
}

TEST_F(ExceptionsTest, nested_exceptions_pass_through_get) {
  ErrorLog errors;
  auto g = spawn([] {
    try {
      throw TestError(1);
    } catch (...) {
      yield();
      std::throw_with_nested(std::runtime_error("outer"));
    }
  });
  try {
    g.get();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const std::runtime_error& e) {
    EXPECT_THROW(std::rethrow_if_nested(e), TestError);
  }
}

// pitfall 26
TEST_F(ExceptionsTest, a_back_trace_ends_at_the_bottom_of_the_greenlet) {
  const auto depth = [] {
    void* frames[200];
    return backtrace(frames, 200);
  };
  const int first = spawn(depth).get();
  EXPECT_GT(first, 0);
  EXPECT_LT(first, 100);
  const int parked = spawn([&] {
                       yield();
                       return depth();
                     }).get();
  EXPECT_GT(parked, 0);
  EXPECT_LT(parked, 100);
}

// What a profiler does: traces taken at any instruction, those of the switch among them.
struct Samples {
  static inline std::atomic<int> taken = 0;
  static inline std::atomic<int> deepest = 0;
  static void take(int) {
    void* frames[200];
    const int depth = backtrace(frames, 200);
    deepest = std::max(deepest.load(), depth);
    ++taken;
  }
};

// pitfall 26
TEST_F(ExceptionsTest, a_back_trace_by_a_signal_in_the_middle_of_a_switch_ends) {
  if (sanitized)
    GTEST_SKIP() << "sanitizers do not know on which stack a signal in the middle of a switch runs";
  void* frames[1];
  backtrace(frames, 1); // what it loads at its first use
  struct sigaction before {};
  struct sigaction action {};
  action.sa_handler = Samples::take;
  action.sa_flags = SA_RESTART;
  ASSERT_EQ(sigaction(SIGPROF, &action, &before), 0);
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGPROF;
  timer_t timer{};
  ASSERT_EQ(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
  const itimerspec often{{0, 20'000}, {0, 20'000}};
  ASSERT_EQ(timer_settime(timer, 0, &often, nullptr), 0);

  Event there;
  Event back;
  bool over = false;
  auto yields = spawn([&] {
    while (!over)
      yield();
  });
  auto waits = spawn([&] {
    while (!over) {
      there.wait();
      there.clear();
      back.set();
    }
  });
  while (Samples::taken < 3000) {
    there.set();
    back.wait();
    back.clear();
    yield();
  }
  timer_delete(timer);
  over = true;
  there.set();
  join_all({yields, waits});
  sigaction(SIGPROF, &before, nullptr);
  EXPECT_GT(Samples::deepest, 2);
  EXPECT_LT(Samples::deepest, 100);
}

// -- errno ---------------------------------------------------------------------------------------

// pitfall 10
TEST_F(ExceptionsTest, errno_after_a_wait_is_ones_own) {
  int wrong = 0;
  std::vector<GreenletRef<>> all;
  for (int n = 1; n <= 5; ++n) {
    all.push_back(spawn([&, n] {
      for (int i = 0; i < 100; ++i) {
        errno = 100 * n + i;
        if (i % 10 == 0)
          sleep(10us);
        else
          yield();
        if (errno != 100 * n + i)
          ++wrong;
      }
    }));
  }
  errno = 77;
  join_all(all);
  EXPECT_EQ(errno, 77);
  EXPECT_EQ(wrong, 0);
}

// pitfall 11
TEST_F(ExceptionsTest, the_threads_own_variables_are_shared) {
  static thread_local int variable = 0;
  variable = 1;
  spawn([] { ++variable; }).join();
  EXPECT_EQ(variable, 2);
}

} // namespace
} // namespace grove::test
