// SPDX-License-Identifier: MIT
// What the hub's tests share: a fixture that demands a quiet hub, sizes, logs, counted objects.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>

#if defined(__SANITIZE_ADDRESS__)
#define GROVE_TEST_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GROVE_TEST_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define GROVE_TEST_TSAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define GROVE_TEST_TSAN 1
#endif

namespace grove::test {

using std::literals::chrono_literals::operator""ms;
using std::literals::chrono_literals::operator""ns;
using std::literals::chrono_literals::operator""s;
using std::literals::chrono_literals::operator""us;

#if defined(GROVE_TEST_ASAN)
inline constexpr bool under_asan = true;
#else
inline constexpr bool under_asan = false;
#endif
#if defined(GROVE_TEST_TSAN)
inline constexpr bool under_tsan = true;
#else
inline constexpr bool under_tsan = false;
#endif
inline constexpr bool sanitized = under_asan || under_tsan;

// Greenlets alive at once (ThreadSanitizer dies of some thousands of fibers), and turns of loops.
inline constexpr std::size_t crowd = under_tsan ? 100 : under_asan ? 1000 : 5000;
inline constexpr int many_turns = sanitized ? 2000 : 20000;

using Log = std::vector<std::string>;
using Clock = std::chrono::steady_clock;

// Gives everybody who is runnable several turns.
inline void settle(int turns = 8) {
  for (int i = 0; i < turns; ++i)
    yield();
}

// Each test leaves the hub as it found it: no greenlet left, whatever its test did.
class HubTest : public ::testing::Test {
protected:
  void SetUp() override { living_ = Hub::current().stats().living; }
  void TearDown() override {
    settle();
    EXPECT_EQ(Hub::current().stats().living, living_) << "greenlets were left behind";
  }

private:
  std::uint64_t living_ = 0;
};

// Collects what the hub reports while it lives, instead of writing it to stderr.
class ErrorLog {
public:
  struct Entry {
    std::string where;
    std::string what;
    std::exception_ptr error;
  };

  ErrorLog() {
    Hub::current().on_error([this](const UnhandledError& e) {
      entries_.push_back({std::string(e.where), e.what, e.error});
    });
  }
  ErrorLog(const ErrorLog&) = delete;
  ErrorLog& operator=(const ErrorLog&) = delete;
  ~ErrorLog() { Hub::current().on_error({}); }

  std::size_t size() const { return entries_.size(); }
  const Entry& operator[](std::size_t i) const { return entries_.at(i); }

private:
  std::vector<Entry> entries_;
};

// Counts how many of its kind exist.
class Counted {
public:
  explicit Counted(int& alive) : alive_(&alive) { ++*alive_; }
  Counted(const Counted& other) : alive_(other.alive_) { ++*alive_; }
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --*alive_; }

private:
  int* alive_;
};

// Calls its function when the scope is left, in whatever way.
template <class F>
class AtExit {
public:
  explicit AtExit(F f) : f_(std::move(f)) {}
  AtExit(const AtExit&) = delete;
  AtExit& operator=(const AtExit&) = delete;
  ~AtExit() noexcept(false) { f_(); }

private:
  F f_;
};

// An error of the tests' own, told apart by its number.
struct TestError : std::runtime_error {
  explicit TestError(int n = 0) : std::runtime_error("test error"), number(n) {}
  int number;
};

// The text of the E that f throws.
template <class E, class F>
std::string text_of(F f) {
  try {
    f();
  } catch (const E& error) {
    return error.what();
  }
  return "nothing was thrown";
}

// Keeps the processor busy, without waiting.
inline void spin(Clock::duration time) {
  for (const auto end = Clock::now() + time; Clock::now() < end;) {
  }
}

// For death tests: each statement runs in a process of its own, from the start of main() on, whose
// hub is new too.
inline void in_fresh_processes() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }

} // namespace grove::test
