// SPDX-License-Identifier: MIT
// Calls on a stack that another greenlet's frames have warmed.
#include <grove/hub/detail/warm_stack.hpp>

#include <execinfo.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

#include <grove/hub/detail/inline_switch.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>

#include "../support/deep_stack.hpp"
#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

using detail::on_warm_stack;

class WarmStackTest : public HubTest {};

constexpr std::uintptr_t far = 8 * 1024; // from a frame to the next

[[gnu::noinline]] std::uintptr_t place() { return frame_address(); }
std::uintptr_t distance(std::uintptr_t a, std::uintptr_t b) { return a < b ? b - a : a - b; }

TEST_F(WarmStackTest, a_call_is_made_elsewhere_and_comes_back) {
  const auto check = [] {
    const std::uintptr_t here = place();
    std::uintptr_t there = 0;
    int calls = 0;
    on_warm_stack([&] {
      there = place();
      ++calls;
    });
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(distance(here, there) > far, GROVE_INLINE_SWITCH == 1);
  };
  check();             // the main greenlet's stack is the thread's
  spawn(check).join(); // one of our own
}

TEST_F(WarmStackTest, greenlets_share_it) {
  if (GROVE_INLINE_SWITCH == 0)
    GTEST_SKIP() << "a plain call";
  std::uintptr_t first = 0;
  std::uintptr_t second = 0;
  auto a = spawn([&] {
    yield(); // until the other has begun, on what was the free one
    on_warm_stack([&] { first = place(); });
    yield();
  });
  auto b = spawn([&] {
    yield();
    on_warm_stack([&] { second = place(); });
    yield();
  });
  a.join();
  b.join();
  EXPECT_LT(distance(first, second), far);
}

TEST_F(WarmStackTest, what_it_returns_is_handed_on) {
  EXPECT_EQ(on_warm_stack([] { return std::string("moved"); }), "moved");
  EXPECT_EQ(*on_warm_stack([] { return std::make_unique<int>(7); }), 7);
}

TEST_F(WarmStackTest, what_it_throws_passes_through) {
  const auto check = [] {
    for (int i = 0; i < 3; ++i) {
      try {
        on_warm_stack([&] { throw std::runtime_error("number " + std::to_string(i)); });
        ADD_FAILURE();
      } catch (const std::runtime_error& e) {
        EXPECT_EQ(e.what(), "number " + std::to_string(i));
      }
    }
    on_warm_stack([] {}); // the stack has come back
    yield();              // and the greenlet's own is known to be its own
  };
  check();
  spawn(check).get();
}

TEST_F(WarmStackTest, a_back_trace_shows_who_called) {
  const auto depth = [] {
    void* frames[200];
    return backtrace(frames, 200);
  };
  spawn([&] {
    const int here = depth();
    int there = 0;
    on_warm_stack([&] { there = depth(); });
    EXPECT_GT(there, here);
    EXPECT_LT(there, here + 10);
  }).get();
}

TEST_F(WarmStackTest, one_within_another_has_a_stack_of_its_own) {
  spawn([] {
    std::uintptr_t outer = 0;
    std::uintptr_t inner = 0;
    std::string text = "kept";
    on_warm_stack([&] {
      outer = place();
      std::string frame(100, 'x');
      on_warm_stack([&] { inner = place(); });
      text += frame;
    });
    EXPECT_EQ(text, "kept" + std::string(100, 'x'));
    EXPECT_EQ(distance(outer, inner) > far, GROVE_INLINE_SWITCH == 1);
  }).get();
}

TEST_F(WarmStackTest, no_stacks_are_lost) {
  const auto all = [] { return Hub::current().stats().stacks; };
  on_warm_stack([] {});
  const auto before = all();
  spawn([] {
    for (int i = 0; i < 1000; ++i)
      on_warm_stack([] {});
  }).join();
  EXPECT_LE(all(), before + 1); // the greenlet's own
}

TEST_F(WarmStackTest, an_overflow_there_is_the_greenlets) {
  if (sanitized)
    GTEST_SKIP() << "the sanitizer reports it in its own words";
  in_fresh_processes();
  EXPECT_EXIT(
      {
        spawn(SpawnOptions{.name = "deep-one"}, [] {
          std::size_t result = 0;
          on_warm_stack([&] { result = recurse_for_ever(0); });
          return result;
        }).join();
      },
      ::testing::KilledBySignal(SIGABRT), "deep-one.*[0-9]{5}");
}

#if defined(GROVE_DEBUG_CHECKS) && GROVE_DEBUG_CHECKS
TEST_F(WarmStackTest, who_waits_there_is_told) {
  spawn([] {
    EXPECT_THROW(on_warm_stack([] { yield(); }), std::logic_error);
    yield();
  }).get();
}
#endif

} // namespace
} // namespace grove::test
