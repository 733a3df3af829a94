// SPDX-License-Identifier: MIT
// Seeds, virtual time, and the end of a test's actors.
#include <grove/actors/testing/test_kit.hpp>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <optional>

#include <grove/hub/greenlet.hpp>
#include <grove/hub/timeout.hpp>

#include "current_kit.hpp"

namespace grove::testing {

using namespace std::literals;

namespace {

thread_local const TestKit* current_kit = nullptr;

std::optional<std::uint64_t> seed_of_environment() {
  const char* text = std::getenv("GROVE_SEED"); // NOLINT: tests do not change it under us
  if (text == nullptr || *text == '\0')
    return std::nullopt;
  std::uint64_t seed = 0;
  const char* end = text + std::strlen(text);
  const auto [at, error] = std::from_chars(text, end, seed);
  if (error != std::errc() || at != end)
    throw std::invalid_argument("grove: TestKit: GROVE_SEED is '" + std::string(text) +
                                "', not a number");
  return seed;
}

} // namespace

TestKit::TestKit(std::uint64_t seed) : simulation_(seed_of_environment().value_or(seed)) {
  current_kit = this;
}

TestKit::~TestKit() {
  const Shield shield;
  for (; !actors_.empty(); actors_.pop_back())
    actors_.back().kill();
  current_kit = nullptr;
}

std::string TestKit::how_to_repeat() const { return "GROVE_SEED=" + std::to_string(seed()); }

// Time jumps only when nobody can run.
void TestKit::settle() { sleep(1ns); }

void TestKit::advance(std::chrono::nanoseconds time) {
  if (time.count() < 0)
    throw std::invalid_argument("grove: TestKit.advance: " + std::to_string(time.count()) +
                                " ns: time does not go back");
  sleep(time + 1ns);
}

std::string seed_in_use() {
  return current_kit != nullptr ? " (" + current_kit->how_to_repeat() + ")" : "";
}

void for_each_seed(std::uint64_t count, const std::function<void(TestKit&)>& f) {
  const auto only = seed_of_environment();
  const std::uint64_t last = only.value_or(count);
  for (std::uint64_t seed = only.value_or(1); seed <= last; ++seed) {
    TestKit kit(seed);
    try {
      f(kit);
    } catch (const std::exception& error) {
      std::throw_with_nested(FailedWithSeed(
          seed, "seed " + std::to_string(seed) + (only ? "" : " of " + std::to_string(count)) +
                    ": " + error.what() + "\nThe same again: " + kit.how_to_repeat()));
    }
    if (seed == last)
      break; // the largest number has no next
  }
}

} // namespace grove::testing
